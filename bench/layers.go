package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

const layersDefinition = `What each layer adds, from the inside out. "kept" has isolation = "instance": an event finds what the events before it left in the instance, so that it is request, guest
and response. "pristine" has isolation = "event", the default, which puts the instance back to its image: the difference is the reset. Events run in this process, 1, 8 and 64 at a time;
CPU time per event. A host call is the read of a variable, 500 in an event less none; streams move 1 MiB in or out of an event, less none. HTTP is the real program under wrk with 1, 8 and 64
connections. "First ever" is from starting the process with nothing compiled to its first 200, "cold" with the compiled module in the cache, "warm" is the median latency of a request on one
connection. Bindings and a whole application behind HTTP are in peers-bindings and peers-shop; what the limits cost, which cannot be switched off, is in kernels.`

// measureLayers takes an event apart. A part that fails does not keep the others from running.
func measureLayers(ctx context.Context, b *bench) (rows []row, err error) {
	for _, part := range []func(context.Context) ([]row, error){b.layersInProcess, b.layersInGuest, b.layersOverHTTP, b.layersOfStart} {
		found, failed := part(ctx)
		rows, err = append(rows, found...), errors.Join(err, failed)
	}
	return rows, err
}

// isolations are the modes, and what the rows call them.
var isolations = []struct {
	name string
	mode pagesrun.Isolation
}{{"kept", pagesrun.IsolationInstance}, {"pristine", pagesrun.IsolationEvent}}

// layersGuests are the guests that greet.
var layersGuests = []struct{ name, module string }{{"C", "hello-c"}, {"Go", "hello-go"}}

// layersInProcess is what an event costs without HTTP.
func (b *bench) layersInProcess(ctx context.Context) (rows []row, err error) {
	for _, guest := range layersGuests {
		module, err := os.ReadFile(filepath.Join(b.bin, guest.module+".wasm"))
		if err != nil {
			return rows, err
		}
		found, err := b.layersOfGuest(ctx, guest.name, module)
		if rows = append(rows, found...); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// layersOfGuest measures both isolations and all concurrencies of a guest in turn.
func (b *bench) layersOfGuest(ctx context.Context, guest string, module []byte) (rows []row, err error) {
	turn := b.round(200 * time.Millisecond)
	var names []string
	var sides []func() (events, error)
	for _, isolation := range isolations {
		app, stop, err := b.bareApp(ctx, module, isolation.mode)
		if err != nil {
			return nil, err
		}
		defer stop()
		for _, n := range concurrencies {
			names = append(names, fmt.Sprintf("%s, %s, %d at a time", guest, isolation.name, n))
			sides = append(sides, func() (events, error) { return runEvents(ctx, app, n, turn) })
			if _, err := runEvents(ctx, app, n, turn/4); err != nil { // makes the instances
				return nil, err
			}
		}
	}
	results, err := interleave(b.rounds(9), sides...)
	if err != nil {
		return nil, err
	}
	kept, pristine := pick(results[0], events.cpuEach), pick(results[len(concurrencies)], events.cpuEach)
	rows = append(rows, newRow(guest+": pristine over kept", "×", pristine.over(kept), nil))
	for i, name := range names {
		rows = append(rows, newRow(name+": CPU per event", "µs", pick(results[i], events.cpuEach), nil))
	}
	return rows, nil
}

// bareApp loads a guest without bindings.
func (b *bench) bareApp(ctx context.Context, module []byte, mode pagesrun.Isolation) (app *pagesrun.App, stop func(), err error) {
	registry, err := hostfuncs.Open(ctx, nil, nil, hostfuncs.Host{Metrics: prometheus.NewRegistry()})
	if err != nil {
		return nil, nil, err
	}
	app, err = pagesrun.Load(ctx, module, pagesrun.Options{Registry: registry, Isolation: mode, CacheDir: filepath.Join(b.work, "cache")})
	if err != nil {
		return nil, nil, errors.Join(err, registry.Close(ctx))
	}
	return app, func() { app.Close(ctx); registry.Close(ctx) }, nil
}

// How much an event of layers.c does.
const (
	layerCalls  = 500
	layerPieces = 64 // of 16 KiB: 1 MiB
	layerBytes  = layerPieces * 16 << 10
	layerEvents = 50
	// layerName is the variable that is read.
	layerName = "0123456789"
)

// layersInGuest is what a host call and a stream cost.
func (b *bench) layersInGuest(ctx context.Context) (rows []row, err error) {
	app, stop, err := b.layersApp(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	side := func(query string, body, want int) func() (cost, error) {
		return func() (cost, error) {
			return timed(func() error {
				for range layerEvents {
					if err := layerEvent(ctx, app, query, body, want); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	results, err := warmed(b.rounds(9), side("op=none", 0, 0), side(fmt.Sprintf("op=calls&n=%d", layerCalls), 0, layerCalls*len(layerName)),
		side("op=in", layerBytes, layerBytes), side(fmt.Sprintf("op=out&n=%d", layerPieces), 0, -layerBytes))
	if err != nil {
		return nil, err
	}
	each := func(side, things int) samples {
		none := pick(results[0], func(c cost) float64 { return microseconds(c.cpu) })
		s := pick(results[side], func(c cost) float64 { return microseconds(c.cpu) })
		for i := range s {
			s[i] = max(0, s[i]-none[i]) / float64(layerEvents*things)
		}
		return s
	}
	return []row{
		newRow("host call", "µs", each(1, layerCalls), nil),
		newRow("stream in, each MiB", "µs", each(2, 1), nil),
		newRow("stream out, each MiB", "µs", each(3, 1), nil),
	}, nil
}

// layersApp loads bench/guests/layers.c with its variable.
func (b *bench) layersApp(ctx context.Context) (app *pagesrun.App, stop func(), err error) {
	sdk := filepath.Join(b.root, "guest-sdk", "c")
	module, err := b.clang("layers.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first", "-I", sdk,
		filepath.Join(b.root, "bench", "guests", "layers.c"), filepath.Join(sdk, "pagesrun.c"))
	if err != nil {
		return nil, nil, err
	}
	_, resources, err := b.configure("layers", "name = \"layers\"\n[vars]\nNAME = \""+layerName+"\"\n")
	if err != nil {
		return nil, nil, err
	}
	registry, err := hostfuncs.Open(ctx, bindings.All(), resources, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: filepath.Join(b.work, "layers"), Now: time.Now, Metrics: prometheus.NewRegistry(), Shared: hostfuncs.NewShared(),
	})
	if err != nil {
		return nil, nil, err
	}
	app, err = pagesrun.Load(ctx, module, pagesrun.Options{Registry: registry, CacheDir: filepath.Join(b.work, "cache")})
	if err == nil {
		err = registry.Start(ctx, app)
	}
	if err != nil {
		return nil, nil, errors.Join(err, registry.Close(ctx))
	}
	return app, func() { registry.Stop(ctx); app.Close(ctx); registry.Close(ctx) }, nil
}

// layerEvent runs an event with a body of so many bytes. The guest must answer with the number that is wanted or, where it is negative, with so many bytes.
func layerEvent(ctx context.Context, app *pagesrun.App, query string, body, want int) error {
	req := newRequest("http://localhost:8787/?" + query)
	if body > 0 {
		req.Fetch.Method, req.Body = http.MethodPost, &zeros{left: body}
	}
	req.Start = time.Now()
	resp, err := app.Fetch(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Close()
	got, err := answer(resp, want < 0)
	if err == nil && got != max(want, -want) {
		err = fmt.Errorf("%s: the guest has done %d, not %d", query, got, max(want, -want))
	}
	return err
}

// layersOverHTTP is what HTTP adds, in both isolations.
func (b *bench) layersOverHTTP(ctx context.Context) (rows []row, err error) {
	var running []*hello
	defer func() {
		for _, h := range running {
			err = errors.Join(err, h.server.stop())
		}
	}()
	for _, guest := range layersGuests {
		for _, isolation := range isolations {
			s := helloServer{name: guest.name + ", " + isolation.name, path: "/", command: func() (func(string) *exec.Cmd, error) {
				return b.isolated(guest.module, string(isolation.mode))
			}}
			started, err := s.start()
			if err != nil {
				return rows, err
			}
			running = append(running, &hello{helloServer: s, server: started, loads: map[int][]load{}})
		}
	}
	for _, connections := range concurrencies {
		ready, _, err := warmUp(ctx, running, connections)
		if err == nil {
			_, _, err = b.greet(ctx, ready, connections)
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, layerRows(running, connections)...)
	}
	return rows, nil
}

// isolated gives the command that serves a guest with an isolation.
func (b *bench) isolated(guest, mode string) (func(string) *exec.Cmd, error) {
	file := filepath.Join(b.work, guest+"-"+mode+".toml")
	text := fmt.Sprintf("name = %q\n[pagesrun]\nisolation = %q\n", guest, mode)
	return b.pagesrun(guest, "--config", file), os.WriteFile(file, []byte(text), 0o600)
}

// layerRows are the rows of one number of connections.
func layerRows(running []*hello, connections int) (rows []row) {
	for i := 0; i+1 < len(running); i += len(isolations) {
		kept, pristine := running[i].loads[connections], running[i+1].loads[connections]
		name := fmt.Sprintf("HTTP, %d connections, %s over %s: CPU per request", connections, running[i+1].name, running[i].name)
		rows = append(rows, newRow(name, "×", pick(pristine, cpuEach).over(pick(kept, cpuEach)), nil))
	}
	for _, h := range running {
		before := fmt.Sprintf("HTTP, %d connections, %s: ", connections, h.name)
		rows = append(rows, newRow(before+"CPU per request", "µs", pick(h.loads[connections], cpuEach), nil),
			newRow(before+tailName, "ms", pick(h.loads[connections], p99MS), nil))
		if connections == 1 {
			rows = append(rows, newRow(before+"warm, median latency", "ms", pick(h.loads[connections], p50MS), nil))
		}
	}
	return rows
}

// layersOfStart is what the first answer takes, with and without a compiled module.
func (b *bench) layersOfStart(context.Context) (rows []row, err error) {
	for _, guest := range layersGuests {
		empty := 0
		results, err := interleave(b.rounds(5), func() (float64, error) {
			empty++
			return b.startIn(guest.module, fmt.Sprintf("start-%s-%d", guest.module, empty))
		}, func() (float64, error) {
			return b.startIn(guest.module, fmt.Sprintf("start-%s-%d", guest.module, max(1, empty)))
		})
		if err != nil {
			return rows, err
		}
		rows = append(rows, newRow(guest.name+", first ever", "ms", results[0], nil), newRow(guest.name+", cold", "ms", results[1], nil))
	}
	return rows, nil
}

// startIn starts a server whose data is in that folder, waits for its first answer and stops it. The result is in milliseconds.
func (b *bench) startIn(guest, folder string) (float64, error) {
	s, err := startServer("pagesrun "+guest, b.pagesrun(guest, "--persist-to", filepath.Join(b.work, folder)))
	if err != nil {
		return 0, err
	}
	return microseconds(s.started) / 1e3, s.stop()
}
