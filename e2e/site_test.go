package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/server"
	"github.com/prometheus/client_golang/prometheus"
)

// clock is time that passes only when told to.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.seconds.Load(), 0) }

// serveInProcess serves a function as the command does, over a real socket and with real storage, but with a clock of the test's. It gives the URL.
func serveInProcess(t testing.TB, module []byte, c *clock, files map[string]string) string {
	t.Helper()
	return inProcess{probe: module, clock: c, files: files}.serve(t)
}

// inProcess is how to serve a function without a process of its own.
type inProcess struct {
	probe    []byte
	clock    *clock
	files    map[string]string
	portable bool // use the reset that works on every system
}

func (p inProcess) serve(t testing.TB) string {
	t.Helper()
	dir, files := t.TempDir(), p.files
	writeFiles(t, dir, files)
	kinds := bindings.All()
	name := "wrangler.toml"
	if files[name] == "" {
		name = "wrangler.json"
	}
	cfg, problems := config.Load(config.Options{File: filepath.Join(dir, name), Sections: hostfuncs.Sections(kinds)})
	resources, more := hostfuncs.Decode(kinds, cfg)
	if err := append(problems, more...).Err(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	registry, err := hostfuncs.Open(ctx, kinds, resources, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: filepath.Join(dir, "data"), Now: p.clock.now, Metrics: prometheus.NewRegistry(), Durability: "sync",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, registry.Close(ctx)) })
	app, err := runtime.Load(ctx, p.probe, runtime.Options{Registry: registry, PortableReset: p.portable, Isolation: runtime.IsolationEvent, CacheDir: cacheDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, app.Close(ctx)) })
	return listen(t, app)
}

// listen serves an app until the test ends.
func listen(t testing.TB, app *runtime.App) string {
	t.Helper()
	srv := server.New(server.Options{Addr: "127.0.0.1:0", AdminAddr: "off"}, app)
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	t.Cleanup(func() { cancel(); check(t, <-ended) })
	return "http://" + srv.Addr().String()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// writeFiles writes files below dir, by name.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ask is one request to a probe.
type ask struct {
	op     string
	fields map[string]string // the message's fields, and source and n
	body   string
	chunk  bool // send the body without saying how long it is
}

// with adds a field.
func (a ask) with(pairs ...string) ask {
	fields := map[string]string{}
	for k, v := range a.fields {
		fields[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	a.fields = fields
	return a
}

// send performs the operation on a target and gives the probe's answer.
func (a ask) send(t testing.TB, site, target string) string {
	t.Helper()
	status, answer, err := a.try(site, target)
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusOK {
		t.Fatalf("%s %q: status %d: %s", a.op, a.fields, status, answer)
	}
	return answer
}

// try is send where failing is a possible answer.
func (a ask) try(site, target string) (status int, answer string, err error) {
	q := url.Values{"op": {a.op}, "target": {target}}
	for k, v := range a.fields {
		q.Set(k, v)
	}
	var body io.Reader = strings.NewReader(a.body)
	if a.chunk {
		body = io.MultiReader(body)
	}
	resp, err := http.Post(site+"/?"+q.Encode(), "application/octet-stream", body)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func get(key string) ask        { return ask{op: "kv.get"}.with("key", key) }
func put(key, value string) ask { return ask{op: "kv.put", body: value}.with("key", key) }
func del(key string) ask        { return ask{op: "kv.delete"}.with("key", key) }
func list() ask                 { return ask{op: "kv.list"} }

// bulk asks for many keys at once.
func bulk(keys ...string) ask {
	a := ask{op: "kv.get_bulk"}
	for _, key := range keys {
		a.body += key + "\n"
	}
	return a
}

// begin is the time at which every case begins, in seconds since the Unix epoch.
const begin = 1_800_000_000

func refused(text string) string { return "error invalid_argument 0 " + text + "\n" }

// found is the answer to a read.
func found(value string) string { return "value=" + value + " metadata=-\n" }

const (
	done    = "done\n"
	missing = "missing\n"
)

// short is an answer that can be shown.
func short(s string) string {
	const longest = 2000
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}

// showBytes writes bytes as the probes do.
func showBytes(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// xs is what the probes show of n times the letter x.
func xs(n int) string {
	hash := uint64(0xcbf29ce484222325)
	for range n {
		hash = (hash ^ 'x') * 0x100000001b3
	}
	return fmt.Sprintf("#%d:%x", n, hash)
}

// cursorAfter is the cursor of a page that ends with key. Guests must not look into it; that it is this one shows that it says where to go on.
func cursorAfter(key string) string { return base64.StdEncoding.EncodeToString([]byte(key)) }
