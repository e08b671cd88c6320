package runtime_test

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// command loads testdata/cgi.c, a plain WASI command.
func command(t testing.TB, opts runtime.Options) *lab {
	t.Helper()
	return load(t, guesttest.Command(t, filepath.Join("testdata", "cgi.c")), opts)
}

func TestACommandFindsItsRequestInTheEnvironment(t *testing.T) {
	l := command(t, runtime.Options{Args: []string{"--fast", "two words"}})
	r := l.do(request{method: "PUT", path: "/env?a=1&b=%20", body: []byte("12345"), header: []abi.Header{
		{Name: "accept", Value: "text/html"}, {Name: "accept", Value: "text/plain"}, {Name: "content-type", Value: "text/x"},
		{Name: "proxy", Value: "http://evil"}, {Name: "x-binary", Value: "a\x00\xffb"}, {Name: "cf_connecting_ip", Value: "spoofed"},
	}})
	lines := strings.Split(r.body, "\n")
	for _, want := range []string{
		"arg app", "arg --fast", "arg two words", "GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_NAME=localhost", "SERVER_PORT=80",
		"REQUEST_METHOD=PUT", "PATH_INFO=/env", "QUERY_STRING=a=1&b=%20", "REQUEST_URI=/env?a=1&b=%20", "SCRIPT_NAME=", "REMOTE_ADDR=192.0.2.1",
		"CONTENT_TYPE=text/x", "CONTENT_LENGTH=5", "HTTP_ACCEPT=text/html, text/plain", "HTTP_X_BINARY=a\xffb",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q is missing from\n%s", want, r.body)
		}
	}
	if strings.Contains(r.body, "PROXY") {
		t.Error("the field Proxy reached the command")
	}
	if strings.Contains(r.body, "spoofed") {
		t.Error("a field with an underscore reached the command under the name of one with a hyphen")
	}
}

func TestWhatACommandPrintsIsItsResponse(t *testing.T) {
	const kib64 = 64 << 10
	for _, test := range []struct {
		path    string
		status  int
		body    string
		headers string
		outcome runtime.Outcome
	}{
		{path: "/runs", status: 200, body: "1", headers: "Content-Type: text/plain\n"},
		{path: "/status", status: 418, body: "teapot", headers: "Content-Type: text/x\nX-Two: spaced\n"},
		{path: "/only-status", status: 204},
		{path: "/location-url", status: 302, headers: "Location: https://example.com/\n"},
		{path: "/location-host", status: 302, headers: "Location: //example.com/\n"},
		{path: "/location-field", status: 302, headers: "Location: /elsewhere\nX-One: 1\n"},
		{path: "/location-status", status: 307, headers: "Location: /elsewhere\n"},
		{path: "/exit0", status: 200, body: "bye", headers: "Content-Type: text/plain\n"},
		{path: "/one-by-one", status: 200, body: "slow", headers: "Content-Type: text/plain\nX-Slow: 1\n"},
		{path: "/stderr", status: 200, headers: "Content-Type: text/plain\n"},
		{path: "/close-stdout", status: 200, body: "after", headers: "Content-Type: text/plain\n"},
		{path: "/file", status: 200, body: "none", headers: "Content-Type: text/plain\n"},
		{path: "/at-buffer", status: 200, body: strings.Repeat("x", kib64), headers: "Content-Type: text/plain\n"},
		{path: "/over-buffer", status: 200, body: strings.Repeat("x", kib64+1), headers: "Content-Type: text/plain\n"},
		{path: "/stream", status: 200, body: strings.Repeat("x", 1<<20), headers: "Content-Type: text/plain\n"},
		{path: "/exit3", status: 500, outcome: runtime.OutcomeException},
		{path: "/abort", status: 500, outcome: runtime.OutcomeException},
		{path: "/return5", status: 500, outcome: runtime.OutcomeException},
		{path: "/no-type", status: 500, outcome: runtime.OutcomeException},
		{path: "/no-cgi-field", status: 500, outcome: runtime.OutcomeException},
		{path: "/fields-257", status: 500, outcome: runtime.OutcomeException},
		{path: "/no-header", status: 500, outcome: runtime.OutcomeException},
		{path: "/empty-header", status: 500, outcome: runtime.OutcomeException},
		{path: "/unfinished", status: 500, outcome: runtime.OutcomeException},
		{path: "/bad-status", status: 500, outcome: runtime.OutcomeException},
		{path: "/bad-name", status: 500, outcome: runtime.OutcomeException},
		{path: "/nothing", status: 500, outcome: runtime.OutcomeException},
		{path: "/endless-header", status: 503, outcome: runtime.OutcomeExceededCPU},
		{path: "/endless-line", status: 503, outcome: runtime.OutcomeExceededCPU},
		{path: "/spin", status: 503, outcome: runtime.OutcomeExceededCPU},
	} {
		t.Run(test.path[1:], func(t *testing.T) {
			for _, portable := range []bool{false, true} {
				checkCommand(t, command(t, runtime.Options{PortableReset: portable, Limits: runtime.Limits{CPU: 200*time.Millisecond + 20*time.Millisecond*slow, Instances: 1}}), test.path, test.status, test.body, test.headers, test.outcome)
			}
		})
	}
}

func checkCommand(t *testing.T, l *lab, path string, status int, body, headers string, outcome runtime.Outcome) {
	t.Helper()
	for range 2 {
		id, r, err := l.send(request{path: path})
		if outcome == "" {
			outcome = runtime.OutcomeOK
		}
		if err != nil {
			if e := err.(*runtime.EventError); e.Status != status || e.Outcome != outcome {
				t.Errorf("%s %d: %v, want %s %d", e.Outcome, e.Status, e, outcome, status)
			}
		} else {
			checkResponse(t, r, status, body, headers)
		}
		if got := l.report(id).Outcome; got != outcome {
			t.Errorf("reported as %s, want %s: %v", got, outcome, l.report(id).Err)
		}
	}
	l.want("/runs", "1")
}

func checkResponse(t *testing.T, r *runtime.Response, status int, body, headers string) {
	t.Helper()
	defer r.Close()
	got := r.Body
	if r.Stream != nil {
		var err error
		if got, err = io.ReadAll(r.Stream); err != nil {
			t.Errorf("the body is incomplete: %v", err)
		}
	}
	var fields strings.Builder
	for _, h := range r.Headers {
		fields.WriteString(h.Name + ": " + string(h.Value) + "\n")
	}
	if r.Status != status || string(got) != body || fields.String() != headers {
		t.Errorf("status %d, %d bytes %.60q, headers %q; want %d, %d bytes %.60q, %q", r.Status, len(got), got, fields.String(), status, len(body), body, headers)
	}
}

func TestACommandSendsARequestOnToAnotherPath(t *testing.T) {
	l := command(t, runtime.Options{})
	for path, want := range map[string]string{"/location": "GET /elsewhere? -", "/location-query": "GET /elsewhere?a=b -"} {
		r := l.do(request{method: "POST", path: path, body: []byte("12345"), header: []abi.Header{{Name: "content-length", Value: "5"}}})
		if r.status != 200 || r.body != want {
			t.Errorf("%s: %d %q, want %q", path, r.status, r.body, want)
		}
	}
	for _, path := range []string{"/location-loop", "/location-wrong"} {
		_, _, err := l.send(request{path: path})
		if e, ok := err.(*runtime.EventError); !ok || e.Status != 500 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if r := l.get("/fields-256"); r.status != 200 {
		t.Errorf("256 fields: %+v", r)
	}
}

func TestAPathWithAZeroByteIsRefused(t *testing.T) {
	l := command(t, runtime.Options{})
	id, _, err := l.send(request{path: "/env%00/x"})
	if e, ok := err.(*runtime.EventError); !ok || e.Status != 400 {
		t.Errorf("got %v", err)
	}
	if r := l.report(id); r.Status != 400 {
		t.Errorf("reported with status %d", r.Status)
	}
}

func TestAResponseBeginsBeforeItsCommandEnds(t *testing.T) {
	l := command(t, runtime.Options{})
	for _, path := range []string{"/waits", "/computes"} {
		body, more := io.Pipe()
		_, r, err := l.send(request{path: path, stream: body}) // returns although the body has not come
		if err != nil {
			t.Fatal(err)
		}
		early := make([]byte, 5)
		if _, err := io.ReadFull(r.Stream, early); err != nil || string(early) != "early" {
			t.Errorf("%s: %q, %v", path, early, err)
		}
		more.Write([]byte("x"))
		more.Close()
		rest, err := io.ReadAll(r.Stream)
		if err != nil || (path == "/waits") != (string(rest) == " late") {
			t.Errorf("%s: %q, %v", path, rest, err)
		}
		r.Close()
	}
}

func TestVariablesOfItsOwnReachACommand(t *testing.T) {
	l := command(t, runtime.Options{Env: []string{"GREETING=hello there", "HTTP_ADMIN=1", "REMOTE_USER=root", "EMPTY="}})
	lines := strings.Split(l.get("/env").body, "\n")
	for v, want := range map[string]bool{"GREETING=hello there": true, "EMPTY=": true, "HTTP_ADMIN=1": false, "REMOTE_USER=root": false} {
		if slices.Contains(lines, v) != want {
			t.Errorf("%s: there is %v, want %v", v, !want, want)
		}
	}
}

func TestACommandReadsItsBodyFromStandardInput(t *testing.T) {
	l := command(t, runtime.Options{})
	if r := l.do(request{path: "/echo", body: []byte("bcd")}); r.body != "cbe" {
		t.Errorf("short body: %+v", r)
	}
	if r := l.do(request{path: "/echo"}); r.status != 200 || r.body != "" {
		t.Errorf("no body: %+v", r)
	}
	if r := l.do(request{path: "/count-input", stream: newSource(20 << 20)}); r.body != "20971520" {
		t.Errorf("20 MiB: %+v", r)
	}
	want, _ := io.ReadAll(newSource(5 << 20))
	for i := range want {
		want[i] ^= 1
	}
	if r := l.do(request{path: "/echo", stream: newSource(5 << 20)}); r.body != string(want) || r.bodyErr != nil {
		t.Errorf("5 MiB came back as %d bytes (%v)", len(r.body), r.bodyErr)
	}
}

func TestACommandThatFailsWhileStreamingCutsItsResponse(t *testing.T) {
	l := command(t, runtime.Options{})
	r := l.get("/stream-exit")
	if r.status != 200 || r.bodyErr == nil {
		t.Errorf("status %d, error %v; want 200 and an error", r.status, r.bodyErr)
	}
	if got := l.report(r.id).Outcome; got != runtime.OutcomeException {
		t.Errorf("reported as %s", got)
	}
}

func TestACommandEndsWhenTheReaderOfItsResponseLeaves(t *testing.T) {
	l := command(t, runtime.Options{})
	id, r, err := l.send(request{path: "/forever"})
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(r.Stream, make([]byte, 1<<20))
	r.Close()
	if report := l.report(id); report.Outcome != runtime.OutcomeException {
		t.Errorf("reported as %s", report.Outcome)
	}
	l.want("/runs", "1")
}

func TestACommandsStandardErrorIsLoggedByLines(t *testing.T) {
	l := command(t, runtime.Options{})
	r := l.get("/stderr")
	if got := l.logged(r.id); !slices.Equal(got, []string{"stderr: to the log", "stderr: unfinished"}) {
		t.Errorf("logged %q", got)
	}
}

func TestACommandIsPristineInEveryModeAndReused(t *testing.T) {
	for _, isolation := range []runtime.Isolation{runtime.IsolationEvent, runtime.IsolationInstance} {
		l := command(t, runtime.Options{Isolation: isolation, Limits: runtime.Limits{Instances: 1}})
		for i := range 20 {
			r := l.get([]string{"/runs", "/exit0"}[i%2])
			if want := []string{"1", "bye"}[i%2]; r.body != want {
				t.Errorf("run %d printed %q, want %q", i+1, r.body, want)
			}
			if report := l.report(r.id); report.Reused != (i > 0) || report.Discarded != "" {
				t.Errorf("run %d: reused %v, discarded %q", i+1, report.Reused, report.Discarded)
			}
		}
	}
}
