package kv

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// benchKeys is how many keys the benchmarks choose from.
const benchKeys = 1000

var benchSizes = []int{100, 1000, 10_000, 100_000}

// benchProbe opens a namespace with keys of the given size and gives the messages that read them.
func benchProbe(b *testing.B, size int) (p *probe, gets [][]byte) {
	p = newProbe(b)
	puts := make([]*abi.KVPutRequest, benchKeys)
	for i := range puts {
		key := abi.ByteString(fmt.Sprintf("user:%d:profile", i))
		puts[i] = &abi.KVPutRequest{Key: key, Value: pattern(size)}
		gets = append(gets, (&abi.KVGetRequest{Key: key}).AppendCBOR(nil))
	}
	if err := p.live.(*live).opened[0].PutMany(context.Background(), puts, func(int) {}); err != nil {
		b.Fatal(err)
	}
	return p, gets
}

// barePrepared opens the namespace's file with go-sqlite3 alone, set up as a reading connection is, and prepares the plainest
// statement that finds what a get finds: the value of a key that has not expired.
func barePrepared(b *testing.B, p *probe) *sqlite3.Stmt {
	c, err := sqlite3.Open(filepath.Join(p.dir, fileName("ns")))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	if err := c.Exec(`PRAGMA cache_size=-4096`); err != nil {
		b.Fatal(err)
	}
	s, _, err := c.Prepare(`SELECT value FROM entries WHERE key = ? AND (expiration IS NULL OR expiration > ?)`)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// bareGet reads one key with the prepared statement.
func bareGet(b *testing.B, s *sqlite3.Stmt, key string, dst []byte) []byte {
	if s.BindText(1, key) != nil || s.BindInt64(2, time.Now().Unix()) != nil || !s.Step() {
		b.Fatal(s.Err())
	}
	dst = append(dst, s.ColumnRawBlob(0)...)
	if err := s.Reset(); err != nil {
		b.Fatal(err)
	}
	return dst
}

// BenchmarkGet compares the operation kv.get, message in and message out, with a bare prepared statement on the same file. The two take
// turns, so that what else the machine does meets both. "ratio" is operation / bare.
func BenchmarkGet(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			p, gets := benchProbe(b, size)
			s := barePrepared(b, p)
			keys := make([]string, benchKeys)
			for i := range keys {
				keys[i] = fmt.Sprintf("user:%d:profile", i)
			}
			op, call, ctx := p.ops[abi.OpKVGet].Run, hostfuncs.NewCall("NS", nil), context.Background()
			var dst []byte
			var operation, bare time.Duration
			const turn = 200
			for i := 0; b.Loop(); i += turn {
				start := time.Now()
				for j := range turn {
					var err error
					if dst, err = op(ctx, call, gets[(i+j)*7919%benchKeys], dst[:0]); err != nil || len(dst) < size {
						b.Fatal(err)
					}
				}
				middle := time.Now()
				for j := range turn {
					dst = bareGet(b, s, keys[(i+j)*7919%benchKeys], dst[:0])
				}
				operation += middle.Sub(start)
				bare += time.Since(middle)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(operation.Nanoseconds())/float64(b.N*turn), "ns/get")
			b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N*turn), "ns/bare")
			b.ReportMetric(float64(operation)/float64(bare), "ratio")
		})
	}
}

// BenchmarkGetAllocations shows what one get allocates.
func BenchmarkGetAllocations(b *testing.B) {
	p, gets := benchProbe(b, 100)
	op, call, ctx := p.ops[abi.OpKVGet].Run, hostfuncs.NewCall("NS", nil), context.Background()
	var dst []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst, _ = op(ctx, call, gets[i%benchKeys], dst[:0])
	}
}

// BenchmarkGetParallel reads with all CPUs at once.
func BenchmarkGetParallel(b *testing.B) {
	p, gets := benchProbe(b, 100)
	op, call := p.ops[abi.OpKVGet].Run, hostfuncs.NewCall("NS", nil)
	b.RunParallel(func(pb *testing.PB) {
		var dst []byte
		for i := 0; pb.Next(); i++ {
			dst, _ = op(context.Background(), call, gets[i*7919%benchKeys], dst[:0])
		}
	})
}

// BenchmarkPut writes with different numbers of writers waiting at once, each write durable ("sync").
func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("%d writers", writers), func(b *testing.B) {
			n, err := OpenNamespace(b.Context(), Options{Dir: b.TempDir()}, "ns")
			if err != nil {
				b.Fatal(err)
			}
			defer n.Close()
			var next atomic.Int64
			b.SetParallelism(max(1, writers/2))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					q := abi.KVPutRequest{Key: abi.ByteString(fmt.Sprint(next.Add(1) % benchKeys)), Value: make([]byte, 100)}
					if err := n.Put(context.Background(), &q); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkList lists a full page of 1000 keys.
func BenchmarkList(b *testing.B) {
	p, _ := benchProbe(b, 100)
	msg := (&abi.KVListRequest{}).AppendCBOR(nil)
	op, call := p.ops[abi.OpKVList].Run, hostfuncs.NewCall("NS", nil)
	var dst []byte
	for b.Loop() {
		var err error
		if dst, err = op(context.Background(), call, msg, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
