package fakehost

import (
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// d1Database is a database in memory with the number of transactions that have changed it.
type d1Database struct {
	conn     *sqlite3.Conn
	versions int
}

// operateD1 runs one D1 operation.
func (h *Host) operateD1(c *call, target, op string, msg []byte) {
	db, err := h.database(target)
	if err != nil {
		h.reply(c, nil, err)
		return
	}
	switch op {
	case abi.OpD1Query:
		serve(h, c, msg, db.query)
	case abi.OpD1Exec:
		serve(h, c, msg, db.exec)
	default:
		h.reply(c, nil, &abi.Error{Code: abi.CodeUnsupported, Message: "D1_DUMP_ERROR: Status + 404"})
	}
}

// database opens a configured database the first time it is used.
func (h *Host) database(name string) (*d1Database, *abi.Error) {
	db, ok := h.d1[name]
	if !ok {
		return nil, notConfigured(name)
	}
	if db == nil {
		conn, err := sqlite3.Open(":memory:")
		if err != nil {
			return nil, &abi.Error{Code: abi.CodeInternal, Message: err.Error()}
		}
		db = &d1Database{conn: conn}
		h.d1[name] = db
	}
	return db, nil
}

func d1Error(format string, args ...any) *abi.Error {
	return invalid(0, "D1_ERROR: "+format, args...)
}

// failed is an error of SQLite with its text; what follows the text on the platform is left out.
func failed(err error) *abi.Error {
	return d1Error("%s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "sqlite3: SQL logic error: "), "sqlite3: constraint failed: "))
}

// transaction runs fn, all of it or nothing.
func (db *d1Database) transaction(fn func() *abi.Error) *abi.Error {
	if err := db.conn.Exec("BEGIN"); err != nil {
		return failed(err)
	}
	before := db.conn.TotalChanges()
	if err := fn(); err != nil {
		db.conn.Exec("ROLLBACK")
		return err
	}
	if err := db.conn.Exec("COMMIT"); err != nil {
		return failed(err)
	}
	if db.conn.TotalChanges() != before {
		db.versions++
	}
	return nil
}

func (db *d1Database) query(q *abi.D1QueryRequest) (r abi.D1QueryReply, _ *abi.Error) {
	if len(q.Statements) == 0 {
		return r, d1Error("No SQL statements detected.")
	}
	err := db.transaction(func() *abi.Error {
		for _, s := range q.Statements {
			result, err := db.run(string(s.SQL), s.Params)
			if err != nil {
				return err
			}
			r.Results = append(r.Results, result)
		}
		return nil
	})
	r.Bookmark = fmt.Sprintf("%08x-%08x-%08x-%032x", db.versions, 0, 0, 0)
	return r, err
}

func (db *d1Database) exec(q *abi.D1ExecRequest) (r abi.D1ExecReply, _ *abi.Error) {
	err := db.transaction(func() *abi.Error {
		for line := range strings.Lines(string(q.SQL)) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if err := db.conn.Exec(line); err != nil {
				return &abi.Error{Code: abi.CodeInvalidArgument, Message: "D1_EXEC_ERROR: Error in line 1: " + line + ": " + failed(err).Message}
			}
			r.Count++
		}
		return nil
	})
	return r, err
}

// run runs one statement.
func (db *d1Database) run(sql string, params []byte) (r abi.D1Result, _ *abi.Error) {
	stmt, _, err := db.conn.Prepare(sql)
	if err != nil {
		return r, failed(err)
	}
	if stmt == nil {
		return r, d1Error("No SQL statements detected.")
	}
	defer stmt.Close()
	if err := bind(stmt, params); err != nil {
		return r, err
	}
	for i := range stmt.ColumnCount() {
		r.Columns = append(r.Columns, abi.ByteString(stmt.ColumnName(i)))
	}
	before := db.conn.TotalChanges()
	for stmt.Step() {
		for i := range r.Columns {
			r.Rows = appendColumn(r.Rows, stmt, i)
		}
		r.RowCount++
	}
	changes := db.conn.TotalChanges() - before
	r.Meta = &abi.D1Meta{Changes: changes, ChangedDB: changes > 0, LastRowID: db.conn.LastInsertRowID(), ServedBy: "pagesruntest"}
	if err := stmt.Err(); err != nil {
		return r, failed(err)
	}
	return r, nil
}

// bind gives a statement its values.
func bind(stmt *sqlite3.Stmt, params []byte) *abi.Error {
	n := 0
	for r := cbor.NewReader(params); r.More(); {
		n++
		if n > stmt.BindCount() {
			break
		}
		bindScalar(stmt, n, r.Scalar())
	}
	if n != stmt.BindCount() {
		return d1Error("Wrong number of parameter bindings for SQL query.")
	}
	return nil
}

func bindScalar(stmt *sqlite3.Stmt, n int, s cbor.Scalar) error {
	switch s.Kind {
	case cbor.KindInt, cbor.KindBool:
		return stmt.BindInt64(n, s.Int)
	case cbor.KindFloat:
		return stmt.BindFloat(n, s.Float)
	case cbor.KindText:
		return stmt.BindText(n, s.String())
	case cbor.KindBytes:
		return stmt.BindBlob(n, append([]byte{}, s.Bytes...))
	}
	return stmt.BindNull(n)
}

func appendColumn(b []byte, stmt *sqlite3.Stmt, i int) []byte {
	switch stmt.ColumnType(i) {
	case sqlite3.INTEGER:
		return cbor.AppendInt(b, stmt.ColumnInt64(i))
	case sqlite3.FLOAT:
		return cbor.AppendFloat64(b, stmt.ColumnFloat(i))
	case sqlite3.TEXT:
		return cbor.AppendText(b, stmt.ColumnText(i))
	case sqlite3.BLOB:
		return cbor.AppendBytes(b, stmt.ColumnRawBlob(i))
	}
	return cbor.AppendNull(b)
}
