package e2e_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// guideProgram is the first program in a language in the guide to D1, in a file of its own.
func guideProgram(t testing.TB, language, name string) string {
	t.Helper()
	guide, err := os.ReadFile(filepath.Join(process.Root(), "docs", "d1.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(guide)
	if found == nil {
		t.Fatalf("no program in %s", language)
	}
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{name: string(found[1])})
	return filepath.Join(dir, name)
}

func TestTheProgramsInTheGuideToD1Work(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		language, file, body string
		build                func(source, wasm string) error
	}{
		{"go", "main.go", "text=buy+tea", process.BuildGo},
		{"c", "app.c", "buy tea", process.BuildC},
	} {
		t.Run(c.language, func(t *testing.T) {
			source := guideProgram(t, c.language, c.file)
			wasm := filepath.Join(filepath.Dir(source), "app.wasm")
			if err := c.build(source, wasm); err != nil {
				t.Fatal(err)
			}
			s := start(t, t.TempDir(), "serve", wasm, "--port", "0", "--admin", "off", "--d1", "DB")
			post := func(path, body, want string) {
				t.Helper()
				resp, err := http.Post(s.URL+path, "application/x-www-form-urlencoded", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if got, _ := io.ReadAll(resp.Body); string(got) != want || resp.StatusCode != 200 {
					t.Errorf("%s: %d %q, want %q", path, resp.StatusCode, got, want)
				}
			}
			post("/setup", "", "")
			post("/setup", "", "")
			post("/", c.body, "note 1\n")
			for path, want := range map[string]string{"/1": "buy tea\n", "/2": "", "/": "1 buy tea false\n"} {
				if status, got := fetch(t, s.URL+path); got != want || status != 200 {
					t.Errorf("%s: %d %q, want %q", path, status, got, want)
				}
			}
		})
	}
}
