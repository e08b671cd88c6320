package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// built is where the binary and the functions are put, each built by the first test that needs it.
var built string

// parallel is how many tests run at once: most of the time they wait for servers, compilers and moments.
const parallel = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) { // nobody has said otherwise
		flag.Set("test.parallel", parallel)
	}
	code := func() int {
		var err error
		if built, err = os.MkdirTemp("", "pagesrun-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(built)
		return m.Run()
	}()
	os.Exit(code)
}

// product is something built once per run.
type product struct {
	name   string
	source string // the directory of a probe
	build  func(path string) error
	once   sync.Once
	err    error
}

var (
	pagesrunBinary = &product{name: "pagesrun", build: process.Build}
	goProbe        = probe("probe-go.wasm", "go")
	cProbe         = probe("probe-c.wasm", "c")
	cppProbe       = probe("probe-cpp.wasm", "cpp")
	rustProbe      = probe("probe-rust.wasm", "rust")
	asProbe        = probe("probe-as.wasm", "assemblyscript")
	zigProbe       = probe("probe-zig.wasm", "zig")
)

// path gives where the product is.
func (p *product) path(t testing.TB) string {
	t.Helper()
	path := filepath.Join(built, p.name)
	p.once.Do(func() { p.err = p.build(path) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return path
}

// bytes gives the product itself.
func (p *product) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(p.path(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// probe is built as the script of its SDK does it.
func probe(name, sdk string) *product {
	source := filepath.Join(process.Root(), "guest-sdk", sdk, "probe")
	return &product{name: name, source: source, build: func(path string) error { return process.BuildScript(source, path) }}
}

// probes are the same program in every language that has an SDK.
func probes() map[string]*product {
	return map[string]*product{"Go": goProbe, "C": cProbe, "C++": cppProbe, "Rust": rustProbe, "Zig": zigProbe, "AssemblyScript": asProbe}
}

// cacheDir keeps machine code between runs of the tests.
func cacheDir(t testing.TB) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "pagesrun-test", "e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// exampleBuild builds an example as its own script does.
func exampleBuild(name string) func(path string) error {
	return func(path string) error {
		return process.BuildScript(filepath.Join(process.Root(), "examples", name), path)
	}
}
