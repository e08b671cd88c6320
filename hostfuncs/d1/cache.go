package d1

import (
	"container/list"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// Bounds of a connection's cache of statements.
const (
	cacheStatementsMax = 128
	cacheBytesMax      = 8 << 20 // of the connection's memory: a short text can stand for large triggers
)

// statement is a compiled statement of a guest.
type statement struct {
	*sqlite3.Stmt
	sql      string
	params   int
	readOnly bool
	notes    notes
	// columns are the names of the columns as they stand in a reply, and width is how many there are; nil before they are known.
	columns []byte
	width   int
	// memory is how many bytes the statement took when it was compiled.
	memory int
	// entries is how many entries of tables and indexes a written row has, 0 before it is known.
	entries int64
}

// newStatement notes what is asked of a statement again and again.
func (c *connection) newStatement(s *sqlite3.Stmt, sql string) *statement {
	return &statement{Stmt: s, sql: sql, params: s.BindCount(), readOnly: s.ReadOnly(), notes: c.notes,
		memory: len(sql) + s.Status(sqlite3.STMTSTATUS_MEMUSED, false)}
}

// describe finds out the names of the columns. SQLite may compile a statement anew when it begins to run, so it comes after that.
func (s *statement) describe() {
	if s.Status(sqlite3.STMTSTATUS_REPREPARE, true) > 0 {
		s.columns, s.entries = nil, 0
	}
	if s.columns != nil {
		return
	}
	s.width = s.ColumnCount()
	s.columns = cbor.AppendArray(nil, s.width)
	for i := range s.width {
		s.columns = cbor.AppendByteString(s.columns, s.ColumnName(i))
	}
}

// cache keeps the statements used last, by their text.
type cache struct {
	entries map[string]*list.Element // of *statement
	order   list.List                // the one used last first
	bytes   int
}

// get gives the statement of a text; nil when it is not kept.
func (c *cache) get(sql string) *statement {
	e, ok := c.entries[sql]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*statement)
}

// put keeps a statement, which then belongs to the cache. It closes those that were not used for longest when there are too many.
func (c *cache) put(s *statement) {
	if c.entries == nil {
		c.entries = map[string]*list.Element{}
	}
	s.sql = strings.Clone(s.sql) // not the message that the text is a part of
	c.entries[s.sql] = c.order.PushFront(s)
	c.bytes += s.memory
	for c.order.Len() > 1 && (c.order.Len() > cacheStatementsMax || c.bytes > cacheBytesMax) {
		oldest := c.order.Remove(c.order.Back()).(*statement)
		delete(c.entries, oldest.sql)
		c.bytes -= oldest.memory
		oldest.Close()
	}
}
