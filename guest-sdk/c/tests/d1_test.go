package tests

import (
	"fmt"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// d1 is a database that answers a few texts in place of SQL, and keeps what it was asked.
type d1 struct {
	sessions []string
	version  int
}

func (d *d1) perform(op string, msg []byte) []byte {
	if op == abi.OpD1Exec {
		n := uint32(1)
		for _, c := range decoded[abi.D1ExecRequest](msg).SQL {
			if c == '\n' {
				n++
			}
		}
		return (&abi.D1ExecReply{Count: n}).AppendCBOR(nil)
	}
	q := decoded[abi.D1QueryRequest](msg)
	d.sessions = append(d.sessions, q.Session)
	d.version++
	a := abi.D1QueryReply{Bookmark: fmt.Sprintf("%04d", d.version)}
	for _, s := range q.Statements {
		if s.SQL == "fail" {
			return abi.AppendError(nil, &abi.Error{Code: abi.CodeInvalidArgument, Message: "D1_ERROR: failed"})
		}
		a.Results = append(a.Results, d1Result(s))
	}
	return a.AppendCBOR(nil)
}

func d1Result(s abi.D1Statement) abi.D1Result {
	meta := &abi.D1Meta{Changes: 3}
	text := func(t string) []byte { return cbor.AppendText(nil, t) }
	switch s.SQL {
	case "echo":
		r := abi.D1Result{Rows: s.Params, RowCount: 1, Meta: meta}
		for in := cbor.NewReader(s.Params); in.More(); in.Scalar() {
			r.Columns = append(r.Columns, abi.ByteString(fmt.Sprint("c", len(r.Columns))))
		}
		return r
	case "rows":
		rows := append(append(append(text("x"), text("yy")...), text("")...), 0x18, 0x2a)
		return abi.D1Result{Columns: []abi.ByteString{"a", "b"}, Rows: append(append(rows, 0xf6), text("zzz")...), RowCount: 3, Meta: meta}
	case "broken":
		return abi.D1Result{Columns: []abi.ByteString{"a"}, Rows: append(text("whole"), 0x80), RowCount: 2}
	}
	return abi.D1Result{Columns: []abi.ByteString{"a"}, Meta: meta}
}

func TestD1ValuesGoBothWays(t *testing.T) {
	everywhere(t, d1Guests, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/values")),
			"1 rows of c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 | 'one'3 -9223372036854775808/-9.22337e+18 1.5 x2:0 x0:0 ''0 null null null 'the last'8; 3 changes, left 0, first one",
			"1 rows of c0 c1 c2 | 'one'3 7/7 'a\ufffdé\ufffd\ufffd\ufffd\ufffd\ufffd'21; 3 changes, left 0, first one")
	})
}

func TestD1RowsAreGoneThrough(t *testing.T) {
	everywhere(t, d1Guests, func(t *testing.T, g *guest) {
		for range 2 {
			expect(t, g.run(get("/rows")),
				"3 rows of a b | 'x'1 'yy'2 | ''0 42/42 | null 'zzz'3; 3 changes, left 0, first x",
				"2 rows of a | 'whole'5; 0 changes, left 0, first whole",
				"0 rows of a; 3 changes, left 0, first -",
				"invalid_argument: D1_ERROR: failed")
		}
		expect(t, g.run(get("/first")), " 'yy'2 null", "invalid_argument: D1_COLUMN_NOTFOUND: Column not found (nope)", "2 lines")
	})
}

func TestD1FirstValueTakesLittleMemory(t *testing.T) {
	everywhere(t, []string{"d1.c"}, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/room")), " 'yy'2, 16 bytes for each", "done")
	})
}

func TestD1ValuesAreFoundByTheNamesOfTheirColumns(t *testing.T) {
	everywhere(t, []string{"d1.cc"}, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/columns")), "falsetruefalsetruetrue", "falsetruefalsetruetrue", "falsetruefalsetruetrue")
	})
}

func TestD1SessionsKeepTheNewestBookmark(t *testing.T) {
	everywhere(t, d1Guests, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/session")), "- 0001 0002", "- 0003 0004", "- 0005 0006", "- 0007 0008", "0000 0009 0010", "zzzz zzzz zzzz")
		want := "[first-unconstrained 0001 first-unconstrained 0003 first-unconstrained 0005 first-primary 0007 0000 0009 zzzz zzzz]"
		if got := fmt.Sprint(g.d1.sessions); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
