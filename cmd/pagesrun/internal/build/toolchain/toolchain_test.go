package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install makes programs for a PATH that has nothing else. Each is a shell script.
func install(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	for _, variable := range []string{"RUSTC", "CARGO", "WASI_CC", "WASI_CXX", "CARGO_TARGET_WASM32_WASI_LINKER"} {
		t.Setenv(variable, "")
	}
}

// sentences are what Check finds missing, without the ways to get it.
func sentences(t *testing.T, language string) (list []string) {
	t.Helper()
	for _, m := range Check(t.Context(), language, t.TempDir()) {
		if len(m.Get) == 0 {
			t.Errorf("%s: %s: nothing says how to get it", language, m.What)
		}
		list = append(list, m.What)
	}
	return list
}

func TestOnAMachineWithNothingEveryLanguageSaysWhatItNeedsAndHowToGetIt(t *testing.T) {
	for language, want := range map[string]string{
		"go": `go is not there: it compiles Go to WebAssembly
  every system:   https://go.dev/dl/
  macOS:          brew install go`,
		"rust": `cargo is not there: it builds Rust projects
  every system:   https://rustup.rs, then: rustup target add wasm32-wasip1
  Debian, Ubuntu: apt-get install cargo rustc libstd-rust-dev-wasm32 lld-14
rustc is not there: it compiles Rust to WebAssembly
  every system:   https://rustup.rs, then: rustup target add wasm32-wasip1
  Debian, Ubuntu: apt-get install cargo rustc libstd-rust-dev-wasm32 lld-14`,
		"c": `make is not there: it runs the Makefile
  Debian, Ubuntu: apt-get install make
  macOS:          xcode-select --install
clang-19 is not there: it compiles C to WebAssembly
  Debian, Ubuntu: apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
  every system:   the WASI SDK, https://github.com/WebAssembly/wasi-sdk/releases, and WASI_CC=/opt/wasi-sdk/bin/clang in the environment`,
		"cpp": `make is not there: it runs the Makefile
  Debian, Ubuntu: apt-get install make
  macOS:          xcode-select --install
clang++-19 is not there: it compiles C++ to WebAssembly
  Debian, Ubuntu: apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
  every system:   the WASI SDK, https://github.com/WebAssembly/wasi-sdk/releases, and WASI_CXX=/opt/wasi-sdk/bin/clang++ in the environment`,
		"assemblyscript": `node is not there: it runs the AssemblyScript compiler
  every system:   https://nodejs.org
  Debian, Ubuntu: apt-get install nodejs npm
  macOS:          brew install node
npm is not there: it installs the AssemblyScript compiler
  every system:   https://nodejs.org
  Debian, Ubuntu: apt-get install nodejs npm
  macOS:          brew install node`,
		"zig": `zig is not there: it compiles Zig to WebAssembly
  every system:   https://ziglang.org/download/
  macOS:          brew install zig@0.14
  with Python:    pip install ziglang==0.14.1, and "python3 -m ziglang build" as the build command`,
		"cobol": "",
	} {
		t.Run(language, func(t *testing.T) {
			install(t, nil)
			var texts []string
			for _, m := range Check(t.Context(), language, t.TempDir()) {
				texts = append(texts, m.String())
			}
			if got := strings.Join(texts, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestWhatIsThereIsLookedAtMoreClosely(t *testing.T) {
	for name, c := range map[string]struct {
		language string
		programs map[string]string
		want     []string
	}{
		"an old Go":             {"go", map[string]string{"go": "echo go1.25.4"}, []string{"Go 1.26 or later is needed, this is go1.25.4"}},
		"a new Go":              {"go", map[string]string{"go": "echo go1.26"}, nil},
		"a Go still being made": {"go", map[string]string{"go": "echo devel go1.27-abcdef"}, nil},
		"a Go that is broken":   {"go", map[string]string{"go": "exit 1"}, nil},
		"Rust without a target": {"rust", map[string]string{"cargo": "", "rustc": "echo /nowhere"}, []string{"the Rust compiler has no standard library for WebAssembly"}},
		"Rust with wasip1":      {"rust", map[string]string{"cargo": "", "rustc": `[ "$4" = wasm32-wasip1 ] && echo /`}, nil},
		"Rust with wasi and no linker": {"rust", map[string]string{"cargo": "", "rustc": `[ "$2" = sysroot ] && echo /nowhere; [ "$4" = wasm32-wasi ] && echo /`},
			[]string{"wasm-ld-14 is not there: it links for Debian's Rust compiler"}},
		"Rust with wasi and Debian's linker": {"rust", map[string]string{"cargo": "", "wasm-ld-14": "", "rustc": `[ "$4" = wasm32-wasi ] && echo /`}, nil},
		"clang alone": {"c", map[string]string{"make": "", "clang-19": `for last; do :; done; echo "${last##*[-=]}"`}, []string{
			"wasm-ld is not there: it links for clang-19", "the C library for WebAssembly is not there", "the compiler's library for WebAssembly is not there"}},
		"clang with everything":         {"c", map[string]string{"make": "", "clang-19": "echo /bin/sh"}, nil},
		"Node before npm install":       {"assemblyscript", map[string]string{"node": "echo v20.1.0", "npm": ""}, []string{"asc is not there: it compiles AssemblyScript to WebAssembly"}},
		"an old Node with the compiler": {"assemblyscript", map[string]string{"node": "echo v18.20.0", "npm": "", "asc": ""}, []string{"Node.js 20 or later is needed, this is v18.20.0"}},
		"an old Zig":                    {"zig", map[string]string{"zig": "echo 0.13.0"}, []string{"Zig 0.14 is needed, this is 0.13.0"}},
		"a new Zig":                     {"zig", map[string]string{"zig": "echo 0.15.1"}, []string{"Zig 0.14 is needed, this is 0.15.1"}},
		"the Zig that is needed":        {"zig", map[string]string{"zig": "echo 0.14.1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			install(t, c.programs)
			if got := sentences(t, c.language); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestVariablesChooseOtherCompilers(t *testing.T) {
	install(t, map[string]string{"make": "", "cargo": "", "clang": "echo /bin/sh", "rustc-nightly": "echo /"})
	t.Setenv("WASI_CC", "clang --verbose")
	t.Setenv("RUSTC", "rustc-nightly")
	for _, language := range []string{"c", "rust"} {
		if got := sentences(t, language); got != nil {
			t.Errorf("%s: %q", language, got)
		}
	}
}

func TestTheLanguageOfAProjectShowsInItsFilesOrItsCommand(t *testing.T) {
	for name, c := range map[string]struct{ files, command, want string }{
		"Cargo":                           {"Cargo.toml src/lib.rs", "sh build.sh", "rust"},
		"a module of Go":                  {"go.mod main.go", "make", "go"},
		"Zig":                             {"build.zig src/main.zig", "zig build", "zig"},
		"the AssemblyScript compiler":     {"package.json", "npm run build", "assemblyscript"},
		"C beside a Makefile":             {"Makefile src/main.c", "make", "c"},
		"C++ with C in it":                {"Makefile src/main.cc src/pagesrun.c", "make", "cpp"},
		"a command alone":                 {"", "GOOS=wasip1 go build -o app.wasm ./cmd/app", "go"},
		"a command with the C++ compiler": {"", "clang++-19 --target=wasm32-wasi app.cc", "cpp"},
		"a compiler's path":               {"", "/opt/wasi-sdk/bin/clang -o app.wasm app.x", "c"},
		"nothing that is known":           {"app.rb", "rake", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range strings.Fields(c.files) {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(`{"devDependencies": {"assemblyscript": "^0.28.0"}}`), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := Detect(dir, c.command); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
