package e2e_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// templates are the languages of "pagesrun new", each with the command that its README names for the tests.
var templates = map[string]string{
	"go": "go test ./...", "rust": "cargo test", "c": "make test", "cpp": "make test", "assemblyscript": "npm test", "zig": "zig build test",
}

// buildPatience is how long a build may take on a busy machine.
const buildPatience = 5 * time.Minute

// desk is a place to work at as a user does: a folder and an environment, in which no registry can be reached.
type desk struct {
	t   *testing.T
	dir string
	env []string
}

// newDesk has the compilers that scripts/setup installs in its PATH.
func newDesk(t *testing.T) *desk {
	t.Helper()
	tools := filepath.Join(process.Root(), ".tools")
	path := []string{filepath.Dir(pagesrunBinary.path(t)), filepath.Join(tools, "node_modules", ".bin"), filepath.Join(tools, "zig", "ziglang"), os.Getenv("PATH")}
	if rust := debianRust(t); rust != "" {
		path = append([]string{rust}, path...)
	}
	return &desk{t, t.TempDir(), append(os.Environ(), "PATH="+strings.Join(path, string(os.PathListSeparator)),
		"CARGO_NET_OFFLINE=true", "GOPROXY=off", "GOFLAGS=", "GOTOOLCHAIN=local", "npm_config_offline=true")}
}

// debianRust is a folder with Debian's Rust compiler and nothing else, where the one in PATH has no target for WebAssembly; else empty.
func debianRust(t *testing.T) string {
	t.Helper()
	for _, target := range []string{"wasm32-wasip1", "wasm32-wasi"} {
		lib, err := exec.Command("rustc", "--print", "target-libdir", "--target", target).Output()
		if _, missing := os.Stat(strings.TrimSpace(string(lib))); err == nil && missing == nil {
			return ""
		}
	}
	dir := t.TempDir()
	for _, program := range []string{"rustc", "cargo"} {
		if err := os.Symlink(filepath.Join("/usr/bin", program), filepath.Join(dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a command line and gives its output and exit status.
func (d *desk) run(command string) (stdout, stderr string, code int) {
	d.t.Helper()
	var out, errors bytes.Buffer
	cmd := exec.CommandContext(d.t.Context(), "sh", "-c", command)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.dir, d.env, &out, &errors
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		d.t.Fatal(err)
	}
	return out.String(), errors.String(), cmd.ProcessState.ExitCode()
}

// succeed runs a command line that must succeed, and gives what it prints.
func (d *desk) succeed(command string) string {
	d.t.Helper()
	stdout, stderr, code := d.run(command)
	if code != 0 {
		d.t.Fatalf("%s: exit status %d\n%s%s", command, code, stdout, stderr)
	}
	return stdout
}

// fail runs a command line that must fail with this status and say this.
func (d *desk) fail(command string, status int, want string) {
	d.t.Helper()
	stdout, stderr, code := d.run(command)
	if code != status || !strings.Contains(stdout+stderr, want) {
		d.t.Errorf("%s: exit status %d, want %d; it should say:\n%s\nand says:\n%s%s", command, code, status, want, stdout, stderr)
	}
}

// write puts a file below the desk.
func (d *desk) write(name, text string) {
	d.t.Helper()
	writeFiles(d.t, d.dir, map[string]string{name: text})
}

// start runs a command that serves.
func (d *desk) start(dir string, args ...string) *process.Server {
	d.t.Helper()
	args = append(args, "--port", "0", "--admin", "off")
	return process.Command{Binary: pagesrunBinary.path(d.t), Dir: filepath.Join(d.dir, dir), Args: args, Env: d.env}.Start(d.t)
}

func TestFromAnEmptyFolderToTheFirstAnswer(t *testing.T) {
	t.Parallel()
	for language, tests := range templates {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			if said := d.succeed("pagesrun new --lang " + language + " my-app"); !strings.Contains(said, "  cd my-app\n") || !strings.Contains(said, "  "+tests+"\n") {
				t.Errorf("pagesrun new says:\n%s", said)
			}
			d.fail("cd my-app && pagesrun serve", 2, `app.wasm yet: "pagesrun build" makes it`)
			if said := d.succeed("cd my-app && pagesrun build"); !strings.Contains(said, "app.wasm") || !strings.Contains(said, "function") || !strings.Contains(said, "pagesrun_handle") {
				t.Errorf("pagesrun build says:\n%s", said)
			}
			d.succeed("cd my-app && " + tests)
			s := d.start("my-app", "serve")
			for _, c := range []struct{ target, want string }{
				{"/", "Hello, world! This is visit 1.\n"},
				{"/?name=Ada", "Hello, Ada! This is visit 2.\n"},
			} {
				if status, body := fetch(t, s.URL+c.target); status != http.StatusOK || body != c.want {
					t.Errorf("%s: status %d, %q, want %q", c.target, status, body, c.want)
				}
			}
		})
	}
}

func TestNewSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const languages = "\nThe languages are:\n  --lang go              Go\n  --lang rust            Rust\n  --lang c               C\n  --lang cpp             C++\n"
	d.write("taken/main.go", "")
	d.fail("pagesrun new", 2, "which language? Say, for example, pagesrun new --lang go hello"+languages)
	d.fail("pagesrun new hi", 2, "which language? Say, for example, pagesrun new --lang go hi"+languages)
	d.fail("pagesrun new --lang cobol hi", 2, `there is no template for "cobol". Say, for example, pagesrun new --lang go hi`+languages)
	d.fail("pagesrun new --lang zig", 2, "a project needs a name: pagesrun new --lang zig hello")
	d.fail("pagesrun new --lang go 'My App'", 2, `"My App" is no name for a project`)
	d.fail("pagesrun new --lang go taken", 1, "the folder taken is not empty: choose another name, or remove it")
	if left := d.succeed("ls -A"); left != "taken\n" {
		t.Errorf("left behind: %s", left)
	}
	d.env = append(d.env, "PATH=/nowhere")
	stdout, stderr, code := d.run(pagesrunBinary.path(t) + " new --lang zig hi")
	if code != 0 || !strings.HasPrefix(stdout, "hi is a function in Zig. Next:\n\n  cd hi\n") || !strings.HasPrefix(stderr, "\nBefore that: zig is not there: ") {
		t.Errorf("without a compiler: exit status %d\n%s%s", code, stdout, stderr)
	}
}

func TestBuildSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fail("pagesrun build", 2, `there is nothing to build: no wrangler.toml here or above. "pagesrun new" makes a project that has one`)
	d.write("wrangler.toml", "name = \"x\"\n")
	d.fail("pagesrun build", 2, `wrangler.toml does not say how to build: add a table [build] with, for example, command = "make"`)
	d.write("wrangler.toml", "[build]\ncommand = true\n")
	d.fail("pagesrun build", 2, "wrangler.toml:2: build.command: must be a string, not a boolean")
	d.write("wrangler.toml", "[build]\ncommand = \"echo well >app.wasm\"\n")
	d.fail("pagesrun build", 1, `"main" does not say which module it makes: set it in wrangler.toml`)
	d.write("wrangler.toml", "main = \"out.wasm\"\n[build]\ncommand = \"true\"\n[env.odd.build]\ncommand = \"echo half a module >out.wasm\"\n")
	d.fail("pagesrun build", 1, `/out.wasm: "main" in wrangler.toml should name the module it makes`)
	d.fail("pagesrun build --env odd", 1, "pagesrun cannot serve this module:\n  not_wasm: the file is not a WebAssembly module")
	d.write("wrangler.toml", "main = \"app.wasm\"\n[build]\ncommand = \"clang-19 -c x.c\"\n")
	d.env = append(d.env, "PATH=/nowhere")
	d.fail(pagesrunBinary.path(t)+" build", 1, "the build command failed: clang-19 -c x.c: exit status 127\n\n"+
		"make is not there: it runs the Makefile\n  Debian, Ubuntu: apt-get install make\n  macOS:          xcode-select --install\n\n"+
		"clang-19 is not there: it compiles C to WebAssembly\n  Debian, Ubuntu: apt-get install clang-19 ")
}

func TestDevBuildsFirstAndAgainWhenASourceChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"wrangler.toml": "main = \"app.wasm\"\n[build]\ncommand = \"test ! -e broken && cp hello.wasm ../app.wasm\"\ncwd = \"src\"\n",
	})
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	source, broken := filepath.Join(dir, "src", "hello.wasm"), filepath.Join(dir, "src", "broken")
	replace(t, source, cHello.bytes(t))
	s := start(t, dir, "dev", "--port", "0", "--admin", "off")
	s.Line("Building: test ! -e broken && cp hello.wasm ../app.wasm", patience)
	s.Line("Building again after changes in src", patience)
	wantBody := func(want string) {
		t.Helper()
		if status, body := fetch(t, s.URL); status != http.StatusOK || body != want {
			t.Errorf("status %d, %q, want %q", status, body, want)
		}
	}
	wantBody("Hello from C!\n")
	replace(t, broken, nil)
	s.Line("not built, the version before goes on: the build command failed: test ! -e broken && cp hello.wasm ../app.wasm: exit status 1", buildPatience)
	wantBody("Hello from C!\n")
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	replace(t, source, goHello.bytes(t))
	s.Line("reloaded in", buildPatience)
	wantBody("Hello, world!\n")
	if end := s.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
}
