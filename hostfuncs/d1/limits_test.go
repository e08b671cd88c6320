package d1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// repeat joins n texts.
func repeat(n int, separator string, text func(i int) string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = text(i)
	}
	return strings.Join(items, separator)
}

func TestLimits(t *testing.T) {
	one := func(int) string { return "1" }
	column := func(i int) string { return fmt.Sprintf("c%d", i) }
	nested := func(n int) string { return "SELECT " + strings.Repeat("(1+", n) + "1" + strings.Repeat(")", n) }
	sized := func(n int) string { return "SELECT '" + strings.Repeat("x", n-9) + "'" }
	trigger := "CREATE TABLE t(a)\nCREATE TRIGGER r AFTER INSERT ON t WHEN new.a > 0 BEGIN INSERT INTO t VALUES(new.a-1); END"
	check(t, []sqlCase{
		{name: "a text of 100,000 bytes", sql: sized(100_000), rows: "'" + strings.Repeat("x", 99_991) + "'"},
		{name: "a text of 100,001 bytes", sql: sized(100_001), err: "D1_ERROR: statement too long: SQLITE_TOOBIG", code: abi.CodeTooLarge},
		{name: "a value of 2,000,000 bytes", sql: "SELECT length(zeroblob(2000000))", rows: "2000000"},
		{name: "a value of 2,000,001 bytes", sql: "SELECT length(zeroblob(2000001))", err: "D1_ERROR: string or blob too big: SQLITE_TOOBIG", code: abi.CodeTooLarge},
		{name: "a parameter of 2,000,000 bytes", sql: "SELECT length(?)", params: []any{strings.Repeat("x", 2_000_000)}, rows: "2000000"},
		{name: "a parameter of 2,000,001 bytes", sql: "SELECT length(?)", params: []any{strings.Repeat("x", 2_000_001)}, err: "D1_ERROR: string or blob too big: SQLITE_TOOBIG", code: abi.CodeTooLarge},
		{name: "bytes of 2,000,001", sql: "SELECT length(?)", params: []any{make([]byte, 2_000_001)}, err: "D1_ERROR: string or blob too big: SQLITE_TOOBIG", code: abi.CodeTooLarge},
		{name: "a row of nearly 2,000,000 bytes", setup: "CREATE TABLE t(a, b)", sql: "INSERT INTO t VALUES(zeroblob(1000000), zeroblob(999980))", rows: ""},
		{name: "a row of over 2,000,000 bytes", setup: "CREATE TABLE t(a, b)", sql: "INSERT INTO t VALUES(zeroblob(1000000), randomblob(1000001))", err: "D1_ERROR: string or blob too big: SQLITE_TOOBIG", code: abi.CodeTooLarge},
		{name: "a table of 100 columns", sql: "CREATE TABLE t(" + repeat(100, ",", column) + ")", rows: ""},
		{name: "a table of 101 columns", sql: "CREATE TABLE t(" + repeat(101, ",", column) + ")", err: "D1_ERROR: too many columns on t: SQLITE_ERROR"},
		{name: "a result of 100 columns", sql: "SELECT " + repeat(100, ",", one), rows: repeat(100, "|", one)},
		{name: "a result of 101 columns", sql: "SELECT " + repeat(101, ",", one), err: "D1_ERROR: too many columns in result set: SQLITE_ERROR"},
		{name: "32 arguments", sql: "SELECT max(" + repeat(32, ",", one) + ")", rows: "1"},
		{name: "33 arguments", sql: "SELECT max(" + repeat(33, ",", one) + ")", err: "D1_ERROR: too many arguments on function max at offset 7: SQLITE_ERROR"},
		{name: "a pattern of 50 bytes", sql: "SELECT 'x' LIKE '" + strings.Repeat("%", 50) + "'", rows: "1"},
		{name: "a pattern of 51 bytes", sql: "SELECT 'x' LIKE '" + strings.Repeat("%", 51) + "'", err: "D1_ERROR: LIKE or GLOB pattern too complex: SQLITE_ERROR"},
		{name: "a pattern of 51 bytes for GLOB", sql: "SELECT 'x' GLOB ?", params: []any{strings.Repeat("*", 51)}, err: "D1_ERROR: LIKE or GLOB pattern too complex: SQLITE_ERROR"},
		{name: "5 terms", sql: repeat(5, " UNION ALL ", func(int) string { return "SELECT 1" }), rows: "1;1;1;1;1"},
		{name: "6 terms", sql: repeat(6, " UNION ALL ", func(int) string { return "SELECT 1" }), err: "D1_ERROR: too many terms in compound SELECT: SQLITE_ERROR"},
		{name: "VALUES of 500 rows", setup: "CREATE TABLE t(a)", sql: "INSERT INTO t VALUES " + repeat(500, ",", func(int) string { return "(1)" }), rows: ""},
		{name: "an expression 100 deep", sql: nested(98), rows: "99"},
		{name: "an expression over 100 deep", sql: nested(100), err: "D1_ERROR: Expression tree is too large (maximum depth 100): SQLITE_ERROR"},
		{name: "triggers 10 deep", setup: trigger, sql: "PRAGMA recursive_triggers=ON; INSERT INTO t VALUES(9)", rows: ""},
		{name: "triggers 11 deep", setup: trigger, sql: "PRAGMA recursive_triggers=ON; INSERT INTO t VALUES(11)", err: "D1_ERROR: too many levels of trigger recursion: SQLITE_ERROR"},
		{name: "a program of too many operations", sql: repeat(4, " UNION ALL ", func(int) string { return "VALUES" + repeat(4000, ",", func(int) string { return "(1,2)" }) }), err: "D1_ERROR: out of memory: SQLITE_NOMEM", code: abi.CodeTooLarge},
	})
}

func TestAResultHasAMostBytes(t *testing.T) {
	p := newProbe(t)
	const rows = `WITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n+1 FROM c WHERE n<?) SELECT zeroblob(1000000) FROM c`
	if r := p.must(rows, 31); r.RowCount != 31 {
		t.Error(r.RowCount, "rows")
	}
	_, err := p.query(rows, 32)
	if !errors.Is(err, abi.CodeTooLarge) || !strings.HasPrefix(seen(err), "D1_ERROR: the rows of the result take more than 31457280 bytes, the most that one reply may have (D1ResultBytesMax)") {
		t.Error(err)
	}
	if _, err := p.batch(stmt(rows, 16), stmt(rows, 16)); !errors.Is(err, abi.CodeTooLarge) {
		t.Errorf("a batch: %v", err)
	}
	p.mustExec("CREATE TABLE t(a)")
	if _, err := p.query("INSERT INTO t "+strings.Replace(rows, "WITH RECURSIVE c(n)", "WITH RECURSIVE c(n)", 1)+" RETURNING a", 32); !errors.Is(err, abi.CodeTooLarge) {
		t.Errorf("rows that were written: %v", err)
	}
	if got := p.rows("SELECT count(*) FROM t"); got != "0" {
		t.Errorf("%s rows were stored though the reply failed", got)
	}
}

func TestABatchHasAMostStatements(t *testing.T) {
	d := newProbe(t).database()
	q := &abi.D1QueryRequest{Statements: make([]abi.D1Statement, abi.D1BatchStatementsMax)}
	for i := range q.Statements {
		q.Statements[i] = stmt("SELECT 1")
	}
	if r, err := d.Query(t.Context(), q); err != nil || len(r.Results) != abi.D1BatchStatementsMax {
		t.Error(err)
	}
	q.Statements = append(q.Statements, stmt("SELECT 1"))
	if _, err := d.Query(t.Context(), q); !errors.Is(err, abi.CodeTooLarge) {
		t.Error(err)
	}
}

func TestAQueryThatTakesTooLongIsInterrupted(t *testing.T) {
	const endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) "
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a)")
	p.database().limit = 50 * time.Millisecond
	for _, c := range []struct {
		name string
		sql  []string
	}{
		{"a read", []string{endless + "SELECT count(*) FROM c"}},
		{"a read of many rows", []string{endless + "SELECT 1 FROM c WHERE n % 100000 = 0"}},
		{"a write", []string{"INSERT INTO t " + endless + "SELECT n FROM c"}},
		{"the last of a batch", []string{"INSERT INTO t VALUES(1)", endless + "SELECT count(*) FROM c"}},
		{"a batch as a whole", strings.Split(strings.Repeat(endless+"SELECT count(*) FROM (SELECT n FROM c LIMIT 100000)|", 100)+"SELECT 1", "|")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var batch []abi.D1Statement
			for _, sql := range c.sql {
				batch = append(batch, stmt(sql))
			}
			began := time.Now()
			_, err := p.batch(batch...)
			if !errors.Is(err, abi.CodeTimeout) || seen(err) != "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset." {
				t.Error(err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Error("it took", took)
			}
			p.database().limit = time.Minute
			if got := p.rows("SELECT count(*) FROM t"); got != "0" {
				t.Error(got, "rows")
			}
			p.must("DELETE FROM t")
			p.database().limit = 50 * time.Millisecond
		})
	}
	if _, err := p.exec(endless + "SELECT count(*) FROM c"); seen(err) != "D1_EXEC_ERROR: Error in line 1: "+endless+"SELECT count(*) FROM c: D1 DB storage operation exceeded timeout which caused object to be reset." {
		t.Error(err)
	}
}

// TestStatementsThatAreKeptHaveABound compiles short statements that stand for large triggers, more than fit into a connection's memory.
func TestStatementsThatAreKeptHaveABound(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a)\nCREATE TABLE u(" + repeat(90, ",", func(i int) string { return fmt.Sprintf("c%d", i) }) + ")\n" +
		"CREATE TRIGGER r AFTER INSERT ON t BEGIN " + repeat(120, " ", func(int) string {
		return "INSERT INTO u VALUES(" + repeat(90, ",", func(int) string { return "1" }) + ");"
	}) + " END")
	p.must("PRAGMA table_info(t)")
	for i := range 300 {
		p.must(fmt.Sprintf("INSERT INTO t SELECT %d WHERE 0", i))
	}
	for i := range 300 {
		if got := p.rows(fmt.Sprintf("SELECT %d", i)); got != fmt.Sprint(i) {
			t.Fatal(got)
		}
	}
	p.database().db.Write(t.Context(), 0, func(conn *sqlite.Conn) error {
		if c := &of(conn).cache; c.bytes > cacheBytesMax || c.order.Len() != len(c.entries) || c.order.Len() == 0 || c.order.Len() > 100 {
			t.Errorf("%d statements with %d bytes are kept", c.order.Len(), c.bytes)
		}
		return nil
	})
}

func TestAStatementThatTakesAllMemory(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a)")
	wide := "SELECT " + repeat(100, ",", func(int) string { return "randomblob(2000000)" })
	for _, sql := range []string{wide, "INSERT INTO t VALUES(1); " + wide} {
		if _, err := p.query(sql); !errors.Is(err, abi.CodeTooLarge) || seen(err) != "D1_ERROR: out of memory: SQLITE_NOMEM" && !strings.Contains(seen(err), "D1ResultBytesMax") {
			t.Errorf("%s: %v", brief(sql), err)
		}
		for i, err := range shared(t, p.database(), []abi.D1Statement{stmt("INSERT INTO t VALUES(2)")}, []abi.D1Statement{stmt(sql)}, []abi.D1Statement{stmt("INSERT INTO t VALUES(3)")}) {
			if (err != nil) != (i == 1) {
				t.Errorf("query %d: %v", i, err)
			}
		}
	}
	if got := p.rows("SELECT count(*), min(a), max(a) FROM t"); got != "4|2|3" {
		t.Error(got)
	}
	p.must("INSERT INTO t VALUES(4)")
	if got := p.rows("SELECT total_changes()"); got != "1" {
		t.Error("the connection whose memory was filled is still there")
	}
}
