package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/config"
)

// project makes a folder with these files, and a configuration that builds app.wasm in it and watches what is named.
func project(t *testing.T, command string, files map[string]string, watch ...string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := &config.Config{Path: "wrangler.toml", Dir: dir, Main: filepath.Join(dir, "app.wasm"), Build: config.Build{Command: command, Dir: dir}}
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	for _, name := range watch {
		cfg.Build.Watch = append(cfg.Build.Watch, filepath.Join(dir, name))
	}
	return cfg
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, cfg *config.Config, purpose string) (string, string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := Run(t.Context(), cfg, purpose, &stdout, &stderr)
	return stdout.String(), stderr.String(), err
}

func TestTheCommandRunsInAShellWhereCwdSays(t *testing.T) {
	cfg := project(t, `echo "$WRANGLER_COMMAND in $(basename "$PWD")" && echo careful >&2`, map[string]string{"function/x": ""})
	cfg.Build.Dir = filepath.Join(cfg.Dir, "function")
	stdout, stderr, err := run(t, cfg, ForDev)
	if err != nil || stdout != "dev in function\n" || stderr != "Building: "+cfg.Build.Command+"\ncareful\n" {
		t.Errorf("%v, %q, %q", err, stdout, stderr)
	}
	cfg.Build.Dir = filepath.Join(cfg.Dir, "gone")
	if _, _, err := run(t, cfg, ForDeploy); err == nil || !strings.Contains(err.Error(), "there is no folder "+cfg.Build.Dir+", which build names as cwd") {
		t.Error(err)
	}
}

func TestACommandThatFailsSaysWhatTheMachineLacks(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, _, err := run(t, project(t, "go build -o app.wasm .", map[string]string{"go.mod": ""}), ForDeploy)
	const want = "the build command failed: go build -o app.wasm .: exit status 127\n\ngo is not there: it compiles Go to WebAssembly\n" +
		"  every system:   https://go.dev/dl/\n  macOS:          brew install go"
	var failed *Error
	if !errors.As(err, &failed) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, _, err = run(t, project(t, "exit 3", nil), ForDeploy)
	if err == nil || err.Error() != "the build command failed: exit 3: exit status 3" {
		t.Errorf("got %v", err)
	}
}

func TestAStoppedBuildTakesWhatItHasStartedAlong(t *testing.T) {
	cfg := project(t, `sh -c 'trap "echo told >ended; exit" TERM; echo on >begun; while :; do sleep 0.05; done' & wait`, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg, ForDev, os.Stdout, os.Stderr) }()
	appears(t, filepath.Join(cfg.Dir, "begun"))
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	appears(t, filepath.Join(cfg.Dir, "ended"))
}

// appears waits for a file.
func appears(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Fatalf("%s does not appear", path)
}

func TestTheModuleMustBeThereAfterwards(t *testing.T) {
	cfg := project(t, "true", nil)
	if err := Made(cfg); err == nil || !strings.Contains(err.Error(), "there is no file "+cfg.Main+`: "main" in wrangler.toml should name the module it makes`) {
		t.Error(err)
	}
	put(t, cfg.Main, "")
	if err := Made(cfg); err != nil {
		t.Error(err)
	}
	cfg.Main = ""
	if err := Made(cfg); err == nil || !strings.Contains(err.Error(), `"main" does not say which module it makes: set it in wrangler.toml`) {
		t.Error(err)
	}
}

func TestWhatCountsAsAChange(t *testing.T) {
	files := map[string]string{"src/main.c": "1", "src/deep/part.c": "1", "Makefile": "all:", "notes.txt": "x"}
	for name, c := range map[string]struct {
		change        func(cfg *config.Config)
		stamps, print bool
	}{
		"a source":             {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "src/main.c"), "longer") }, true, true},
		"a source deeper down": {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "src/deep/part.c"), "22") }, true, true},
		"a new source":         {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "src/new.c"), "") }, true, true},
		"a source gone":        {func(cfg *config.Config) { os.Remove(filepath.Join(cfg.Dir, "src/main.c")) }, true, true},
		"a file that is named": {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "Makefile"), "all: x") }, true, true},
		"the same again":       {func(cfg *config.Config) { again(t, filepath.Join(cfg.Dir, "src/main.c")) }, true, false},
		"another file":         {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "notes.txt"), "y") }, false, false},
		"a hidden file":        {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "src/.main.c.swp"), "y") }, false, false},
		"a dependency":         {func(cfg *config.Config) { put(t, filepath.Join(cfg.Dir, "src/node_modules/x/y.js"), "y") }, false, false},
		"the module":           {func(cfg *config.Config) { put(t, cfg.Main, "y") }, false, false},
		"nothing":              {func(cfg *config.Config) {}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := project(t, "make", files, "src", "Makefile", "not-there")
			cfg.Main = filepath.Join(cfg.Dir, "src", "app.wasm")
			stamps, print := Stamps(cfg), Fingerprint(cfg)
			c.change(cfg)
			if got := Stamps(cfg) != stamps; got != c.stamps {
				t.Errorf("the stamps changed: %v, want %v", got, c.stamps)
			}
			if got := Fingerprint(cfg) != print; got != c.print {
				t.Errorf("the fingerprint changed: %v, want %v", got, c.print)
			}
		})
	}
}

// again gives a file another time.
func again(t *testing.T, path string) {
	t.Helper()
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
}
