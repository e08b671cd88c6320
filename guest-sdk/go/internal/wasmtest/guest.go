package wasmtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/fakehost"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Build compiles the main package in dir as a function and returns the module's bytes.
func Build(t testing.TB, dir string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", dir, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Guest is a started instance.
type Guest struct {
	*fakehost.Host
	// Stderr is what the guest has printed.
	Stderr *bytes.Buffer

	t      testing.TB
	ctx    context.Context // carries the guest to the host functions
	mod    api.Module
	memory []byte // the image
	fixed  bool
}

type guestKey struct{}

// engine is one wazero runtime with what it has compiled.
type engine struct {
	wazero.Runtime
	mu       sync.Mutex
	compiled map[*byte]wazero.CompiledModule
}

// shared is the engine of the test process: compiling takes seconds.
var shared = sync.OnceValue(func() *engine {
	ctx := context.Background()
	e := &engine{Runtime: wazero.NewRuntime(ctx), compiled: map[*byte]wazero.CompiledModule{}}
	wasi := e.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(wasi)
	exportRandom(wasi)
	functions := e.NewHostModuleBuilder(abi.Module)
	exportFunctions(functions)
	for _, b := range []wazero.HostModuleBuilder{wasi, functions} {
		if _, err := b.Instantiate(ctx); err != nil {
			panic(err)
		}
	}
	return e
})

// compile compiles a module once.
func (e *engine) compile(t testing.TB, module []byte) wazero.CompiledModule {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.compiled[&module[0]]; ok {
		return c
	}
	c, err := e.CompileModule(context.Background(), module)
	if err != nil {
		t.Fatal(err)
	}
	e.compiled[&module[0]] = c
	return c
}

// Start instantiates a module over host and runs its start-up.
func Start(t testing.TB, module []byte, host *fakehost.Host) *Guest {
	t.Helper()
	return start(t, module, host, abi.ExportInitialize, abi.ExportWarm)
}

// StartCold is Start by a host that does not call pagesrun_warm.
func StartCold(t testing.TB, module []byte, host *fakehost.Host) *Guest {
	t.Helper()
	return start(t, module, host, abi.ExportInitialize)
}

// StartFails runs the start-up of a module that must not get through it, and returns what it has printed.
func StartFails(t testing.TB, module []byte, host *fakehost.Host) string {
	t.Helper()
	g, err := tryStart(t, module, host, abi.ExportInitialize, abi.ExportWarm)
	if err == nil {
		t.Fatalf("it started; it printed %q", g.Stderr)
	}
	return g.Stderr.String()
}

func start(t testing.TB, module []byte, host *fakehost.Host, exports ...string) *Guest {
	t.Helper()
	g, err := tryStart(t, module, host, exports...)
	if err != nil {
		t.Fatalf("start: %v\n%s", err, g.Stderr)
	}
	return g
}

// tryStart starts a guest. With an error the guest has only what it has printed.
func tryStart(t testing.TB, module []byte, host *fakehost.Host, exports ...string) (*Guest, error) {
	t.Helper()
	g := &Guest{Host: host, Stderr: &bytes.Buffer{}, t: t}
	g.ctx = context.WithValue(context.Background(), guestKey{}, g)
	compiled := shared().compile(t, module)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions(exports...).
		WithStderr(g.Stderr).WithStdout(g.Stderr).WithSysNanotime().WithSysWalltime().WithSysNanosleep()
	mod, err := shared().InstantiateModule(g.ctx, compiled, config)
	if err != nil {
		return g, err
	}
	t.Cleanup(func() { mod.Close(context.Background()) })
	g.mod = mod
	return g, nil
}

// exportRandom replaces random_get by one that leaves a trace.
func exportRandom(b wazero.HostModuleBuilder) {
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
		g := ctx.Value(guestKey{}).(*Guest)
		g.Note("random_get %d", uint32(stack[1]))
		b := view(m, stack[0], stack[1])
		rand.Read(b)
		if g.fixed {
			copy(b, bytes.Repeat([]byte{7}, len(b)))
		}
		stack[0] = 0
	}), []api.ValueType{api.ValueTypeI32, api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).Export("random_get")
}

// view is a range of the guest's memory, as the guest named it.
func view(m api.Module, ptr, n uint64) []byte {
	b, ok := m.Memory().Read(uint32(ptr), uint32(n))
	if !ok {
		panic("bad pointer")
	}
	return b
}

// function is a host function: parameters in s, the guest's memory in m.
type function func(g *Guest, m api.Module, s []uint64) int32

// functions are the seven host functions and the types of their parameters, i for 32 bits and I for 64.
var functions = map[string]struct {
	params string
	f      function
}{
	abi.FuncCall: {"iiiiii", func(g *Guest, m api.Module, s []uint64) int32 {
		return g.Call(string(view(m, s[0], s[1])), string(view(m, s[2], s[3])), view(m, s[4], s[5]))
	}},
	abi.FuncWait: {"iiI", func(g *Guest, m api.Module, s []uint64) int32 {
		handles := make([]uint32, uint32(s[1]))
		for i := range handles {
			handles[i], _ = m.Memory().ReadUint32Le(uint32(s[0]) + uint32(i)*4)
		}
		return g.Wait(handles, int64(s[2]))
	}},
	abi.FuncResult: {"iii", func(g *Guest, m api.Module, s []uint64) int32 { return g.Result(uint32(s[0]), view(m, s[1], s[2])) }},
	abi.FuncRead:   {"iii", func(g *Guest, m api.Module, s []uint64) int32 { return g.Read(uint32(s[0]), view(m, s[1], s[2])) }},
	abi.FuncWrite:  {"iii", func(g *Guest, m api.Module, s []uint64) int32 { return g.Write(uint32(s[0]), view(m, s[1], s[2])) }},
	abi.FuncClose:  {"ii", func(g *Guest, _ api.Module, s []uint64) int32 { return g.Close(uint32(s[0]), uint32(s[1])) }},
	abi.FuncLog: {"iii", func(g *Guest, m api.Module, s []uint64) int32 {
		return g.Log(uint32(s[0]), string(view(m, s[1], s[2])))
	}},
}

// exportFunctions exports the seven host functions.
func exportFunctions(b wazero.HostModuleBuilder) {
	types := map[rune]api.ValueType{'i': api.ValueTypeI32, 'I': api.ValueTypeI64}
	for name, fn := range functions {
		var in []api.ValueType
		for _, c := range fn.params {
			in = append(in, types[c])
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, m api.Module, s []uint64) {
			s[0] = api.EncodeI32(fn.f(ctx.Value(guestKey{}).(*Guest), m, s))
		}), in, []api.ValueType{api.ValueTypeI32}).Export(name)
	}
}

// FixEntropy has the host give the same "random" bytes from now on.
func (g *Guest) FixEntropy() { g.fixed = true }

// Header makes a header field.
func Header(name, value string) abi.Header {
	return abi.Header{Name: name, Value: abi.ByteString(value)}
}

// TakeImage remembers the memory as it is.
func (g *Guest) TakeImage() { g.memory = bytes.Clone(g.all()) }

func (g *Guest) all() []byte {
	b, _ := g.mod.Memory().Read(0, g.mod.Memory().Size())
	return b
}

// MemoryBytes is the size of the memory.
func (g *Guest) MemoryBytes() int { return len(g.all()) }

// Restore puts the memory back to the image. Memory that grew keeps its size and is zeroed. Globals stay as they are, so the guest must
// not have moved the stack of its main goroutine since: start-up has given it room.
func (g *Guest) Restore() { clear(g.all()[copy(g.all(), g.memory):]) }

// DirtyPages lists the 4 KiB pages that differ from the image.
func (g *Guest) DirtyPages() []int {
	var dirty []int
	now := g.all()
	for p := 0; p < len(now); p += 4096 {
		if p >= len(g.memory) || !bytes.Equal(now[p:p+4096], g.memory[p:p+4096]) {
			dirty = append(dirty, p/4096)
		}
	}
	return dirty
}

// Run runs one event. The error is a trap or an exit.
func (g *Guest) Run(ev *abi.Event) error {
	g.Begin(ev)
	return g.RunPrepared()
}

// RunPrepared runs the event that the host has.
func (g *Guest) RunPrepared() error {
	_, err := g.mod.ExportedFunction(abi.ExportHandle).Call(g.ctx)
	return err
}

// Fetch runs one request and returns the whole response.
func (g *Guest) Fetch(method, url string, body []byte) (*fakehost.Response, string) {
	g.t.Helper()
	if err := g.Run(FetchEvent(method, url, body)); err != nil {
		g.t.Fatalf("%s %s: %v\n%s", method, url, err, g.Stderr)
	}
	r := g.Response()
	if r == nil {
		g.t.Fatalf("%s %s: no response; log %v", method, url, g.Logs())
	}
	b, err := r.Body()
	if err != nil {
		g.t.Fatalf("%s %s: body: %v", method, url, err)
	}
	return r, string(b)
}

// FetchEvent makes a request's event with the header fields of a simple client. A URL without a host gets one.
func FetchEvent(method, url string, body []byte) *abi.Event {
	if strings.HasPrefix(url, "/") {
		url = "http://localhost:8787" + url
	}
	return &abi.Event{Kind: abi.EventFetch, ID: "e1", TimeMS: 1_790_000_000_000, Fetch: &abi.FetchEvent{
		Method: method, URL: abi.ByteString(url), Body: body, RemoteAddr: "127.0.0.1", Protocol: "HTTP/1.1",
		Headers: []abi.Header{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: "test/1"}},
	}}
}
