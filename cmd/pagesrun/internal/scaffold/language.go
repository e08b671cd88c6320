package scaffold

import (
	"slices"
	"strings"
)

// Language is a language that projects can be made in.
type Language struct {
	// Name is what --lang calls it, and its folder below guest-sdk.
	Name string
	// Title is what people call it.
	Title string
	// Setup is a command to run once in a new project, empty for none.
	Setup string
	// Test is the command that runs the project's tests.
	Test string

	main, command, needs string
	watch                []string
	ignored              []string    // what .gitignore lists besides what pagesrun makes
	files                [][2]string // the project's own files, for its README
	sdk                  []part
}

// part is a folder in the repository that belongs to the SDK, and where it goes in a project.
type part struct{ from, to string }

// Languages are all that projects can be made in, in the order to show them.
func Languages() []Language {
	return []Language{golang(), rust(), c(), cpp(), assemblyScript(), zig()}
}

// Find gives the language called name.
func Find(name string) (Language, bool) {
	all := Languages()
	i := slices.IndexFunc(all, func(l Language) bool { return l.Name == name })
	if i < 0 {
		return Language{}, false
	}
	return all[i], true
}

func golang() Language {
	return Language{
		Name: "go", Title: "Go", Test: "go test ./...",
		main: "app.wasm", command: "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags=-s -o app.wasm .", needs: "Go 1.26 or later",
		watch: []string{"."}, ignored: []string{"/app.wasm"},
		files: [][2]string{{"main.go", "the function"}, {"main_test.go", "its test, which runs it without WebAssembly"}},
		sdk:   []part{{"abi", "sdk/abi"}, {"guest-sdk/go", "sdk/guest-sdk/go"}},
	}
}

func rust() Language {
	return Language{
		Name: "rust", Title: "Rust", Test: "cargo test",
		main: "app.wasm", command: "sh build.sh", needs: "Rust 1.63 or later with a target for WebAssembly (`rustup target add wasm32-wasip1`)",
		watch: []string{"src", "Cargo.toml"}, ignored: []string{"/app.wasm", "/target/"},
		files: [][2]string{{"src/lib.rs", "the function and its test, which runs it without WebAssembly"}, {"build.sh", "finds the target for WebAssembly and runs Cargo"}},
		sdk:   []part{{"guest-sdk/rust", "sdk"}},
	}
}

func c() Language {
	return Language{
		Name: "c", Title: "C", Test: "make test",
		main: "app.wasm", command: "make", needs: "make and clang 19 with wasi-libc, or the WASI SDK",
		watch: []string{"src", "Makefile"}, ignored: []string{"/app.wasm", "/build/"},
		files: [][2]string{{"src/main.c", "the function"}, {"src/greeting.c", "what it says"}, {"test/greeting_test.c", "the test of that"}, {"Makefile", "how to build both"}},
		sdk:   []part{{"guest-sdk/c", "sdk"}},
	}
}

func cpp() Language {
	return Language{
		Name: "cpp", Title: "C++", Test: "make test",
		main: "app.wasm", command: "make", needs: "make and clang 19 with wasi-libc and libc++ for WebAssembly, or the WASI SDK",
		watch: []string{"src", "Makefile"}, ignored: []string{"/app.wasm", "/build/"},
		files: [][2]string{{"src/main.cc", "the function"}, {"src/greeting.hpp", "what it says"}, {"test/greeting_test.cc", "the test of that"}, {"Makefile", "how to build both"}},
		sdk:   []part{{"guest-sdk/cpp", "sdk"}, {"guest-sdk/c", "sdk"}},
	}
}

func assemblyScript() Language {
	return Language{
		Name: "assemblyscript", Title: "AssemblyScript", Setup: "npm install", Test: "npm test",
		main: "app.wasm", command: "npm run build", needs: "Node.js 20 or later with npm, and what `npm install` installs",
		watch: []string{"src"}, ignored: []string{"/app.wasm", "/build/", "/node_modules/"},
		files: [][2]string{{"src/main.ts", "the function"}, {"src/greeting.ts", "what it says"}, {"test/greeting.test.js", "the test of that"}, {"package.json", "how to build both"}},
		sdk:   []part{{"guest-sdk/assemblyscript", "sdk/@pagesrun/as"}},
	}
}

func zig() Language {
	return Language{
		Name: "zig", Title: "Zig", Test: "zig build test",
		main: "zig-out/bin/app.wasm", command: "zig build", needs: "Zig 0.14",
		watch: []string{"src", "build.zig"}, ignored: []string{"/.zig-cache/", "/zig-out/"},
		files: [][2]string{{"src/main.zig", "the function and its test, which runs it without WebAssembly"}, {"build.zig", "how to build it"}},
		sdk:   []part{{"guest-sdk/zig", "sdk"}},
	}
}

// Commands are what to run in a new project until it serves, one per line.
func (l Language) Commands() []string {
	lines := []string{"pagesrun build", "pagesrun dev", l.Test}
	if l.Setup != "" {
		lines = slices.Insert(lines, 0, l.Setup)
	}
	return lines
}

// explained are the commands with what they do.
func (l Language) explained() string {
	what := map[string]string{
		l.Setup: "once: gets the compiler", "pagesrun build": "runs the build command of wrangler.toml",
		"pagesrun dev": "serves it on http://localhost:8787, and builds it again when a source changes", l.Test: "runs the tests",
	}
	var lines []string
	for _, command := range l.Commands() {
		lines = append(lines, command+strings.Repeat(" ", max(0, 16-len(command)))+" # "+what[command])
	}
	return strings.Join(lines, "\n")
}

// fileTable are the rows of the README's table.
func (l Language) fileTable() string {
	var rows []string
	for _, f := range l.files {
		rows = append(rows, "| `"+f[0]+"` | "+f[1]+" |")
	}
	return strings.Join(rows, "\n")
}
