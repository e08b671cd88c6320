package tests

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// wrangler is the configuration of guest.c.
const wrangler = `name = "guest"
main = "guest.wasm"
compatibility_date = "2026-01-01"
kv_namespaces = [{ binding = "KV", id = "test" }]
[vars]
GREETING = "Grüezi"
`

// load loads guest.c into the real runtime with real bindings.
func load(t *testing.T, isolation runtime.Isolation) *runtime.App {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	file := filepath.Join(dir, "wrangler.toml")
	if err := os.WriteFile(file, []byte(wrangler), 0o600); err != nil {
		t.Fatal(err)
	}
	kinds := bindings.All()
	cfg, problems := config.Load(config.Options{File: file, Sections: hostfuncs.Sections(kinds)})
	resources, more := hostfuncs.Decode(kinds, cfg)
	if err := append(problems, more...).Err(); err != nil {
		t.Fatal(err)
	}
	registry, err := hostfuncs.Open(ctx, kinds, resources, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: filepath.Join(dir, "data"), Now: time.Now, Metrics: prometheus.NewRegistry(), Durability: "relaxed",
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := runtime.Load(ctx, buildGuest(t, "guest.c"), runtime.Options{Registry: registry, Isolation: isolation})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := registry.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return app
}

// fetch runs one event and returns its status and body.
func fetch(t *testing.T, app *runtime.App, f abi.FetchEvent, body io.ReadCloser) (int, string) {
	t.Helper()
	r, err := app.Fetch(context.Background(), &runtime.Request{ID: "e", Start: time.Now(), Fetch: f, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Stream == nil {
		return r.Status, string(r.Body)
	}
	data, err := io.ReadAll(r.Stream)
	if err != nil {
		t.Fatal(err)
	}
	return r.Status, string(data)
}

func TestGuestInTheRuntime(t *testing.T) {
	for _, isolation := range []runtime.Isolation{runtime.IsolationEvent, runtime.IsolationInstance} {
		t.Run(string(isolation), func(t *testing.T) {
			app := load(t, isolation)
			_, kv := fetch(t, app, get("/kv"), nil)
			expect(t, kv, "put ok", "write ok", "read ok", "a=[one]", "read ok", "b=[]", "read ok", "none absent",
				"bulk ok", `a found=1 value=one metadata={"m":1}`, "none found=0 value= metadata=-",
				"key a expires=1", "key b expires=0", "remove ok", "read ok", "a absent", "too large ok",
				`no such binding: not_configured, 0, no binding named "NONE" is configured`, "GREETING=[Grüezi]", "MISSING absent")
			if _, got := fetch(t, app, get("/warm"), nil); got != "Grüezi" {
				t.Errorf("warm: %q", got)
			}
			if status, got := fetch(t, app, get("/stream"), nil); status != 202 || len(got) != 100_000 {
				t.Errorf("stream: status %d, %d bytes", status, len(got))
			}
			long := strings.Repeat("0123456789", 50_000)
			if _, got := fetch(t, app, get("/echo"), io.NopCloser(strings.NewReader(long))); got != long+"." {
				t.Errorf("echo: %d bytes", len(got))
			}
			checkRandom(t, app)
		})
	}
}

// checkRandom draws from each standard generator in a thousand events.
func checkRandom(t *testing.T, app *runtime.App) {
	const events = 1000
	seen := map[string]map[string]bool{}
	for range events {
		_, body := fetch(t, app, get("/random"), nil)
		for i, v := range strings.Fields(body) {
			name := []string{"rand", "random", "lrand48", "drand48"}[i]
			if seen[name] == nil {
				seen[name] = map[string]bool{}
			}
			seen[name][v] = true
		}
	}
	for name, values := range seen {
		if len(values) < events-1 { // two may meet by chance
			t.Errorf("%s: %d different values in %d events", name, len(values), events)
		}
	}
	if len(seen) != 4 {
		t.Errorf("generators: %v", seen)
	}
}
