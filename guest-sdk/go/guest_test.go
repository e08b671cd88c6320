package pagesrun_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/fakehost"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/wasmtest"
)

var probe struct {
	once   sync.Once
	module []byte
}

// start starts the probe over a host with a namespace STORE that holds k0, k1 and k2.
func start(t *testing.T, c fakehost.Config) *wasmtest.Guest {
	t.Helper()
	probe.once.Do(func() { probe.module = wasmtest.Build(t, "testdata/probe") })
	if c.KV == nil {
		c.KV = []string{"STORE"}
	}
	g := wasmtest.Start(t, probe.module, fakehost.New(c))
	for _, k := range []string{"0", "1", "2"} {
		g.Fetch("POST", "/put?key=k"+k, []byte("v"+k))
	}
	return g
}

// request is a request of a table and what must come back.
type request struct {
	name, method, url, body string
	status                  int
	want                    string
}

func (r request) check(t *testing.T, g *wasmtest.Guest) {
	t.Helper()
	got, body := g.Fetch(r.method, r.url, []byte(r.body))
	if got.Status != r.status || body != r.want {
		t.Errorf("%s %s = %d %q, want %d %q; log %v", r.method, r.url, got.Status, body, r.status, r.want, g.Logs())
	}
}

func TestRequests(t *testing.T) {
	g := start(t, fakehost.Config{Vars: map[string]string{"GREETING": "hi"}, Secrets: map[string]string{"TOKEN": "s3"}})
	for _, r := range []request{
		{"start-up runs package variables, init, main and warm in this order", "GET", "/start", "", 200, "init,main,warm hi"},
		{"an unknown route is the function's own matter", "GET", "/nowhere?x", "", 404, "no such route"},
		{"the context and the request say what the event says", "PUT", "/context", "", 200,
			"e1|2026-09-21T14:13:20Z|PUT|localhost:8787|127.0.0.1|HTTP/1.1|test/1|false|true"},
		{"variables and secrets are found, and only those", "GET", "/env", "", 200, "hi s3 true true false false"},
		{"the body can be read", "POST", "/upper", "abc", 200, "ABC"},
		{"the body can be handed over", "POST", "/echo", "abc", 200, "abc"},
		{"an empty body can be handed over", "POST", "/echo", "", 200, ""},
		{"a value and its metadata come back", "GET", "/get?key=k1", "", 200, `true v1 {"n":1}`},
		{"a missing key is an answer", "GET", "/get?key=nope", "", 200, "false  "},
		{"escapes in the query are undone", "POST", "/put?key=a%2Fb+c%zz", "x", 200, "stored"},
		{"an error keeps the platform's text", "GET", "/get?key=", "", 400, "Key name cannot be empty."},
		{"goroutines read at the same time", "GET", "/goroutines", "", 200, "v0,v1,v2"},
		{"futures read at the same time", "GET", "/async", "", 200, "v0 true,v1 true,v2 true"},
		{"250 reads from 50 goroutines all arrive", "GET", "/many", "", 200, "250"},
		{"lists give names and metadata", "GET", "/list", "", 200, `k0{"n":1} k1{"n":1} k2{"n":1} 2 false true`},
		{"bulk reads keep order and gaps", "GET", "/bulk", "", 200, "k2=v2 true,nope= false,k0=v0 true"},
		{"a reader is sent as a stream", "GET", "/stream?n=3", "", 201, "012345678901234567890123456789"},
		{"a function can write the body", "GET", "/produced", "", 200, "data: 0\n\ndata: 1\n\ndata: 2\n\n"},
		{"a request body can be stored unread", "POST", "/store", "one", 200, "stored"},
		{"a stored value can be sent unread", "GET", "/load", "", 200, "one"},
		{"a reader can be stored", "POST", "/store?how=reader", "two", 200, "stored"},
		{"it is there whole", "GET", "/load", "", 200, "<two>"},
		{"a reader that breaks stores nothing and reports its own error", "POST", "/store?how=broken", "three", 400, "the reader broke"},
		{"the old value stays", "GET", "/load", "", 200, "<two>"},
		{"streams and futures after their end", "GET", "/closed", "", 200, "ab true true true true true true"},
		{"a response can be sent early", "GET", "/early", "", 202, "accepted"},
		{"a returned error is status 500", "GET", "/fail", "", 500, "Internal Server Error (event e1)\n"},
	} {
		t.Run(r.name, func(t *testing.T) { r.check(t, g) })
	}
}

func TestAResponseInMemoryCostsOneHostCall(t *testing.T) {
	g := start(t, fakehost.Config{})
	g.Fetch("GET", "/start", nil)
	if want := []string{"random_get 32", "result 0", `call "" respond`}; !slices.Equal(g.Trace(), want) {
		t.Errorf("host calls %q, want %q", g.Trace(), want)
	}
}

func TestLargeBodies(t *testing.T) {
	g := start(t, fakehost.Config{PipeBytes: 64 << 10})
	for _, n := range []string{"16384", "1000000", "31457280", "33554432"} {
		_, body := g.Fetch("GET", "/big?n="+n, nil)
		if got := len(body); n != itoa(got) {
			t.Errorf("%s bytes became %d", n, got)
		}
	}
	if _, body := g.Fetch("GET", "/stream?n=100000", nil); len(body) != 1_000_000 {
		t.Errorf("a streamed body of 1000000 bytes became %d", len(body))
	}
	if _, body := g.Fetch("POST", "/upper", bytes.Repeat([]byte("a"), 5<<20)); body != strings.Repeat("A", 5<<20) {
		t.Error("a request of 5 MiB did not come through")
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestThreeReadsAreUnderWayBeforeTheFirstWait(t *testing.T) {
	for _, route := range []string{"/goroutines", "/async"} {
		g := start(t, fakehost.Config{Delay: 150 * time.Millisecond})
		began := time.Now()
		g.Fetch("GET", route, nil)
		if took := time.Since(began); took > 400*time.Millisecond {
			t.Errorf("%s: three reads of 150 ms took %v", route, took)
		}
		trace := g.Trace()
		first := slices.IndexFunc(trace, func(s string) bool { return strings.HasPrefix(s, "wait") })
		calls := 0
		for _, s := range trace[:first] {
			if strings.HasPrefix(s, `call "STORE"`) {
				calls++
			}
		}
		if calls != 3 {
			t.Errorf("%s: %d reads under way before the first wait: %q", route, calls, trace)
		}
	}
}

func TestTimersRunWhileAGoroutineWaitsForTheHost(t *testing.T) {
	g := start(t, fakehost.Config{Delay: 100 * time.Millisecond})
	request{url: "/timer", method: "GET", status: 200, want: "true"}.check(t, g)
}

func TestWorkAfterTheResponse(t *testing.T) {
	g := start(t, fakehost.Config{Delay: 5 * time.Millisecond})
	g.Fetch("GET", "/after", nil)
	trace := g.Trace()
	respond := slices.Index(trace, `call "" respond`)
	put := slices.Index(trace, `call "STORE" kv.put`)
	if respond < 0 || put < respond {
		t.Errorf("the response did not go out first: %q", trace)
	}
	var lines []string
	for _, l := range g.Logs() {
		lines = append(lines, l.Text)
	}
	slices.Sort(lines[1:])
	if got := strings.Join(lines, ";"); got != "handler;first;nested, responded true;second" {
		t.Errorf("log %q", got)
	}
	if n := slices.Index(trace[put+1:], `call "STORE" kv.put`); n < 0 || slices.ContainsFunc(trace[put:put+1+n], func(s string) bool { return strings.HasPrefix(s, "wait") }) {
		t.Errorf("the two functions did not overlap: %q", trace)
	}
}

func TestErrorsKeepCodeAndText(t *testing.T) {
	g := start(t, fakehost.Config{})
	g.FailOperation(abi.OpKVPut, &abi.Error{Code: abi.CodeStorageFull, Message: "no room on the disk"})
	request{method: "GET", url: "/error", status: 200, want: "full=true as=true text=no room on the disk ok=false " +
		"missing=no binding NOT_THERE is configured"}.check(t, g)
}

func TestAPanicEndsTheInstanceAndIsPrinted(t *testing.T) {
	g := start(t, fakehost.Config{})
	if err := g.Run(wasmtest.FetchEvent("GET", "/panic", nil)); err == nil {
		t.Fatal("the instance went on")
	}
	if out := g.Stderr.String(); !strings.Contains(out, "a bug in the function") || !strings.Contains(out, "main.crash") {
		t.Errorf("stderr %q", out)
	}
	if g.Response() != nil {
		t.Error("there was a response")
	}
}

func TestABrokenBodyIsCut(t *testing.T) {
	g := start(t, fakehost.Config{})
	if err := g.Run(wasmtest.FetchEvent("GET", "/broken", nil)); err != nil {
		t.Fatal(err)
	}
	body, err := g.Response().Body()
	if string(body) != "half" || err == nil {
		t.Errorf("body %q, error %v", body, err)
	}
	if logs := g.Logs(); len(logs) != 1 || logs[0].Text != "response: the reader broke" || logs[0].Level != abi.LogError {
		t.Errorf("log %v", logs)
	}
}

func TestHandlersThatAnswerOddly(t *testing.T) {
	g := start(t, fakehost.Config{})
	for _, c := range []struct {
		name, url string
		responses bool
		log       string
		failure   string // as the host is told
	}{
		{"a nil response is no response", "/nil", false, "", ""},
		{"an error is logged, and the event fails", "/fail", true, "handler: something is missing", "something is missing"},
		{"a second response is refused", "/twice", true, "true", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := g.Run(wasmtest.FetchEvent("GET", c.url, nil)); err != nil {
				t.Fatal(err)
			}
			var log string
			for _, l := range g.Logs() {
				log += l.Text
			}
			failure, failed := g.Failure()
			if (g.Response() != nil) != c.responses || log != c.log || failure != c.failure || failed != (c.failure != "") {
				t.Errorf("response %v, log %q, failure %q", g.Response(), log, failure)
			}
		})
	}
}

func TestBodiesThatArriveAsAStream(t *testing.T) {
	for _, c := range []struct {
		name, route, want string
		aborted           bool
		status            int
	}{
		{"read as it comes", "/upper", "ONETWO", false, 200},
		{"handed over as it comes", "/echo", "onetwo", false, 200},
		{"a client that breaks off is an error", "/upper", "Internal Server Error (event e1)\n", true, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, fakehost.Config{})
			ev := wasmtest.FetchEvent("POST", c.route, nil)
			w := g.BeginStreaming(ev)
			go func() {
				w.Write([]byte("one"))
				time.Sleep(5 * time.Millisecond)
				w.Write([]byte("two"))
				w.End(c.aborted)
			}()
			if err := g.RunPrepared(); err != nil {
				t.Fatal(err, g.Stderr)
			}
			body, _ := g.Response().Body()
			if string(body) != c.want || g.Response().Status != c.status {
				t.Errorf("%d %q", g.Response().Status, body)
			}
		})
	}
}

func TestACanceledEventIsNoticed(t *testing.T) {
	g := start(t, fakehost.Config{Delay: time.Millisecond})
	g.Begin(wasmtest.FetchEvent("GET", "/cancel", nil))
	time.AfterFunc(20*time.Millisecond, g.Cancel)
	if err := g.RunPrepared(); err != nil {
		t.Fatal(err, g.Stderr)
	}
	if logs := g.Logs(); len(logs) != 1 || logs[0].Text != "true context canceled" {
		t.Errorf("log %v", logs)
	}
}

func TestAGoroutineLeftBehindIsToldThatItsEventIsOver(t *testing.T) {
	g := start(t, fakehost.Config{Delay: 200 * time.Millisecond})
	g.Fetch("GET", "/background", nil)
	g.Fetch("GET", "/goroutines", nil)
	var texts []string
	for _, l := range g.Logs() {
		texts = append(texts, l.Text)
	}
	if !slices.Contains(texts, "left behind: the event is over") {
		t.Errorf("log %q", texts)
	}
}

func TestAHostThatDoesNotWarmGetsTheSameAnswers(t *testing.T) {
	start(t, fakehost.Config{})
	var seen []string
	for range 3 {
		g := wasmtest.StartCold(t, probe.module, fakehost.New(fakehost.Config{}))
		for range 2 {
			request{method: "GET", url: "/start", status: 200, want: "init,main,warm "}.check(t, g)
			_, body := g.Fetch("GET", "/random", nil)
			if slices.Contains(seen, body) {
				t.Errorf("the same random numbers again: %s", body)
			}
			seen = append(seen, body)
		}
	}
}

func TestAProgramWithoutAHandlerDoesNotStart(t *testing.T) {
	printed := wasmtest.StartFails(t, wasmtest.Build(t, "testdata/nohandler"), fakehost.New(fakehost.Config{}))
	if want := "no handler: call pagesrun.HandleFetch in main"; !strings.Contains(printed, want) {
		t.Errorf("printed %q, want %q in it", printed, want)
	}
}

func TestBrokenEventsEndTheInstance(t *testing.T) {
	for _, c := range []struct {
		name  string
		event []byte
		want  string
	}{
		{"garbage", []byte{0xff, 0x00}, "the event cannot be read"},
		{"a fetch event without its request", (&abi.Event{Kind: abi.EventFetch}).AppendCBOR(nil), "the fetch event has no request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, fakehost.Config{})
			g.BeginBytes(c.event)
			if err := g.RunPrepared(); err == nil || !strings.Contains(g.Stderr.String(), c.want) {
				t.Errorf("error %v, stderr %q", err, g.Stderr)
			}
		})
	}
}

func TestAnEventWithoutAHandlerFails(t *testing.T) {
	g := start(t, fakehost.Config{})
	for _, kind := range []string{abi.EventQueue, abi.EventScheduled, "email"} {
		if err := g.Run(&abi.Event{Kind: kind}); err != nil {
			t.Fatal(err, g.Stderr)
		}
		if text, _ := g.Failure(); text != "Handler does not export a "+kind+"() function." {
			t.Errorf("%s: %q", kind, text)
		}
	}
	if _, body := g.Fetch("GET", "/upper", nil); body != "" || g.Response().Status != 200 {
		t.Errorf("afterwards: %q", body)
	}
}

func TestADataPointTakesThreeHostCallsAndNoMemory(t *testing.T) {
	g := start(t, fakehost.Config{Datasets: []string{"VISITS"}})
	request{method: "GET", url: "/points", status: 200, want: "0"}.check(t, g)
	if n := len(g.Points("VISITS")); n != 100 {
		t.Errorf("%d points", n)
	}
	if got, want := g.Trace()[2:5], []string{`call "VISITS" analytics.write`, "wait [1]", "close 1 0"}; !slices.Equal(got, want) {
		t.Errorf("host calls %q, want %q", got, want)
	}
}
