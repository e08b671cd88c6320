package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

const instancesDefinition = `One event is runtime.App.Fetch: take an instance from the pool, encode a request, run the guest's whole hello, take its response,
put the instance's memory and globals back to the image. CPU per event is this process's processor time, garbage collection
included, over the events of a round; one goroutine runs them one after the other. "2 threads" are two goroutines doing that at
once, over one goroutine in the same round. full-copy is the reset of systems other than Linux.`

// events is what one round of events cost.
type events struct {
	cost
	n             int
	threads       int
	mallocs, heap uint64
}

func (e events) cpuEach() float64 { return microseconds(e.cpu) / float64(e.n) }
func (e events) elapsedEach() float64 {
	return microseconds(e.elapsed) / float64(e.n) * float64(e.threads)
}
func (e events) mallocsEach() float64 { return float64(e.mallocs) / float64(e.n) }
func (e events) heapEach() float64    { return float64(e.heap) / float64(e.n) }

// measureInstances is the cost of a pristine instance per event.
func measureInstances(ctx context.Context, b *bench) ([]row, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var rows []row
	for _, c := range []struct {
		guest    string
		portable bool
		promise  *promise
	}{{"hello-c", false, atMost(6)}, {"hello-go", false, atMost(25)}, {"hello-c", true, nil}, {"hello-go", true, nil}} {
		found, err := b.measureGuest(ctx, c.guest, c.portable, c.promise)
		if err != nil {
			found = []row{missing(c.guest, err)}
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

func (b *bench) measureGuest(ctx context.Context, guest string, portable bool, each *promise) ([]row, error) {
	module, err := os.ReadFile(filepath.Join(b.bin, guest+".wasm"))
	if err != nil {
		return nil, err
	}
	registry, err := hostfuncs.Open(ctx, nil, nil, hostfuncs.Host{Metrics: prometheus.NewRegistry()})
	if err != nil {
		return nil, err
	}
	app, err := pagesrun.Load(ctx, module, pagesrun.Options{Registry: registry, CacheDir: filepath.Join(b.work, "cache"), PortableReset: portable})
	if err != nil {
		return nil, errors.Join(err, registry.Close(ctx))
	}
	rows, err := b.measureApp(ctx, app, guest+", "+app.Backend(), each)
	return rows, errors.Join(err, app.Close(ctx), registry.Close(ctx))
}

func (b *bench) measureApp(ctx context.Context, app *pagesrun.App, name string, each *promise) ([]row, error) {
	turn := b.round(250 * time.Millisecond)
	side := func(threads int) func() (events, error) {
		return func() (events, error) { return runEvents(ctx, app, threads, turn) }
	}
	if _, err := side(2)(); err != nil { // makes the pool's instances
		return nil, err
	}
	results, err := interleave(b.rounds(9), side(1), side(2))
	if err != nil {
		return nil, err
	}
	one, two := results[0], results[1]
	var scaling *promise
	if each != nil {
		scaling = atMost(1.5)
	}
	cpu, elapsed := pick(one, events.cpuEach), pick(one, events.elapsedEach)
	return []row{
		newRow(name+": CPU per event", "µs", cpu, each),
		newRow(name+": elapsed per event", "µs", elapsed, nil),
		newRow(name+": 2 threads, CPU per event", "×", pick(two, events.cpuEach).over(cpu), scaling),
		newRow(name+": 2 threads, elapsed per event and thread", "×", pick(two, events.elapsedEach).over(elapsed), nil),
		newRow(name+": allocations per event", "", pick(one, events.mallocsEach), nil),
		newRow(name+": bytes allocated per event", "B", pick(one, events.heapEach), nil),
	}, nil
}

// runEvents runs events in several threads for about d.
func runEvents(ctx context.Context, app *pagesrun.App, threads int, d time.Duration) (events, error) {
	e := events{threads: threads}
	counts, errs := make([]int, threads), make([]error, threads)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var err error
	e.cost, err = timed(func() error {
		var wg sync.WaitGroup
		for i := range threads {
			wg.Go(func() { counts[i], errs[i] = fetchFor(ctx, app, d) })
		}
		wg.Wait()
		return errors.Join(errs...)
	})
	runtime.ReadMemStats(&after)
	for _, n := range counts {
		e.n += n
	}
	e.mallocs, e.heap = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return e, err
}

// fetchFor runs one event after the other for about d and counts them.
func fetchFor(ctx context.Context, app *pagesrun.App, d time.Duration) (n int, err error) {
	req := newRequest("http://localhost:8787/")
	for start := time.Now(); time.Since(start) < d; {
		for range 32 {
			if err := fetch(ctx, app, req); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func newRequest(url string) *pagesrun.Request {
	return &pagesrun.Request{ID: "0123456789abcdef", Fetch: abi.FetchEvent{
		Method: http.MethodGet, URL: abi.ByteString(url), Protocol: "HTTP/1.1", RemoteAddr: "127.0.0.1",
		Headers: []abi.Header{{Name: "Host", Value: "localhost:8787"}},
	}}
}

// fetch runs one event, which must answer with 200.
func fetch(ctx context.Context, app *pagesrun.App, req *pagesrun.Request) error {
	req.Start = time.Now()
	resp, err := app.Fetch(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Close()
	if resp.Status != http.StatusOK {
		return fmt.Errorf("the guest answered %d: %.200s", resp.Status, resp.Body)
	}
	return nil
}
