package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/pagesrun/pagesrun/runtime"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// workerConfig is the configuration of bench/guests/work.c, without what depends on the measurement.
const workerConfig = `name = "bench"
compatibility_date = "2026-11-01"
d1_databases = [{ binding = "DB", database_name = "bench", database_id = "bench" }]
analytics_engine_datasets = [{ binding = "POINTS", dataset = "points" }]
[pagesrun.limits]
operations = 10000
[[queues.producers]]
binding = "QUEUE"
queue = "bench"
`

// workerConsumer is a consumer for its queue.
const workerConsumer = `[[queues.consumers]]
queue = "bench"
max_batch_size = 100
max_batch_timeout = 1
`

// workerModule builds the guest that does what it is told.
func (b *bench) workerModule() ([]byte, error) {
	sdk := filepath.Join(b.root, "guest-sdk", "c")
	return b.clang("work.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first", "-I", sdk,
		filepath.Join(b.root, "bench", "guests", "work.c"), filepath.Join(sdk, "pagesrun.c"))
}

// worker is that guest in this process, with bindings of its own.
type worker struct {
	registry *hostfuncs.Registry
	app      *pagesrun.App
	dir      string
	metrics  *prometheus.Registry
}

// newWorker loads the guest. more is added to its configuration; durability is "sync" or "relaxed".
func (b *bench) newWorker(ctx context.Context, name, durability, more string) (*worker, error) {
	module, err := b.workerModule()
	if err != nil {
		return nil, err
	}
	cfg, resources, err := b.configure(name, workerConfig+more)
	if err != nil {
		return nil, err
	}
	w := &worker{dir: filepath.Join(b.work, name), metrics: prometheus.NewRegistry()}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	w.registry, err = hostfuncs.Open(ctx, bindings.All(), resources, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: w.dir, Now: time.Now, Metrics: w.metrics, Durability: durability, Shared: hostfuncs.NewShared(),
	})
	if err != nil {
		return nil, err
	}
	limits := pagesrun.DefaultLimits()
	limits.Operations = int(cfg.Pagesrun.Limits.Operations)
	w.app, err = pagesrun.Load(ctx, module, pagesrun.Options{Registry: w.registry, Limits: limits, CacheDir: filepath.Join(b.work, "cache")})
	if err == nil {
		err = w.registry.Start(ctx, w.app)
	}
	if err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	return w, nil
}

// configure writes a configuration file and has every binding read it.
func (b *bench) configure(name, text string) (*config.Config, [][]hostfuncs.Resource, error) {
	path := filepath.Join(b.work, name+".toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, nil, err
	}
	var sections []string
	for _, binding := range bindings.All() {
		sections = append(sections, binding.Sections()...)
	}
	cfg, problems := config.Load(config.Options{File: path, Sections: sections})
	resources, more := hostfuncs.Decode(bindings.All(), cfg)
	return cfg, resources, append(problems, more...).Err()
}

// do runs one event and gives the number the guest answers with.
func (w *worker) do(ctx context.Context, op string, params ...int) (int, error) {
	query := url.Values{"op": {op}}
	for i, name := range []string{"n", "from"}[:len(params)] {
		query.Set(name, strconv.Itoa(params[i]))
	}
	n, err := number(ctx, w.app, query)
	if err != nil {
		err = fmt.Errorf("%s: %w", op, err)
	}
	return n, err
}

// number runs one event with a query and gives the number the guest answers with.
func number(ctx context.Context, app *runtime.App, query url.Values) (int, error) {
	req := newRequest("http://localhost:8787/?" + query.Encode())
	req.Start = time.Now()
	resp, err := app.Fetch(ctx, req)
	if err != nil {
		return 0, err
	}
	defer resp.Close()
	n, err := strconv.Atoi(string(resp.Body))
	if err != nil {
		return 0, fmt.Errorf("the guest answered %.200q", resp.Body)
	}
	return n, nil
}

// must is do, with the number that must come back.
func (w *worker) must(ctx context.Context, want int, op string, params ...int) error {
	n, err := w.do(ctx, op, params...)
	if err == nil && n != want {
		err = fmt.Errorf("%s: the guest has done %d, not %d", op, n, want)
	}
	return err
}

// times gives a side that runs an event so many times.
func (w *worker) times(ctx context.Context, events, want int, op string, params ...int) func() (cost, error) {
	return func() (cost, error) {
		return timed(func() error {
			for range events {
				if err := w.must(ctx, want, op, params...); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func (w *worker) close(ctx context.Context) error {
	var err error
	if w.app != nil {
		err = errors.Join(w.registry.Stop(ctx), w.app.Close(ctx))
	}
	return errors.Join(err, w.registry.Close(ctx))
}

// warmed runs every side once, which opens connections and makes instances, and then interleaves them.
func warmed(rounds int, sides ...func() (cost, error)) ([][]cost, error) {
	for _, side := range sides {
		if _, err := side(); err != nil {
			return nil, err
		}
	}
	return interleave(rounds, sides...)
}
