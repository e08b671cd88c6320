package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// envCommand prints its arguments, its environment and a mounted file; with the path /later it takes the request's variables from /proc/self/environ.
var envCommand = &product{name: "env.wasm", build: func(path string) error {
	return process.BuildCommand(filepath.Join(process.Root(), "e2e", "guests", "env-go"), path)
}}

// wasiSite serves envCommand with a configuration.
func wasiSite(t *testing.T, config string, files map[string]string) *process.Server {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": config})
	writeFiles(t, dir, files)
	return process.Command{
		Binary: pagesrunBinary.path(t), Dir: dir, Args: []string{"serve", envCommand.path(t), "--port", "0", "--admin", "off"},
	}.Start(t)
}

// lines gets a page and gives its lines.
func lines(t *testing.T, url string) []string {
	t.Helper()
	status, body := fetch(t, url)
	if status != 200 {
		t.Fatalf("%s: %d %s", url, status, body)
	}
	return strings.Split(body, "\n")
}

func TestAWASICommandHasItsConfiguration(t *testing.T) {
	t.Parallel()
	for _, image := range []string{"auto", "request", "off"} {
		s := wasiSite(t, `
vars = { GREETING = "hello there", NUMBERS = [1, 2], HTTP_ADMIN = "yes", TOKEN = "replaced" }
[pagesrun]
args = ["one", "two words"]
cgi_image = "`+image+`"
mounts = [{ guest = "/etc/app.conf", host = "conf/app.conf" }, { guest = "/srv", host = "conf" }]
`, map[string]string{"conf/app.conf": "colour = blue", ".dev.vars": "TOKEN=s3cret\n"})
		for i := range 3 {
			got := lines(t, fmt.Sprintf("%s/later?i=%d", s.URL, i))
			for _, want := range []string{
				"argument one", "argument two words", "GREETING=hello there", "NUMBERS=[1,2]", "TOKEN=s3cret", "REQUEST_METHOD=GET", "PATH_INFO=/later",
				fmt.Sprintf("QUERY_STRING=i=%d", i), "SERVER_SOFTWARE=pagesrun", "file colour = blue", "file again colour = blue", "run 1",
			} {
				if !slices.Contains(got, want) {
					t.Errorf("%s: %q is missing from\n%s", image, want, strings.Join(got, "\n"))
				}
			}
			if slices.Contains(got, "HTTP_ADMIN=yes") {
				t.Errorf("%s: a variable passes for a header field", image)
			}
		}
		if !strings.Contains(s.Log(), "HTTP_ADMIN") {
			t.Errorf("%s: the variable that was left out is not named:\n%s", image, s.Log())
		}
	}
}

func TestWrongMountsAreNamedAtTheirPlace(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		`{ guest = "/a" }`:                                                 "wrangler.toml:2: pagesrun.mounts[0].host: is required and must be a string",
		`{ guest = "a", host = "conf" }`:                                   `wrangler.toml:2: pagesrun.mounts[0].guest: must be an absolute path such as "/app", without ".", ".." and final slashes, not "a"`,
		`{ guest = "/a/", host = "conf" }`:                                 `wrangler.toml:2: pagesrun.mounts[0].guest: must be an absolute path`,
		`{ guest = "/proc/x", host = "." }`:                                "wrangler.toml:2: pagesrun.mounts[0].guest: must not be in /proc",
		`{ guest = "/a", host = "missing" }`:                               "wrangler.toml:2: pagesrun.mounts[0].host: cannot be mounted: ",
		`{ guest = "/a", host = "conf", write = true }`:                    `wrangler.toml:2: pagesrun.mounts[0].write: Unexpected fields found in pagesrun.mounts[0] field: "write"`,
		`{ guest = "/a", host = "conf" }, { guest = "/a", host = "conf" }`: `wrangler.toml:2: pagesrun.mounts[1].guest: is mounted twice: "/a"`,
		`"conf"`: "wrangler.toml:2: pagesrun.mounts[0]: must be a table, not a string",
	} {
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{"wrangler.toml": "[pagesrun]\nmounts = [" + entry + "]\n", "conf/app.conf": "x"})
		expect(t, pagesrun(t, dir, "serve", envCommand.path(t), "--port", "0", "--admin", "off"), 2, want)
	}
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "[pagesrun]\ncgi_image = \"stdin\"\nargs = [1]\n"})
	expect(t, pagesrun(t, dir, "serve", envCommand.path(t), "--port", "0", "--admin", "off"), 2,
		`wrangler.toml:2: pagesrun.cgi_image: must be one of "auto", "request", "off", not "stdin"`, "wrangler.toml:3: pagesrun.args[0]: must be a string, not an integer")
}

func TestDevelopmentReloadsWhatIsMounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"wrangler.toml": "[pagesrun]\ncgi_image = \"request\"\nmounts = [{ guest = \"/etc/app.conf\", host = \"app.conf\" }, { guest = \"/srv\", host = \"srv\" }]\n",
		"app.conf":      "colour = blue", "srv/app.conf": "one",
	})
	s := process.Command{Binary: pagesrunBinary.path(t), Dir: dir, Args: []string{"dev", envCommand.path(t), "--port", "0", "--admin", "off"}}.Start(t)
	if got := lines(t, s.URL); !slices.Contains(got, "file colour = blue") {
		t.Errorf("%q", got)
	}
	writeFiles(t, dir, map[string]string{"app.conf": "colour = green"})
	s.Line("reloaded in", patience)
	if got := lines(t, s.URL); !slices.Contains(got, "file colour = green") {
		t.Errorf("%q", got)
	}
}

// preparedCommand is a Go program that takes its request's variables from /proc/self/environ.
var preparedCommand = &product{name: "prepared.wasm", build: func(path string) error {
	return process.BuildCommand(filepath.Join(process.Root(), "e2e", "guests", "prepared-go"), path)
}}

func TestAGoProgramIsServedFromWhereItTakesItsRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "[pagesrun]\ncgi_image = \"request\"\n"})
	s := process.Command{Binary: pagesrunBinary.path(t), Dir: dir, Args: []string{"serve", preparedCommand.path(t), "--port", "0", "--admin", "off"}}.Start(t)
	for i := range 100 {
		path := fmt.Sprintf("/some/where?i=%d", i)
		resp, err := http.Post(s.URL+path, "text/plain", strings.NewReader(strings.Repeat("x", i)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("POST %s%s %q <nil> 1 1", s.URL, path, strings.Repeat("x", i)); err != nil || string(body) != want {
			t.Fatalf("%d %q, want %q (%v)", resp.StatusCode, body, want, err)
		}
	}
}
