package query

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
)

// many is a dataset of n points.
func many(t testing.TB, n int, blob string) string {
	dir := t.TempDir()
	list := make([]reading, n)
	for i := range list {
		list[i] = reading{now.Add(time.Duration(i-n) * time.Second), "i", []abi.ByteString{abi.ByteString(blob)}, []float64{float64(i)}}
	}
	fill(t, dir, "many", list)
	return dir
}

func TestLimitsOfAnAnswer(t *testing.T) {
	dir := many(t, RowsMax+1, strings.Repeat("x", 100))
	if got := ask(t, dir, "SELECT double1 FROM many LIMIT 100000 FORMAT TabSeparated", ""); strings.Count(got, "\n") != RowsMax {
		t.Errorf("%d rows, want %d", strings.Count(got, "\n"), RowsMax)
	}
	for _, c := range []struct {
		name, sql, want string
		o               Options
	}{
		{"one row too many", "SELECT double1 FROM many", "the answer has more than 100000 rows; add a LIMIT", Options{}},
		{"too many bytes", "SELECT " + strings.Repeat("blob1, ", 10) + "blob1 FROM many LIMIT 100000", "the answer is longer than 64 MiB; select less", Options{}},
		{"too much time", "SELECT sum(length(lowerUTF8(blob1))) FROM many", ErrTooSlow.Error(), Options{timeMax: time.Millisecond}},
		{"too many values", "SELECT quantileExactWeighted(0.5)(double1, 1) FROM many", "the query has aggregates over more values than fit into 1 MiB; let it read less", Options{heldMax: 1 << 20}},
		{"too many different values", "SELECT topK(double1) FROM many", "the query has aggregates over more values than fit into 1 MiB; let it read less", Options{heldMax: 1 << 20}},
		{"a text that is no time", "SELECT toDateTime(blob1) FROM many", `"` + strings.Repeat("x", 64) + `" is no time; 'YYYY-MM-DD hh:mm:ss' is one`, Options{}},
		{"a text that is no number", "SELECT toUInt32(index1) FROM many", `"i" is no number`, Options{}},
		{"a division by zero", "SELECT intDiv(1, double1) FROM many", "intDiv: division by zero", Options{}},
		{"an unknown field of a time", "SELECT formatDateTime(now(), '%E')", "formatDateTime: there is no %E", Options{}},
		{"a pattern with braces", "SELECT format('{x}', 1)", `format knows {} only, not "{x}"`, Options{}},
		{"too few arguments", "SELECT format('{} {}', 1)", "format has more places than arguments", Options{}},
	} {
		c.o.Dir, c.o.Now = dir, now
		_, err := Run(t.Context(), c.sql, c.o)
		if r := (*Refused)(nil); !errors.As(err, &r) || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	// Each group gives back what it held.
	if _, err := Run(t.Context(), "SELECT intDiv(double1, 1000) AS g, quantileExactWeighted(0.5)(double1, 1), topK(blob1) FROM many GROUP BY g", Options{Dir: dir, Now: now, heldMax: 1 << 16}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, "SELECT sum(double1) FROM many", Options{Dir: dir, Now: now}); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}

// TestARangeOfTimeReadsOnlyThat asks SQLite how it would answer.
func TestARangeOfTimeReadsOnlyThat(t *testing.T) {
	dir := many(t, 10, "x")
	for _, where := range []string{"timestamp > now() - INTERVAL '1' DAY", "timestamp BETWEEN '2026-01-01' AND now()", "timestamp >= toDateTime('2026-01-01 00:00:00', 'Europe/Berlin')", "timestamp > now() - INTERVAL '1' MONTH"} {
		if got := plan(t, dir, "SELECT count() FROM many WHERE "+where); !strings.Contains(got, "points_timestamp") {
			t.Errorf("%s: %s", where, got)
		}
	}
}

func BenchmarkGroupBy(b *testing.B) {
	dir := many(b, 200_000, "x")
	for b.Loop() {
		if _, err := Run(b.Context(), "SELECT toStartOfInterval(timestamp, INTERVAL '1' HOUR) AS h, sum(_sample_interval * double1), quantileExactWeighted(0.95)(double1, _sample_interval) FROM many GROUP BY h ORDER BY h", Options{Dir: dir, Now: now}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSmallQuery(b *testing.B) {
	dir := many(b, 10, "x")
	for b.Loop() {
		if _, err := Run(b.Context(), "SELECT count() FROM many", Options{Dir: dir, Now: now}); err != nil {
			b.Fatal(err)
		}
	}
}

// plan is how SQLite would answer a query.
func plan(t *testing.T, dir, sql string) string {
	t.Helper()
	q, err := dialect.Translate(sql, dialect.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	e := &environment{}
	c, err := e.open(t.Context(), q, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetAuthorizer(nil); err != nil {
		t.Fatal(err)
	}
	s, _, err := c.Prepare("EXPLAIN QUERY PLAN " + q.SQL)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text := ""
	for s.Step() {
		text += s.ColumnText(3) + "\n"
	}
	return text
}
