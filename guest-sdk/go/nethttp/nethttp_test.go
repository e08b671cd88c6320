package nethttp_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/fakehost"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/wasmtest"
)

var probe struct {
	once   sync.Once
	module []byte
}

func start(t *testing.T) *wasmtest.Guest {
	t.Helper()
	probe.once.Do(func() { probe.module = wasmtest.Build(t, "testdata/probe") })
	return wasmtest.Start(t, probe.module, fakehost.New(fakehost.Config{}))
}

func TestHandlersWorkUnchanged(t *testing.T) {
	g := start(t)
	for _, c := range []struct {
		name, method, url, body string
		status                  int
		want, contentType       string
	}{
		{"patterns", "GET", "/hello/w%C3%B6rld", "", 200, "Hello, wörld!\n", "text/plain; charset=utf-8"},
		{"the mux's own errors", "POST", "/hello/x", "", 405, "Method Not Allowed\n", "text/plain; charset=utf-8"},
		{"a request looks as from a server", "PUT", "https://example.com/describe?a=b%20c", "12345", 200,
			"PUT /describe?a=b%20c example.com /describe?a=b%20c HTTP/1.1 127.0.0.1:0 5 test/1 true true e1 <nil>\n", "text/plain; charset=utf-8"},
		{"a URL without a path", "GET", "http://example.com", "", 404, "404 page not found\n", "text/plain; charset=utf-8"},
		{"a body line by line", "POST", "/lines", "a\nb\n", 200, "A\nB\n", "text/plain; charset=utf-8"},
		{"a flushed response", "GET", "/flush", "", 200, "data: 0\n\ndata: 1\n\ndata: 2\n\n", "text/event-stream"},
		{"a long response", "GET", "/long", "", 200, strings.Repeat("x", 100_000), "text/plain; charset=utf-8"},
		{"a handler that writes nothing", "GET", "/nothing", "", 200, "", ""},
		{"no content", "GET", "/empty", "", 204, "", ""},
		{"the body of HEAD is left to the host, which sends only its length", "HEAD", "/hello/x", "", 200, "Hello, x!\n", "text/plain; charset=utf-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, body := g.Fetch(c.method, c.url, []byte(c.body))
			if r.Status != c.status || body != c.want || r.Header("Content-Type") != c.contentType {
				t.Errorf("%d %q %q", r.Status, body, r.Header("Content-Type"))
			}
		})
	}
}

func TestFormsAreParsed(t *testing.T) {
	g := start(t)
	ev := wasmtest.FetchEvent("POST", "/form?q=2", []byte("a=1+1"))
	ev.Fetch.Headers = append(ev.Fetch.Headers, wasmtest.Header("Content-Type", "application/x-www-form-urlencoded"))
	if err := g.Run(ev); err != nil {
		t.Fatal(err, g.Stderr)
	}
	if body, _ := g.Response().Body(); string(body) != "1 12" {
		t.Errorf("%q", body)
	}
}

func TestAShortResponseCostsOneHostCall(t *testing.T) {
	g := start(t)
	g.Fetch("GET", "/hello/x", nil)
	if want := []string{"random_get 32", "result 0", `call "" respond`}; !slices.Equal(g.Trace(), want) {
		t.Errorf("host calls %q, want %q", g.Trace(), want)
	}
}

func TestHeaderFieldsAreThoseOfTheFirstWriteHeader(t *testing.T) {
	g := start(t)
	r, _ := g.Fetch("GET", "/cookies", nil)
	var got []string
	for _, f := range r.Headers {
		got = append(got, f.Name+"="+string(f.Value))
	}
	if want := []string{"Set-Cookie=a=1", "Set-Cookie=b=2"}; r.Status != 418 || !slices.Equal(got, want) {
		t.Errorf("%d %q, want %q", r.Status, got, want)
	}
}

func TestWorkAfterTheResponseSeesItsRequestCanceled(t *testing.T) {
	g := start(t)
	g.Fetch("GET", "/after", nil)
	if logs := g.Logs(); len(logs) != 1 || logs[0].Text != "context canceled <nil> true" {
		t.Errorf("log %v", logs)
	}
}

func TestAnAbortedResponseIsCut(t *testing.T) {
	g := start(t)
	for url, want := range map[string]string{"/abort": "half", "/abort-early": ""} {
		if err := g.Run(wasmtest.FetchEvent("GET", url, nil)); err != nil {
			t.Fatal(err, g.Stderr)
		}
		if body, err := g.Response().Body(); string(body) != want || err == nil {
			t.Errorf("%s: body %q, error %v", url, body, err)
		}
	}
}

func TestAPanicEndsTheInstance(t *testing.T) {
	g := start(t)
	err := g.Run(wasmtest.FetchEvent("GET", "/panic", nil))
	if err == nil || !strings.Contains(g.Stderr.String(), "a bug in the handler") || !strings.Contains(g.Stderr.String(), "main.main.func") {
		t.Errorf("error %v, stderr %q", err, g.Stderr)
	}
}

func TestRequestBodiesStreamIn(t *testing.T) {
	g := start(t)
	ev := wasmtest.FetchEvent("POST", "/lines", nil)
	w := g.BeginStreaming(ev)
	go func() {
		w.Write([]byte("one\ntw"))
		time.Sleep(5 * time.Millisecond)
		w.Write([]byte("o\n"))
		w.End(false)
	}()
	if err := g.RunPrepared(); err != nil {
		t.Fatal(err, g.Stderr)
	}
	if body, _ := g.Response().Body(); string(body) != "ONE\nTWO\n" {
		t.Errorf("%q", body)
	}
}

func TestAHandlerIsToldThatItsClientHasGone(t *testing.T) {
	for _, c := range []struct {
		name string
		gone func(*wasmtest.Guest)
		want string
	}{
		{"when the event is canceled", func(g *wasmtest.Guest) { g.Cancel() }, "gone: the event was canceled: the client has gone away"},
		{"when nobody reads the response", func(g *wasmtest.Guest) { g.HangUp() }, "gone: pagesrun write: stream_closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t)
			g.Begin(wasmtest.FetchEvent("GET", "/ticker", nil))
			time.AfterFunc(20*time.Millisecond, func() { c.gone(g) })
			if err := g.RunPrepared(); err != nil {
				t.Fatal(err, g.Stderr)
			}
			if logs := g.Logs(); len(logs) != 1 || logs[0].Text != c.want {
				t.Errorf("log %v", logs)
			}
		})
	}
}
