package tests

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// sdkDir is where pagesrun.h and pagesrun.c are.
const sdkDir = ".."

// includeCPP finds the C++ layer.
var includeCPP = []string{"-I", "../../cpp"}

// wasmFlags are the flags the README tells users to build with.
var wasmFlags = []string{"--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first,--strip-debug", "-Wall", "-Wextra", "-Werror"}

// need finds a compiler among the ones named. A missing one fails the test, since a skipped test proves nothing;
// PAGESRUN_ALLOW_SKIP=1 in the environment skips instead.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			return path
		}
	}
	if os.Getenv("PAGESRUN_ALLOW_SKIP") == "1" {
		t.Skipf("none of %q is here", names)
	}
	t.Fatalf("none of %q is here; PAGESRUN_ALLOW_SKIP=1 skips the test", names)
	return ""
}

// wasmCC finds the compiler for WebAssembly.
func wasmCC(t *testing.T) string { return need(t, os.Getenv("WASI_CC"), "clang-19", "clang") }

// wasmCXX finds the compiler of C++ for WebAssembly.
func wasmCXX(t *testing.T) string { return need(t, os.Getenv("WASI_CXX"), "clang++-19", "clang++") }

// compile runs a compiler and returns the path of what it made.
func compile(t *testing.T, cc string, args ...string) string {
	t.Helper()
	readSources(t)
	out := filepath.Join(t.TempDir(), "out")
	args = append(args, "-I", sdkDir, "-I", "testdata", "-o", out)
	if msg, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", cc, strings.Join(args, " "), err, msg)
	}
	return out
}

// readSources reads everything a compiler may read, so that a result of an earlier test run is not taken for one of changed sources.
func readSources(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{sdkDir + "/*.[ch]", "testdata/*", "../../cpp/*.hpp", "../../cpp/pagesrun/*.hpp", "../../../examples/hello-c/*.c"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			if _, err := os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// built holds the functions compiled so far, by source: several tests use the same one.
var built = map[string][]byte{}

// buildGuest builds a function the way users do and returns its bytes.
func buildGuest(t *testing.T, source string) []byte {
	t.Helper()
	if wasm := built[source]; wasm != nil {
		return wasm
	}
	cc, flags := wasmCC(t), wasmFlags
	if strings.HasSuffix(source, ".cc") {
		cc, flags = wasmCXX(t), slices.Concat(wasmFlags, includeCPP, []string{"-fno-exceptions", "-fno-rtti"})
	}
	args := slices.Concat(flags, []string{filepath.Join("testdata", source), "-x", "c", filepath.Join(sdkDir, "pagesrun.c")})
	wasm, err := os.ReadFile(compile(t, cc, args...))
	if err != nil {
		t.Fatal(err)
	}
	built[source] = wasm
	return wasm
}

func TestSDKCompilesAsEveryDialectWithoutWarnings(t *testing.T) {
	warn := []string{"-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"}
	for _, row := range []struct {
		name string
		cc   []string
		args []string
	}{
		{"C99", []string{"gcc", "clang-19"}, []string{"-std=c99", "-D_GNU_SOURCE", "../pagesrun.c"}},
		{"C17, optimised", []string{"gcc", "clang-19"}, []string{"-std=c17", "-O2", "-D_GNU_SOURCE", "../pagesrun.c"}},
		{"C++17", []string{"g++", "clang++-19"}, []string{"-std=c++17", "-x", "c++", "../pagesrun.c", "-Wno-missing-field-initializers"}},
		{"a function in C++11", []string{"g++", "clang++-19"}, []string{"-std=c++11", "testdata/hello.cc", "-Wno-missing-field-initializers"}},
		{"the C++ layer in C++17", []string{"g++", "clang++-19"}, []string{"-std=c++17", "-fno-exceptions", "-fno-rtti", "-I../../cpp", "testdata/guest.cc"}},
		{"the C++ layer in C++23", []string{"clang++-19", "clang++"}, []string{"-std=c++23", "-I../../cpp", "testdata/guest.cc"}},
		{"a function in C++23", []string{"clang++-19", "clang++"}, []string{"-std=c++23", "testdata/hello.cc"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			compile(t, need(t, row.cc...), append(row.args, warn...)...)
		})
	}
}

func TestGuestsImportAndExportWhatTheContractSays(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	for source, exports := range map[string]string{
		"guest.c":                              "_initialize pagesrun_handle pagesrun_warm",
		"../../../../examples/hello-c/hello.c": "_initialize pagesrun_handle",
	} {
		m, err := r.CompileModule(ctx, buildGuest(t, source))
		if err != nil {
			t.Fatal(err)
		}
		for name := range m.ExportedFunctions() {
			if !strings.Contains(" "+exports+" ", " "+name+" ") {
				t.Errorf("%s exports %s", source, name)
			}
			exports = strings.TrimSpace(strings.ReplaceAll(" "+exports+" ", " "+name+" ", " "))
		}
		if exports != "" {
			t.Errorf("%s does not export %s", source, exports)
		}
		for _, f := range m.ImportedFunctions() {
			checkImport(t, f)
		}
	}
}

// signatures are the contract's functions as parameters and results.
var signatures = map[string]string{
	"call": "i32 i32 i32 i32 i32 i32 -> i32", "wait": "i32 i32 i64 -> i32", "result": "i32 i32 i32 -> i32",
	"read": "i32 i32 i32 -> i32", "write": "i32 i32 i32 -> i32", "close": "i32 i32 -> i32", "log": "i32 i32 i32 -> i32",
}

func checkImport(t *testing.T, f api.FunctionDefinition) {
	module, name, _ := f.Import()
	if module == "wasi_snapshot_preview1" {
		return
	}
	var sig string
	for _, p := range f.ParamTypes() {
		sig += api.ValueTypeName(p) + " "
	}
	sig += "->"
	for _, p := range f.ResultTypes() {
		sig += " " + api.ValueTypeName(p)
	}
	if module != "pagesrun_v1" || signatures[name] != sig {
		t.Errorf("import %s.%s: %s", module, name, sig)
	}
}
