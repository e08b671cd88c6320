package pagesruntest_test

import (
	"errors"
	"testing"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

// program is a function's main: the same in a guest and in a test.
func program() {
	greeting, _ := pagesrun.Env("GREETING")
	token, _ := pagesrun.Secret("TOKEN")
	started := ""
	pagesrun.OnWarm(func() { started = "warm" })
	pagesrun.HandleFetch(func(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
		ctx.WaitUntil(func() { pagesrun.Log(pagesrun.LevelInfo, "after "+req.Path()) })
		body, err := req.Body.ReadAll(100)
		if err != nil {
			return nil, err
		}
		switch req.Path() {
		case "/nil":
			return nil, nil
		case "/cut":
			return pagesrun.StreamFunc(200, "text/plain", func(w *pagesrun.Writer) error {
				w.WriteString("half")
				return errors.New("no more")
			}), nil
		}
		return pagesrun.Text(200, greeting+" "+token+" "+started+" "+req.Header.Get("x")+" "+string(body)), nil
	})
}

func TestAFunctionRunsInAUnitTest(t *testing.T) {
	for range 2 { // a second start begins anew
		t.Run("start", func(t *testing.T) {
			f := pagesruntest.Start(t, pagesruntest.Config{Vars: map[string]string{"GREETING": "hi"}, Secrets: map[string]string{"TOKEN": "s"}}, program)
			r := f.Fetch("POST", "/a", "body", "X", "y")
			if r.Status != 200 || r.Body != "hi s warm y body" || r.Get("content-type") != "text/plain; charset=utf-8" || r.Get("nope") != "" {
				t.Errorf("%+v", r)
			}
			if len(r.Log) != 1 || r.Log[0] != "after /a" {
				t.Errorf("log %q", r.Log)
			}
		})
	}
}

func TestWhatAFunctionDoesWrongIsSeen(t *testing.T) {
	f := pagesruntest.Start(t, pagesruntest.Config{}, program)
	if r := f.Fetch("GET", "/nil", ""); r.Status != 0 {
		t.Errorf("%+v", r)
	}
	if r := f.Fetch("GET", "https://example.com/cut", ""); r.Status != 200 || !r.Aborted || r.Body != "half" {
		t.Errorf("%+v", r)
	}
	if r := f.Fetch("POST", "/", string(make([]byte, 101))); r.Status != 500 || r.Log[0] != "handler: the stream is longer than the limit" {
		t.Errorf("%+v", r)
	}
}

func TestProgramsThatCannotServeSaySo(t *testing.T) {
	for _, c := range []struct {
		name string
		main func()
		want string
	}{
		{"a nil handler", func() { pagesrun.HandleFetch(nil) }, "pagesrun: HandleFetch: nil handler"},
		{"two handlers", func() { program(); program() }, "pagesrun: HandleFetch was called twice"},
		{"no handler", func() {}, "pagesrun: no handler: call pagesrun.HandleFetch in main"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != c.want {
					t.Errorf("panic %v", v)
				}
			}()
			pagesruntest.Start(t, pagesruntest.Config{}, c.main)
		})
	}
}

func TestTicks(t *testing.T) {
	due := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	f := pagesruntest.Start(t, pagesruntest.Config{}, func() {
		pagesrun.HandleScheduled(func(ctx *pagesrun.Context, ev *pagesrun.ScheduledEvent) error {
			if !ev.ScheduledTime.Equal(due) || !ctx.Time().Equal(due) {
				t.Error(ev, ctx.Time())
			}
			if ev.Cron == "bad" {
				ctx.WaitUntil(func() { ctx.Fail(errors.New("the second to fail")) })
				return errors.New("not today")
			}
			return nil
		})
	})
	if err := f.Scheduled("0 6 * * *", due); err != nil {
		t.Error(err)
	}
	if err := f.Scheduled("bad", due); err == nil || err.Error() != "not today" {
		t.Error(err)
	}
	if _, err := f.Queue("q"); err == nil || err.Error() != "Handler does not export a queue() function." {
		t.Error(err)
	}
	if r := f.Fetch("GET", "/", ""); r.Status != 0 {
		t.Errorf("%+v", r)
	}
}
