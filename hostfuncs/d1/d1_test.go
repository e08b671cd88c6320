package d1

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMain is also the process that the crash test kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PAGESRUN_TEST_CRASH_DIR"); dir != "" {
		writeUntilKilled(dir, os.Getenv("PAGESRUN_TEST_CRASH_RUN"))
	}
	flag.Parse()
	os.Exit(m.Run())
}

// probe is an opened binding, called as a guest's messages are.
type probe struct {
	t    testing.TB
	dir  string
	live hostfuncs.Live
	ops  map[string]hostfuncs.Operation
	call *hostfuncs.Call
}

// newProbe opens a binding DB in a new directory.
func newProbe(t testing.TB) *probe { return openProbe(t, t.TempDir(), "relaxed") }

func openProbe(t testing.TB, dir, durability string) *probe {
	t.Helper()
	live, err := New().Open(t.Context(), hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: dir, Now: time.Now, Metrics: prometheus.NewRegistry(), Durability: durability,
	}, []hostfuncs.Resource{&Resource{Binding: "DB", ID: "db"}, &Resource{Binding: "SAME", ID: "db"}})
	if err != nil {
		t.Fatal(err)
	}
	p := &probe{t: t, dir: dir, live: live, ops: map[string]hostfuncs.Operation{}}
	t.Cleanup(func() { p.close() })
	for _, op := range live.Operations() {
		p.ops[op.Name] = op
	}
	p.newEvent()
	return p
}

func (p *probe) close() {
	if p.live != nil {
		if err := p.live.Close(context.Background()); err != nil {
			p.t.Error(err)
		}
		p.live = nil
	}
}

// newEvent makes what comes part of another event.
func (p *probe) newEvent() { p.call = hostfuncs.NewCall("DB", nil) }

// database is the open database itself.
func (p *probe) database() *Database { return p.live.(*live).databases["DB"] }

// run sends one message and decodes the reply.
func (p *probe) run(op string, request interface{ AppendCBOR([]byte) []byte }, reply interface{ DecodeCBOR([]byte) error }) error {
	b, err := p.ops[op].Run(context.Background(), p.call, request.AppendCBOR(nil), nil)
	if err != nil {
		return err
	}
	if err := reply.DecodeCBOR(b); err != nil {
		p.t.Errorf("%s: the reply cannot be decoded: %v", op, err)
	}
	return nil
}

// stmt is a text with parameters.
func stmt(sql string, values ...any) abi.D1Statement {
	var params []byte
	for _, v := range values {
		params = appendParam(params, v)
	}
	return abi.D1Statement{SQL: abi.ByteString(sql), Params: params}
}

func appendParam(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return cbor.AppendNull(dst)
	case int:
		return cbor.AppendInt(dst, int64(v))
	case int64:
		return cbor.AppendInt(dst, v)
	case float64:
		return cbor.AppendFloat64(dst, v)
	case bool:
		return cbor.AppendBool(dst, v)
	case string:
		return cbor.AppendText(dst, v)
	case []byte:
		return cbor.AppendBytes(dst, v)
	}
	panic(fmt.Sprintf("no parameter: %T", v))
}

// batch runs statements as one query.
func (p *probe) batch(statements ...abi.D1Statement) (abi.D1QueryReply, error) {
	p.newEvent()
	var reply abi.D1QueryReply
	err := p.run(abi.OpD1Query, &abi.D1QueryRequest{Statements: statements}, &reply)
	return reply, err
}

// query runs one statement.
func (p *probe) query(sql string, values ...any) (abi.D1Result, error) {
	reply, err := p.batch(stmt(sql, values...))
	if err != nil {
		return abi.D1Result{}, err
	}
	return reply.Results[0], nil
}

// must runs one statement that has to succeed.
func (p *probe) must(sql string, values ...any) abi.D1Result {
	p.t.Helper()
	r, err := p.query(sql, values...)
	if err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return r
}

// rows gives the rows of a statement that has to succeed, as text.
func (p *probe) rows(sql string, values ...any) string {
	p.t.Helper()
	return show(p.t, p.must(sql, values...))
}

// exec runs a text line by line.
func (p *probe) exec(sql string) (abi.D1ExecReply, error) {
	p.newEvent()
	var reply abi.D1ExecReply
	err := p.run(abi.OpD1Exec, &abi.D1ExecRequest{SQL: abi.ByteString(sql)}, &reply)
	return reply, err
}

// mustExec is exec that has to succeed.
func (p *probe) mustExec(sql string) {
	p.t.Helper()
	if _, err := p.exec(sql); err != nil {
		p.t.Fatal(err)
	}
}

// show writes the rows of a result as text: values side by side with "|" between, rows with ";".
func show(t testing.TB, r abi.D1Result) string {
	t.Helper()
	var rows []string
	reader := cbor.NewSharedReader(r.Rows)
	for range r.RowCount {
		var values []string
		for range r.Columns {
			values = append(values, showValue(reader.Scalar()))
		}
		rows = append(rows, strings.Join(values, "|"))
	}
	if len(r.Rows) > 0 {
		if err := reader.Close(); err != nil {
			t.Errorf("the rows cannot be read: %v", err)
		}
	}
	return strings.Join(rows, ";")
}

func showValue(v cbor.Scalar) string {
	switch v.Kind {
	case cbor.KindNull:
		return "NULL"
	case cbor.KindInt:
		return fmt.Sprint(v.Int)
	case cbor.KindFloat:
		return fmt.Sprintf("%#v", v.Float) + "f"
	case cbor.KindText:
		return "'" + v.String() + "'"
	case cbor.KindBytes:
		return fmt.Sprintf("x'%x'", v.Bytes)
	}
	return "?"
}

// seen is an error as a guest sees it.
func seen(err error) string {
	var public *abi.Error
	if errors.As(err, &public) {
		return public.Message
	}
	if err != nil {
		return "not for guests: " + err.Error()
	}
	return ""
}

// sqlCase is a text with what comes of it.
type sqlCase struct {
	name   string
	setup  string // run with exec before, in a database of its own
	sql    string
	params []any
	rows   string
	err    string   // the whole message
	code   abi.Code // of the error; 0 for invalid_argument
}

// check runs cases, each in a database of its own.
func check(t *testing.T, cases []sqlCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newProbe(t)
			if c.setup != "" {
				p.mustExec(c.setup)
			}
			r, err := p.query(c.sql, c.params...)
			if seen(err) != c.err {
				t.Fatalf("%s\n got error %q\nwant error %q", brief(c.sql), seen(err), c.err)
			}
			if err != nil {
				if c.code == 0 {
					c.code = abi.CodeInvalidArgument
				}
				if !errors.Is(err, c.code) {
					t.Errorf("the code is not %s: %v", c.code, err)
				}
			} else if got := show(t, r); got != c.rows {
				t.Errorf("%s\n got %s\nwant %s", brief(c.sql), got, c.rows)
			}
			if got := p.rows("SELECT 1+1"); got != "2" {
				t.Errorf("afterwards 1+1 is %s", got)
			}
		})
	}
}

func brief(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
