package d1

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const (
	noStatements = "D1_ERROR: No SQL statements detected."
	noStatement  = "D1_ERROR: SQL code did not contain a statement."
	onlyLast     = "D1_ERROR: When executing multiple SQL statements in a single call, only the last statement can have parameters."
	transaction  = "D1_ERROR: To execute a transaction, please use the state.storage.transaction() "
)

func TestTextsOfSeveralStatements(t *testing.T) {
	const table = "CREATE TABLE t(a)"
	check(t, []sqlCase{
		{name: "the last gives the result", sql: "SELECT 1; SELECT 2", rows: "2"},
		{name: "all are run", setup: table, sql: "INSERT INTO t VALUES(1); INSERT INTO t VALUES(2); SELECT sum(a) FROM t", rows: "3"},
		{name: "later ones see the tables of earlier ones", sql: "CREATE TABLE u(a); INSERT INTO u VALUES(1); SELECT * FROM u", rows: "1"},
		{name: "the last may have parameters", sql: "SELECT 1; SELECT ?", params: []any{5}, rows: "5"},
		{name: "an earlier one must not", sql: "SELECT ?; SELECT ?", params: []any{5}, err: onlyLast},
		{name: "an earlier one must not, with nothing bound", sql: "SELECT ?; SELECT 1", err: onlyLast},
		{name: "nothing", sql: "", err: noStatements},
		{name: "white space", sql: " \n\t ", err: noStatements},
		{name: "an indented comment", sql: "  -- comment", err: noStatements},
		{name: "indented comments on several lines", sql: "\n -- one\n\n\t-- two\n", err: noStatements},
		{name: "a comment", sql: "-- comment", err: noStatement},
		{name: "a comment of the other kind", sql: " /* comment */ ", err: noStatement},
		{name: "a semicolon", sql: ";", err: noStatement},
		{name: "a comment at the end", sql: "SELECT 1; -- comment", err: noStatement},
		{name: "two semicolons", sql: "SELECT 1;;", err: noStatement},
		{name: "a semicolon and spaces at the end", sql: "SELECT 1 ;  \n\t", rows: "1"},
		{name: "a comment before", sql: "-- comment\nSELECT 1", rows: "1"},
		{name: "a comment within", sql: "SELECT /* ; */ 1 -- ;", rows: "1"},
		{name: "what stands behind a NUL", sql: "SELECT 1\x00SELECT 2", err: noStatement},
		{name: "half a statement", sql: "SELECT", err: "D1_ERROR: incomplete input: SQLITE_ERROR"},
	})
}

func TestAFailingStatementOfATextTakesAllBack(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a)")
	if _, err := p.query("INSERT INTO t VALUES(1); SELECT * FROM nope"); err == nil {
		t.Fatal("it succeeded")
	}
	if _, err := p.query("INSERT INTO t VALUES(1); -- comment"); err == nil {
		t.Fatal("it succeeded")
	}
	if got := p.rows("SELECT count(*) FROM t"); got != "0" {
		t.Error(got, "rows")
	}
}

func TestTransactionsAreRefused(t *testing.T) {
	p := newProbe(t)
	for _, sql := range []string{"BEGIN", "BEGIN TRANSACTION", "BEGIN IMMEDIATE", "COMMIT", "END", "ROLLBACK", "SAVEPOINT a", "RELEASE a", "ROLLBACK TO a",
		"SELECT 1; BEGIN", " -- c\n BEGIN"} {
		if _, err := p.query(sql); !strings.HasPrefix(seen(err), transaction) || strings.Contains(seen(err), "SQLITE") {
			t.Errorf("%s: %q", sql, seen(err))
		}
	}
}

func TestBatches(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)")
	t.Run("no statements", func(t *testing.T) {
		if _, err := p.batch(); seen(err) != noStatements {
			t.Error(err)
		}
	})
	t.Run("later ones see what earlier ones wrote", func(t *testing.T) {
		r, err := p.batch(stmt("INSERT INTO t(a) VALUES(?)", "x"), stmt("SELECT * FROM t"), stmt("DELETE FROM t"), stmt("SELECT count(*) FROM t"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, result := range r.Results {
			got = append(got, fmt.Sprintf("%s(%d,%d)", show(t, result), result.Meta.Changes, result.Meta.LastRowID))
		}
		if s := strings.Join(got, " "); s != "(1,1) 1|'x'(0,1) (1,1) 0(0,1)" {
			t.Error(s)
		}
	})
	t.Run("a failing one takes all back and gives its error", func(t *testing.T) {
		_, err := p.batch(stmt("INSERT INTO t(a) VALUES(1)"), stmt("SELECT * FROM nope"), stmt("SELEC"))
		if seen(err) != "D1_ERROR: no such table: nope: SQLITE_ERROR" {
			t.Error(seen(err))
		}
		if got := p.rows("SELECT count(*) FROM t"); got != "0" {
			t.Error(got, "rows")
		}
	})
	t.Run("the same text twice", func(t *testing.T) {
		r, err := p.batch(stmt("SELECT ?", 1), stmt("SELECT ?", 2))
		if err != nil || show(t, r.Results[0])+show(t, r.Results[1]) != "12" {
			t.Error(r, err)
		}
	})
	t.Run("an empty one among others", func(t *testing.T) {
		if _, err := p.batch(stmt("SELECT 1"), stmt("")); seen(err) != noStatements {
			t.Error(err)
		}
	})
	t.Run("reads see one state", func(t *testing.T) {
		r, err := p.batch(stmt("SELECT count(*) FROM t"), stmt("SELECT count(*) FROM t"))
		if err != nil || show(t, r.Results[0]) != show(t, r.Results[1]) {
			t.Error(r, err)
		}
	})
}

func TestExec(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		count     uint32
		err       string
	}{
		{name: "one line is one item", sql: "SELECT 1", count: 1},
		{name: "lines count", sql: "SELECT 1;\nSELECT 2;\r\n\n  SELECT 3\n", count: 3},
		{name: "two statements on a line count as one", sql: "SELECT 1; SELECT 2", count: 1},
		{name: "nothing", sql: "", err: "D1_EXEC_ERROR: Error in line 1: : No SQL statements detected."},
		{name: "empty lines", sql: "\n \n", err: "D1_EXEC_ERROR: Error in line 1: : No SQL statements detected."},
		{name: "a statement over two lines", sql: "SELECT\n1", err: "D1_EXEC_ERROR: Error in line 1: SELECT: incomplete input: SQLITE_ERROR"},
		{name: "an error in the third line is said to be in the first", sql: "SELECT 1\nSELECT 2\nSELEC", err: `D1_EXEC_ERROR: Error in line 1: SELECT 1: near "SELEC": syntax error at offset 0: SQLITE_ERROR`},
		{name: "a parameter", sql: "SELECT ?", err: "D1_EXEC_ERROR: Error in line 1: SELECT ?: Wrong number of parameter bindings for SQL query."},
		{name: "a line that is too long", sql: "SELECT 1\nSELECT '" + strings.Repeat("a", abi.D1SQLBytesMax) + "'", err: "D1_EXEC_ERROR: Error in line 1: SELECT 1: statement too long: SQLITE_TOOBIG"},
		{name: "a text that is longer than a line may be", sql: strings.Repeat("SELECT '"+strings.Repeat("a", 1000)+"'\n", 200), count: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := newProbe(t).exec(c.sql)
			if seen(err) != c.err || r.Count != c.count || r.DurationMS < 0 {
				t.Errorf("count %d, error %q", r.Count, seen(err))
			}
		})
	}
	t.Run("all lines are one transaction", func(t *testing.T) {
		p := newProbe(t)
		p.mustExec("CREATE TABLE t(a)")
		if _, err := p.exec("INSERT INTO t VALUES(1)\nINSERT INTO nope VALUES(1)"); err == nil {
			t.Fatal("it succeeded")
		}
		if got := p.rows("SELECT count(*) FROM t"); got != "0" {
			t.Error(got, "rows")
		}
	})
}

func TestDump(t *testing.T) {
	p := newProbe(t)
	err := p.run(abi.OpD1Dump, &abi.D1DumpRequest{}, &abi.D1DumpReply{})
	if seen(err) != "D1_DUMP_ERROR: Status + 404" || !errors.Is(err, abi.CodeUnsupported) {
		t.Error(err)
	}
}

func TestAnEventMayRunAThousandStatements(t *testing.T) {
	p := newProbe(t)
	one := &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("SELECT 1")}}
	ten := &abi.D1QueryRequest{Statements: make([]abi.D1Statement, 10)}
	for i := range ten.Statements {
		ten.Statements[i] = stmt("SELECT 1")
	}
	for i := range 99 {
		if err := p.run(abi.OpD1Query, ten, &abi.D1QueryReply{}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := p.run(abi.OpD1Exec, &abi.D1ExecRequest{SQL: "SELECT 1\nSELECT 2; SELECT 3\nSELECT 4"}, &abi.D1ExecReply{}); err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if err := p.run(abi.OpD1Query, one, &abi.D1QueryReply{}); err != nil {
			t.Fatal(i, err)
		}
	}
	err := p.run(abi.OpD1Query, one, &abi.D1QueryReply{})
	if !errors.Is(err, abi.CodeLimitExceeded) || seen(err) != "D1_ERROR: the event has asked for more than 1000 D1 queries" {
		t.Error(err)
	}
	p.newEvent()
	if err := p.run(abi.OpD1Query, one, &abi.D1QueryReply{}); err != nil {
		t.Errorf("the next event: %v", err)
	}
}

func TestATargetThatIsNotConfigured(t *testing.T) {
	p := newProbe(t)
	p.call.Target = "OTHER"
	for op, q := range map[string]interface{ AppendCBOR([]byte) []byte }{abi.OpD1Query: &abi.D1QueryRequest{}, abi.OpD1Exec: &abi.D1ExecRequest{}} {
		if err := p.run(op, q, &abi.D1QueryReply{}); !errors.Is(err, abi.CodeNotConfigured) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestBindingsWithTheSameIDShareADatabase(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a)")
	p.call.Target = "SAME"
	if err := p.run(abi.OpD1Query, &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("SELECT * FROM t")}}, &abi.D1QueryReply{}); err != nil {
		t.Error(err)
	}
}

func TestReadsThatAreRepeatedSeeWhatOthersDo(t *testing.T) {
	dir := t.TempDir()
	reader, other := openProbe(t, dir, "relaxed"), openProbe(t, dir, "relaxed")
	other.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)\nINSERT INTO t VALUES(1, 'x')")
	const sql = "SELECT * FROM t WHERE id = ?"
	read := func() string { // often enough for the reader to stay in its transaction
		var r abi.D1Result
		for range 5 {
			r = reader.must(sql, 1)
		}
		return fmt.Sprintf("%s %s", r.Columns, show(t, r))
	}
	for _, step := range []struct{ sql, want string }{
		{"SELECT 1", "[id a] 1|'x'"},
		{"UPDATE t SET a = 'y'", "[id a] 1|'y'"},
		{"ALTER TABLE t ADD COLUMN b DEFAULT 7", "[id a b] 1|'y'|7"},
		{"ALTER TABLE t RENAME COLUMN a TO c", "[id c b] 1|'y'|7"},
		{"DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, z); INSERT INTO t VALUES(1, 'new')", "[id z] 1|'new'"},
	} {
		other.must(step.sql)
		if got := read(); got != step.want {
			t.Errorf("after %s: %q, not %q", step.sql, got, step.want)
		}
	}
}

func TestReadsAtTheSameTimeDoNotShareMemory(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 50) INSERT INTO t SELECT i, 'row '||i FROM n")
	l := p.live.(*live)
	var all sync.WaitGroup
	for from := range 8 {
		all.Go(func() {
			for i := range 200 {
				id := (from*7+i)%50 + 1
				q := abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("SELECT a FROM t WHERE id = ?", id)}}
				if i%3 == 0 {
					q.Statements = append(q.Statements, stmt("SELECT id FROM t WHERE id = ?", id))
				}
				b, err := l.query(t.Context(), hostfuncs.NewCall("DB", nil), q.AppendCBOR(nil), nil)
				var reply abi.D1QueryReply
				if err = errors.Join(err, reply.DecodeCBOR(b)); err != nil || len(reply.Results) != len(q.Statements) {
					t.Errorf("row %d: %d results, %v", id, len(reply.Results), err)
					return
				}
				if got, want := show(t, reply.Results[0]), fmt.Sprintf("'row %d'", id); got != want {
					t.Errorf("%q, not %q", got, want)
				}
			}
		})
	}
	all.Wait()
}
