package d1

import (
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// rowsWritten is how many rows of tables and indexes the statement wrote: each row that it inserted, updated or deleted counts once for the
// table and once for every index that has an entry for it (for an UPDATE: every index over a column that it sets). Rows that triggers and
// foreign keys wrote count once. A DELETE without WHERE empties the indexes as a whole, so they do not count.
func (m *meter) rowsWritten(c *connection, s *statement) int64 {
	all := c.TotalChanges() - m.changes - m.seen
	m.seen += all
	if s.notes.writes == "" || all == 0 {
		return all
	}
	if s.entries == 0 {
		s.entries = c.entriesPerRow(&s.notes)
	}
	own := min(c.Changes(), all)
	return own*s.entries + all - own
}

// entriesPerRow is how many entries one written row has.
func (c *connection) entriesPerRow(n *notes) int64 {
	if n.action == sqlite3.AUTH_DELETE && !n.reads {
		return 1
	}
	entries := int64(1)
	for _, index := range c.indexes(n.writes) {
		if n.action != sqlite3.AUTH_UPDATE || index.covers(n.columns) {
			entries++
		}
	}
	return entries
}

// index is an index of a table with the columns that it is about; an expression has an empty name, which any column may stand behind.
type index struct{ columns []string }

func (i *index) covers(columns []string) bool {
	return slices.ContainsFunc(i.columns, func(name string) bool {
		return name == "" || slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
	})
}

// listIndexes gives the columns of all indexes of a table but the one that is the table itself, where it has no rowid.
const listIndexes = `SELECT l.name, ifnull(x.name, '') FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) x WHERE x.key
	AND (l.origin <> 'pk' OR NOT EXISTS (SELECT 1 FROM pragma_table_list(?1) WHERE wr)) ORDER BY l.seq`

// indexes are the indexes of a table. Where they cannot be told there are none: the count they are for is no reason to fail.
func (c *connection) indexes(table string) []index {
	s, err := c.Stmt(listIndexes)
	if err != nil {
		return nil
	}
	defer s.Reset()
	if s.BindText(1, table) != nil {
		return nil
	}
	var list []index
	last := ""
	for s.Step() {
		if name := s.ColumnText(0); len(list) == 0 || name != last {
			list, last = append(list, index{}), name
		}
		i := &list[len(list)-1]
		i.columns = append(i.columns, s.ColumnText(1))
	}
	return list
}
