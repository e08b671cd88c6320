package e2e_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// pagesrun runs the binary in a directory until it ends.
func pagesrun(t testing.TB, dir string, args ...string) process.Result {
	t.Helper()
	return process.Command{Binary: pagesrunBinary.path(t), Dir: dir, Args: args}.Run(t)
}

// expect checks a finished process.
func expect(t *testing.T, got process.Result, code int, texts ...string) {
	t.Helper()
	if got.Code != code {
		t.Errorf("exit status %d, want %d\n%s%s", got.Code, code, got.Stdout, got.Stderr)
	}
	for _, text := range texts {
		if !strings.Contains(got.Stdout+got.Stderr, text) {
			t.Errorf("nothing is said of %q:\n%s%s", text, got.Stdout, got.Stderr)
		}
	}
	if strings.Contains(got.Stderr, "panic") || strings.Contains(got.Stderr, "goroutine ") {
		t.Errorf("panicked:\n%s", got.Stderr)
	}
}

func TestCommandsSayWhatIsWrongAndExitWithIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"app.js": "export default {}"})
	for _, row := range []struct {
		rule string
		args []string
		code int
		text string
	}{
		{"no command", nil, 2, `expected one of "new"`},
		{"help is asked for", []string{"--help"}, 0, "Usage: pagesrun <command>"},
		{"help as a command", []string{"help"}, 0, "Usage: pagesrun <command>"},
		{"help for a command", []string{"help", "kv", "key", "get"}, 0, "Usage: pagesrun kv key get"},
		{"help for an unknown command", []string{"help", "srve"}, 2, "srve"},
		{"version", []string{"version"}, 0, "pagesrun "},
		{"version as a flag", []string{"--version"}, 0, "wazero v"},
		{"a port that is none", []string{"serve", "-p", "99999"}, 2, "--port must be between 0 and 65535, not 99999"},
		{"a port below all", []string{"dev", "--port=-7"}, 2, "--port must be between 0 and 65535, not -7"},
		{"an unknown command", []string{"srve"}, 2, "srve"},
		{"an unknown flag", []string{"serve", "--prot", "1"}, 2, "--prot"},
		{"an unknown log level", []string{"serve", "--log-level", "loud"}, 2, "--log-level must be one of"},
		{"nothing to serve", []string{"serve"}, 2, "nothing to serve: name a module"},
		{"a module that is not there", []string{"serve", "app.wasm"}, 2, "there is no file app.wasm: build the function first"},
		{"source code instead of a module", []string{"serve", "app.js"}, 2, "app.js is source code"},
		{"a configuration that is not there", []string{"serve", "-c", "none.toml"}, 2, "none.toml: the configuration file does not exist"},
		{"a flag without a name", []string{"serve", "-k", "=id"}, 2, "--kv: must be NAME or NAME=ID"},
		{"a variable without a value", []string{"serve", "-b", "NAME"}, 2, "--binding: must be KEY=VALUE"},
		{"inspecting what is not there", []string{"inspect", "none.wasm"}, 2, "there is no file none.wasm"},
	} {
		t.Run(row.rule, func(t *testing.T) { expect(t, pagesrun(t, dir, row.args...), row.code, row.text) })
	}
}

// garbage are files that are no function, with the code of what is wrong and a word of what to do.
func garbage(t testing.TB) map[string][3]string {
	probe := string(cProbe.bytes(t))
	binary, err := os.ReadFile(pagesrunBinary.path(t))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][3]string{
		"empty.wasm":     {"", "the file is empty", ""},
		"text.wasm":      {"hello\n", "not a WebAssembly module", "not_wasm"},
		"half.wasm":      {probe[:len(probe)/2], "ends in the middle of a section", "truncated"},
		"header.wasm":    {probe[:6], "", ""},
		"bare.wasm":      {probe[:8], "exports neither", "no_entry"},
		"component.wasm": {"\x00asm\x0d\x00\x01\x00", "a WebAssembly component", "component"},
		"program.wasm":   {string(binary[:1<<16]), "an ELF program", ""},
		"next.wasm":      {"\x00asm\x02\x00\x00\x00", "", ""},
	}
}

func TestWhatIsNoFunctionIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, file := range garbage(t) {
		t.Run(name, func(t *testing.T) {
			writeFiles(t, dir, map[string]string{name: file[0]})
			expect(t, pagesrun(t, dir, "serve", name, "--port", "0", "--admin", "off"), 2, name+": ", file[1])
			expect(t, pagesrun(t, dir, "inspect", name), 1, "pagesrun cannot serve this module", file[1], file[2])
			report := pagesrun(t, dir, "inspect", "--json", name)
			var parsed struct {
				Problems []struct{ Code, Message, Hint string }
			}
			if err := json.Unmarshal([]byte(report.Stdout), &parsed); err != nil || len(parsed.Problems) == 0 || parsed.Problems[0].Code == "" || parsed.Problems[0].Hint == "" && name != "next.wasm" {
				t.Errorf("exit status %d, %v:\n%s", report.Code, err, report.Stdout)
			}
		})
	}
}

func TestInspectShowsWhatAFunctionNeeds(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			report := pagesrun(t, t.TempDir(), "inspect", probe.path(t))
			expect(t, report, 0, "pagesrun can serve this module.", "imports", "pagesrun_v1 call", "exports", "pagesrun_handle", "memory",
				"reset", "each event starts from the image taken after start-up")
			seen := map[string]bool{}
			for line := range strings.Lines(report.Stdout) {
				if row := strings.TrimRight(line, " \n") + "\n"; row != line || seen[line] && line != "\n" {
					t.Errorf("a line is there twice or ends in blanks: %q", line)
				}
				seen[line] = true
			}
			if strings.Count(report.Stdout, "built with") > 1 {
				t.Errorf("the tools are named twice:\n%s", report.Stdout)
			}
		})
	}
}

// occupied gives a port that is in use.
func occupied(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestAPortInUseIsNamedWithAFreeOne(t *testing.T) {
	t.Parallel()
	port, probe := occupied(t), cProbe.path(t)
	for _, command := range []string{"serve", "dev"} {
		expect(t, pagesrun(t, t.TempDir(), command, probe, "--port", port, "--admin", "off"), 1, "port "+port+" is in use; try --port ")
		expect(t, pagesrun(t, t.TempDir(), command, probe, "--port", "0", "--admin", "127.0.0.1:"+port), 1, "port "+port+" is in use; try --admin 127.0.0.1:")
	}
}

// TestConfigurationErrorsComeBeforeThePort gives a port in use, so a command that opened it first would speak of that.
func TestConfigurationErrorsComeBeforeThePort(t *testing.T) {
	t.Parallel()
	port, probe := occupied(t), cProbe.path(t)
	for _, row := range []struct {
		rule, name, text string
		say              []string
	}{
		{"TOML that cannot be parsed", "wrangler.toml", "name = \"x\"\nvars = [\n", []string{"wrangler.toml:2"}},
		{"JSON that cannot be parsed", "wrangler.json", "{\n\"name\": \"x\",\n\"vars\": {{\n}", []string{"wrangler.json:3"}},
		{"all mistakes at once", "wrangler.toml", "name = \"x\"\n[[kv_namespaces]]\nbindng = \"KV\"\n[pagesrun.limits]\nmemory_mb = 99999\n", []string{
			`wrangler.toml:3: kv_namespaces[0].bindng: Unexpected fields found in kv_namespaces[0] field: "bindng". Did you mean "binding"?`,
			"wrangler.toml:2: kv_namespaces[0].binding: is required", "wrangler.toml:5: pagesrun.limits.memory_mb: must be between 1 and 4096, not 99999"}},
		{"a name used twice", "wrangler.toml", "[vars]\nA = \"1\"\n[[kv_namespaces]]\nbinding = \"A\"\n", []string{"wrangler.toml:", "Bindings must have unique names"}},
		{"an environment that is not there", "wrangler.toml", "[env.staging]\nname = \"s\"\n", []string{`No environment found in configuration with name "production"`}},
		{"a date as a variable", "wrangler.toml", "[vars]\nWHEN = 2020-01-01\n", []string{"wrangler.toml:2: vars.WHEN"}},
		{"an unknown key of pagesrun's own", "wrangler.toml", "[pagesrun]\nisolaton = \"event\"\n", []string{"wrangler.toml:2: pagesrun.isolaton", "isolation"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{row.name: row.text})
			args := []string{"serve", probe, "--port", port, "--admin", "off"}
			if strings.Contains(row.rule, "environment") {
				args = append(args, "--env", "production")
			}
			expect(t, pagesrun(t, dir, args...), 2, append(row.say, "the configuration cannot be used")...)
			if _, err := os.Stat(filepath.Join(dir, ".pagesrun")); err == nil {
				t.Error("a data directory was made")
			}
		})
	}
}
