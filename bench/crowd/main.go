// Command crowd holds many instances of a function, or many functions, at once in its one process, and says in lines of JSON what they cost.
//
// Usage: crowd instances N,N,... MODULE | crowd apps N,N,... CACHE-DIRECTORY MODULE...
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// probes is how many events are timed at each size.
const probes = 2000

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return errors.New("usage: crowd instances N,N,... MODULE | crowd apps N,N,... CACHE-DIRECTORY MODULE...")
	}
	var sizes []int
	for text := range strings.SplitSeq(args[1], ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		sizes = append(sizes, n)
	}
	switch args[0] {
	case "instances":
		return instances(ctx, sizes, args[2])
	case "apps":
		return apps(ctx, sizes, args[2], args[3:])
	}
	return fmt.Errorf("there is no %q", args[0])
}

// Line is what a crowd of one size costs.
type Line struct {
	// N is how many there are.
	N int `json:"n"`
	// Idle says that they are there, but no event is in progress in them any more.
	Idle bool `json:"idle,omitempty"`
	// MiB is what the process takes of the machine's memory (PSS). ResidentMiB (RSS) has a page of an image once for every instance that has looked at it,
	// although it is there once.
	MiB         float64 `json:"mib"`
	ResidentMiB float64 `json:"resident_mib"`
	// P50US and P99US are how long events take one after the other, elapsed, in microseconds.
	P50US float64 `json:"p50_us"`
	P99US float64 `json:"p99_us"`
}

func (l Line) print() error { return json.NewEncoder(os.Stdout).Encode(l) }

// app is a function without bindings, and what it answers.
type app struct {
	*pagesrun.App
	name string
}

// name is what a function of bench/guests/growth answers. Its modules hold it once, as bytes or in UTF-16.
const name = "app-0000000000"

// load loads the i-th function made of a module.
func load(ctx context.Context, module []byte, i int, o pagesrun.Options) (a app, err error) {
	a.name = fmt.Sprintf("app-%010d", i)
	own := bytes.ReplaceAll(module, []byte(name), []byte(a.name))
	own = bytes.ReplaceAll(own, wide(name), wide(a.name))
	if o.Registry, err = hostfuncs.Open(ctx, nil, nil, hostfuncs.Host{Metrics: prometheus.NewRegistry()}); err != nil {
		return a, err
	}
	a.App, err = pagesrun.Load(ctx, own, o)
	return a, err
}

// wide is a text in UTF-16.
func wide(text string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// ask runs an event. It gets the name when the body has ended.
func (a app) ask(ctx context.Context, body io.ReadCloser) error {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	resp, err := a.Fetch(ctx, &pagesrun.Request{ID: "0123456789abcdef", Start: time.Now(), Body: body, Fetch: abi.FetchEvent{
		Method: method, URL: "http://localhost:8787/", Protocol: "HTTP/1.1", RemoteAddr: "127.0.0.1", Headers: []abi.Header{{Name: "Host", Value: "localhost:8787"}},
	}})
	if err != nil {
		return err
	}
	defer resp.Close()
	if resp.Status != http.StatusOK || string(resp.Body) != a.name {
		return fmt.Errorf("%s answered %d: %.200q", a.name, resp.Status, resp.Body)
	}
	return nil
}

// measure times events of functions in turn, and looks at the memory.
func measure(ctx context.Context, n int, list []app) (l Line, err error) {
	took := make([]float64, probes)
	for i := range took {
		begin := time.Now()
		if err := list[i%len(list)].ask(ctx, nil); err != nil {
			return l, err
		}
		took[i] = float64(time.Since(begin).Nanoseconds()) / 1e3
	}
	slices.Sort(took)
	l = Line{N: n, P50US: took[probes/2], P99US: took[probes*99/100]}
	return l, l.memory()
}

// memory reads how much this process takes.
func (l *Line) memory() error {
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		into := map[string]*float64{"Pss": &l.MiB, "Rss": &l.ResidentMiB}[key]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			return err
		}
		*into = kib / 1024
	}
	return nil
}

// body is a request's body that has a byte and then nothing until it is told to end. Reading of it says that the guest has come so far.
type body struct {
	reached chan struct{}
	end     <-chan struct{}
	state   int
}

func (b *body) Read(p []byte) (int, error) {
	if b.state++; b.state == 1 {
		p[0] = 'x'
		return 1, nil
	}
	if b.state == 2 {
		close(b.reached)
	}
	<-b.end
	return 0, io.EOF
}

func (b *body) Close() error { return nil }

// instances has more and more events in progress in one function, each in an instance of its own.
func instances(ctx context.Context, sizes []int, path string) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	limits := pagesrun.DefaultLimits()
	limits.Instances, limits.QueueWait, limits.Wall = slices.Max(sizes)+1, time.Minute, time.Hour
	a, err := load(ctx, module, 0, pagesrun.Options{Limits: limits})
	if err != nil {
		return err
	}
	end, ended := make(chan struct{}), make(chan error, slices.Max(sizes))
	held := 0
	for _, n := range sizes {
		for ; held < n; held++ {
			if err := hold(ctx, a, end, ended); err != nil {
				return err
			}
		}
		l, err := measure(ctx, n, []app{a})
		if err = errors.Join(err, l.print()); err != nil {
			return err
		}
	}
	close(end)
	for range held {
		err = errors.Join(err, <-ended)
	}
	if err != nil {
		return err
	}
	l, err := measure(ctx, held, []app{a})
	l.Idle = true
	return errors.Join(err, l.print())
}

// hold has one more event in progress, until end is closed.
func hold(ctx context.Context, a app, end <-chan struct{}, ended chan error) error {
	b := &body{reached: make(chan struct{}), end: end}
	go func() { ended <- a.ask(ctx, b) }()
	select {
	case <-b.reached:
		return nil
	case err := <-ended:
		return errors.Join(errors.New("an event has ended that should be in progress"), err)
	}
}

// apps loads more and more functions, made of several modules in turn.
func apps(ctx context.Context, sizes []int, cache string, paths []string) error {
	var modules [][]byte
	for _, path := range paths {
		module, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		modules = append(modules, module)
	}
	var list []app
	for _, n := range sizes {
		for i := len(list); i < n; i++ {
			a, err := load(ctx, modules[i%len(modules)], i, pagesrun.Options{CacheDir: cache})
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		l, err := measure(ctx, n, list)
		if err = errors.Join(err, l.print()); err != nil {
			return err
		}
	}
	return nil
}
