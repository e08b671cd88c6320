package tests

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// guest is a started function and its host.
type guest struct {
	*host
	t      *testing.T
	ctx    context.Context
	invoke func(export string) error
	mod    api.Module   // of a guest as WebAssembly
	stdout bytes.Buffer // of a guest as WebAssembly
}

// The guests that use everything there is, in C and in C++.
var (
	guests    = []string{"guest.c", "guest.cc"}
	d1Guests  = []string{"d1.c", "d1.cc"}
	consumers = []string{"consumer.cc", "consumer_cpp.cc"}
)

// start builds, initializes and warms a function.
func start(t *testing.T, source string) *guest {
	t.Helper()
	g := &guest{host: &host{}, t: t, ctx: context.Background()}
	wasm := buildGuest(t, source)
	r := wazero.NewRuntime(g.ctx)
	t.Cleanup(func() { r.Close(g.ctx) })
	wasi_snapshot_preview1.MustInstantiate(g.ctx, r)
	g.instantiate(t, g.ctx, r)
	cfg := wazero.NewModuleConfig().WithStartFunctions("_initialize").WithStdout(&g.stdout).WithRandSource(rand.Reader)
	mod, err := r.InstantiateWithConfig(g.ctx, wasm, cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.mod = mod
	g.invoke = func(export string) error {
		_, err := mod.ExportedFunction(export).Call(g.ctx)
		return err
	}
	if mod.ExportedFunction(abi.ExportWarm) != nil {
		if err := g.invoke(abi.ExportWarm); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// run runs one event and returns the body of its response.
func (g *guest) run(f abi.FetchEvent) string {
	g.t.Helper()
	if err := g.try(&abi.Event{Kind: abi.EventFetch, ID: "e1", TimeMS: 1, Fetch: &f}); err != nil {
		g.t.Fatal(err)
	}
	if g.response == nil {
		g.t.Fatal("no response")
	}
	return string(g.response.Body)
}

// try runs one event of any kind.
func (g *guest) try(e *abi.Event) error {
	g.event = e.AppendCBOR(nil)
	return g.invoke(abi.ExportHandle)
}

// get is a GET request.
func get(path string) abi.FetchEvent {
	return abi.FetchEvent{Method: "GET", URL: abi.ByteString("http://example.com" + path), Protocol: "HTTP/1.1"}
}

// expect compares text by lines.
func expect(t *testing.T, got string, want ...string) {
	t.Helper()
	if w := strings.Join(want, "\n") + "\n"; got != w {
		t.Errorf("got\n%swant\n%s", got, w)
	}
}

func TestHelloTakesTwoHostCalls(t *testing.T) {
	g := start(t, "../../../../examples/hello-c/hello.c")
	body := g.run(get("/"))
	if body != "Hello from C!\n" || g.response.Status != 0 || len(g.response.Headers) != 1 {
		t.Errorf("%+v", g.response)
	}
	if fmt.Sprint(g.counts) != "map[call:1 result:1]" {
		t.Errorf("host calls: %v", g.counts)
	}
}

func TestRequestIsGivenWhole(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		f := get("/request?name=J%C3%A9+x&broken=%C3+x%2&empty=&bare&name=second")
		f.Headers = []abi.Header{{Name: "Accept", Value: "*/*"}, {Name: "Host", Value: "example.com\xff"}}
		f.RemoteAddr = "::1"
		expect(t, g.run(f), "method=[GET]", "url=["+string(f.URL)+"]", "path=[/request]", "host=[example.com\xff]", "missing absent",
			"name=[Jé x]", "broken=[%C3+x%2]", "empty=[]", "bare=[]", "nothing absent", "from=[::1]", "id=[e1]", "zero-terminated 00")
	})
}

func TestKVAndVariables(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/kv")),
			"put ok", "write ok", "read ok", "a=[one]", "read ok", "b=[]", "read ok", "none absent",
			"bulk ok", `a found=1 value=one metadata={"m":1}`, "none found=0 value= metadata=-",
			"key a expires=1", "key b expires=0", "remove ok", "read ok", "a absent",
			"too large: too_large, 413, value too large", "no such binding: not_configured, 0, no binding NONE",
			"GREETING=[Grüezi]", "MISSING absent")
	})
}

func TestCallsCanOverlap(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/async")), "at once: -5", "first ok", "value=[quick]", "second ok", "value=[slow]",
			"again: bad_handle, 0, bad_handle", "cancel ok", "close again: bad_handle, 0, bad_handle")
	})
}

func TestResponseCanBeStreamedAndWorkGoOn(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		g.reset()
		g.run(get("/stream"))
		var want bytes.Buffer
		for i := range 100 {
			want.Write(bytes.Repeat([]byte{byte('a' + i%26)}, 1000))
		}
		if !bytes.Equal(g.pipe.data, want.Bytes()) {
			t.Errorf("%d bytes were written", len(g.pipe.data))
		}
		if g.response.Status != 202 || g.response.Stream == 0 || g.response.Headers[0] != (abi.Header{Name: "x-streamed", Value: "yes"}) {
			t.Errorf("%+v", g.response)
		}
		if fmt.Sprint(g.closed) != fmt.Sprintf("[%d:0]", g.response.Stream+1) || fmt.Sprint(g.logs) != "[1 still working after 100000 bytes]" {
			t.Errorf("closed %v, logs %v", g.closed, g.logs)
		}
		if g.counts["call"] != 2 {
			t.Errorf("host calls: %v", g.counts)
		}
	})
}

func TestBodiesArriveWholeOrAsStreams(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		long := strings.Repeat("0123456789", 2000)
		for _, row := range []struct{ path, body, want string }{
			{"/echo", "short", "short."}, {"/echo", "", "."}, {"/echo", long, long + "."},
			{"/pieces", "", ""}, {"/pieces", "abcdefghij", "<abcdefg><hij>"},
		} {
			f := get(row.path)
			f.Body = []byte(row.body)
			if got := g.run(f); got != row.want {
				t.Errorf("%s of %d bytes, at once: got %.60q", row.path, len(row.body), got)
			}
			f.Body, f.BodyStream = nil, 7
			g.bodies[7] = &stream{data: []byte(row.body)}
			if got := g.run(f); got != strings.ReplaceAll(row.want, "<abcdefg><hij>", "<abcde><fghij>") {
				t.Errorf("%s of %d bytes, streamed: got %.60q", row.path, len(row.body), got)
			}
		}
	})
}

func TestBodyThatFailsOrIsTooLongIsAnError(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		f := get("/echo")
		f.BodyStream = 7
		g.bodies[7] = &stream{data: []byte("beg"), fails: abi.CodeStreamClosed}
		expect(t, g.run(f), "body: stream_closed, 0, stream_closed")
		f.Body, f.BodyStream = make([]byte, 1<<20+1), 0
		expect(t, g.run(f), "body: too_large, 0, too_large")
	})
}

func TestStreamOfABindingCanBeTheBody(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		g.run(get("/pass"))
		if g.response.Stream != g.next-1 { // the last handle is the respond call's
			t.Errorf("%+v, next %d", g.response, g.next)
		}
	})
}

func TestLongMessagesAndMemory(t *testing.T) {
	g := start(t, "guest.c")
	f := get("/large")
	for i := range 200 {
		f.Headers = append(f.Headers, abi.Header{Name: fmt.Sprint("h", i), Value: abi.ByteString(strings.Repeat("v", 1000))})
	}
	want := "200 headers, 200000 bytes; value 3145728, ok"
	if got := g.run(f); got != want {
		t.Fatal(got)
	}
	for range 5 {
		g.run(f)
	}
	before := g.mod.Memory().Size()
	for range 200 {
		if got := g.run(f); got != want {
			t.Fatal(got)
		}
	}
	if after := g.mod.Memory().Size(); after != before {
		t.Errorf("memory grew from %d to %d bytes over 200 events", before, after)
	}
}

func TestWarmMemoryStays(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		if fmt.Sprint(g.logs) != "[1 warm]" {
			t.Errorf("logs %v", g.logs)
		}
		for range 3 {
			if got := g.run(get("/warm")); got != "Grüezi" {
				t.Fatal(got)
			}
		}
	})
}

// TestPristineEventsDrawDifferentNumbers puts memory and stack pointer back after each event, as the runtime does.
func TestPristineEventsDrawDifferentNumbers(t *testing.T) {
	g := start(t, "guest.c")
	mem := g.mod.Memory()
	view, _ := mem.Read(0, mem.Size())
	image := bytes.Clone(view)
	seen := [4]map[string]bool{}
	for i := range seen {
		seen[i] = map[string]bool{}
	}
	const events = 1000
	for range events {
		for i, v := range strings.Fields(g.run(get("/random"))) {
			seen[i][v] = true
		}
		mem.Write(0, image)
	}
	for i, name := range []string{"rand", "random", "lrand48", "drand48"} {
		if n := len(seen[i]); n < events-1 { // two of a thousand may meet by chance, at 1 in 4,000
			t.Errorf("%s: %d different values in %d events", name, n, events)
		}
	}
}

func TestStdoutIsFlushedAtTheEndOfTheEvent(t *testing.T) {
	g := start(t, "guest.c")
	g.run(get("/printf"))
	if g.stdout.String() != "printed, no newline" {
		t.Errorf("got %q", g.stdout.String())
	}
}

func TestEventsThatCannotBeHandled(t *testing.T) {
	everywhere(t, guests, func(t *testing.T, g *guest) {
		g.reset()
		for _, kind := range []string{"scheduled", "queue", "later"} {
			if err := g.try(&abi.Event{Kind: kind}); err != nil || g.response != nil {
				t.Errorf("%s: %v, response %v", kind, err, g.response)
			}
		}
		expect(t, strings.Join(g.said, "\n")+"\n", "fail Handler does not export a scheduled() function.",
			"fail Handler does not export a queue() function.", "fail Handler does not export a later() function.")
		g.event = []byte{0xa1, 0x01}
		if err := g.invoke(abi.ExportHandle); err == nil || !strings.Contains(strings.Join(g.logs, ""), "event message cannot be read") {
			t.Errorf("broken event: %v, logs %v", err, g.logs)
		}
	})
}
