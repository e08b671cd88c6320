package d1

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const benchRows = 10_000

// benchDatabase opens a database with a table of [benchRows] rows. PAGESRUN_BENCH_DIR says on which disk.
func benchDatabase(b *testing.B, relaxed bool) (*Database, string) {
	dir := b.TempDir()
	if base := os.Getenv("PAGESRUN_BENCH_DIR"); base != "" {
		dir = filepath.Join(base, filepath.Base(dir))
	}
	d, err := OpenDatabase(b.Context(), Options{Dir: dir, Relaxed: relaxed}, "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close(); os.RemoveAll(dir) })
	_, err = d.Exec(b.Context(), &abi.D1ExecRequest{SQL: abi.ByteString(fmt.Sprintf(`CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n REAL)
		WITH RECURSIVE s(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM s WHERE i<%d) INSERT INTO t SELECT i, 'name of row '||i, i*1.5 FROM s`, benchRows))})
	if err != nil {
		b.Fatal(err)
	}
	return d, d.Path()
}

// BenchmarkPointSelect is the operation as a guest's call reaches it: message in, message out.
func BenchmarkPointSelect(b *testing.B) {
	d, _ := benchDatabase(b, true)
	l := &live{databases: map[string]*Database{"DB": d}}
	b.ReportAllocs()
	b.ResetTimer()
	var dst []byte
	for i := range b.N {
		msg := (&abi.D1QueryRequest{Statements: []abi.D1Statement{{
			SQL: "SELECT id, name, n FROM t WHERE id = ?", Params: cbor.AppendInt(nil, int64(i%benchRows+1)),
		}}}).AppendCBOR(nil)
		var err error
		if dst, err = l.query(context.Background(), hostfuncs.NewCall("DB", nil), msg, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPointSelectDirect is the same statement, prepared once, on a connection of the driver.
func BenchmarkPointSelectDirect(b *testing.B) {
	_, path := benchDatabase(b, true)
	c, err := sqlite3.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	s, _, err := c.Prepare("SELECT id, name, n FROM t WHERE id = ?")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.BindInt64(1, int64(i%benchRows+1))
		if !s.Step() || s.ColumnInt64(0) == 0 || s.ColumnText(1) == "" || s.ColumnFloat(2) == 0 {
			b.Fatal(s.Err())
		}
		s.Reset()
	}
}

// BenchmarkInsert inserts durably from so many events at once.
func BenchmarkInsert(b *testing.B) {
	for _, events := range []int{1, 32} {
		for _, relaxed := range []bool{false, true} {
			b.Run(fmt.Sprintf("events=%d/relaxed=%v", events, relaxed), func(b *testing.B) {
				d, _ := benchDatabase(b, relaxed)
				b.ReportAllocs()
				b.ResetTimer()
				q := &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("INSERT INTO t(name, n) VALUES (?, ?)", "some name", 1.5)}}
				var next atomic.Int64
				var wg sync.WaitGroup
				for range events {
					wg.Go(func() {
						for next.Add(1) <= int64(b.N) {
							_, err := d.appendQuery(context.Background(), q, nil)
							if err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inserts/s")
			})
		}
	}
}
