package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/pagesrun/pagesrun/hostfuncs/kv"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// store is bench/guests/growth/store.c with bindings of its own, one for each size.
type store struct {
	*worker
	sizes []sized
}

// newStore loads the guest. section gives the configuration of the binding of a size; its name is "S" and the size.
func (b *bench) newStore(ctx context.Context, name string, sizes []sized, section func(sized) string) (*store, error) {
	sdk := filepath.Join(b.root, "guest-sdk", "c")
	module, err := b.clang("store.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first", "-I", sdk,
		filepath.Join(b.root, "bench", "guests", "growth", "store.c"), filepath.Join(sdk, "pagesrun.c"))
	if err != nil {
		return nil, err
	}
	text := "name = \"bench\"\ncompatibility_date = \"2026-11-01\"\n"
	for _, s := range sizes {
		text += section(s)
	}
	_, resources, err := b.configure(name, text)
	if err != nil {
		return nil, err
	}
	w := &worker{dir: filepath.Join(b.work, name), metrics: prometheus.NewRegistry()}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	w.registry, err = hostfuncs.Open(ctx, bindings.All(), resources, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: w.dir, Now: time.Now, Metrics: w.metrics, Durability: "relaxed", Shared: hostfuncs.NewShared(),
	})
	if err != nil {
		return nil, err
	}
	limits := pagesrun.DefaultLimits()
	limits.Operations, limits.CPU, limits.Wall = 10_000, time.Minute, 5*time.Minute
	w.app, err = pagesrun.Load(ctx, module, pagesrun.Options{Registry: w.registry, Limits: limits, CacheDir: filepath.Join(b.work, "cache")})
	if err == nil {
		err = w.registry.Start(ctx, w.app)
	}
	if err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	return &store{w, sizes}, nil
}

// binding is the name of the binding of a size.
func (s sized) binding() string { return "S" + strconv.Itoa(s.n) }

// at runs an event on the binding of a size, which must have done what is wanted.
func (w *store) at(ctx context.Context, s sized, want int, op string, n, from int) error {
	done, err := w.count(ctx, s, op, n, from)
	if err == nil && done != want {
		err = fmt.Errorf("%s, %s: the guest has done %d, not %d", op, s.binding(), done, want)
	}
	return err
}

// count runs an event on the binding of a size and gives the number it answers with.
func (w *store) count(ctx context.Context, s sized, op string, n, from int) (int, error) {
	query := url.Values{"op": {op}, "at": {s.binding()}, "n": {strconv.Itoa(n)}, "from": {strconv.Itoa(from)}, "of": {strconv.Itoa(s.n)}}
	done, err := number(ctx, w.app, query)
	if err != nil {
		err = fmt.Errorf("%s, %s: %w", op, s.binding(), err)
	}
	return done, err
}

// operation is what is measured: each event does it so many times, and each time handles so many things.
type operation struct {
	name, op      string
	times, things int
}

// storeEvents is how many events a turn has.
const storeEvents = 10

// keepInMemory reads every file through, so that the system has it in memory when there is room: what is measured then is not the disk.
func (w *store) keepInMemory() error {
	return filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) { // a file that comes and goes
			return nil
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, f)
		return errors.Join(err, f.Close())
	})
}

// measure has all sizes do an operation in turn.
func (w *store) measure(ctx context.Context, rounds int, o operation, unit string) ([]row, error) {
	if err := w.keepInMemory(); err != nil {
		return nil, err
	}
	from := 0
	var sides []func() (cost, error)
	for _, s := range w.sizes {
		sides = append(sides, func() (cost, error) {
			return timed(func() error {
				for range storeEvents {
					if err := w.at(ctx, s, o.times*o.things, o.op, o.times, from); err != nil {
						return err
					}
					from += o.times
				}
				return nil
			})
		})
	}
	results, err := warmed(rounds, sides...)
	if err != nil {
		return nil, err
	}
	costs := make([]samples, len(results))
	for i := range results {
		costs[i] = pick(results[i], func(c cost) float64 { return microseconds(c.cpu) / float64(o.times*o.things*storeEvents) })
	}
	return growthRows(o.name, "µs", unit, w.sizes, costs), nil
}

// all measures operations one after the other.
func (w *store) all(ctx context.Context, rounds int, unit string, operations ...operation) (rows []row, err error) {
	for _, o := range operations {
		found, err := w.measure(ctx, rounds, o, unit)
		if rows = append(rows, found...); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// measureGrowKV is what a key costs among more and more others.
func measureGrowKV(ctx context.Context, b *bench) ([]row, error) {
	sizes := powers(b.largest(6))
	for _, s := range sizes {
		if err := fillKeys(ctx, filepath.Join(b.work, "growth-kv", kv.Kind), s); err != nil {
			return nil, err
		}
	}
	w, err := b.newStore(ctx, "growth-kv", sizes, func(s sized) string {
		return fmt.Sprintf("[[kv_namespaces]]\nbinding = %q\nid = %q\n", s.binding(), s.binding())
	})
	if err != nil {
		return nil, err
	}
	rows, err := w.all(ctx, b.rounds(9), "keys", operation{"KV get", "kv.get", 500, 1}, operation{"KV list of 100", "kv.list", 20, 1}, operation{"KV put", "kv.put", 50, 1})
	return rows, errors.Join(err, w.close(ctx))
}

// fillKeys makes a namespace.
func fillKeys(ctx context.Context, dir string, s sized) error {
	n, err := kv.OpenNamespace(ctx, kv.Options{Dir: dir, Relaxed: true}, s.binding())
	if err != nil {
		return err
	}
	value := []byte(strings.Repeat("v", kvValueBytes))
	const atOnce = 100_000
	for first := 0; first < s.n && err == nil; first += atOnce {
		puts := make([]*abi.KVPutRequest, min(atOnce, s.n-first))
		for i := range puts {
			puts[i] = &abi.KVPutRequest{Key: abi.ByteString(fmt.Sprintf("key-%08d", first+i)), Value: value}
		}
		err = n.PutMany(ctx, puts, func(int) {})
	}
	return errors.Join(err, n.Close())
}

// measureGrowD1 is what a row costs among more and more others.
func measureGrowD1(ctx context.Context, b *bench) ([]row, error) {
	w, err := b.newStore(ctx, "growth-d1", powers(b.largest(6)), func(s sized) string {
		return fmt.Sprintf("[[d1_databases]]\nbinding = %q\ndatabase_name = %q\ndatabase_id = %q\n", s.binding(), s.binding(), s.binding())
	})
	if err != nil {
		return nil, err
	}
	rows, err := b.rowsOfD1(ctx, w)
	return rows, errors.Join(err, w.close(ctx))
}

func (b *bench) rowsOfD1(ctx context.Context, w *store) ([]row, error) {
	const atOnce = 100_000
	for _, s := range w.sizes {
		for first := 0; first < s.n; first += atOnce {
			n := min(first+atOnce, s.n)
			if err := w.at(ctx, s, n, "d1.fill", n, first); err != nil {
				return nil, err
			}
		}
	}
	return w.all(ctx, b.rounds(9), "rows", operation{"D1 SELECT by primary key", "d1.get", 500, 1}, operation{"D1 SELECT by an index", "d1.find", 500, 1}, operation{"D1 UPDATE", "d1.put", 50, 1})
}

// measureGrowQueues is what a message costs when more and more others wait.
func measureGrowQueues(ctx context.Context, b *bench) ([]row, error) {
	sizes := powers(b.largest(5))
	producer := func(s sized) string {
		return fmt.Sprintf("[[queues.producers]]\nbinding = %q\nqueue = %q\n", s.binding(), strings.ToLower(s.binding()))
	}
	w, err := b.newStore(ctx, "growth-queues", sizes, producer)
	if err != nil {
		return nil, err
	}
	rows, err := b.rowsOfSending(ctx, w)
	if err = errors.Join(err, w.close(ctx)); err != nil {
		return rows, err
	}
	var drained samples
	for _, s := range sizes {
		each, err := b.drain(ctx, s, producer(s))
		if err != nil {
			return rows, err
		}
		drained = append(drained, each)
	}
	return append(rows, drainRows(sizes, drained)...), nil
}

// rowsOfSending lets queues wait that nobody consumes.
func (b *bench) rowsOfSending(ctx context.Context, w *store) ([]row, error) {
	for _, s := range w.sizes {
		for sent := 0; sent < s.n; {
			n := min(100, (s.n-sent)/batchSize)
			if err := w.at(ctx, s, n*batchSize, "send", n, 0); err != nil {
				return nil, err
			}
			sent += n * batchSize
		}
	}
	return w.all(ctx, b.rounds(5), "messages waiting", operation{"queue send, in batches of 100, each message", "send", 1, batchSize})
}

// drain opens a queue with a consumer, and says how many microseconds of processor time each message took to be consumed.
func (b *bench) drain(ctx context.Context, s sized, producer string) (float64, error) {
	name := strings.ToLower(s.binding())
	consumer := fmt.Sprintf("[[queues.consumers]]\nqueue = %q\nmax_batch_size = 100\nmax_batch_timeout = 1\n", name)
	var w *store
	var consumed float64
	c, err := timed(func() (err error) {
		w, err = b.newStore(ctx, "growth-queues", []sized{s}, func(sized) string { return producer + consumer })
		for err == nil {
			var waiting int
			if waiting, err = w.count(ctx, s, "backlog", 0, 0); err == nil && waiting == 0 {
				consumed, err = w.consumed()
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
		return err
	})
	if w != nil {
		err = errors.Join(err, w.close(ctx))
	}
	if err == nil && consumed < float64(s.n) {
		err = fmt.Errorf("%s: %v messages were consumed", name, consumed)
	}
	return microseconds(c.cpu) / consumed, err
}

// drainRows are the rows of what was consumed once, at each size.
func drainRows(sizes []sized, each samples) []row {
	costs := make([]samples, len(sizes))
	for i := range costs {
		costs[i] = samples{each[i]}
	}
	return growthRows("queue, consuming all, start included, each message", "µs", "messages waiting", sizes, costs)
}
