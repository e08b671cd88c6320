package e2e_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

// nTimes stands for a value of n times the letter x, zeros for n zero bytes.
type (
	nTimes int
	zeros  int
)

// sql asks for one statement, with the values of its parameters.
func sql(text string, values ...any) ask {
	var b strings.Builder
	b.WriteString("S " + showBytes(text) + "\n")
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b.WriteString("n\n")
		case int:
			fmt.Fprintf(&b, "i %d\n", v)
		case float64:
			fmt.Fprintf(&b, "r %016x\n", math.Float64bits(v))
		case string:
			fmt.Fprintf(&b, "t %s\n", showBytes(v))
		case []byte:
			fmt.Fprintf(&b, "b %s\n", showBytes(string(v)))
		case bool:
			b.WriteString(map[bool]string{true: "T\n", false: "F\n"}[v])
		case nTimes:
			fmt.Fprintf(&b, "x %d\n", v)
		case zeros:
			fmt.Fprintf(&b, "z %d\n", v)
		default:
			panic(fmt.Sprintf("no way to ask for a %T", v))
		}
	}
	return ask{op: "d1.query", body: b.String()}
}

// batch asks for several statements in one transaction.
func batch(statements ...ask) ask {
	all := ask{op: "d1.query"}
	for _, s := range statements {
		all.body += s.body
	}
	return all.with("batch", "1")
}

// as asks for the same statements through another operation.
func (a ask) as(op string, fields ...string) ask {
	a.op = op
	return a.with(fields...)
}

func d1Error(text string) string { return "error invalid_argument 0 D1_ERROR: " + text + "\n" }

// float is a float as the probes write it.
func float(f float64) string { return fmt.Sprintf("r:%016x", math.Float64bits(f)) }

// nothing is the answer to a statement that gives no rows by nature.
const nothing = "columns\n"

// rows is the answer to a statement that gives rows, each written as its values.
func rows(columns string, list ...string) string {
	answer := "columns " + columns + "\n"
	if columns == "" {
		answer = "columns\n"
	}
	for _, row := range list {
		answer += "row " + row + "\n"
	}
	return answer
}

var costLine = regexp.MustCompile(`(?m)^changes=.*\n`)

var bookmarkForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$`)

// bookmarks are those of an answer to d1.session.
func bookmarks(answer string) (list []string) {
	for line := range strings.Lines(answer) {
		if b, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "bookmark "); ok {
			list = append(list, b)
		}
	}
	return list
}

func TestD1SessionsThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"serve", probe.path(t), "--port", "0", "--admin", "off", "--d1", "DB"}
			s := start(t, dir, args...)
			session := func(from string, statements ...ask) []string {
				t.Helper()
				list := bookmarks(batch(statements...).as("d1.session", "from", from).send(t, s.URL, "DB"))
				if len(list) != len(statements)+1 {
					t.Fatalf("%d bookmarks of %d statements", len(list), len(statements))
				}
				for _, b := range list[1:] {
					if !bookmarkForm.MatchString(b) && from != "zzz" {
						t.Errorf("%q has not the form of a bookmark", b)
					}
				}
				return list
			}
			insert := sql("INSERT INTO t VALUES (1)")
			list := session("first-primary", sql("CREATE TABLE t (a)"), insert, insert, sql("SELECT * FROM t"))
			if list[0] != "" || !(list[1] < list[2] && list[2] < list[3]) || list[4] != list[3] {
				t.Errorf("bookmarks do not grow with writes, and only with them: %q", list)
			}
			for _, from := range []string{"", "first-unconstrained", "first-primary"} {
				if again := session(from, sql("SELECT 1")); again[0] != "" || again[1] != list[4] {
					t.Errorf("%q begins with %q, then has %q, not %q", from, again[0], again[1], list[4])
				}
			}
			if next := session(list[2], sql("SELECT 1"), insert); next[0] != list[2] || next[1] != list[4] || next[2] <= list[4] {
				t.Errorf("a session from a bookmark has %q", next)
			}
			if future := session("zzz", sql("SELECT 1"), insert); strings.Join(future, "") != "zzzzzzzzz" {
				t.Errorf("a session from no bookmark has %q", future)
			}
			newest := session("", insert)[1]
			s.Stop()
			s = start(t, dir, args...)
			if after := session("", insert); after[1] <= newest {
				t.Errorf("after a restart %q does not follow %q", after[1], newest)
			}
		})
	}
}

func TestAGoFunctionIsToldOfTypesThatD1CannotStore(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "serve", goProbe.path(t), "--port", "0", "--admin", "off", "--d1", "DB")
	wantAnswer(t, s, ask{op: "d1.type"}, "DB", refused("D1_TYPE_ERROR: Type 'time.Time' not supported for value '1970-01-01 00:00:00 +0000 UTC'"))
}

func TestD1QueriesOfOneEventAreLimited(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{"wrangler.toml": "d1_databases = [{binding = \"DB\"}]\npagesrun.limits.operations = 5000\n"})
		s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off")
		one := sql("SELECT 1").as("d1.many", "n", "1000")
		wantAnswer(t, s, one, "DB", done)
		answer := one.with("n", "1001").send(t, s.URL, "DB")
		if !strings.HasPrefix(answer, "error limit_exceeded 0 D1_ERROR: ") || !strings.HasSuffix(answer, "after 1000\n") {
			t.Errorf("%s: %s", language, answer)
		}
		many := make([]ask, 1001)
		for i := range many {
			many[i] = sql("SELECT 1")
		}
		if answer := batch(many...).send(t, s.URL, "DB"); !strings.HasPrefix(answer, "error limit_exceeded 0 D1_ERROR: ") {
			t.Errorf("%s: a batch of 1001: %s", language, short(answer))
		}
	}
}

func TestAD1QueryThatTakesTooLongIsInterruptedAndUndone(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			c := &clock{}
			c.seconds.Store(begin)
			site := serveInProcess(t, probe.bytes(t), c, map[string]string{"wrangler.toml": "d1_databases = [{binding = \"DB\"}]"})
			sql("CREATE TABLE t (a)").send(t, site, "DB")
			const forever = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
			for name, a := range map[string]ask{"reading": sql(forever), "writing": batch(sql("INSERT INTO t VALUES (1)"), sql(forever))} {
				stop := make(chan struct{})
				go func() {
					for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
						select {
						case <-stop:
							return
						default:
							c.seconds.Add(1)
						}
					}
				}()
				began := c.seconds.Load()
				answer := a.send(t, site, "DB")
				took := c.seconds.Load() - began
				close(stop)
				if answer != "error timeout 0 D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.\n" || took < 30 {
					t.Errorf("%s: after %d seconds: %s", name, took, answer)
				}
			}
			if answer := costLine.ReplaceAllString(sql("SELECT count(*) AS n FROM t").send(t, site, "DB"), ""); answer != rows("n", "i:0") {
				t.Error(answer)
			}
		})
	}
}
