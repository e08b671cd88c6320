package query

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
)

// FuzzTranslate checks that whatever is translated is one statement that SQLite accepts, that only reads, and that the authorizer lets through.
func FuzzTranslate(f *testing.F) {
	for _, sql := range []string{
		"SELECT blob1 AS b, sum(_sample_interval * double1) FROM t WHERE timestamp > now() - INTERVAL '1' DAY GROUP BY b HAVING b LIKE 'x%' ORDER BY b DESC LIMIT 5 OFFSET 1 FORMAT JSON",
		"SELECT * FROM (SELECT topK(3)(blob1) AS a, quantileExactWeighted(0.5)(double1, 1) FROM t) WHERE 1 IN (1, 2) AND NOT 2 BETWEEN 3 AND 4",
		"SELECT format('{}', timestamp), if(1, toDateTime('2020-01-01'), now()), bitNot(5), -double1 % 2 / 3 FROM \"t\" -- x",
		"SELECT count(), first_value(blob1), extract(DAY from max(timestamp)), toStartOfInterval(now(), INTERVAL '1' MONTH, 'Europe/Berlin') FROM t ORDER BY timestamp",
		"SHOW TIMEZONES", "SELECT 1; DROP TABLE points", "SELECT a AS b, b AS a FROM t", "SELECT dataset, count() FROM t GROUP BY dataset", "SELECT argMax(blob1, double1) FROM t HAVING 1",
		"SELECT 'a''b', substring('x', 1, 2), position('a' IN blob1), countIf(double1 > 1e3), sum(DISTINCT double1) FROM t",
	} {
		f.Add(sql)
	}
	c := memory(f)
	f.Fuzz(func(t *testing.T, sql string) {
		q, err := dialect.Translate(sql, dialect.Options{Now: now})
		if err != nil {
			if e := (*dialect.Error)(nil); !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		if q.Show != "" {
			return
		}
		s, tail, err := c.Prepare(q.SQL)
		if err != nil {
			t.Fatalf("%v: %s", err, q.SQL)
		}
		defer s.Close()
		if tail != "" || !s.ReadOnly() || !strings.HasPrefix(q.SQL, "SELECT ") || s.ColumnCount() != len(q.Columns) {
			t.Fatalf("read only %v, %d columns, rest %q: %s", s.ReadOnly(), s.ColumnCount(), tail, q.SQL)
		}
	})
}

// memory opens a database with the schema of a dataset, as queries open files.
func memory(t testing.TB) *sqlite3.Conn {
	t.Helper()
	dir := t.TempDir()
	fill(t, dir, "t", []reading{{at: now}})
	e := &environment{}
	c, err := e.open(context.Background(), &dialect.Query{Dataset: "t"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// FuzzRun runs queries on a dataset: nothing may panic, whatever the values.
func FuzzRun(f *testing.F) {
	dir := f.TempDir()
	fill(f, dir, "t", []reading{{at: now, index: "i", doubles: []float64{1.5, -2}}})
	for _, sql := range []string{
		"round(double1, -3), floor(1e300, 300), intDiv(double1, double2), bitRotateLeft(300, -70), bitShiftLeft(1, 1000), bitTest(1, -1)",
		"substring('abc', -9, 2), formatDateTime(now(), '%Y %'), format('{}{}', 1), toDateTime('x'), 'a\\' LIKE '%\\', toStartOfInterval(toDateTime(-99999999999), INTERVAL '7' YEAR)",
		"toDateTime(9e18) + INTERVAL '2000000000' YEAR, toStartOfInterval(toDateTime(1e15), INTERVAL '2000000000' DAY), toUInt8(-1), hex(-1), pow(-1, 0.5)",
	} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		_, err := Run(t.Context(), "SELECT "+sql+" FROM t", Options{Dir: dir, Now: now})
		if r := (*Refused)(nil); err != nil && !errors.As(err, &r) {
			t.Fatalf("%s: %v", sql, err)
		}
	})
}

func TestTheAuthorizerLetsNothingElseThrough(t *testing.T) {
	c := memory(t)
	for _, sql := range []string{
		"DELETE FROM points", "SELECT * FROM sqlite_schema", "PRAGMA user_version", "ATTACH 'x' AS y", "SELECT load_extension('x')", "SELECT randomblob(9)",
		"CREATE TABLE x (y)", "CREATE TEMP TABLE x (y)", "BEGIN", "SELECT * FROM pragma_database_list", "WITH RECURSIVE x(y) AS (SELECT 1 UNION SELECT y FROM x) SELECT * FROM x",
	} {
		if s, _, err := c.Prepare(sql); err == nil {
			s.Close()
			t.Errorf("%s was let through", sql)
		}
	}
}

func TestAQueryOfNothingIsRefused(t *testing.T) {
	dir := t.TempDir()
	if got, want := ask(t, dir, "SELECT 1 FROM nothing", ""), `! line 1, column 15, at "nothing": there is no dataset of this name; the first data point makes it`; got != want {
		t.Errorf("got %s", got)
	}
	if stored, err := store.Stored(dir); len(stored) > 0 || err != nil {
		t.Errorf("the query has made %v, %v", stored, err)
	}
}
