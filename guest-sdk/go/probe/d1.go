package main

import (
	"bytes"
	"math"
	"strconv"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
)

// The operation d1.type, with a value of a type that cannot be stored, is this probe's own: not every language has such values.

// d1Operation performs an operation on D1. known is false where there is none of that name.
func (p *probe) d1Operation(op string) (known bool, err error) {
	db := d1.Database(p.param("target"))
	switch op {
	case "d1.exec":
		return true, p.d1Exec(db)
	case "d1.dump":
		_, err := db.Dump()
		return true, err
	case "d1.type":
		_, err := db.Prepare("SELECT ?").Bind(time.Unix(0, 0).UTC()).All()
		return true, err
	}
	perform := map[string]func(d1.Database, []d1.Statement) error{
		"d1.query": p.d1Query, "d1.first": p.d1First, "d1.raw": p.d1Raw, "d1.session": p.d1Session, "d1.many": p.d1Many, "d1.async": p.d1Async,
	}[op]
	if perform == nil {
		return false, nil
	}
	statements, err := p.statements(db.Prepare)
	if err != nil {
		return true, err
	}
	return true, perform(db, statements)
}

// statements reads the body.
func (p *probe) statements(prepare func(string) d1.Statement) ([]d1.Statement, error) {
	body, err := p.body()
	if err != nil {
		return nil, err
	}
	var list []d1.Statement
	var values []any
	for line := range bytes.Lines(body) {
		kind, rest := line[0], bytes.TrimSuffix(line[1:], []byte("\n"))
		if len(rest) > 0 {
			rest = rest[1:]
		}
		if kind == 'S' {
			list, values = append(list, prepare(string(unescape(rest)))), nil
			continue
		}
		values = append(values, d1Value(kind, rest))
		list[len(list)-1] = list[len(list)-1].Bind(values...)
	}
	return list, nil
}

// d1Value reads a value.
func d1Value(kind byte, text []byte) any {
	number := func(base int) uint64 {
		n, err := strconv.ParseUint(string(text), base, 64)
		if err != nil {
			panic(err)
		}
		return n
	}
	switch kind {
	case 'i':
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			panic(err)
		}
		return n
	case 'r':
		return math.Float64frombits(number(16))
	case 't':
		return string(unescape(text))
	case 'b':
		return unescape(text)
	case 'T', 'F':
		return kind == 'T'
	case 'x':
		return string(fill(int(number(10))))
	case 'z':
		return make([]byte, number(10))
	}
	return nil
}

// unescape reads bytes as show writes them.
func unescape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			n, err := strconv.ParseUint(string(text[i+1:i+3]), 16, 8)
			if err != nil {
				panic(err)
			}
			c, i = byte(n), i+2
		}
		out = append(out, c)
	}
	return out
}

func (p *probe) d1Query(db d1.Database, statements []d1.Statement) error {
	if len(statements) == 1 && p.param("batch") == "" {
		r, err := statements[0].All()
		if err != nil {
			return err
		}
		return p.d1Result(&r)
	}
	results, err := db.Batch(statements...)
	if err != nil {
		return err
	}
	for i := range results {
		if err := p.d1Result(&results[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *probe) d1First(_ d1.Database, statements []d1.Statement) error {
	v, err := statements[0].FirstColumn(p.param("column"))
	if err != nil {
		return err
	}
	if v == nil {
		p.text("missing\n")
		return nil
	}
	p.d1Value(v)
	p.text("\n")
	return nil
}

func (p *probe) d1Raw(_ d1.Database, statements []d1.Statement) error {
	rows, err := statements[0].Raw(true)
	if err != nil {
		return err
	}
	for _, row := range rows {
		p.d1Row(row)
	}
	return nil
}

func (p *probe) d1Exec(db d1.Database) error {
	body, err := p.body()
	if err != nil {
		return err
	}
	r, err := db.Exec(string(body))
	if err != nil {
		return err
	}
	p.text("count=" + strconv.Itoa(r.Count) + " duration=" + yes(r.Duration >= 0) + "\n")
	return nil
}

func (p *probe) d1Session(db d1.Database, statements []d1.Statement) error {
	session := db.WithSession(p.param("from"))
	p.bookmark(session)
	for _, s := range statements {
		results, err := session.Batch(s)
		if err != nil {
			return err
		}
		if err := p.d1Result(&results[0]); err != nil {
			return err
		}
		p.bookmark(session)
	}
	return nil
}

func (p *probe) bookmark(s *d1.Session) {
	p.text("bookmark ")
	p.show([]byte(s.Bookmark()))
	p.text("\n")
}

func (p *probe) d1Many(_ d1.Database, statements []d1.Statement) error {
	for i := range *p.number("n") {
		if _, err := statements[0].All(); err != nil {
			p.failed(err)
			p.text("after " + strconv.FormatInt(i, 10) + "\n")
			return nil
		}
	}
	p.text("done\n")
	return nil
}

func (p *probe) d1Async(_ d1.Database, statements []d1.Statement) error {
	futures := make([]d1.ResultFuture, len(statements))
	for i, s := range statements {
		futures[i] = s.AllAsync()
	}
	for _, f := range futures {
		r, err := f.Await()
		if err != nil {
			return err
		}
		if err := p.d1Result(&r); err != nil {
			return err
		}
	}
	return nil
}

// d1Result writes a result.
func (p *probe) d1Result(r *d1.Result) error {
	p.text("columns")
	for _, name := range r.Columns {
		p.text(" ")
		p.show([]byte(name))
	}
	p.text("\n")
	for row := range r.Rows() {
		values, err := row.Values()
		if err != nil {
			return err
		}
		p.d1Row(values)
	}
	m := r.Meta
	p.text("changes=" + strconv.FormatInt(m.Changes, 10) + " last_row_id=" + strconv.FormatInt(m.LastRowID, 10) + " changed_db=" + yes(m.ChangedDB) +
		" rows_read=" + strconv.FormatInt(m.RowsRead, 10) + " rows_written=" + strconv.FormatInt(m.RowsWritten, 10) +
		" size=" + yes(m.SizeAfter > 0) + " duration=" + yes(m.Duration >= 0) + " served_by=" + yes(m.ServedBy != "") + "\n")
	return nil
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

func (p *probe) d1Row(values []any) {
	p.text("row")
	for _, v := range values {
		p.text(" ")
		p.d1Value(v)
	}
	p.text("\n")
}

// d1Value writes a value with the letter of its type.
func (p *probe) d1Value(v any) {
	switch v := v.(type) {
	case nil:
		p.text("n")
	case int64:
		p.text("i:" + strconv.FormatInt(v, 10))
	case float64:
		p.text("r:" + hex16(math.Float64bits(v)))
	case string:
		p.text("t:")
		p.show([]byte(v))
	case []byte:
		p.text("b:")
		p.show(v)
	}
}

// hex16 are 16 hexadecimal digits.
func hex16(n uint64) string {
	s := strconv.FormatUint(n, 16)
	return "0000000000000000"[len(s):] + s
}

// d1Perform is what main performs of D1.
func (p *probe) d1Perform(op string) (*pagesrun.Response, error) {
	known, err := p.d1Operation(op)
	if !known {
		return pagesrun.Text(400, "no such op\n"), nil
	}
	return nil, err
}
