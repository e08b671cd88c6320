package pagesrun_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/fakehost"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/wasmtest"
)

// What an event costs the host beside running it grows with the image and with the pages the event has written to.
func TestASmallEventLeavesLittleToPutBack(t *testing.T) {
	const pagesMax, imageBytesMax = 6, 3584 << 10
	g := wasmtest.Start(t, wasmtest.Build(t, "../../examples/hello-go"), fakehost.New(fakehost.Config{}))
	if n := g.MemoryBytes(); n > imageBytesMax {
		t.Errorf("the image has %d bytes, at most %d expected", n, imageBytesMax)
	}
	g.TakeImage()
	if _, body := g.Fetch("GET", "/?name=you", nil); body != "Hello, you!\n" {
		t.Errorf("got %q", body)
	}
	if dirty := g.DirtyPages(); len(dirty) > pagesMax {
		t.Errorf("the event wrote to %d pages, at most %d expected: %#x", len(dirty), pagesMax, dirty)
	}
	for range 3 { // events that are not the instance's first have memory of their own
		if _, body := g.Fetch("GET", "/?name=me", nil); body != "Hello, me!\n" {
			t.Errorf("got %q", body)
		}
	}
}

// leanPackages are all packages a function of the lean core is linked with, those of the Go runtime left out. The list is exact so
// that growing it is a decision.
var leanPackages = []string{
	"cmp", "context", "errors", "github.com/pagesrun/pagesrun/abi", "github.com/pagesrun/pagesrun/abi/cbor",
	"github.com/pagesrun/pagesrun/guest-sdk/go", "github.com/pagesrun/pagesrun/guest-sdk/go/internal/host",
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1", "github.com/pagesrun/pagesrun/guest-sdk/go/kv", "io", "iter", "math", "math/bits", "math/rand/v2", "runtime", "slices", "structs", "sync",
	"sync/atomic", "syscall", "time", "unicode/utf8", "unsafe",
}

func TestTheCoreStaysLean(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./kv", "./d1")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if !strings.HasPrefix(p, "internal/") && !slices.Contains(leanPackages, p) {
			t.Errorf("the core now imports %s", p)
		}
	}
}

func TestModuleSizes(t *testing.T) {
	for _, c := range []struct {
		name, dir string
		max       int
	}{
		{"hello-go, the lean core", "../../examples/hello-go", 2_600_000},
		{"the nethttp probe", "nethttp/testdata/probe", 14_000_000},
	} {
		n := len(wasmtest.Build(t, c.dir))
		t.Logf("%s: %.2f MB", c.name, float64(n)/1e6)
		if n > c.max {
			t.Errorf("%s: %d bytes, at most %d expected", c.name, n, c.max)
		}
	}
}
