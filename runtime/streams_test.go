package runtime_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	gort "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
)

func TestAResponseGoesOutBeforeTheWorkAfterIt(t *testing.T) {
	for _, test := range []struct {
		path    string
		outcome runtime.Outcome
		late    bool
	}{
		{"/after", runtime.OutcomeOK, true},
		{"/after-busy", runtime.OutcomeOK, true},
		{"/after-spin", runtime.OutcomeExceededCPU, false},
		{"/after-trap", runtime.OutcomeException, false},
	} {
		t.Run(test.path[1:], func(t *testing.T) {
			l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{CPU: 2 * time.Second}})
			l.get("/ok")
			r := l.get(test.path)
			if r.status != 200 || r.body != "early" {
				t.Errorf("response %d %q %v", r.status, r.body, r.failure)
			}
			answered := time.Now()
			report := l.report(r.id)
			if report.Outcome != test.outcome || report.Status != 200 {
				t.Errorf("reported as %s %d, want %s 200", report.Outcome, report.Status, test.outcome)
			}
			if late := slices.Contains(l.logged(r.id), "log: late"); late != test.late {
				t.Errorf("log %q", l.logged(r.id))
			}
			if test.path == "/after" && time.Since(answered) < 50*time.Millisecond {
				t.Errorf("the response came %v before the end of the work", time.Since(answered))
			}
			if r.took > 50*time.Millisecond+slack {
				t.Errorf("the response took %v", r.took)
			}
			l.want("/count", "1")
		})
	}
}

func TestALostClientDoesNotEndTheWorkAfterTheResponse(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	r := l.do(request{path: "/after", ctx: ctx})
	cancel()
	if report := l.report(r.id); report.Outcome != runtime.OutcomeOK || !slices.Contains(l.logged(r.id), "log: late") {
		t.Errorf("reported as %s, logged %q", report.Outcome, l.logged(r.id))
	}
}

func TestALostClientEndsTheEventBeforeTheResponse(t *testing.T) {
	for _, path := range []string{"/spin", "/sleep", "/dead-pipe", "/probe?op=probe.slow", "/random", "/yield", "/wait-nothing"} {
		t.Run(path[1:], func(t *testing.T) {
			l := load(t, labGuest(t), runtime.Options{})
			l.get("/ok")
			best := time.Hour
			for range 3 {
				ctx, cancel := context.WithCancel(context.Background())
				canceled := make(chan time.Time, 1)
				time.AfterFunc(30*time.Millisecond, func() { canceled <- time.Now(); cancel() })
				r := l.do(request{path: path, ctx: ctx})
				if r.failure == nil || r.failure.Outcome != runtime.OutcomeCanceled || r.status != 499 {
					t.Fatalf("%+v", r)
				}
				best = min(best, time.Since(<-canceled))
				l.report(r.id)
				l.want("/count", "1")
			}
			if best > slack {
				t.Errorf("canceled after %v", best)
			}
			settle(t, "operations", 0, func() int { return int(l.probe.running.Load()) })
		})
	}
}

func TestACanceledRequestIsRefusedBeforeItStarts(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 1}})
	ctx, cancel := context.WithCancel(context.Background())
	id, r, err := l.send(request{path: "/stream-forever"})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, cancel)
	if queued := l.do(request{path: "/ok", ctx: ctx}); queued.failure == nil || queued.failure.Outcome != runtime.OutcomeCanceled {
		t.Errorf("waiting for an instance and canceled: %+v", queued)
	}
	r.Close()
	l.report(id)
	l.want("/ok", "ok")
}

func TestAStreamThatItsGuestDoesNotEndIsIncomplete(t *testing.T) {
	for path, outcome := range map[string]runtime.Outcome{
		"/stream-trap": runtime.OutcomeException, "/stream-spin": runtime.OutcomeExceededCPU, "/stream-return": runtime.OutcomeOK, "/stream-abort": runtime.OutcomeOK,
	} {
		t.Run(path[1:], func(t *testing.T) {
			l := load(t, labGuest(t), runtime.Options{Limits: tight()})
			r := l.get(path)
			if r.status != 200 || r.body != "part" || r.bodyErr == nil {
				t.Errorf("status %d, body %q, error %v; want 200, \"part\" and an error", r.status, r.body, r.bodyErr)
			}
			if got := l.report(r.id).Outcome; got != outcome {
				t.Errorf("reported as %s, want %s", got, outcome)
			}
			l.want("/count", "1")
		})
	}
}

func TestAGuestIsToldWhenTheReaderOfItsStreamLeaves(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	id, r, err := l.send(request{path: "/stream-forever"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r.Stream, make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
	r.Close()
	if report := l.report(id); report.Outcome != runtime.OutcomeOK {
		t.Errorf("reported as %s: %v", report.Outcome, report.Err)
	}
	if got := l.logged(id); !slices.Contains(got, "log: the reader left") {
		t.Errorf("logged %q", got)
	}
}

// source is a body of n pseudo-random bytes that cannot be read all at once.
type source struct {
	left   int
	state  uint64
	closed chan struct{}
	read   int
}

func newSource(n int) *source { return &source{left: n, state: 1, closed: make(chan struct{}, 1)} }

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left, 48<<10)
	for i := range p[:n] {
		s.state = s.state*6364136223846793005 + 1442695040888963407
		p[i] = byte(s.state >> 56)
	}
	s.left -= n
	s.read += n
	return n, nil
}

func (s *source) Close() error {
	s.closed <- struct{}{}
	return nil
}

func TestBodiesStreamBothWaysInLittleMemory(t *testing.T) {
	const size = 64 << 20 / slow
	l := load(t, labGuest(t), runtime.Options{})
	for _, path := range []string{"/through", "/pass"} {
		t.Run(path[1:], func(t *testing.T) {
			want := sha256.New()
			b, _ := io.ReadAll(newSource(size))
			if path == "/through" {
				for i := range b {
					b[i] ^= 0x55
				}
			}
			want.Write(b)
			b = nil
			gort.GC()
			var before gort.MemStats
			gort.ReadMemStats(&before)
			body := newSource(size)
			id, r, err := l.send(request{path: path, stream: body})
			if err != nil {
				t.Fatal(err)
			}
			got, peak := sha256.New(), uint64(0)
			buf := make([]byte, 64<<10)
			for n, total := 0, 0; err == nil; total += n {
				n, err = r.Stream.Read(buf)
				got.Write(buf[:n])
				if total>>22 != (total+n)>>22 {
					var now gort.MemStats
					gort.ReadMemStats(&now)
					peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
				}
			}
			r.Close()
			if err != io.EOF || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Errorf("the body is wrong (%v)", err)
			}
			if peak > 16<<20 {
				t.Errorf("the heap grew by %d MiB on the way", peak>>20)
			}
			if report := l.report(id); report.Outcome != runtime.OutcomeOK {
				t.Errorf("reported as %s: %v", report.Outcome, report.Err)
			}
			<-body.closed
		})
	}
}

func TestAnUnreadResponseHoldsTheRequestBack(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	body := newSource(64 << 20)
	id, r, err := l.send(request{path: "/through", stream: body})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := io.ReadFull(r.Stream, make([]byte, 10)); err != nil {
		t.Error(err)
	}
	r.Close()
	l.report(id)
	<-body.closed
	if most := 5 << 20; body.read > most {
		t.Errorf("%d bytes of the request were read for 10 of the response, want %d at most", body.read, most)
	}
}

// failing is a body whose client goes away.
type failing struct{ after int }

func (f *failing) Read(p []byte) (int, error) {
	if f.after == 0 {
		return 0, errors.New("connection reset")
	}
	n := min(len(p), f.after)
	f.after -= n
	return n, nil
}
func (*failing) Close() error { return nil }

func TestABodyThatBreaksOffFailsTheResponseMadeOfIt(t *testing.T) {
	for _, path := range []string{"/through", "/pass"} {
		l := load(t, labGuest(t), runtime.Options{})
		r := l.do(request{path: path, stream: &failing{after: 100000}})
		if len(r.body) != 100000 || r.bodyErr == nil {
			t.Errorf("%s: %d bytes, error %v", path, len(r.body), r.bodyErr)
		}
		l.want("/count", "1")
	}
}

func TestShortBodiesAndStreamsReadAlike(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	text := strings.Repeat("abc", 1000)
	want := l.do(request{path: "/through", body: []byte(text)})
	for name, stream := range map[string]io.ReadCloser{
		"memory":    hostfuncs.MemoryStream([]byte(text)),
		"reader":    io.NopCloser(strings.NewReader(text)),
		"one byte":  io.NopCloser(iotest{strings.NewReader(text)}),
		"no length": io.NopCloser(io.MultiReader(strings.NewReader(text[:7]), strings.NewReader(text[7:]))),
	} {
		if got := l.do(request{path: "/through", stream: stream}); got.body != want.body || got.bodyErr != nil {
			t.Errorf("%s: %d bytes (%v), want %d", name, len(got.body), got.bodyErr, len(want.body))
		}
	}
}

// iotest reads one byte at a time.
type iotest struct{ r io.Reader }

func (o iotest) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
