package cron

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// by is a dispatcher made of a function.
type by func(context.Context, *hostfuncs.Event) error

// Dispatch implements [hostfuncs.Dispatcher].
func (f by) Dispatch(ctx context.Context, e *hostfuncs.Event) error { return f(ctx, e) }

// Concurrency implements [hostfuncs.Dispatcher].
func (by) Concurrency() int { return 1 }

// devServer serves the routes of a binding without expressions.
func devServer(t *testing.T) (*live, *httptest.Server) {
	t.Helper()
	p := &process{t: t, dir: t.TempDir()}
	p.open(0)
	mux := http.NewServeMux()
	for _, r := range p.live.Routes() {
		if r.Listener != hostfuncs.ListenerDev {
			t.Errorf("%s is not for development only", r.Pattern)
		}
		mux.Handle(r.Pattern, r.Handler)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		p.end()
	})
	return p.live, s
}

func ask(t *testing.T, s *httptest.Server, method, path string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body := make([]byte, 1000)
	n, _ := r.Body.Read(body)
	return r.StatusCode, string(body[:n])
}

func TestEventsByHand(t *testing.T) {
	l, s := devServer(t)
	if status, body := ask(t, s, "GET", "/cdn-cgi/handler/scheduled"); status != 503 || body != "the function is not ready" {
		t.Errorf("before the start: %d %q", status, body)
	}
	var got abi.ScheduledEvent
	var result error
	l.Start(by(func(_ context.Context, e *hostfuncs.Event) error {
		if e.Message.Kind != abi.EventScheduled {
			t.Errorf("the event's kind is %s", e.Message.Kind)
		}
		got = *e.Message.Scheduled
		return result
	}))
	for _, c := range []struct {
		name, method, path string
		result             error
		status             int
		body               string
		cron               string
		timeMS             int64 // -1 for now
	}{
		{"an expression and a time", "GET", "/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*&time=1745856238", nil, 200, "ok", "*/5 * * * *", 1745856238},
		{"no expression", "GET", "/cdn-cgi/handler/scheduled?time=5", nil, 200, "ok", "", 5},
		{"no time", "GET", "/cdn-cgi/handler/scheduled?cron=x", nil, 200, "ok", "x", -1},
		{"a time before the epoch", "GET", "/cdn-cgi/handler/scheduled?time=-5", nil, 200, "ok", "", -5},
		{"the older path", "GET", "/cdn-cgi/mf/scheduled?cron=a", nil, 200, "ok", "a", -1},
		{"another method", "POST", "/cdn-cgi/handler/scheduled", nil, 200, "ok", "", -1},
		{"a handler that fails", "GET", "/cdn-cgi/handler/scheduled?cron=f", errors.New("trap"), 500, "exception", "f", -1},
		{"a function that is overloaded", "GET", "/cdn-cgi/handler/scheduled", fmt.Errorf("full: %w", hostfuncs.ErrNotStarted), 503, "full: the event was not started", "", -1},
		{"a time that is none", "GET", "/cdn-cgi/handler/scheduled?time=noon", nil, 400, `time must be milliseconds since the Unix epoch, not "noon"`, "", 0},
		{"another handler", "GET", "/cdn-cgi/handler/nope", nil, 404,
			`"/cdn-cgi/handler/nope" is not a valid handler. Did you mean to use "/cdn-cgi/handler/scheduled" or "/cdn-cgi/handler/email"?`, "", 0},
		{"a path below a handler", "GET", "/cdn-cgi/handler/scheduled/x", nil, 404,
			`"/cdn-cgi/handler/scheduled/x" is not a valid handler. Did you mean to use "/cdn-cgi/handler/scheduled" or "/cdn-cgi/handler/email"?`, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, result = abi.ScheduledEvent{}, c.result
			before := l.host.Now().UnixMilli()
			status, body := ask(t, s, c.method, c.path)
			if status != c.status || body != c.body {
				t.Errorf("%d %q, want %d %q", status, body, c.status, c.body)
			}
			if c.timeMS == -1 && got.ScheduledTimeMS >= before && got.ScheduledTimeMS <= l.host.Now().UnixMilli() {
				got.ScheduledTimeMS = -1
			}
			if got.Cron != c.cron || got.ScheduledTimeMS != c.timeMS {
				t.Errorf("the event is %+v", got)
			}
		})
	}
}

func TestWithoutExpressionsThereAreNoFiles(t *testing.T) {
	l, _ := devServer(t)
	if l.ledger != nil || len(l.Operations()) != 0 {
		t.Error("a binding without expressions keeps a ledger or has operations")
	}
}
