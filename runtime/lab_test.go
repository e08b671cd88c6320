package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	gort "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
	"github.com/prometheus/client_golang/prometheus"
)

// slack is how much later than its deadline a guest may be stopped. The race detector and a machine that is busy with other work need more.
const slack = 50 * time.Millisecond * slow

// lab is an app and what it has reported.
type lab struct {
	*runtime.App
	t     testing.TB
	probe *probe

	mu      sync.Mutex
	reports map[string]*runtime.Report
	logs    map[string][]string
	changed *sync.Cond
	events  atomic.Int64
}

// EventDone implements runtime.Observer.
func (l *lab) EventDone(r *runtime.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reports[r.ID] != nil {
		l.t.Errorf("event %s was reported twice", r.ID)
	}
	kept := *r
	l.reports[r.ID] = &kept
	l.changed.Broadcast()
}

// GuestLog implements runtime.Observer.
func (l *lab) GuestLog(id, source string, _ int, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs[id] = append(l.logs[id], source+": "+line)
}

// report waits until an event has been reported.
func (l *lab) report(id string) *runtime.Report {
	l.t.Helper()
	timer := time.AfterFunc(20*time.Second, l.changed.Broadcast)
	defer timer.Stop()
	start := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.reports[id] == nil {
		if time.Since(start) > 20*time.Second {
			l.t.Fatalf("event %s was never reported", id)
		}
		l.changed.Wait()
	}
	return l.reports[id]
}

// logged gives what an event has logged.
func (l *lab) logged(id string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.logs[id]...)
}

// load makes an app of a module. It is closed, and nothing of it may be left, when the test ends.
func load(t testing.TB, module []byte, opts runtime.Options) *lab {
	t.Helper()
	l, err := tryLoad(t, module, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func tryLoad(t testing.TB, module []byte, opts runtime.Options) (*lab, error) {
	t.Helper()
	goroutines := gort.NumGoroutine()
	l := &lab{t: t, probe: &probe{large: bytes.Repeat([]byte{0xa0}, 4<<20)}, reports: map[string]*runtime.Report{}, logs: map[string][]string{}}
	l.changed = sync.NewCond(&l.mu)
	opts.Observer = l
	opts.Registry = l.probe.registry(t)
	if opts.CacheDir == "" {
		opts.CacheDir = filepath.Join(guesttest.CacheDir(t), "machine-code")
	}
	app, err := runtime.Load(context.Background(), module, opts)
	if err != nil {
		return nil, err
	}
	l.App = app
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := app.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		settle(t, "goroutines", goroutines, gort.NumGoroutine)
	})
	return l, nil
}

// settle waits until a count is at most what it should be.
func settle(t testing.TB, what string, most int, count func() int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); count() > most; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d %s are left, want %d\n%s", count(), what, most, stacks[:gort.Stack(stacks, true)])
		}
	}
}

// reply is the end of one request.
type reply struct {
	id     string
	status int
	body   string
	// bodyErr is why the body is incomplete, failure why there is none.
	bodyErr error
	failure *runtime.EventError
	took    time.Duration
}

// request is one request to a lab.
type request struct {
	path   string
	body   []byte
	stream io.ReadCloser
	header []abi.Header
	method string
	ctx    context.Context
}

// send starts a request and gives its response as it is.
func (l *lab) send(q request) (id string, r *runtime.Response, err error) {
	id = "e" + string(rune('a'+l.events.Add(1)%26)) + time.Now().Format("150405.000000000")
	if q.ctx == nil {
		q.ctx = context.Background()
	}
	if q.method == "" {
		q.method = "GET"
	}
	r, err = l.Fetch(q.ctx, &runtime.Request{ID: id, Start: time.Now(), Body: q.stream, Fetch: abi.FetchEvent{
		Method: q.method, URL: abi.ByteString("http://localhost" + q.path), Headers: q.header, Body: q.body, RemoteAddr: "192.0.2.1", Protocol: "HTTP/1.1",
	}})
	return id, r, err
}

// do makes a request and reads its response to the end.
func (l *lab) do(q request) reply {
	l.t.Helper()
	start := time.Now()
	id, r, err := l.send(q)
	out := reply{id: id, took: time.Since(start)}
	if err != nil {
		if !errors.As(err, &out.failure) {
			l.t.Fatalf("%s: %v is no EventError", q.path, err)
		}
		out.status = out.failure.Status
		return out
	}
	out.status, out.body = r.Status, string(r.Body)
	if r.Stream != nil {
		b, err := io.ReadAll(r.Stream)
		out.body, out.bodyErr = string(b), err
	}
	r.Close()
	return out
}

func (l *lab) get(path string) reply {
	l.t.Helper()
	return l.do(request{path: path})
}

// want makes a request that must succeed with a body.
func (l *lab) want(path, body string) {
	l.t.Helper()
	if r := l.get(path); r.failure != nil || r.status != 200 || r.body != body || r.bodyErr != nil {
		l.t.Errorf("%s: status %d body %q (%v, %v), want 200 %q", path, r.status, r.body, r.failure, r.bodyErr, body)
	}
}

// labGuest is the guest in testdata/lab.c.
func labGuest(t testing.TB) []byte {
	t.Helper()
	return guesttest.Reactor(t, filepath.Join("testdata", "lab.c"))
}

// probe is a binding whose operations behave in the ways bindings can.
type probe struct {
	large    []byte
	canceled atomic.Int64
	running  atomic.Int64

	mu   sync.Mutex
	sums []int
}

func (p *probe) registry(t testing.TB) *hostfuncs.Registry {
	t.Helper()
	host := hostfuncs.Host{Log: slog.New(slog.DiscardHandler), DataDir: t.TempDir(), Now: time.Now, Metrics: prometheus.NewRegistry()}
	r, err := hostfuncs.Open(context.Background(), []hostfuncs.Binding{p}, [][]hostfuncs.Resource{{probeResource{}}}, host)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type probeResource struct{}

func (probeResource) BindingName() string  { return "PROBE" }
func (probeResource) Position() config.Pos { return config.Pos{} }
func (probeResource) Describe() string     { return "" }

func (*probe) Kind() string       { return "probe" }
func (*probe) Sections() []string { return nil }
func (*probe) Decode(*config.Config) ([]hostfuncs.Resource, config.Problems) {
	return []hostfuncs.Resource{probeResource{}}, nil
}
func (p *probe) Open(context.Context, hostfuncs.Host, []hostfuncs.Resource) (hostfuncs.Live, error) {
	return p, nil
}
func (*probe) Close(context.Context) error { return nil }

func (p *probe) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		{Name: "probe.quick", Run: func(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
			return append(dst, 0xa0), nil
		}},
		{Name: "probe.nap", Run: p.nap},
		{Name: "probe.slow", Run: p.slow},
		{Name: "probe.stuck", Run: p.stuck},
		{Name: "probe.tally", Run: p.tally},
		{Name: "probe.large", Run: func(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
			return append(dst, p.large...), nil
		}},
		{Name: "probe.fail", Run: func(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
			return dst, hostfuncs.Fail(abi.CodeStorageFailed, "it failed", errors.New("secret cause"))
		}},
	}
}

func (p *probe) nap(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
	time.Sleep(5 * time.Millisecond)
	return append(dst, 0xa0), nil
}

// slow takes until the event is over.
func (p *probe) slow(ctx context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
	p.running.Add(1)
	defer p.running.Add(-1)
	<-ctx.Done()
	p.canceled.Add(1)
	return dst, ctx.Err()
}

// stuck does not notice that it is canceled.
func (p *probe) stuck(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
	p.running.Add(1)
	defer p.running.Add(-1)
	time.Sleep(100 * time.Millisecond)
	return append(dst, 0xa0), nil
}

// tally counts ten more and keeps the sum.
func (p *probe) tally(_ context.Context, c *hostfuncs.Call, _, dst []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sums = append(p.sums, c.Tally(10))
	return append(dst, 0xa0), nil
}

// tallied gives the sums so far.
func (p *probe) tallied() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sums)
}

// residentBytes is what the process keeps in memory.
func residentBytes(t testing.TB) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("there is no /proc here")
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	var kib int64
	for _, c := range strings.TrimSpace(rest) {
		if c < '0' || c > '9' {
			break
		}
		kib = kib*10 + int64(c-'0')
	}
	return kib << 10
}

// heavy is how often to repeat something: many times when PAGESRUN_HEAVY is set.
func heavy(few, many int) int {
	if os.Getenv("PAGESRUN_HEAVY") != "" {
		return many
	}
	return few
}
