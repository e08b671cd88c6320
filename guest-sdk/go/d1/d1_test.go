package d1_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

const db = d1.Database("DB")

// inside runs f inside an event, with an empty database.
func inside(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	function := pagesruntest.Start(t, pagesruntest.Config{D1: []string{"DB"}}, func() {
		pagesrun.HandleFetch(func(*pagesrun.Context, *pagesrun.Request) (*pagesrun.Response, error) {
			f(t)
			return pagesrun.Text(200, ""), nil
		})
	})
	if r := function.Fetch("GET", "/", ""); r.Status != 200 {
		t.Errorf("%+v", r)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// wantError checks an error's text.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	var e *abi.Error
	if !errors.As(err, &e) || e.Message != text || e.Code != abi.CodeInvalidArgument {
		t.Errorf("got error %v, want %s", err, text)
	}
}

// show writes values with their types.
func show(values []any) string {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, "%T:%v ", v, v)
	}
	return strings.TrimSpace(b.String())
}

func TestEveryTypeIsBoundAsDocumented(t *testing.T) {
	text, number, whole, float, flag := "p", int64(-5), 6, 1.25, true
	inside(t, func(t *testing.T) {
		for _, c := range []struct {
			value any
			want  string
		}{
			{nil, "<nil>:<nil> string:null"},
			{true, "int64:1 string:integer"}, {false, "int64:0 string:integer"},
			{7, "int64:7 string:integer"}, {int8(-8), "int64:-8 string:integer"}, {int16(-16), "int64:-16 string:integer"},
			{int32(-32), "int64:-32 string:integer"}, {int64(math.MinInt64), "int64:-9223372036854775808 string:integer"},
			{uint8(8), "int64:8 string:integer"}, {uint16(16), "int64:16 string:integer"}, {uint32(math.MaxUint32), "int64:4294967295 string:integer"},
			{uint(1), "int64:1 string:integer"}, {uint64(math.MaxInt64), "int64:9223372036854775807 string:integer"},
			{1.0, "float64:1 string:real"}, {float32(0.5), "float64:0.5 string:real"},
			{"é\x00x", "string:é\x00x string:text"}, {"", "string: string:text"}, {"a\xff", "string:a\ufffd string:text"},
			{[]byte{0, 255}, "[]uint8:[0 255] string:blob"}, {[]byte{}, "[]uint8:[] string:blob"}, {[]byte(nil), "<nil>:<nil> string:null"},
			{&text, "string:p string:text"}, {&number, "int64:-5 string:integer"}, {&whole, "int64:6 string:integer"},
			{&float, "float64:1.25 string:real"}, {&flag, "int64:1 string:integer"}, {(*string)(nil), "<nil>:<nil> string:null"},
			{(*int64)(nil), "<nil>:<nil> string:null"},
		} {
			row, found, err := db.Prepare("SELECT ?1, typeof(?1)").Bind(c.value).First()
			if err != nil || !found {
				t.Errorf("%T: %v, %v", c.value, found, err)
				continue
			}
			values, err := row.Values()
			if got := show(values); got != c.want || err != nil {
				t.Errorf("%T %v came back as %q, want %q (%v)", c.value, c.value, got, c.want, err)
			}
		}
	})
}

type celsius float64

func TestOtherTypesAreRefusedWhenTheStatementRuns(t *testing.T) {
	inside(t, func(t *testing.T) {
		for _, c := range []struct {
			value any
			want  string
		}{
			{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "Type 'time.Time' not supported for value '2026-01-02 03:04:05 +0000 UTC'"},
			{struct{ A int }{1}, "Type 'struct { A int }' not supported for value '[struct { A int }]'"},
			{[]int{1}, "Type '[]int' not supported for value '[[]int]'"}, {map[string]any{}, "Type 'map[string]interface {}' not supported for value '[map[string]interface {}]'"},
			{celsius(1), "Type 'd1_test.celsius' not supported for value '[d1_test.celsius]'"}, {time.Second, "Type 'time.Duration' not supported for value '1s'"},
			{uint64(math.MaxUint64), "Type 'uint64' not supported for value '18446744073709551615'"}, {uint(1 << 63), "Type 'uint' not supported for value '9223372036854775808'"},
			{errors.New("oops"), "Type '*errors.errorString' not supported for value 'oops'"}, {func() {}, "Type 'func()' not supported for value '[func()]'"},
		} {
			want := "D1_TYPE_ERROR: " + c.want
			s := db.Prepare("SELECT ?, ?").Bind(1, c.value)
			_, err := s.All()
			wantError(t, err, want)
			_, err = s.Run()
			wantError(t, err, want)
			_, _, err = s.First()
			wantError(t, err, want)
			_, err = s.FirstColumn("x")
			wantError(t, err, want)
			_, err = s.Raw(true)
			wantError(t, err, want)
			_, err = db.Batch(db.Prepare("CREATE TABLE t (a)"), s)
			wantError(t, err, want)
			f := s.AllAsync()
			f.Cancel()
			_, err = s.Bind(1, 2).All()
			ok(t, err)
		}
		_, err := db.Prepare("SELECT * FROM t").All()
		wantError(t, err, "D1_ERROR: no such table: t")
	})
}

func TestBindMakesANewStatement(t *testing.T) {
	inside(t, func(t *testing.T) {
		s := db.Prepare("SELECT ? AS v")
		one, two := s.Bind("one"), s.Bind("one").Bind("two")
		for _, c := range []struct {
			s    d1.Statement
			want any
		}{{one, "one"}, {two, "two"}, {one, "one"}} {
			if v, err := c.s.FirstColumn("v"); v != c.want || err != nil {
				t.Error(v, err)
			}
		}
		_, err := s.All()
		wantError(t, err, "D1_ERROR: Wrong number of parameter bindings for SQL query.")
	})
}

func TestTheFirstRowIsFound(t *testing.T) {
	inside(t, func(t *testing.T) {
		row, found, err := db.Prepare("SELECT 1 AS a, 'x' AS b, 2 AS a UNION ALL SELECT 3, 'y', 4").First()
		ok(t, err)
		if !found || strings.Join(row.Columns(), ",") != "a,b,a" {
			t.Fatal(found, row.Columns())
		}
		if v, err := row.Value("a"); v != int64(2) || err != nil {
			t.Errorf("of two columns a: %v, %v", v, err)
		}
		_, err = row.Value("c")
		wantError(t, err, "D1_COLUMN_NOTFOUND: Column not found (c)")
		_, found, err = db.Prepare("SELECT 1 WHERE 0").First()
		if found || err != nil {
			t.Error(found, err)
		}
		v, err := db.Prepare("SELECT 1 WHERE 0").FirstColumn("nope")
		if v != nil || err != nil {
			t.Error(v, err)
		}
		v, err = db.Prepare("SELECT NULL AS n").FirstColumn("n")
		if v != nil || err != nil {
			t.Error(v, err)
		}
		_, err = db.Prepare("SELECT 1").FirstColumn("nope")
		wantError(t, err, "D1_COLUMN_NOTFOUND: Column not found (nope)")
	})
}

func TestFirstAsKnowsTheType(t *testing.T) {
	inside(t, func(t *testing.T) {
		if v, found, err := d1.FirstAs[float64](db.Prepare("SELECT 2 AS v"), "v"); v != 2 || !found || err != nil {
			t.Error(v, found, err)
		}
		if v, found, err := d1.FirstAs[string](db.Prepare("SELECT NULL AS v"), "v"); v != "" || found || err != nil {
			t.Error(v, found, err)
		}
		if v, found, err := d1.FirstAs[int](db.Prepare("SELECT 1 AS v WHERE 0"), "x"); v != 0 || found || err != nil {
			t.Error(v, found, err)
		}
		_, _, err := d1.FirstAs[int](db.Prepare("SELECT 1 AS v"), "x")
		wantError(t, err, "D1_COLUMN_NOTFOUND: Column not found (x)")
		_, _, err = d1.FirstAs[int](db.Prepare("SELECT 'a' AS v"), "v")
		wantError(t, err, "column v: TEXT is not an integer")
	})
}

func TestResultsAreGoneThrough(t *testing.T) {
	inside(t, func(t *testing.T) {
		result, err := db.Prepare("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n WHERE i < 1000) SELECT i, 'row ' || i AS name FROM n").All()
		ok(t, err)
		var kept []d1.Row
		for row := range result.Rows() {
			kept = append(kept, row)
		}
		if len(kept) != 1000 || result.Len() != 1000 {
			t.Fatal(len(kept), result.Len())
		}
		for i, row := range kept {
			var n int
			var name string
			ok(t, row.Scan(&n, &name))
			if n != i+1 || name != fmt.Sprint("row ", n) {
				t.Fatal(n, name)
			}
		}
		for range result.Rows() {
			break
		}
		names, err := d1.Column[string](result, "name")
		if len(names) != 1000 || names[999] != "row 1000" || err != nil {
			t.Error(len(names), err)
		}
		_, err = d1.Column[string](result, "i")
		wantError(t, err, "column i: INTEGER is not text")
		_, err = d1.Column[int](result, "x")
		wantError(t, err, "D1_COLUMN_NOTFOUND: Column not found (x)")
	})
}

func TestRawKeepsEveryColumn(t *testing.T) {
	inside(t, func(t *testing.T) {
		s := db.Prepare("SELECT 1 AS a, 2.5 AS a, NULL, x'00'")
		rows, err := s.Raw(false)
		if err != nil || len(rows) != 1 || show(rows[0]) != "int64:1 float64:2.5 <nil>:<nil> []uint8:[0]" {
			t.Error(rows, err)
		}
		rows, err = s.Raw(true)
		if err != nil || len(rows) != 2 || show(rows[0]) != "string:a string:a string:NULL string:x'00'" {
			t.Error(rows, err)
		}
		rows, err = db.Prepare("SELECT 1 AS a WHERE 0").Raw(true)
		if err != nil || len(rows) != 1 || show(rows[0]) != "string:a" {
			t.Error(rows, err)
		}
	})
}

func TestScanConvertsWhereNothingIsLost(t *testing.T) {
	inside(t, func(t *testing.T) {
		row, _, err := db.Prepare("SELECT 5, 5.0, 2.5, 'é', x'01ff', NULL").First()
		ok(t, err)
		var i int
		var i64 int64
		var f float64
		var s string
		var b []byte
		var null *string
		ok(t, row.Scan(&i, &i64, &f, &s, &b, &null))
		if i != 5 || i64 != 5 || f != 2.5 || s != "é" || !bytes.Equal(b, []byte{1, 255}) || null != nil {
			t.Error(i, i64, f, s, b, null)
		}
		var flag, flag2 bool
		var p *float64
		var text []byte
		var fromBlob string
		var a any = 1
		ok(t, row.Scan(&flag, &flag2, &p, &text, &fromBlob, &a))
		if !flag || !flag2 || *p != 2.5 || string(text) != "é" || fromBlob != "\x01\xff" || a != nil {
			t.Error(flag, flag2, *p, text, fromBlob, a)
		}
		text[0] = 'x'
		ok(t, row.Scan(nil, nil, nil, &s, nil, nil))
		if s != "é" {
			t.Errorf("the text became %q", s)
		}
		var pi *int
		var pi64 *int64
		var pb *bool
		ok(t, row.Scan(&pi, &pi64, nil, nil, nil, &pb))
		if *pi != 5 || *pi64 != 5 || pb != nil {
			t.Error(*pi, *pi64, pb)
		}
	})
}

func TestScanSaysWhatDoesNotFit(t *testing.T) {
	var i int64
	var f float64
	var s string
	var b []byte
	var flag bool
	var at time.Time
	inside(t, func(t *testing.T) {
		for _, c := range []struct {
			value string
			dest  any
			want  string
		}{
			{"2.5", &i, "the REAL is not an integer of 64 bits"}, {"9223372036854775808", &i, "the REAL is not an integer of 64 bits"}, {"-1e300", &i, "the REAL is not an integer of 64 bits"},
			{"'5'", &i, "TEXT is not an integer"}, {"x'00'", &f, "BLOB is not a number"}, {"'x'", &flag, "TEXT is not a number"}, {"1", &s, "INTEGER is not text"}, {"1.5", &s, "REAL is not text"},
			{"1", &b, "INTEGER is not bytes"}, {"NULL", &i, "NULL needs a pointer to a pointer, such as **int64"}, {"NULL", &s, "NULL needs a pointer to a pointer, such as **string"},
			{"1", &at, "a variable of this type cannot be used: *time.Time"}, {"1", 5, "a variable of this type cannot be used: int"}, {"1", s, "a variable of this type cannot be used: string"},
		} {
			row, _, err := db.Prepare("SELECT " + c.value + " AS v").First()
			ok(t, err)
			wantError(t, row.Scan(c.dest), "Scan: column v: "+c.want)
		}
		row, _, _ := db.Prepare("SELECT 1, 2").First()
		wantError(t, row.Scan(&i), "Scan: the row has 2 columns, and there are 1 variables")
		row, _, _ = db.Prepare("SELECT -9223372036854775808.0, 9223372036854774784.0").First()
		var low, high int64
		ok(t, row.Scan(&low, &high))
		if low != math.MinInt64 || high != 9223372036854774784 {
			t.Error(low, high)
		}
	})
}

func TestBatchesAreAllOrNothing(t *testing.T) {
	inside(t, func(t *testing.T) {
		insert := db.Prepare("INSERT INTO t VALUES (?)")
		results, err := db.Batch(db.Prepare("CREATE TABLE t (a UNIQUE)"), insert.Bind(1), insert.Bind(2), db.Prepare("SELECT sum(a) AS s FROM t"))
		ok(t, err)
		if len(results) != 4 || results[1].Meta.Changes != 1 || results[2].Meta.LastRowID != 2 || !results[2].Meta.ChangedDB || results[3].Len() != 1 {
			t.Errorf("%+v", results)
		}
		if _, err := db.Batch(insert.Bind(3), insert.Bind(1)); err == nil || !strings.Contains(err.Error(), "D1_ERROR: UNIQUE constraint failed: t.a") {
			t.Error(err)
		}
		if n, _, err := d1.FirstAs[int](db.Prepare("SELECT count(*) AS n FROM t"), "n"); n != 2 || err != nil {
			t.Error(n, err)
		}
		_, err = db.Batch()
		wantError(t, err, "D1_ERROR: No SQL statements detected.")
	})
}

func TestExecRunsLines(t *testing.T) {
	inside(t, func(t *testing.T) {
		r, err := db.Exec("CREATE TABLE t (a)\n\n  INSERT INTO t VALUES (1)  \n")
		if r.Count != 2 || err != nil {
			t.Error(r, err)
		}
		_, err = db.Exec("SELEC")
		if err == nil || !strings.HasPrefix(err.Error(), "D1_EXEC_ERROR: Error in line 1: SELEC: ") {
			t.Error(err)
		}
		_, err = db.Dump()
		if !errors.Is(err, abi.CodeUnsupported) || err.Error() != "D1_DUMP_ERROR: Status + 404" {
			t.Error(err)
		}
	})
}

func TestSessionsKeepTheNewestBookmark(t *testing.T) {
	inside(t, func(t *testing.T) {
		for _, from := range []string{"", d1.FirstUnconstrained, d1.FirstPrimary} {
			s := db.WithSession(from)
			if s.Bookmark() != "" {
				t.Errorf("%q begins with %q", from, s.Bookmark())
			}
			if _, err := s.Prepare("SELECT 1").All(); err != nil || len(s.Bookmark()) != 59 {
				t.Errorf("%q has %q, %v", from, s.Bookmark(), err)
			}
		}
		s := db.WithSession(d1.FirstPrimary)
		_, err := s.Batch(s.Prepare("CREATE TABLE t (a)"), s.Prepare("INSERT INTO t VALUES (1)"))
		ok(t, err)
		first := s.Bookmark()
		_, err = s.Prepare("INSERT INTO t VALUES (2)").Bind().Run()
		ok(t, err)
		second := s.Bookmark()
		if second <= first {
			t.Errorf("%q does not follow %q", second, first)
		}
		next := db.WithSession(second)
		if next.Bookmark() != second {
			t.Error(next.Bookmark())
		}
		later := db.WithSession("zzz")
		_, err = later.Prepare("SELECT 1").All()
		if later.Bookmark() != "zzz" || err != nil {
			t.Error(later.Bookmark(), err)
		}
	})
}

func TestStatementsOverlap(t *testing.T) {
	inside(t, func(t *testing.T) {
		one, two := db.Prepare("SELECT 1 AS v").RunAsync(), db.Prepare("SELECT 2 AS v").FirstAsync()
		three := db.BatchAsync(db.Prepare("SELECT 3"))
		four := db.ExecAsync("SELECT 4")
		if r, err := one.Await(); r.Len() != 1 || err != nil {
			t.Error(r, err)
		}
		if _, found, err := two.Await(); !found || err != nil {
			t.Error(found, err)
		}
		if r, err := three.Await(); len(r) != 1 || err != nil {
			t.Error(r, err)
		}
		if r, err := four.Await(); r.Count != 1 || err != nil {
			t.Error(r, err)
		}
		for _, cancel := range []func(){db.Prepare("SELECT 1").AllAsync().Cancel, db.Prepare("SELECT 1").FirstAsync().Cancel,
			db.WithSession("").BatchAsync(db.Prepare("SELECT 1")).Cancel, db.ExecAsync("SELECT 1").Cancel} {
			cancel()
		}
	})
}

func TestOutsideOfPagesrunEveryOperationSaysSo(t *testing.T) {
	_, err := db.Prepare("SELECT 1").All()
	if !errors.Is(err, abi.CodeUnsupported) || !strings.Contains(err.Error(), "GOOS=wasip1") {
		t.Error(err)
	}
	_, err = d1.Database("OTHER").Exec("")
	if !errors.Is(err, abi.CodeUnsupported) {
		t.Error(err)
	}
}
