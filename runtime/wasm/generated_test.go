package wasm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// fuzzer finds wasm-opt: PAGESRUN_WASM_OPT, or the one that the set-up script installs below the repository's root.
func fuzzer(tb testing.TB) []string {
	tb.Helper()
	path := os.Getenv("PAGESRUN_WASM_OPT")
	if path == "" {
		path = filepath.Join("..", "..", ".tools", "node_modules", ".bin", "wasm-opt")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Skipf("wasm-opt, which generates the modules, is missing: set PAGESRUN_WASM_OPT or run the set-up script (%v)", err)
	}
	if !bytes.HasPrefix(b, []byte("#!/usr/bin/env node")) {
		return []string{path}
	}
	return []string{"node", "--wasm-lazy-compilation", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering", path}
}

// generate makes a valid module of the supported features out of random bytes; --denan removes the one thing two engines may differ in.
func generate(tb testing.TB, wasmOpt []string, seed uint64) []byte {
	tb.Helper()
	dir := tb.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out.wasm")
	random := rand.New(rand.NewPCG(seed, 77))
	input := make([]byte, 400+random.IntN(4000))
	for i := range input {
		input[i] = byte(random.Uint32())
	}
	if err := os.WriteFile(in, input, 0o600); err != nil {
		tb.Fatal(err)
	}
	args := append(wasmOpt[1:len(wasmOpt):len(wasmOpt)], "-ttf", in, "-o", out, "--denan", "--mvp-features", "--enable-sign-ext", "--enable-mutable-globals",
		"--enable-nontrapping-float-to-int", "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-reference-types", "--enable-multivalue", "--enable-simd")
	if msg, err := exec.Command(wasmOpt[0], args...).CombinedOutput(); err != nil {
		tb.Fatalf("wasm-opt, seed %d: %v\n%s", seed, err, msg)
	}
	return readFile(tb, out)
}

// generatedRun is one run of a generated module: what came out of each export, what it told the host, and its state at the end.
type generatedRun struct {
	log   []string
	state []string
	ticks int
}

// runGenerated gives every import a host's answer of zeros, calls every exported function twice and then looks at memory and globals.
func runGenerated(t *testing.T, config wazero.RuntimeConfig, m *Module, b []byte) generatedRun {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	var run generatedRun
	installImports(t, ctx, rt, m, &run)
	tick := api.GoModuleFunc(func(_ context.Context, mod api.Module, _ []uint64) {
		if run.ticks++; run.ticks > 5_000_000 {
			panic(errOutOfFuel)
		}
		mod.ExportedGlobal(FuelExport).(api.MutableGlobal).Set(uint64(run.ticks % 97))
	})
	if _, err := rt.NewHostModuleBuilder(TickModule).NewFunctionBuilder().WithGoModuleFunction(tick, nil, nil).Export(TickName).Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	mod, err := rt.InstantiateWithConfig(ctx, b, wazero.NewModuleConfig().WithName(""))
	if err == nil {
		if start := mod.ExportedFunction(StartExport); start != nil {
			_, err = start.Call(ctx)
		}
	}
	run.log = append(run.log, "instantiate: "+firstLine(err))
	if err != nil {
		return run
	}
	for round := range 2 {
		run.callExports(ctx, m, mod, round)
	}
	run.finalState(m, mod)
	return run
}

func (run *generatedRun) callExports(ctx context.Context, m *Module, mod api.Module, round int) {
	for i, e := range m.Exports {
		if e.Kind != KindFunc {
			continue
		}
		random := rand.New(rand.NewPCG(uint64(i), uint64(round)))
		var args []uint64
		for _, p := range e.Func.Params {
			args = append(args, randomArgs(random, p)...)
		}
		results, err := mod.ExportedFunction(e.Name).Call(ctx, args...)
		types := mod.ExportedFunction(e.Name).Definition().ResultTypes()
		run.log = append(run.log, fmt.Sprintf("%s: %x %s", e.Name, comparable(results, types), firstLine(err)))
	}
}

func randomArgs(random *rand.Rand, t ValueType) []uint64 {
	v := []uint64{0, 1, 0xffffffff, uint64(random.Uint32()), uint64(random.IntN(100))}[random.IntN(5)]
	switch t {
	case FuncRef, ExternRef:
		return []uint64{0}
	case V128:
		return []uint64{v, v}
	case F64:
		return []uint64{v << 32 &^ (0x7ff << 52)}
	case F32:
		return []uint64{v &^ (0xff << 23) & 0xffffffff}
	case I32:
		return []uint64{v & 0xffffffff}
	}
	return []uint64{v}
}

func (run *generatedRun) finalState(m *Module, mod api.Module) {
	if mem := mod.Memory(); mem != nil {
		b, _ := mem.Read(0, mem.Size())
		run.state = append(run.state, fmt.Sprintf("memory: %d %x", mem.Size(), sha256.Sum256(b)))
	}
	for _, e := range m.Exports {
		if e.Kind == KindGlobal && e.Global.Type != FuncRef && e.Global.Type != V128 {
			run.state = append(run.state, fmt.Sprintf("%s: %x", e.Name, mod.ExportedGlobal(e.Name).Get()))
		}
	}
}

// installImports gives a generated module what it imports: for each name a module that passes calls on to the host, which logs them
// and answers with zeros, and that holds zeros for the rest.
func installImports(t *testing.T, ctx context.Context, rt wazero.Runtime, m *Module, run *generatedRun) {
	byModule := map[string][]Import{}
	for _, imp := range m.Imports {
		byModule[imp.Module] = append(byModule[imp.Module], imp)
	}
	for name, imports := range byModule {
		host := rt.NewHostModuleBuilder("host " + name)
		for _, imp := range imports {
			if imp.Kind == KindFunc && hostable(imp.Func) {
				note := api.GoFunc(func(_ context.Context, stack []uint64) {
					run.log = append(run.log, fmt.Sprintf("%s %x", imp.Name, comparable(stack, apiTypes(imp.Func.Params))))
					clear(stack)
				})
				host.NewFunctionBuilder().WithGoFunction(note, apiTypes(imp.Func.Params), apiTypes(imp.Func.Results)).Export(imp.Name)
			}
		}
		if _, err := host.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := rt.InstantiateWithConfig(ctx, provider("host "+name, imports), wazero.NewModuleConfig().WithName(name)); err != nil {
			t.Fatalf("the provider of %q: %v", name, err)
		}
	}
}

// provider writes a module that exports what the imports want.
func provider(host string, imports []Import) []byte {
	var types, passed, own, bodies, globals, exports [][]byte
	for _, imp := range imports {
		switch {
		case imp.Kind == KindGlobal:
			exports = append(exports, appendExport(nil, imp.Name, KindGlobal, uint32(len(globals))))
			globals = append(globals, encodeGlobal(imp.Global))
		case imp.Kind == KindFunc && hostable(imp.Func):
			exports = append(exports, appendExport(nil, imp.Name, KindFunc, uint32(len(passed))))
			passed = append(passed, code(appendName(appendName(nil, host), imp.Name), byte(KindFunc), len(types)))
			types = append(types, encodeType(imp.Func))
		}
	}
	for _, imp := range imports {
		if imp.Kind == KindFunc && !hostable(imp.Func) {
			exports = append(exports, appendExport(nil, imp.Name, KindFunc, uint32(len(passed)+len(own))))
			own = append(own, code(len(types)))
			types = append(types, encodeType(imp.Func))
			bodies = append(bodies, testFunc{body: zeros(imp.Func.Results)}.encode())
		}
	}
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{sectionType, types}, {sectionImport, passed}, {sectionFunction, own}, {sectionGlobal, globals}, {sectionExport, exports}, {sectionCode, bodies}} {
		b = appendSection(b, s.id, vector(len(s.items), func(i int) []byte { return s.items[i] }))
	}
	return b
}

func zeros(types []ValueType) []byte {
	return repeat(len(types), func(i int) []byte { return zeroConst(types[i]) })
}

// hostable tells whether the engine lets a host write a function of the type.
func hostable(t FuncType) bool {
	return !slices.ContainsFunc(slices.Concat(t.Params, t.Results), func(v ValueType) bool { return v == V128 || v == FuncRef })
}

func apiTypes(types []ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// TestGeneratedModulesBehaveAlike runs random valid modules on the compiler, on the compiler after rewriting, and rewritten on the
// interpreter, with a tick every few instructions. PAGESRUN_TTF_MODULES sets how many, PAGESRUN_TTF_FIRST the seed of the first.
func TestGeneratedModulesBehaveAlike(t *testing.T) {
	wasmOpt := fuzzer(t)
	count, first := environment(t, "PAGESRUN_TTF_MODULES", 60), environment(t, "PAGESRUN_TTF_FIRST", 1)
	var next, compared, overflowed, beyond, calls, ticks atomic.Int64
	next.Store(int64(first) - 1)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for n := next.Add(1); n < int64(first+count) && !t.Failed(); n = next.Add(1) {
				b := generate(t, wasmOpt, uint64(n))
				if _, err := Inspect(b, DefaultLimits()); err != nil && err.(*Error).Code == CodeUnsupported {
					beyond.Add(1) // the generator does not always keep to the features it was given
					continue
				}
				r, overflow := compareGenerated(t, b, n)
				calls.Add(int64(len(r.log)))
				ticks.Add(int64(r.ticks))
				if overflow {
					overflowed.Add(1)
				}
				compared.Add(1)
			}
		})
	}
	wg.Wait()
	if beyond.Load() > int64(count/100+1) {
		t.Errorf("%d modules use other features", beyond.Load())
	}
	t.Logf("%d modules, %d of them overflowed the stack; %d log lines, %d ticks", compared.Load(), overflowed.Load(), calls.Load(), ticks.Load())
}

func environment(t *testing.T, name string, fallback int) int {
	s := os.Getenv(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// compareGenerated runs one module the three ways. Runs that overflow the stack are compared up to that point: how deep it is differs.
func compareGenerated(t *testing.T, b []byte, seed int64) (generatedRun, bool) {
	t.Helper()
	m, err := Inspect(b, DefaultLimits())
	if err != nil {
		t.Errorf("seed %d: a valid module is refused: %v", seed, err)
		return generatedRun{}, false
	}
	rw, err := Rewrite(b, m, RewriteOptions{PieceBytes: 1000})
	if err != nil {
		t.Errorf("seed %d: not rewritten: %v", seed, err)
		return generatedRun{}, false
	}
	plain := runGenerated(t, wazero.NewRuntimeConfigCompiler(), m, b)
	overflow := false
	for name, config := range map[string]wazero.RuntimeConfig{"compiler": wazero.NewRuntimeConfigCompiler(), "interpreter": wazero.NewRuntimeConfigInterpreter()} {
		got := runGenerated(t, config, m, rw.Binary)
		if diff, over := compareRuns(plain, got); over {
			overflow = true
		} else if diff != "" {
			t.Errorf("seed %d: the rewritten module on the %s differs: %s", seed, name, diff)
		}
		plain.ticks = max(plain.ticks, got.ticks)
	}
	return plain, overflow
}

func compareRuns(want, got generatedRun) (diff string, overflow bool) {
	for i := range want.log {
		if i >= len(got.log) {
			return fmt.Sprintf("the log ends before %q", want.log[i]), false
		}
		if strings.Contains(want.log[i]+got.log[i], "stack overflow") {
			return "", true
		}
		if want.log[i] != got.log[i] {
			return fmt.Sprintf("%q, not %q", got.log[i], want.log[i]), false
		}
	}
	if len(got.log) > len(want.log) {
		return fmt.Sprintf("there is more in the log: %q", got.log[len(want.log)]), false
	}
	for i := range want.state {
		if want.state[i] != got.state[i] {
			return fmt.Sprintf("%q, not %q", got.state[i], want.state[i]), false
		}
	}
	return "", false
}
