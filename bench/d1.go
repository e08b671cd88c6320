package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
)

const d1Definition = `A C guest reads 1,000 rows of 100 bytes by their primary key, one statement after the other in one event; the same event with no read
is subtracted. The peers are those of kv: Go code in the same process that uses one prepared statement of go-sqlite3 on the same file, each
read a transaction of its own, and with one transaction around all. CPU time, guest over peer. An insert is one event with one
statement, durable on this machine's disk; 32 concurrent events are 32 goroutines that run one after the other each. Elapsed time.`

const (
	d1Reads      = 1000
	d1ReadEvents = 10
	// d1Writers is how many events insert at once.
	d1Writers = 32
)

// measureD1 is the price of a query from inside a guest, and what concurrent writes share.
func measureD1(ctx context.Context, b *bench) ([]row, error) {
	w, err := b.newWorker(ctx, "d1", "sync", "")
	if err != nil {
		return nil, err
	}
	rows, err := b.measureReads(ctx, w)
	if err == nil {
		var more []row
		more, err = b.measureInserts(ctx, w)
		rows = append(rows, more...)
	}
	return rows, errors.Join(err, w.close(ctx))
}

func (b *bench) measureReads(ctx context.Context, w *worker) ([]row, error) {
	if err := w.must(ctx, 0, "d1.setup"); err != nil {
		return nil, err
	}
	peer, err := newD1Peer(filepath.Join(w.dir, "d1", "d1-bench.sqlite"))
	if err != nil {
		return nil, err
	}
	results, err := warmed(b.rounds(15),
		w.times(ctx, d1ReadEvents, d1Reads, "d1.get", d1Reads), w.times(ctx, d1ReadEvents, 0, "none"), peer.repeat, peer.repeatInTransaction)
	if err = errors.Join(err, peer.close()); err != nil {
		return nil, err
	}
	each := func(c cost) float64 { return microseconds(c.cpu) / (d1Reads * d1ReadEvents) }
	inGuest, direct, inTransaction := pick(results[0], each), pick(results[2], each), pick(results[3], each)
	for i, empty := range pick(results[1], each) {
		inGuest[i] -= empty
	}
	return []row{
		newRow("D1 point SELECT in a C guest over a prepared statement", "×", inGuest.over(direct), atMost(1.6)),
		newRow("the same over a statement in an open transaction", "×", inGuest.over(inTransaction), nil),
		newRow("D1 point SELECT in a C guest", "µs", inGuest, nil),
		newRow("prepared statement", "µs", direct, nil),
		newRow("prepared statement in an open transaction", "µs", inTransaction, nil),
	}, nil
}

// measureInserts compares one writer with many.
func (b *bench) measureInserts(ctx context.Context, w *worker) ([]row, error) {
	turn := b.round(2 * time.Second)
	side := func(writers int) func() (float64, error) {
		return func() (float64, error) { return w.inserts(ctx, writers, turn) }
	}
	for _, writers := range []int{1, d1Writers} {
		if _, err := w.inserts(ctx, writers, turn/4); err != nil {
			return nil, err
		}
	}
	results, err := interleave(b.rounds(7), side(1), side(d1Writers))
	if err != nil {
		return nil, err
	}
	one, many := samples(results[0]), samples(results[1])
	return []row{
		newRow("D1 durable INSERT, 32 concurrent events over 1", "×", many.over(one), atLeast(8)),
		newRow("D1 durable INSERT, 1 event at a time", "/s", one, nil),
		newRow("D1 durable INSERT, 32 at a time", "/s", many, nil),
	}, nil
}

// inserts runs events that insert for about d and gives how many there were per second.
func (w *worker) inserts(ctx context.Context, writers int, d time.Duration) (float64, error) {
	var done atomic.Int64
	errs := make([]error, writers)
	start := time.Now()
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for time.Since(start) < d && errs[i] == nil {
				errs[i] = w.must(ctx, 1, "d1.put", 1)
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), errors.Join(errs...)
}

// d1Peer reads the database's file with nothing in between.
type d1Peer struct {
	conn *sqlite3.Conn
	stmt *sqlite3.Stmt
	buf  []byte
}

func newD1Peer(path string) (*d1Peer, error) {
	conn, err := sqlite3.Open((&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String())
	if err != nil {
		return nil, err
	}
	p := &d1Peer{conn: conn}
	if err := conn.Exec(`PRAGMA cache_size=-4096; PRAGMA query_only=ON`); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p.stmt, _, err = conn.PrepareFlags(`SELECT value FROM entries WHERE id = ?1`, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return p, nil
}

// repeat does as many reads as all events of a turn.
func (p *d1Peer) repeat() (cost, error) {
	return timed(func() error {
		for range d1ReadEvents {
			for i := range d1Reads {
				value, err := p.get(int64(i * 7 % 1000))
				if err != nil {
					return err
				}
				if len(value) != 100 {
					return fmt.Errorf("the peer read %d bytes", len(value))
				}
			}
		}
		return nil
	})
}

// repeatInTransaction is repeat with one transaction around all reads.
func (p *d1Peer) repeatInTransaction() (cost, error) {
	if err := p.conn.Exec(`BEGIN`); err != nil {
		return cost{}, err
	}
	c, err := p.repeat()
	return c, errors.Join(err, p.conn.Exec(`COMMIT`))
}

// get reads one value. It is valid until the next get.
func (p *d1Peer) get(id int64) ([]byte, error) {
	if err := p.stmt.BindInt64(1, id); err != nil {
		return nil, err
	}
	p.buf = p.buf[:0]
	if p.stmt.Step() {
		p.buf = append(p.buf, p.stmt.ColumnRawText(0)...)
	}
	return p.buf, p.stmt.Reset()
}

func (p *d1Peer) close() error { return errors.Join(p.stmt.Close(), p.conn.Close()) }
