package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime/linear"
	"github.com/pagesrun/pagesrun/runtime/wasi"
	"github.com/pagesrun/pagesrun/runtime/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// engine is one compiled module and the host modules it links with.
type engine struct {
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule
	backend  linear.Backend
	memory   uint64 // limit in bytes
}

// invalidModule is the code of a [LoadError] for what the engine does not accept.
const invalidModule = "invalid_module"

// compileEngine compiles a rewritten module; code that was kept in a directory, unless that is empty, is taken instead.
func compileEngine(ctx context.Context, rewritten []byte, info *wasm.Module, opts Options, codeDir string) (*engine, error) {
	e := &engine{memory: opts.Limits.MemoryBytes}
	e.backend = linear.Portable()
	if !opts.PortableReset {
		e.backend = linear.Best(linear.Budget{ResidentBytesMax: opts.Limits.ResidentBytes, TrimEvery: linear.DefaultBudget().TrimEvery})
	}
	if err := e.open(ctx, codeDir); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	if err := e.checkImports(info); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	if err := e.compile(ctx, rewritten, opts.Limits.Compile); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	return e, nil
}

func (e *engine) open(ctx context.Context, cacheDir string) error {
	cfg := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false)
	if cacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
		if err != nil {
			return fmt.Errorf("open the compilation cache %s: %w", cacheDir, err)
		}
		e.cache = cache
		cfg = cfg.WithCompilationCache(cache)
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, cfg)
	return errors.Join(wasi.Instantiate(ctx, e.runtime), hostfuncs.Instantiate(ctx, e.runtime), e.exportTick(ctx))
}

// exportTick makes the slow path of the fuel checks importable.
func (e *engine) exportTick(ctx context.Context) error {
	b := e.runtime.NewHostModuleBuilder(wasm.TickModule)
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(tick), nil, nil).Export(wasm.TickName)
	_, err := b.Instantiate(ctx)
	return err
}

// checkImports refuses modules that ask for what pagesrun does not have, and says what to do about it.
func (e *engine) checkImports(info *wasm.Module) error {
	for _, imp := range info.Imports {
		host := e.runtime.Module(imp.Module)
		if host == nil {
			return &LoadError{Code: "unknown_import", Message: fmt.Sprintf("the module imports %q from %q, which pagesrun does not have", imp.Name, imp.Module), Hint: importHint(imp.Module)}
		}
		def := host.ExportedFunctionDefinitions()[imp.Name]
		if imp.Kind != wasm.KindFunc || def == nil {
			return &LoadError{Code: "unknown_import", Message: fmt.Sprintf("%q has no %s %q", imp.Module, imp.Kind, imp.Name), Hint: importHint(imp.Module)}
		}
		if !sameTypes(imp.Func.Params, def.ParamTypes()) || !sameTypes(imp.Func.Results, def.ResultTypes()) {
			return &LoadError{Code: "import_type", Message: fmt.Sprintf("%q of %q has another type than %s", imp.Name, imp.Module, imp.Func), Hint: "rebuild the guest with the current SDK"}
		}
	}
	return nil
}

func sameTypes(a []wasm.ValueType, b []api.ValueType) bool {
	return slices.EqualFunc(a, b, func(x wasm.ValueType, y api.ValueType) bool { return byte(x) == y })
}

// importHint says how to get rid of an import pagesrun cannot give.
func importHint(module string) string {
	switch {
	case module == "gojs" || module == "go":
		return "this is Go for the browser: build with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared"
	case module == "wasi_unstable":
		return "this is an old WASI preview: rebuild with a toolchain that targets WASI preview 1 (wasm32-wasip1)"
	case strings.HasPrefix(module, "wasi:"):
		return "this was built for the component model: target wasm32-wasip1 (core module) instead of wasip2"
	case strings.HasPrefix(module, "__wbindgen") || strings.HasPrefix(module, "wbg"):
		return "this was built with wasm-bindgen for JavaScript: build without it, for wasm32-wasip1 or wasm32-unknown-unknown"
	case module == "env":
		return "a symbol was left undefined at link time: link with --no-allow-undefined (or without -Wl,--allow-undefined) to find it"
	case strings.HasPrefix(module, "pagesrun"):
		return "the guest was built for a newer pagesrun: update pagesrun"
	}
	return "guests may import " + wasi.ModuleName + " and " + abi.Module
}

// compile compiles under a time limit, turning a panic of the compiler into an error. A compilation that runs over is left behind.
func (e *engine) compile(ctx context.Context, rewritten []byte, limit time.Duration) error {
	type outcome struct {
		compiled wazero.CompiledModule
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if r := recover(); r != nil {
				o.err = &LoadError{Code: "compiler_failed", Message: "the compiler failed on this module", Cause: fmt.Errorf("%v", r)}
			}
			done <- o
		}()
		o.compiled, o.err = e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), rewritten)
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return asLoadError(invalidModule, "the module is not valid WebAssembly 2.0", o.err)
		}
		e.compiled = o.compiled
		return nil
	case <-time.After(limit):
		return &LoadError{Code: "compile_timeout", Message: fmt.Sprintf("compiling took longer than %v", limit), Hint: "build the guest with optimisation, or split huge functions"}
	}
}

// instantiate makes a new instance: data segments are in its memory, nothing of it has run.
func (e *engine) instantiate(ctx context.Context) (mod api.Module, mem linear.Memory, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("instantiate: %v", r)
		}
	}()
	ctx = experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		m, merr := e.backend.NewMemory(e.memory)
		if merr != nil {
			panic(merr)
		}
		mem = m
		return m
	}))
	mod, err = e.runtime.InstantiateModule(ctx, e.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	return mod, mem, err
}

func (e *engine) close(ctx context.Context) error {
	var errs []error
	if e.runtime != nil {
		errs = append(errs, e.runtime.Close(ctx))
	}
	if e.cache != nil {
		errs = append(errs, e.cache.Close(ctx))
	}
	return errors.Join(errs...)
}
