package hostfuncs_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/prometheus/client_golang/prometheus"
)

// TestBindingsConform holds every binding that an example configures to what the interface promises, so that a new one is tested from the moment it has
// an example.
func TestBindingsConform(t *testing.T) {
	files, err := filepath.Glob("../examples/*/wrangler.*")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			all := bindings.All()
			cfg, problems := config.Load(config.Options{File: file, Sections: hostfuncs.Sections(all)})
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			for _, b := range all {
				found, problems := b.Decode(cfg)
				if err := problems.Err(); err != nil {
					t.Fatal(err)
				}
				if len(found) == 0 {
					continue
				}
				t.Run(b.Kind(), func(t *testing.T) { conform(t, b, cfg, found) })
			}
		})
	}
}

// conform tests one binding with what a configuration has for it.
func conform(t *testing.T, b hostfuncs.Binding, cfg *config.Config, found []hostfuncs.Resource) {
	if again, _ := b.Decode(cfg); !reflect.DeepEqual(found, again) {
		t.Error("decoding twice gives different resources")
	}
	for _, r := range found {
		if r.Position().File == "" {
			t.Errorf("%q has no position", r.BindingName())
		}
	}
	host := hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: t.TempDir(), Now: time.Now, Metrics: prometheus.NewRegistry(), Durability: "relaxed",
	}
	for i := range 2 { // the second time with the data of the first
		host.Metrics = prometheus.NewRegistry()
		registry, err := hostfuncs.Open(context.Background(), []hostfuncs.Binding{b}, [][]hostfuncs.Resource{found}, host)
		if err != nil {
			t.Fatalf("opening it for the %d. time: %v", i+1, err)
		}
		for _, r := range found {
			if text := r.Describe(); strings.ContainsAny(text, "\n\r") {
				t.Errorf("%q is described in several lines: %q", r.BindingName(), text)
			}
		}
		refuseGarbage(t, b, registry)
		if err := registry.Close(context.Background()); err != nil {
			t.Errorf("closing it: %v", err)
		}
	}
}

// refuseGarbage sends what is no message to every operation of a binding, as a guest does.
func refuseGarbage(t *testing.T, b hostfuncs.Binding, registry *hostfuncs.Registry) {
	t.Helper()
	g := newGuestOf(t, registry, hostfuncs.Limits{Handles: 64, Operations: 100_000, LogBytes: 1000})
	g.event()
	defer g.End()
	for _, target := range registry.Bindings() {
		for _, op := range abi.Operations() {
			if !strings.HasPrefix(op.Name, b.Kind()+".") {
				oneToGuests := b.Kind() == "secrets" && op.Name == abi.OpVarsGet
				if got := g.ask(target.Name, op.Name, []byte{0xa0}); got != abi.CodeWrongKind && !oneToGuests {
					t.Errorf("%s on %s: %v, want wrong_kind", op.Name, target.Name, got)
				}
				continue
			}
			for name, message := range garbage() {
				if got := g.ask(target.Name, op.Name, message); got != abi.CodeBadMessage {
					t.Errorf("%s with %s: %v, want bad_message", op.Name, name, got)
				}
			}
		}
		if got := g.ask(target.Name, b.Kind()+".nothing", []byte{0xa0}); got != abi.CodeUnknownOperation {
			t.Errorf("an operation that %s has not: %v", b.Kind(), got)
		}
		if want := b.Kind(); target.Kind != want {
			t.Errorf("%s is of kind %q, want %q", target.Name, target.Kind, want)
		}
	}
	if got := g.ask("NOBODY", fmt.Sprintf("%s.nothing", b.Kind()), nil); got != abi.CodeNotConfigured {
		t.Errorf("a binding that is not there: %v", got)
	}
}
