package simulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// row is what a row may hold; nil for no row.
type row *int64

// database is a plain map of the rows of one table, with all that each may hold.
type database struct {
	rows map[string][]row
	busy map[string]bool
}

func newDatabase() *database { return &database{rows: map[string][]row{}, busy: map[string]bool{}} }

func (d *database) settled() { clear(d.busy) }

func (d *database) possible(id string) []row {
	if list := d.rows[id]; list != nil {
		return list
	}
	return []row{nil}
}

// change applies a function to what a row may hold; where it is not sure, both stay possible.
func (d *database) change(id string, f func(row) row, surely bool) {
	var after []row
	for _, r := range d.possible(id) {
		after = append(after, f(r))
	}
	if !surely {
		after = append(after, d.possible(id)...)
		d.busy[id] = true
	}
	d.rows[id] = after
}

// saw notes that a row shows this.
func (d *database) saw(id string, found row) error {
	var left []row
	for _, r := range d.possible(id) {
		if r == nil && found == nil || r != nil && found != nil && *r == *found {
			left = append(left, r)
		}
	}
	if left == nil {
		return fmt.Errorf("row %s shows %s, possible is %s", id, shownRow(found), shownRows(d.possible(id)))
	}
	if !d.busy[id] {
		d.rows[id] = left
	}
	return nil
}

func shownRow(r row) string {
	if r == nil {
		return "nothing"
	}
	return fmt.Sprint(*r)
}

func shownRows(list []row) (texts []string) {
	for _, r := range list {
		texts = append(texts, shownRow(r))
	}
	return texts
}

var rowNames = []string{"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"}

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

const schema = "CREATE TABLE IF NOT EXISTS t (id TEXT PRIMARY KEY, n INTEGER NOT NULL)"

func query(what string, statements ...abi.D1Statement) *action {
	return &action{what: what, target: "DB", op: abi.OpD1Query, message: (&abi.D1QueryRequest{Statements: statements}).AppendCBOR(nil)}
}

func createTable() *action {
	a := query("d1 create table", statement(schema))
	a.done = func(reply []byte) error { return abi.DecodeReply(reply, &abi.D1QueryReply{}) }
	return a
}

// d1Action draws something to do with the database; nil when it may not be done beside the others.
func (w *world) d1Action(others map[string]bool) *action {
	if len(others) == 0 && w.random.IntN(8) == 0 {
		return w.d1All()
	}
	id, ok := free(w.random, rowNames, others, w.d1.busy)
	if !ok {
		return nil
	}
	others[id] = true
	n := w.random.Int64N(1000)
	switch w.random.IntN(5) {
	case 0:
		return w.d1Change(fmt.Sprintf("replace %s by %d", id, n), id, func(row) row { return &n }, statement("INSERT INTO t VALUES (?, ?) ON CONFLICT DO UPDATE SET n = excluded.n", id, n))
	case 1:
		return w.d1Change(fmt.Sprintf("add %d to %s", n, id), id, func(r row) row {
			if r == nil {
				return nil
			}
			sum := *r + n
			return &sum
		}, statement("UPDATE t SET n = n + ?2 WHERE id = ?1", id, n))
	case 2:
		return w.d1Change("delete "+id, id, func(row) row { return nil }, statement("DELETE FROM t WHERE id = ?", id))
	case 3:
		return w.d1Broken(id, n)
	}
	return w.d1Read(id)
}

func (w *world) d1Change(what, id string, f func(row) row, statements ...abi.D1Statement) *action {
	a := query("d1 "+what, statements...)
	a.done = func(reply []byte) error {
		w.d1.change(id, f, true)
		return abi.DecodeReply(reply, &abi.D1QueryReply{})
	}
	a.perhaps = func() { w.d1.change(id, f, false) }
	return a
}

// d1Broken is a batch whose last statement fails: nothing of it may stay.
func (w *world) d1Broken(id string, n int64) *action {
	a := query(fmt.Sprintf("d1 batch that fails, %s = %d", id, n), statement("INSERT INTO t VALUES (?, ?) ON CONFLICT DO UPDATE SET n = excluded.n", id, n), statement("INSERT INTO t VALUES (?, NULL)", id+"x"))
	a.done = func(reply []byte) error {
		var e *abi.Error
		if err := abi.DecodeReply(reply, &abi.D1QueryReply{}); !errors.As(err, &e) || e.Code != abi.CodeInvalidArgument {
			return fmt.Errorf("a batch that must fail gave %v", err)
		}
		return nil
	}
	a.perhaps = func() { w.d1.busy[id] = true }
	return a
}

func (w *world) d1Read(id string) *action {
	a := query("d1 read "+id, statement("SELECT id, n FROM t WHERE id = ?", id))
	a.done = func(reply []byte) error {
		found, err := rowsOf(reply)
		if err != nil {
			return err
		}
		return w.d1.saw(id, found[id])
	}
	return a
}

// d1All reads the whole table.
func (w *world) d1All() *action {
	a := query("d1 read all", statement("SELECT id, n FROM t ORDER BY id"))
	a.done = func(reply []byte) error {
		found, err := rowsOf(reply)
		if err != nil {
			return err
		}
		for _, id := range rowNames {
			if err := w.d1.saw(id, found[id]); err != nil {
				return err
			}
			delete(found, id)
		}
		if len(found) > 0 {
			return fmt.Errorf("there are rows that nobody wrote: %v", slices.Sorted(maps.Keys(found)))
		}
		return nil
	}
	return a
}

func rowsOf(reply []byte) (map[string]row, error) {
	var r abi.D1QueryReply
	if err := abi.DecodeReply(reply, &r); err != nil {
		return nil, err
	}
	found := map[string]row{}
	for values := cbor.NewReader(r.Results[0].Rows); values.More(); {
		id, n := values.Scalar(), values.Scalar()
		if n.Kind != cbor.KindInt {
			return nil, fmt.Errorf("a row is %v, %v", id, n)
		}
		found[string(id.Bytes)] = &n.Int
	}
	return found, nil
}
