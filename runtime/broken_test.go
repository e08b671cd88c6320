package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	gort "runtime"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// loadBroken loads a damaged module and, when it can be loaded after all, runs an event in it.
func loadBroken(t *testing.T, module []byte, registry *hostfuncs.Registry) error {
	t.Helper()
	start := time.Now()
	limits := runtime.Limits{CPU: 20 * time.Millisecond, Wall: 50 * time.Millisecond, Startup: 50 * time.Millisecond, MemoryBytes: 16 << 20, Instances: 1}
	app, err := runtime.Load(context.Background(), module, runtime.Options{Limits: limits, Registry: registry})
	if err == nil {
		r, ferr := app.Fetch(context.Background(), &runtime.Request{ID: "x", Start: time.Now(), Fetch: abi.FetchEvent{Method: "GET", URL: "http://localhost/ok"}})
		if ferr == nil {
			r.Close()
		}
		if err := app.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	var load *runtime.LoadError
	if err != nil && !errors.As(err, &load) {
		t.Errorf("%v is no LoadError", err)
	}
	if took := time.Since(start); took > time.Second*slow {
		t.Errorf("a broken module took %v", took)
	}
	return err
}

func TestTruncatedModulesAreRefused(t *testing.T) {
	goroutines, registry := gort.NumGoroutine(), (&probe{}).registry(t)
	guests := map[string]struct {
		module []byte
		step   int
	}{
		"C":       {labGuest(t), 97 * slow},
		"command": {guesttest.Command(t, filepath.Join("testdata", "cgi.c")), 97 * slow},
		"Go":      {guesttest.Go(t, filepath.Join("testdata", "random")), heavy(97*256, 97)},
	}
	for name, g := range guests {
		for n := 0; n < len(g.module); n += g.step {
			// The sections after the code are what names and producers are in: a module can be cut there and be whole.
			if err := loadBroken(t, bytes.Clone(g.module[:n]), registry); err == nil && n < len(g.module)/2 {
				t.Errorf("%s: the first %d of %d bytes were accepted", name, n, len(g.module))
			}
		}
	}
	settle(t, "goroutines", goroutines, gort.NumGoroutine)
}

func TestDamagedModulesNeverEndTheProcess(t *testing.T) {
	goroutines, registry := gort.NumGoroutine(), (&probe{}).registry(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, module := range [][]byte{guesttest.Wat(t, traces[len(traces)-1].module()), guesttest.Wat(t, exponential()), labGuest(t)} {
		accepted := 0
		runs := heavy(40, 5000) / min(slow, 4)
		for range runs {
			damaged := bytes.Clone(module)
			for range 1 + random.IntN(3) {
				damaged[8+random.IntN(len(damaged)-8)] = byte(random.Uint32())
			}
			if loadBroken(t, damaged, registry) == nil {
				accepted++
			}
		}
		t.Logf("%d of %d damaged modules could be served", accepted, runs)
	}
	settle(t, "goroutines", goroutines, gort.NumGoroutine)
}
