package d1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// ExportOptions say what [Database.Export] writes.
type ExportOptions struct {
	// Tables are the tables to export with their indexes and triggers; nil for all, and the views.
	Tables []string
	// NoSchema leaves out the statements that make tables, indexes, triggers and views.
	NoSchema bool
	// NoData leaves out the rows.
	NoData bool
	// Progress is told now and then how many rows were written; nil for nobody.
	Progress func(rows int64)
}

// Export writes one state of the database as a script of SQL that [Database.Import] takes, and so do the platform's tools where no value is
// longer than they allow. Rows of several to a statement, which has up to about 60,000 bytes unless a single row is longer. Rowids
// that are no column of the table may come out as others. A full-text table without content of its own to export is an error.
func (d *Database) Export(ctx context.Context, w io.Writer, o ExportOptions) error {
	out := bufio.NewWriterSize(w, 64<<10)
	err := d.db.Read(ctx, func(conn *sqlite.Conn) error {
		c := of(conn)
		c.reading = true
		return c.Snapshot(func() error { return (&exporter{c: c, w: out, options: &o}).run() })
	})
	if err == nil {
		err = out.Flush()
	}
	return d.public(err)
}

// exporter is an export in progress.
type exporter struct {
	c       *connection
	w       *bufio.Writer
	options *ExportOptions
	rows    int64
	text    []byte
}

// object is an entry of the schema.
type object struct {
	kind, name, table, sql string
	// shape is what PRAGMA table_list says: "table", "virtual" or "shadow"; empty for what is no table.
	shape string
}

const listObjects = `SELECT m.type, m.name, m.tbl_name, m.sql, ifnull(l.type, '') FROM sqlite_schema m
	LEFT JOIN pragma_table_list l ON m.type = 'table' AND l.schema = 'main' AND l.name = m.name COLLATE NOCASE
	WHERE m.sql IS NOT NULL AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY m.rowid`

// objects are what there is to export, in the order in which it was made.
func (x *exporter) objects() ([]object, error) {
	s, err := x.c.Stmt(listObjects)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	var list []object
	for s.Step() {
		o := object{kind: s.ColumnText(0), name: s.ColumnText(1), table: s.ColumnText(2), sql: s.ColumnText(3), shape: s.ColumnText(4)}
		if o.shape != "shadow" && x.wanted(&o) {
			list = append(list, o)
		}
	}
	return list, s.Err()
}

// wanted says whether an object belongs to the tables asked for.
func (x *exporter) wanted(o *object) bool {
	if x.options.Tables == nil {
		return true
	}
	return o.kind != "view" && slices.ContainsFunc(x.options.Tables, func(t string) bool { return strings.EqualFold(t, o.table) })
}

// run writes everything, step by step.
func (x *exporter) run() error {
	objects, err := x.objects()
	if err != nil {
		return err
	}
	if err := x.checkTables(objects); err != nil {
		return err
	}
	fmt.Fprintln(x.w, "PRAGMA defer_foreign_keys=TRUE;")
	for _, step := range steps {
		for i := range objects {
			if o := &objects[i]; o.kind == step.kind && (o.shape == "virtual") == step.virtual {
				if err := step.write(x, o); err != nil {
					return err
				}
			}
		}
	}
	return x.sequences()
}

// steps are what is written of all objects in turn: tables before any rows, since a row may name a table that was made later, and
// triggers after all rows, since they were set off by them already.
var steps = []struct {
	kind    string
	virtual bool
	write   func(*exporter, *object) error
}{
	{"table", false, (*exporter).schema},
	{"table", false, (*exporter).data},
	{"table", true, (*exporter).schema},
	{"table", true, (*exporter).data},
	{"index", false, (*exporter).schema},
	{"view", false, (*exporter).schema},
	{"trigger", false, (*exporter).schema},
}

// checkTables fails when a table asked for does not exist.
func (x *exporter) checkTables(objects []object) error {
	for _, name := range x.options.Tables {
		if !slices.ContainsFunc(objects, func(o object) bool { return o.kind == "table" && strings.EqualFold(o.name, name) }) {
			return refuse(abi.CodeInvalidArgument, "no such table: "+name)
		}
	}
	return nil
}

// schema writes the statement that makes an object.
func (x *exporter) schema(o *object) error {
	if x.options.NoSchema {
		return nil
	}
	_, err := fmt.Fprintf(x.w, "%s;\n", o.sql)
	return err
}

// data writes the rows of a table.
func (x *exporter) data(o *object) error {
	switch {
	case x.options.NoData:
		return nil
	case o.shape == "virtual":
		return x.fullText(o)
	}
	return x.table(o.name, "")
}

var (
	isVocabulary  = regexp.MustCompile(`(?is)\busing\s+["']?fts5vocab\b`)
	hasContent    = regexp.MustCompile(`(?is)\bcontent\s*=\s*`)
	hasNoContent  = regexp.MustCompile(`(?is)\bcontent\s*=\s*(''|"")`)
	contentTables = `SELECT count(*) FROM sqlite_schema WHERE name = ?1 || '_content' COLLATE NOCASE`
)

// fullText writes the rows of a full-text table, or has them made again of the table they come from.
func (x *exporter) fullText(o *object) error {
	switch {
	case isVocabulary.MatchString(o.sql):
		return nil
	case hasNoContent.MatchString(o.sql):
		return refuse(abi.CodeUnsupported, fmt.Sprintf("the full-text table %s keeps no content, so its rows cannot be exported; export without data or leave it out", o.name))
	case hasContent.MatchString(o.sql):
		name := quoteName(o.name)
		_, err := fmt.Fprintf(x.w, "INSERT INTO %s(%s) VALUES('rebuild');\n", name, name)
		return err
	}
	return x.table(o.name, "rowid")
}

// sequences writes where the tables with AUTOINCREMENT go on.
func (x *exporter) sequences() error {
	n, err := x.c.Int(`SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'`)
	if err != nil || n == 0 || x.options.NoData || x.options.Tables != nil {
		return err
	}
	fmt.Fprintln(x.w, "DELETE FROM sqlite_sequence;")
	return x.table("sqlite_sequence", "")
}

// quoteName writes a name so that it is nothing else.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// columns are the names of the columns of a table that can be written, quoted; a row's id comes first where one is asked for.
func (x *exporter) columns(table, id string) (string, error) {
	s, err := x.c.Stmt(`SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid`)
	if err != nil {
		return "", err
	}
	defer s.Reset()
	if err := s.BindText(1, table); err != nil {
		return "", err
	}
	var names []string
	if id != "" {
		names = append(names, id)
	}
	for s.Step() {
		names = append(names, quoteName(s.ColumnText(0)))
	}
	return strings.Join(names, ","), s.Err()
}

// Bounds of one INSERT. The second keeps the program it is compiled to short.
const (
	insertBytesMax = 60_000
	insertCellsMax = 5_000
)

// table writes the rows of a table, several to an INSERT.
func (x *exporter) table(name, id string) error {
	columns, err := x.columns(name, id)
	if err != nil {
		return err
	}
	from := quoteName(name)
	if id == "" {
		from += " NOT INDEXED" // in the order of the rows
	}
	s, _, err := x.c.Prepare(`SELECT ` + columns + ` FROM ` + from)
	if err != nil {
		return err
	}
	defer s.Close()
	head := `INSERT INTO ` + quoteName(name) + ` (` + columns + `) VALUES`
	inserts := insert{w: x.w, head: head}
	width := s.ColumnCount()
	for s.Step() {
		x.text = appendLiterals(x.text[:0], s, width)
		if err := inserts.add(x.text, width); err != nil {
			return err
		}
		if x.rows++; x.options.Progress != nil && x.rows%1000 == 0 {
			x.options.Progress(x.rows)
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	if x.options.Progress != nil {
		x.options.Progress(x.rows)
	}
	return inserts.end()
}

// insert writes rows as INSERT statements.
type insert struct {
	w     *bufio.Writer
	head  string
	bytes int
	cells int
}

// add writes one row.
func (i *insert) add(row []byte, cells int) error {
	if i.bytes > 0 && (i.bytes+len(row) > insertBytesMax || i.cells+cells > insertCellsMax) {
		if err := i.end(); err != nil {
			return err
		}
	}
	between := ","
	if i.bytes == 0 {
		between = i.head
		i.bytes = len(i.head)
	}
	i.w.WriteString(between)
	_, err := i.w.Write(row)
	i.bytes += len(row) + 1
	i.cells += cells + 2
	return err
}

// end ends the statement, if one was begun.
func (i *insert) end() error {
	if i.bytes == 0 {
		return nil
	}
	i.bytes, i.cells = 0, 0
	_, err := i.w.WriteString(";\n")
	return err
}
