package e2e_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// patience is how long anything may take that should be quick, on a busy machine.
const patience = 30 * time.Second

// start runs "pagesrun serve" or another serving command in a directory.
func start(t testing.TB, dir string, args ...string) *process.Server {
	t.Helper()
	return process.Command{Binary: pagesrunBinary.path(t), Dir: dir, Args: args}.Start(t)
}

// fetch gets a URL.
func fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// wantAnswer checks one answer of a probe.
func wantAnswer(t testing.TB, s *process.Server, a ask, target, want string) {
	t.Helper()
	if got := a.send(t, s.URL, target); got != want {
		t.Errorf("%s %q of %s: got %q, want %q", a.op, a.fields, target, got, want)
	}
}

func TestServeNeedsNoConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "-k", "KV", "--binding", "A=b=c", "-b", "E=")
	wantAnswer(t, s, put("k", "v"), "KV", done)
	wantAnswer(t, s, get("k"), "KV", found("v"))
	wantAnswer(t, s, variable, "A", "text b=c\n")
	wantAnswer(t, s, variable, "E", "text \n")
	s.Line("data           "+filepath.Join(dir, ".pagesrun"), patience)
	if end := s.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
	s = start(t, dir, "serve", cProbe.path(t), "--port", "0", "-k", "KV")
	wantAnswer(t, s, get("k"), "KV", found("v"))
}

func TestFlagsWinOverTheFile(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	writeFiles(t, dir, map[string]string{
		"wrangler.toml": `
main = "app.wasm"
kv_namespaces = [{binding = "KV", id = "file"}, {binding = "KEPT", id = "flag"}]
[vars]
FROM = "file"
KEPT_VAR = "file"
[dev]
port = ` + occupied(t) + `
ip = "203.0.113.1"
[pagesrun]
admin = "203.0.113.1:1"
`,
		"app.wasm": string(cProbe.bytes(t)),
	})
	s := start(t, dir, "serve", "--port", "0", "--ip", "127.0.0.1", "--admin", "127.0.0.1:0", "--persist-to", other,
		"-k", "KV=flag", "-k", "NEW", "-b", "FROM=flag", "--log-level", "warn")
	wantAnswer(t, s, variable, "FROM", "text flag\n")
	wantAnswer(t, s, variable, "KEPT_VAR", "text file\n")
	wantAnswer(t, s, put("k", "v"), "KV", done)
	wantAnswer(t, s, get("k"), "KEPT", found("v"))
	wantAnswer(t, s, get("k"), "NEW", missing)
	if _, err := os.Stat(filepath.Join(other, "kv", "kv-flag.sqlite")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".pagesrun")); err == nil {
		t.Error("a data directory was made beside the file")
	}
	if status, body := fetch(t, s.AdminURL()+"/healthz"); status != 200 {
		t.Errorf("healthz: %d %s", status, body)
	}
	if log := s.Stop().Stderr; strings.Contains(log, `"msg":"event"`) {
		t.Errorf("events are logged at level warn:\n%s", log)
	}
}

func TestEnvironmentsAndConfigurationFilesAreChosenByFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"app.wasm":      string(cProbe.bytes(t)),
		"wrangler.toml": "main = \"app.wasm\"\n[vars]\nWHERE = \"top\"\nTOP = 1\n[env.staging.vars]\nWHERE = \"staging\"\n",
		"sub/two.jsonc": `{"main": "../app.wasm", "vars": {"WHERE": "two",}, /* its own */ "kv_namespaces": [{"binding": "KV"}]}`,
	})
	for _, row := range []struct {
		rule string
		args []string
		env  string
		want string
	}{
		{"no flag", nil, "", "top"},
		{"--env", []string{"--env", "staging"}, "", "staging"},
		{"CLOUDFLARE_ENV", nil, "staging", "staging"},
		{"--config", []string{"--config", "sub/two.jsonc"}, "", "two"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			c := process.Command{Binary: pagesrunBinary.path(t), Dir: dir, Args: append([]string{"serve", "--port", "0", "--admin", "off"}, row.args...)}
			if row.env != "" {
				c.Env = []string{"CLOUDFLARE_ENV=" + row.env}
			}
			s := c.Start(t)
			wantAnswer(t, s, variable, "WHERE", "text "+row.want+"\n")
			if row.want == "staging" {
				s.Line(`wrangler.toml:4: vars.TOP: \"vars.TOP\" exists at the top level, but not on \"env.staging.vars\".`, patience)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "sub", ".pagesrun")); err != nil {
		t.Error("the data directory is not beside the configuration file: ", err)
	}
}

func TestUnknownKeysAreWarnedOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "nmae = \"x\"\n[[r2_buckets]]\nbinding = \"DB\"\n"})
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off")
	for _, text := range []string{`wrangler.toml:1: nmae: Unexpected fields found in top-level field: \"nmae\". Did you mean \"name\"?`, "wrangler.toml:2: r2_buckets: is known but not supported"} {
		if line := s.Line(text, patience); !strings.Contains(line, `"level":"WARN"`) {
			t.Error(line)
		}
	}
}

// slowPut begins a request and leaves it in progress until the body is closed.
func slowPut(t testing.TB, s *process.Server) (body *io.PipeWriter, answer <-chan string) {
	t.Helper()
	r, w := io.Pipe()
	answers := make(chan string, 1)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	go func() {
		resp, err := (&http.Client{Transport: transport}).Post(s.URL+"/?op=kv.put&target=KV&key=slow&source=stream&announce=begun", "text/plain", r)
		if err != nil {
			answers <- "no answer: " + err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			answers <- "half an answer: " + err.Error()
			return
		}
		answers <- string(b)
	}()
	if _, err := w.Write([]byte("first ")); err != nil {
		t.Fatal(err)
	}
	s.Line(`"msg":"begun"`, patience)
	return w, answers
}

// waitFor waits until something holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// metric gives the value of a metric that is written exactly so in the text of /metrics, empty where there is none.
func metric(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestTermFinishesWhatIsInProgress(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "serve", goProbe.path(t), "--port", "0", "--admin", "127.0.0.1:0", "-k", "KV")
	admin := s.AdminURL()
	body, answer := slowPut(t, s)
	s.Signal(syscall.SIGTERM)
	waitFor(t, "not ready any more", func() bool { status, text := fetch(t, admin+"/readyz"); return status == 503 && text == "draining\n" })
	waitFor(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(s.URL, "localhost", "127.0.0.1", 1), "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if status, _ := fetch(t, admin+"/healthz"); status != 200 {
		t.Errorf("healthz while draining: %d", status)
	}
	body.Write([]byte("second"))
	body.Close()
	if got := <-answer; got != done {
		t.Errorf("the request in progress got %q", got)
	}
	end := s.Wait(patience)
	expect(t, end, 0, "Stopping: finishing the requests in progress, for at most 30s")
	if !strings.HasSuffix(end.Stderr, "\nStopped.") || strings.Count(end.Stderr, "Stopp") != 2 {
		t.Errorf("the end is not said once:\n%s", end.Stderr)
	}
}

func TestTermCutsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "[pagesrun.http]\ndrain_timeout_ms = 300\n"})
	s := start(t, dir, "serve", goProbe.path(t), "--port", "0", "--admin", "127.0.0.1:0", "-k", "KV")
	body, answer := slowPut(t, s)
	s.Signal(syscall.SIGTERM)
	expect(t, s.Wait(patience), 1, "1 connections were still busy after 300ms and have been cut")
	body.Close()
	if got := <-answer; !strings.Contains(got, "answer: ") {
		t.Errorf("the request in progress got %q", got)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "serve", goProbe.path(t), "--port", "0", "--admin", "127.0.0.1:0", "-k", "KV")
	admin := s.AdminURL()
	body, answer := slowPut(t, s)
	s.Signal(syscall.SIGINT)
	waitFor(t, "it is stopping", func() bool { status, _ := fetch(t, admin+"/readyz"); return status == 503 })
	s.Signal(syscall.SIGINT)
	if end := s.Wait(patience); end.Code == 0 {
		t.Errorf("exit status 0\n%s", end.Stderr)
	}
	body.Close()
	<-answer
}

func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "serve", cProbe.path(t), "--port", "0", "--admin", "127.0.0.1:0", "-k", "KV")
	admin := s.AdminURL()
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if status, body := fetch(t, admin+path); status != 200 || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	for range 3 {
		wantAnswer(t, s, put("k", "v"), "KV", done)
	}
	wantAnswer(t, s, get(""), "KV", refused("Key name cannot be empty."))
	if status, _, _ := (ask{op: "trap"}).try(s.URL, ""); status != 500 {
		t.Errorf("a trap gives %d", status)
	}
	_, text := fetch(t, admin+"/metrics")
	for name, want := range map[string]string{
		`pagesrun_events_total{kind="fetch",outcome="ok"}`:                                "4",
		`pagesrun_events_total{kind="fetch",outcome="exception"}`:                         "1",
		`pagesrun_operations_total{code="ok",kind="kv",operation="kv.put"}`:               "3",
		`pagesrun_operations_total{code="invalid_argument",kind="kv",operation="kv.get"}`: "1",
		`go_goroutines`: "*",
	} {
		if got := metric(text, name); got != want && (want != "*" || got == "") {
			t.Errorf("%s is %q, want %q\n%s", name, got, want, grep(text, "pagesrun_events_total", "pagesrun_operations_total"))
		}
	}
}

// grep gives the lines that contain one of the words.
func grep(text string, words ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for _, w := range words {
			if strings.Contains(line, w) {
				b.WriteString(line)
				break
			}
		}
	}
	return b.String()
}

// logLine is a line of the log.
type logLine struct {
	Level, Msg, Event, Source, Method, Path, Outcome string
	Status                                           int
}

func TestEveryEventHasOneLogLineAndItsOutputIsAttributed(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			s := start(t, t.TempDir(), "serve", probe.path(t), "--port", "0", "--admin", "off", "-k", "KV")
			wantAnswer(t, s, ask{op: "log"}.with("text", "one"), "", done)
			wantAnswer(t, s, ask{op: "log"}.with("text", "two"), "", done)
			if status, _, _ := (ask{op: "trap"}).try(s.URL, ""); status != 500 {
				t.Errorf("a trap gives %d", status)
			}
			end := s.Stop()
			events, ids := map[string]int{}, map[string]string{}
			for line := range strings.Lines(end.Stderr) {
				var l logLine
				if json.Unmarshal([]byte(line), &l) != nil {
					continue
				}
				if l.Msg == "event" {
					events[l.Outcome+" "+l.Method+" "+l.Path]++
				}
				for _, word := range []string{"one", "two"} {
					if strings.HasSuffix(l.Msg, " "+word) {
						ids[l.Msg+" "+l.Source+" "+l.Level] = l.Event
					}
				}
			}
			if events["ok POST /"] != 2 || events["exception POST /"] != 1 || len(events) != 2 {
				t.Errorf("events: %v\n%s", events, end.Stderr)
			}
			for _, word := range []string{"one", "two"} {
				id := ids["logged "+word+" log WARN"]
				if id == "" || ids["printed "+word+" stdout INFO"] != id || ids["complained "+word+" stderr WARN"] != id || len(ids) != 6 {
					t.Errorf("lines: %v\n%s", ids, end.Stderr)
				}
			}
			if ids["logged one log WARN"] == ids["logged two log WARN"] {
				t.Error("two events have one id")
			}
		})
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	for level, want := range map[string][3]bool{"debug": {true, true, true}, "info": {true, true, false}, "warn": {false, true, false}, "error": {}, "none": {}} {
		s := start(t, t.TempDir(), "serve", cProbe.path(t), "--port", "0", "--admin", "off", "--log-level", level)
		wantAnswer(t, s, ask{op: "log"}.with("text", "x"), "", done)
		log := s.Stop().Stderr
		if got := [2]bool{strings.Contains(log, `"msg":"event"`), strings.Contains(log, "logged x")}; got != [2]bool(want[:2]) {
			t.Errorf("level %s: event and warning shown: %v, want %v\n%s", level, got, want, log)
		}
	}
}
