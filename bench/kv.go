package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/kv"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

const kvDefinition = `A C guest reads 1,000 keys of 100 bytes one after the other in one event; the same event with no read is subtracted. The peer is Go
code in the same process that reads the same keys from the same file through one prepared statement of go-sqlite3 (bind, step, copy the
value, reset), each read a transaction of its own, as it is when nobody begins one. The second peer holds one transaction
open over all its reads, as package kv does while nobody writes. CPU time, guest over peer.`

const (
	kvKeys       = 1000
	kvValueBytes = 100
	kvGets       = 1000
)

// kvKey is the key of the i-th read; bench/guests/kvget.c does the same.
func kvKey(i int) string { return fmt.Sprintf("key-%03d", i*7%kvKeys) }

// measureKV is the price of reaching a binding from inside a guest.
func measureKV(ctx context.Context, b *bench) ([]row, error) {
	dir := filepath.Join(b.work, "data")
	if err := fill(ctx, filepath.Join(dir, kv.Kind)); err != nil {
		return nil, err
	}
	guest, err := b.newKVGuest(ctx, dir)
	if err != nil {
		return nil, err
	}
	peer, err := newKVPeer(filepath.Join(dir, kv.Kind, "kv-bench.sqlite"))
	if err != nil {
		return nil, errors.Join(err, guest.close(ctx))
	}
	rows, err := b.measureGets(ctx, guest, peer)
	return rows, errors.Join(err, peer.close(), guest.close(ctx))
}

func (b *bench) measureGets(ctx context.Context, guest *kvGuest, peer *kvPeer) ([]row, error) {
	sides := []func() (cost, error){
		func() (cost, error) { return guest.repeat(ctx, kvGets) },
		func() (cost, error) { return guest.repeat(ctx, 0) },
		peer.repeat,
		peer.repeatInTransaction,
	}
	for _, side := range sides { // opens connections and makes instances
		if _, err := side(); err != nil {
			return nil, err
		}
	}
	results, err := interleave(b.rounds(15), sides...)
	if err != nil {
		return nil, err
	}
	each := func(c cost) float64 { return microseconds(c.cpu) / (kvGets * kvEvents) }
	inGuest, direct, inTransaction := pick(results[0], each), pick(results[2], each), pick(results[3], each)
	for i, empty := range pick(results[1], each) {
		inGuest[i] -= empty
	}
	return []row{
		newRow("KV get in a C guest over a prepared statement", "×", inGuest.over(direct), atMost(1.5)),
		newRow("the same over a statement in an open transaction", "×", inGuest.over(inTransaction), nil),
		newRow("KV get in a C guest", "µs", inGuest, nil),
		newRow("prepared statement", "µs", direct, nil),
		newRow("prepared statement in an open transaction", "µs", inTransaction, nil),
	}, nil
}

// fill makes the namespace.
func fill(ctx context.Context, dir string) error {
	n, err := kv.OpenNamespace(ctx, kv.Options{Dir: dir, Relaxed: true}, "bench")
	if err != nil {
		return err
	}
	value := []byte(strings.Repeat("v", kvValueBytes))
	errs := make([]error, kvKeys)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = n.Put(ctx, &abi.KVPutRequest{Key: abi.ByteString(kvKey(i)), Value: value}) })
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), n.Close())
}

// kvGuest is the guest that reads.
type kvGuest struct {
	registry *hostfuncs.Registry
	app      *pagesrun.App
}

func (b *bench) newKVGuest(ctx context.Context, dir string) (*kvGuest, error) {
	sdk := filepath.Join(b.root, "guest-sdk", "c")
	module, err := b.clang("kvget.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first", "-I", sdk,
		filepath.Join(b.root, "bench", "guests", "kvget.c"), filepath.Join(sdk, "pagesrun.c"))
	if err != nil {
		return nil, err
	}
	g := &kvGuest{}
	g.registry, err = hostfuncs.Open(ctx, []hostfuncs.Binding{kv.New()},
		[][]hostfuncs.Resource{{&kv.Resource{Binding: "BENCH", ID: "bench"}}},
		hostfuncs.Host{Log: slog.New(slog.DiscardHandler), DataDir: dir, Now: time.Now, Metrics: prometheus.NewRegistry(), Durability: "sync"})
	if err != nil {
		return nil, err
	}
	limits := pagesrun.DefaultLimits()
	limits.Operations = 2 * kvGets
	g.app, err = pagesrun.Load(ctx, module, pagesrun.Options{Registry: g.registry, Limits: limits})
	if err != nil {
		return nil, errors.Join(err, g.registry.Close(ctx))
	}
	return g, nil
}

// kvEvents is how many events a side's turn has.
const kvEvents = 10

// repeat runs a turn's events with so many gets each.
func (g *kvGuest) repeat(ctx context.Context, gets int) (cost, error) {
	req := newRequest("http://localhost:8787/?n=" + strconv.Itoa(gets))
	return timed(func() error {
		for range kvEvents {
			if err := g.event(ctx, req, gets); err != nil {
				return err
			}
		}
		return nil
	})
}

// event runs one event and checks that the guest has read everything.
func (g *kvGuest) event(ctx context.Context, req *pagesrun.Request, gets int) error {
	req.Start = time.Now()
	resp, err := g.app.Fetch(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Close()
	if want := strconv.Itoa(gets * kvValueBytes); string(resp.Body) != want {
		return fmt.Errorf("the guest read %q bytes, not %s", resp.Body, want)
	}
	return nil
}

func (g *kvGuest) close(ctx context.Context) error {
	return errors.Join(g.app.Close(ctx), g.registry.Close(ctx))
}

// kvPeer reads the namespace's file with nothing in between.
type kvPeer struct {
	conn *sqlite3.Conn
	stmt *sqlite3.Stmt
	buf  []byte
}

// newKVPeer opens the file with as much cache as package kv uses, and the least statement that gives what a get must know.
func newKVPeer(path string) (*kvPeer, error) {
	conn, err := sqlite3.Open((&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String())
	if err != nil {
		return nil, err
	}
	p := &kvPeer{conn: conn}
	if err := conn.Exec(`PRAGMA cache_size=-4096; PRAGMA query_only=ON`); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p.stmt, _, err = conn.PrepareFlags(`SELECT expiration, value FROM entries WHERE key = ?1`, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return p, nil
}

// repeat does as many reads as all events of a turn.
func (p *kvPeer) repeat() (cost, error) {
	return timed(func() error {
		for range kvEvents {
			bytes := 0
			for i := range kvGets {
				value, err := p.get(kvKey(i))
				if err != nil {
					return err
				}
				bytes += len(value)
			}
			if bytes != kvGets*kvValueBytes {
				return fmt.Errorf("the peer read %d bytes", bytes)
			}
		}
		return nil
	})
}

// repeatInTransaction is repeat with one transaction around all reads.
func (p *kvPeer) repeatInTransaction() (cost, error) {
	if err := p.conn.Exec(`BEGIN`); err != nil {
		return cost{}, err
	}
	c, err := p.repeat()
	return c, errors.Join(err, p.conn.Exec(`COMMIT`))
}

// get reads one value. It is valid until the next get.
func (p *kvPeer) get(key string) ([]byte, error) {
	if err := p.stmt.BindText(1, key); err != nil {
		return nil, err
	}
	p.buf = p.buf[:0]
	if p.stmt.Step() && (p.stmt.ColumnType(0) == sqlite3.NULL || p.stmt.ColumnInt64(0) > time.Now().Unix()) {
		p.buf = append(p.buf, p.stmt.ColumnRawBlob(1)...)
	}
	return p.buf, p.stmt.Reset()
}

func (p *kvPeer) close() error { return errors.Join(p.stmt.Close(), p.conn.Close()) }
