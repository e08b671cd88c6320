package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/kv"
	pagesrun "github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

const languagesDefinition = `The two programs of bench/guests/languages, written once per language with its SDK and built for release. "hello" answers with a line of text.
"work" reads keys, and reads JSON: an order of 1 KiB whose sum it checks, marks as paid and writes again.
Compiling is from source, SDK and standard library included, with an empty cache; loading is what pagesrun does with a module it has not seen before.
An event is runtime.App.Fetch of hello in an instance that is exactly as after start-up. A KV get is one of 10 in an event, less an event with none.
A JSON event is Fetch of work with that order, whole in the request, without HTTP. Times per event and get are processor time;
fuel is what the guest is charged, about one for each instruction at the most. The languages take turns in every round.`

// language is a language that functions are written in. Its programs are in a folder of bench/guests/languages.
type language struct {
	name, folder string
	// json is what reads and writes JSON in its program.
	json string
	// promised is the most that an event may cost in µs; nil where nothing is promised.
	promised *promise
}

// languages are all there are, in the order of the table.
func languages() []language {
	return []language{
		{"Go", "go", "encoding/json", atMost(25)},
		{"C", "c", "yyjson 0.10", atMost(6)},
		{"C++", "cpp", "nlohmann-json 3.11", nil},
		{"Rust", "rust", "simd-json 0.12", atMost(8)},
		{"AssemblyScript", "assemblyscript", "json-as 1.6", atMost(15)},
		{"Zig", "zig", "std.json", atMost(8)},
	}
}

// languageFigures is what was found out about a language.
type languageFigures struct {
	language
	// compiler and flags are what its programs were built with.
	compiler, flags string
	// hello and work are the programs' sizes in KiB.
	hello, work float64
	// imageBytes is the size of the image of hello, touchedBytes that of its pages that are not all zero.
	imageBytes, touchedBytes int
	// compile and load are in seconds and milliseconds, of hello.
	compile, load samples
	// event, get and document are processor time in µs, the fuels the guest's part of it in units of fuel, which do not depend on the machine.
	event, get, document             samples
	eventFuel, getFuel, documentFuel float64
	// missing is why there are no figures.
	missing error
}

// measureLanguages is what it costs to write a function in one language or another.
func measureLanguages(ctx context.Context, b *bench) ([]row, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	all := make([]*languageFigures, len(languages()))
	for i, l := range languages() {
		all[i] = &languageFigures{language: l}
	}
	b.languages = all
	if err := b.compileLanguages(all); err != nil {
		return nil, err
	}
	err := b.measureGuests(ctx, all)
	return languageRows(all), err
}

// measureGuests measures the programs of every language that has them.
func (b *bench) measureGuests(ctx context.Context, all []*languageFigures) error {
	dir := filepath.Join(b.work, "languages-data")
	if err := fill(ctx, filepath.Join(dir, kv.Kind)); err != nil {
		return err
	}
	var guests []*languageGuest
	defer func() {
		for _, g := range guests {
			g.close(ctx)
		}
	}()
	for _, f := range all {
		if f.missing != nil {
			continue
		}
		g, err := b.loadLanguage(ctx, f, dir)
		if err != nil {
			f.missing = err
			continue
		}
		guests = append(guests, g)
	}
	return b.compareGuests(ctx, guests)
}

// compareGuests has every guest take its turn in every round.
func (b *bench) compareGuests(ctx context.Context, guests []*languageGuest) error {
	turn := b.round(200 * time.Millisecond)
	for _, m := range []struct {
		side func(*languageGuest) func() (float64, error)
		keep func(*languageFigures, samples)
	}{
		{func(g *languageGuest) func() (float64, error) { return g.hello.spend(ctx, helloRequest, turn) },
			func(f *languageFigures, s samples) { f.event = s }},
		{func(g *languageGuest) func() (float64, error) { return g.gets(ctx, turn) },
			func(f *languageFigures, s samples) { f.get = s }},
		{func(g *languageGuest) func() (float64, error) { return g.work.spend(ctx, orderRequest, turn) },
			func(f *languageFigures, s samples) { f.document = s }},
	} {
		var sides []func() (float64, error)
		for _, g := range guests {
			sides = append(sides, m.side(g))
		}
		results, err := interleave(b.rounds(9), sides...)
		if err != nil {
			return err
		}
		for i, g := range guests {
			m.keep(g.figures, samples(results[i]))
		}
	}
	return nil
}

// languageGuest is the two programs of one language, ready to serve.
type languageGuest struct {
	figures     *languageFigures
	hello, work *guestProgram
}

// guestProgram is one of them.
type guestProgram struct {
	name     string
	registry *hostfuncs.Registry
	app      *pagesrun.App
	fuel     fuelMeter
}

// fuelMeter is an observer that keeps the fuel of one event until somebody takes it.
type fuelMeter chan int64

// EventDone implements pagesrun.Observer.
func (m fuelMeter) EventDone(r *pagesrun.Report) {
	select {
	case m <- r.Fuel:
	default:
	}
}

// GuestLog implements pagesrun.Observer.
func (fuelMeter) GuestLog(string, string, int, string) {}

// loadLanguage loads both programs. hello is loaded several times, to see how long that takes.
func (b *bench) loadLanguage(ctx context.Context, f *languageFigures, data string) (*languageGuest, error) {
	g := &languageGuest{figures: f}
	for range b.rounds(loads) {
		if g.hello != nil {
			if err := g.hello.close(ctx); err != nil {
				return nil, err
			}
		}
		start := time.Now()
		var err error
		if g.hello, err = b.loadProgram(ctx, f, "hello", data); err != nil {
			return nil, err
		}
		f.load = append(f.load, microseconds(time.Since(start))/1e3)
	}
	f.imageBytes, f.touchedBytes = g.hello.app.ImageBytes(), g.hello.app.ImageTouchedBytes()
	var err error
	g.work, err = b.loadProgram(ctx, f, "work", data)
	if err != nil {
		return nil, errors.Join(err, g.hello.close(ctx))
	}
	return g, g.check(ctx)
}

// loads is how often hello is loaded.
const loads = 3

func (b *bench) loadProgram(ctx context.Context, f *languageFigures, program, data string) (*guestProgram, error) {
	module, err := os.ReadFile(b.modulePath(f, program))
	if err != nil {
		return nil, err
	}
	p := &guestProgram{name: f.name + "'s " + program, fuel: make(fuelMeter, 1)}
	p.registry, err = hostfuncs.Open(ctx, []hostfuncs.Binding{kv.New()},
		[][]hostfuncs.Resource{{&kv.Resource{Binding: "BENCH", ID: "bench"}}},
		hostfuncs.Host{Log: slog.New(slog.DiscardHandler), DataDir: data, Now: time.Now, Metrics: prometheus.NewRegistry(), Durability: "sync"})
	if err != nil {
		return nil, err
	}
	p.app, err = pagesrun.Load(ctx, module, pagesrun.Options{Registry: p.registry, Observer: p.fuel})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", p.name, err), p.registry.Close(ctx))
	}
	return p, nil
}

func (g *languageGuest) close(ctx context.Context) error {
	return errors.Join(g.hello.close(ctx), g.work.close(ctx))
}

func (p *guestProgram) close(ctx context.Context) error {
	return errors.Join(p.app.Close(ctx), p.registry.Close(ctx))
}

// guestRequest is a request and the answer it must have.
type guestRequest struct {
	method, url string
	body        string
	answer      string
}

// getsPerEvent is how many keys one event reads.
const getsPerEvent = 10

var (
	helloRequest = guestRequest{http.MethodGet, "http://localhost:8787/", "", "Hello, world!\n"}
	getsRequest  = guestRequest{http.MethodGet, "http://localhost:8787/kv?n=" + strconv.Itoa(getsPerEvent), "", strconv.Itoa(getsPerEvent * kvValueBytes)}
	noGetRequest = guestRequest{http.MethodGet, "http://localhost:8787/kv?n=0", "", "0"}
	orderRequest = guestRequest{http.MethodPost, "http://localhost:8787/json", order("open", 0), order("paid", 0)}
	wrongRequest = guestRequest{http.MethodPost, "http://localhost:8787/json", order("open", 1), "the sum is wrong"}
)

// order is the JSON that guests read and write.
func order(status string, tooMuch int) string {
	return `{"id":90210477,"customer":{"name":"Ada Lovelace","email":"ada@example.com","address":["12 St James's Square","London SW1Y 4JH","England"],"verified":true},` +
		`"items":[{"sku":"TEA-0417","name":"Darjeeling, first flush","quantity":2,"price_cents":1495,"tags":["tea","loose","new"]},` +
		`{"sku":"TEA-0032","name":"Assam \"strong\"","quantity":1,"price_cents":895,"tags":["tea","loose"]},` +
		`{"sku":"POT-0009","name":"Teapot, 0.8 l, cast iron","quantity":1,"price_cents":5900,"tags":["pots","fragile"]},` +
		`{"sku":"CUP-0120","name":"Cup, porcelain, white","quantity":4,"price_cents":650,"tags":["cups","fragile","sale"]},` +
		`{"sku":"SUG-0003","name":"Rock sugar, 500 g","quantity":1,"price_cents":420,"tags":[]},` +
		`{"sku":"BIS-0071","name":"Shortbread – crème","quantity":3,"price_cents":385,"tags":["sweets"]}],` +
		`"note":"Leave it at the back door, please.\nThe bell does not work; \"Zoë\" is at home until six. Do not put it on the steps: the last parcel was soaked through by the rain and the cat.",` +
		`"status":"` + status + `","total_cents":` + strconv.Itoa(13960+tooMuch) + `}`
}

// check has the programs answer every request once, so that only what works is measured, and counts their instructions.
func (g *languageGuest) check(ctx context.Context) error {
	hello, err1 := g.hello.answer(ctx, helloRequest, http.StatusOK)
	gets, err2 := g.work.answer(ctx, getsRequest, http.StatusOK)
	none, err3 := g.work.answer(ctx, noGetRequest, http.StatusOK)
	document, err4 := g.work.answer(ctx, orderRequest, http.StatusOK)
	_, err5 := g.work.answer(ctx, wrongRequest, http.StatusBadRequest)
	g.figures.eventFuel, g.figures.getFuel, g.figures.documentFuel = hello, (gets-none)/getsPerEvent, document
	return errors.Join(err1, err2, err3, err4, err5)
}

func (r guestRequest) event() *pagesrun.Request {
	req := newRequest(r.url)
	req.Fetch.Method = r.method
	if r.body != "" {
		req.Fetch.Body = []byte(r.body)
		req.Fetch.Headers = append([]abi.Header{{Name: "Content-Type", Value: "application/json"}}, req.Fetch.Headers...)
	}
	return req
}

// answer runs one event and checks what the guest says. It gives the event's fuel.
func (p *guestProgram) answer(ctx context.Context, r guestRequest, status int) (fuel float64, err error) {
	if err := p.fetch(ctx, r.event(), status, []byte(r.answer)); err != nil {
		return 0, err
	}
	return float64(<-p.fuel), nil
}

func (p *guestProgram) fetch(ctx context.Context, req *pagesrun.Request, status int, want []byte) error {
	req.Start = time.Now()
	resp, err := p.app.Fetch(ctx, req)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	defer resp.Close()
	if int(resp.Status) != status || !bytes.Equal(resp.Body, want) {
		return fmt.Errorf("%s answered %s with %d %q, not %d %q", p.name, req.Fetch.URL, resp.Status, resp.Body, status, want)
	}
	return nil
}

// spend gives a side that runs one event after the other for about d. Its result is the processor time of an event in µs.
func (p *guestProgram) spend(ctx context.Context, r guestRequest, d time.Duration) func() (float64, error) {
	req, want := r.event(), []byte(r.answer)
	return func() (float64, error) {
		n := 0
		c, err := timed(func() error {
			for start := time.Now(); time.Since(start) < d; {
				for range 16 {
					if err := p.fetch(ctx, req, http.StatusOK, want); err != nil {
						return err
					}
					n++
				}
			}
			return nil
		})
		return microseconds(c.cpu) / float64(max(n, 1)), err
	}
}

// gets gives a side whose result is the processor time of a KV get in µs.
func (g *languageGuest) gets(ctx context.Context, d time.Duration) func() (float64, error) {
	with, without := g.work.spend(ctx, getsRequest, d*3/4), g.work.spend(ctx, noGetRequest, d/4)
	return func() (float64, error) {
		all, err := with()
		if err != nil {
			return 0, err
		}
		none, err := without()
		return (all - none) / getsPerEvent, err
	}
}
