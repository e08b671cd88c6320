package d1

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// shared runs queries so that they all wait for the writing connection at once and share a transaction. It gives the error of each.
func shared(t *testing.T, d *Database, queries ...[]abi.D1Statement) []error {
	t.Helper()
	if err := d.state.begin(t.Context(), d.db); err != nil {
		t.Fatal(err)
	}
	blocked, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		d.db.Write(context.Background(), 0, func(*sqlite.Conn) error {
			close(blocked)
			<-release
			return nil
		})
	})
	<-blocked
	errs := make([]error, len(queries))
	for i, q := range queries {
		wg.Go(func() {
			_, errs[i] = d.Query(context.Background(), &abi.D1QueryRequest{Statements: q})
		})
		time.Sleep(5 * time.Millisecond) // so that they wait in this order
	}
	close(release)
	wg.Wait()
	return errs
}

// TestQueriesThatShareATransactionDoNotHarmEachOther puts a query that goes wrong between others that must succeed.
func TestQueriesThatShareATransactionDoNotHarmEachOther(t *testing.T) {
	const endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) "
	for _, c := range []struct {
		name string
		sql  []string
		want string // in the message of its error; empty where it succeeds
	}{
		{"a syntax error", []string{"INSERT INTO t VALUES(-1)", "SELEC"}, "syntax error"},
		{"a constraint", []string{"INSERT INTO t VALUES(-1)", "INSERT INTO t VALUES(-1)"}, "UNIQUE constraint failed"},
		{"INSERT OR FAIL", []string{"INSERT OR FAIL INTO t VALUES(-1),(-1)"}, "UNIQUE constraint failed"},
		{"INSERT OR ROLLBACK", []string{"INSERT INTO t VALUES(-1)", "INSERT OR ROLLBACK INTO t VALUES(-1)"}, "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)"},
		{"ON CONFLICT ROLLBACK in the schema", []string{"CREATE TABLE u(a UNIQUE ON CONFLICT ROLLBACK)", "INSERT INTO u VALUES(1)", "INSERT INTO u VALUES(1)"}, "UNIQUE constraint failed: u.a"},
		{"RAISE(ROLLBACK)", []string{"CREATE TRIGGER r AFTER INSERT ON t WHEN new.id < 0 BEGIN SELECT RAISE(ROLLBACK, 'away'); END", "INSERT INTO t VALUES(-1)"}, "away"},
		{"a foreign key that is deferred", []string{"INSERT INTO c VALUES(99)"}, "FOREIGN KEY constraint failed"},
		{"a foreign key that PRAGMA defers", []string{"PRAGMA defer_foreign_keys=on", "INSERT INTO i VALUES(99)"}, "FOREIGN KEY constraint failed"},
		{"a foreign key that is mended in time", []string{"INSERT INTO c VALUES(99)", "INSERT INTO t VALUES(99)"}, ""},
		{"PRAGMA defer_foreign_keys that others must not notice", []string{"PRAGMA defer_foreign_keys=on", "INSERT INTO i VALUES(98)", "INSERT INTO t VALUES(98)"}, ""},
		{"a query that takes too long", []string{"INSERT INTO t VALUES(-1)", "INSERT INTO t " + endless + "SELECT -n-1 FROM c"}, "exceeded timeout"},
		{"a read that takes too long", []string{"INSERT INTO t VALUES(-1)", endless + "SELECT count(*) FROM c"}, "exceeded timeout"},
		{"a full-text table that is taken back", []string{"CREATE VIRTUAL TABLE f USING fts5(a)", "INSERT INTO f VALUES('x')", "SELEC"}, "syntax error"},
		{"a full-text table that is not dropped after all", []string{"INSERT INTO g VALUES('x')", "DROP TABLE g", "SELEC"}, "syntax error"},
		{"a table that is not renamed after all", []string{"ALTER TABLE t RENAME TO v", "SELEC"}, "syntax error"},
		{"a result that is too large", []string{"INSERT INTO t VALUES(-1)", "WITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n+1 FROM c WHERE n<40) SELECT zeroblob(1000000) FROM c"}, "D1ResultBytesMax"},
		{"BEGIN", []string{"INSERT INTO t VALUES(-1)", "BEGIN"}, "To execute a transaction"},
		{"ROLLBACK", []string{"INSERT INTO t VALUES(-1)", "ROLLBACK"}, "To execute a transaction"},
		{"RELEASE of the savepoint", []string{"INSERT INTO t VALUES(-1)", "RELEASE one"}, "To execute a transaction"},
		{"a program that is too long", []string{"INSERT INTO t VALUES(-1)", strings.Repeat("VALUES"+repeat(4000, ",", func(int) string { return "(1,2)" })+" UNION ALL ", 3) + "SELECT 1,2"}, "out of memory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProbe(t)
			p.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY)\nCREATE TABLE c(t REFERENCES t DEFERRABLE INITIALLY DEFERRED)\nCREATE TABLE i(t REFERENCES t)\nCREATE VIRTUAL TABLE g USING fts5(a)")
			if c.want == "exceeded timeout" {
				p.database().limit = 300 * time.Millisecond
			}
			var bad []abi.D1Statement
			for _, sql := range c.sql {
				bad = append(bad, stmt(sql))
			}
			errs := shared(t, p.database(),
				[]abi.D1Statement{stmt("INSERT INTO t VALUES(1)")},
				bad,
				[]abi.D1Statement{stmt("INSERT INTO t VALUES(2)"), stmt("INSERT INTO g VALUES('y')")},
				[]abi.D1Statement{stmt("INSERT INTO i VALUES(1000)")}, // fails at once as long as nothing is deferred
				[]abi.D1Statement{stmt("INSERT INTO t VALUES(3)")})
			for i, err := range errs {
				want := map[int]string{1: c.want, 3: textForeignKey}[i]
				if (err == nil) != (want == "") || !strings.Contains(seen(err), want) {
					t.Errorf("query %d: %v", i, err)
				}
			}
			p.database().limit = time.Minute
			if got := p.rows("SELECT count(*) FROM t WHERE id BETWEEN 1 AND 3"); got != "3" {
				t.Errorf("%s of 3 rows are there", got)
			}
			if got := p.rows("SELECT count(*) FROM t WHERE id < 0"); got != "0" {
				t.Errorf("%s rows of the query that failed are there", got)
			}
			if got := p.rows("SELECT count(*) FROM g WHERE g MATCH 'x OR y'"); got != "1" {
				t.Errorf("%s entries in the full-text table", got)
			}
			p.must("INSERT INTO t VALUES(4)")
			p.close()
			checkIntegrity(t, p.dir+"/"+FileName("db"))
		})
	}
}

func TestAnImportIsRunOnce(t *testing.T) {
	d := newProbe(t).database()
	d.Exec(t.Context(), &abi.D1ExecRequest{SQL: "CREATE TABLE t(a)"})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					d.Query(context.Background(), &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("CREATE TABLE IF NOT EXISTS u(a UNIQUE)"), stmt("INSERT OR ROLLBACK INTO u VALUES(1),(1)")}})
				}
			}
		})
	}
	for range 20 {
		if _, err := d.Import(t.Context(), strings.NewReader("INSERT INTO t VALUES(1); INSERT INTO t VALUES(2);"), ImportOptions{}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	r, err := d.Query(t.Context(), &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("SELECT count(*) FROM t")}})
	if err != nil || show(t, r.Results[0]) != "40" {
		t.Error(r, err)
	}
}

// TestEventsSideBySide lets readers, writers and those who fail work at once. What was acknowledged is seen at once by everybody, and sums that
// every write keeps are kept.
func TestEventsSideBySide(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER CHECK (amount >= 0))\n" +
		"WITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n+1 FROM c WHERE n<10) INSERT INTO account SELECT n, 100 FROM c\nCREATE TABLE log(name TEXT PRIMARY KEY)")
	d := p.database()
	query := func(q ...abi.D1Statement) (abi.D1QueryReply, error) {
		return d.Query(context.Background(), &abi.D1QueryRequest{Statements: q})
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 60 {
				name := fmt.Sprintf("%d-%d", w, i)
				amount, from, to := (w*7+i*13)%80, i%10+1, (i+w+1)%10+1
				_, err := query(
					stmt("UPDATE account SET amount = amount + ? WHERE id = ?", amount, to), stmt("UPDATE account SET amount = amount - ? WHERE id = ?", amount, from),
					stmt("INSERT INTO log VALUES(?)", name))
				if err != nil && !strings.Contains(seen(err), "CHECK constraint failed") {
					t.Error(err)
				}
				r, err2 := query(stmt("SELECT count(*) FROM log WHERE name = ?", name), stmt("SELECT sum(amount) FROM account"))
				if err2 != nil {
					t.Error(err2)
					continue
				}
				if want := map[bool]string{true: "1", false: "0"}[err == nil]; show(t, r.Results[0]) != want || show(t, r.Results[1]) != "1000" {
					t.Errorf("%s entries, sum %s, the write gave %v", show(t, r.Results[0]), show(t, r.Results[1]), err)
				}
				switch i % 20 {
				case 5:
					query(stmt("INSERT OR ROLLBACK INTO log VALUES('x'),('x')"))
				case 11:
					query(stmt(fmt.Sprintf("CREATE TABLE t%d(a)", w)), stmt(fmt.Sprintf("DROP TABLE t%d", w)))
				case 17:
					query(stmt("PRAGMA case_sensitive_like=on; SELECT 'a' LIKE 'A'; DELETE FROM account WHERE 0"))
				}
			}
		})
	}
	wg.Wait()
}

func TestAnotherProcessIsNoticed(t *testing.T) {
	dir := t.TempDir()
	a, b := openProbe(t, dir, "sync"), openProbe(t, dir, "sync")
	a.must("CREATE TABLE t(id INTEGER PRIMARY KEY, a)")
	if got := b.rows("PRAGMA table_info(t)"); got != "0|'id'|'INTEGER'|0|NULL|1;1|'a'|''|0|NULL|0" {
		t.Error(got)
	}
	for i := range 10 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		from.must("INSERT INTO t(a) VALUES(?)", i)
		if got := to.rows("SELECT max(id), a FROM t"); got != fmt.Sprintf("%d|%d", i+1, i) {
			t.Errorf("after %d: %s", i, got)
		}
	}
	b.must("ALTER TABLE t ADD COLUMN c")
	if got := a.rows("SELECT count(*) FROM pragma_table_info('t')"); got != "3" {
		t.Error(got)
	}
	if got := a.rows("INSERT INTO t(c) VALUES(1); SELECT count(*) FROM pragma_index_list('t')"); got != "0" {
		t.Error(got)
	}
}

func TestAfterClosing(t *testing.T) {
	p := newProbe(t)
	d := p.database()
	p.close()
	for _, sql := range []string{"SELECT 1", "CREATE TABLE t(a)"} {
		_, err := d.Query(t.Context(), &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt(sql)}})
		if !errors.Is(err, abi.CodeUnavailable) || !strings.HasPrefix(seen(err), prefixQuery) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestACallThatIsCanceled(t *testing.T) {
	d := newProbe(t).database()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := d.Query(ctx, &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT count(*) FROM c")}})
	if !errors.Is(err, abi.CodeCanceled) {
		t.Error(err)
	}
	if _, err := d.Query(ctx, &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("CREATE TABLE t(a)")}}); !errors.Is(err, abi.CodeCanceled) {
		t.Error(err)
	}
}
