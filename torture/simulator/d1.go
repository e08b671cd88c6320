package simulator

import (
	"fmt"
	"slices"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// row is what a row may be; the zero row is none.
type row struct {
	there bool
	n     int64
}

// rowNames are few, so that calls meet the same ones.
var rowNames = [...]string{"r0", "r1", "r2", "r3", "r4", "r5"}

// rows is a plain table.
type rows [len(rowNames)]row

const schema = "CREATE TABLE IF NOT EXISTS t (id TEXT PRIMARY KEY, n INTEGER NOT NULL)"

// Statements of the table.
const (
	sqlReplace = "INSERT INTO t VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = excluded.n"
	sqlInsert  = "INSERT INTO t VALUES (?1, ?2)"
	sqlAdd     = "UPDATE t SET n = n + ?2 WHERE id = ?1"
	sqlDelete  = "DELETE FROM t WHERE id = ?1"
	sqlRead    = "SELECT id, n FROM t WHERE id = ?1"
	sqlReadAll = "SELECT id, n FROM t ORDER BY id"
)

func statement(sql string, params ...any) abi.D1Statement {
	s := abi.D1Statement{SQL: abi.ByteString(sql)}
	for _, p := range params {
		switch p := p.(type) {
		case int64:
			s.Params = cbor.AppendInt(s.Params, p)
		case string:
			s.Params = cbor.AppendText(s.Params, p)
		}
	}
	return s
}

func (w *world) createTable() *action {
	return w.query("create table", operation[rows]{}, succeeds, statement(schema))
}

func queryMessage(statements ...abi.D1Statement) []byte {
	return (&abi.D1QueryRequest{Statements: statements}).AppendCBOR(nil)
}

// query is an action on the table: op is what it means, and shows reads its reply and says what may have been there before.
func (w *world) query(what string, op operation[rows], shows func(reply []byte, refused *abi.Error) func(before rows) error, statements ...abi.D1Statement) *action {
	a := &action{what: "d1 " + what, target: "DB", op: abi.OpD1Query, message: queryMessage(statements...)}
	slot := 0
	a.begin = func() { slot = w.d1.begin(op) }
	a.failed = func() { w.d1.fail(slot) }
	a.done = func(reply []byte, refused *abi.Error) (why error) {
		check := shows(reply, refused)
		if !w.d1.end(slot, func(before rows) bool {
			why = check(before)
			return why == nil
		}) {
			return fmt.Errorf("%w; possible is %v", why, w.d1.states())
		}
		return nil
	}
	return a
}

// succeeds takes any reply but an error.
func succeeds(reply []byte, refused *abi.Error) func(rows) error {
	err := taken(reply, refused, &abi.D1QueryReply{})
	return func(rows) error { return err }
}

// fails takes an invalid_argument.
func fails(_ []byte, refused *abi.Error) func(rows) error {
	return func(rows) error {
		if refused == nil || refused.Code != abi.CodeInvalidArgument {
			return fmt.Errorf("what must be refused gave %v", refused)
		}
		return nil
	}
}

// d1Action draws something to do with the table.
func (w *world) d1Action() *action {
	i, n := w.random.IntN(len(rowNames)), w.random.Int64N(1000)
	id := rowNames[i]
	switch w.random.IntN(9) {
	case 0:
		return w.query(fmt.Sprintf("replace %s by %d", id, n), operation[rows]{change: func(t rows) rows { t[i] = row{true, n}; return t }, stores: true}, succeeds, statement(sqlReplace, id, n))
	case 1, 2:
		return w.query(fmt.Sprintf("add %d to %s", n, id), operation[rows]{change: func(t rows) rows { return t.add(i, n) }}, succeeds, statement(sqlAdd, id, n))
	case 3:
		return w.query("delete "+id, operation[rows]{change: func(t rows) rows { t[i] = row{}; return t }}, succeeds, statement(sqlDelete, id))
	case 4:
		return w.query(fmt.Sprintf("batch that fails, %s = %d", id, n), operation[rows]{}, fails,
			statement(sqlReplace, id, n), statement("INSERT INTO t VALUES (?1, NULL)", id+"x"))
	case 5:
		return w.d1Insert(i, n)
	case 6:
		return w.d1Move(i, n)
	case 7:
		return w.d1All()
	}
	return w.query("read "+id, operation[rows]{tells: true}, found(func(t, before rows) bool { return t[i] == before[i] }), statement(sqlRead, id))
}

func (t rows) add(i int, n int64) rows {
	if t[i].there {
		t[i].n += n
	}
	return t
}

// d1Insert inserts a row, which is refused where it is there already.
func (w *world) d1Insert(i int, n int64) *action {
	return w.query(fmt.Sprintf("insert %s = %d", rowNames[i], n), operation[rows]{tells: true, change: func(t rows) rows {
		if !t[i].there {
			t[i] = row{true, n}
		}
		return t
	}}, func(reply []byte, refused *abi.Error) func(rows) error {
		there, free := fails(reply, refused), succeeds(reply, refused)
		return func(before rows) error {
			if before[i].there {
				return there(before)
			}
			return free(before)
		}
	}, statement(sqlInsert, rowNames[i], n))
}

// d1Move takes a number from one row and gives it to another, in one batch: both or none.
func (w *world) d1Move(i int, n int64) *action {
	j := (i + 1 + w.random.IntN(len(rowNames)-1)) % len(rowNames)
	return w.query(fmt.Sprintf("move %d from %s to %s", n, rowNames[i], rowNames[j]), operation[rows]{change: func(t rows) rows { return t.add(i, -n).add(j, n) }}, succeeds,
		statement(sqlAdd, rowNames[i], -n), statement(sqlAdd, rowNames[j], n))
}

// d1All reads the whole table, which must be one that was there at a moment.
func (w *world) d1All() *action {
	return w.query("read all", operation[rows]{tells: true}, found(func(t, before rows) bool { return t == before }), statement(sqlReadAll))
}

// found takes rows that are those that were there before.
func found(same func(t, before rows) bool) func([]byte, *abi.Error) func(rows) error {
	return func(reply []byte, refused *abi.Error) func(rows) error {
		t, err := rowsOf(reply, refused)
		return func(before rows) error {
			if err == nil && !same(t, before) {
				return fmt.Errorf("the table shows %v", t)
			}
			return err
		}
	}
}

// rowsOf reads rows of the table from a reply.
func rowsOf(reply []byte, refused *abi.Error) (t rows, err error) {
	var r abi.D1QueryReply
	if err := taken(reply, refused, &r); err != nil {
		return t, err
	}
	for values := cbor.NewReader(r.Results[0].Rows); values.More(); {
		id, n := values.Scalar(), values.Scalar()
		i := slices.Index(rowNames[:], string(id.Bytes))
		if i < 0 || n.Kind != cbor.KindInt || t[i].there {
			return t, fmt.Errorf("there is a row %q, %v, which nobody wrote", id.Bytes, n)
		}
		t[i] = row{true, n.Int}
	}
	return t, nil
}
