package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// pagesrunBinary is where the first test puts the binary.
var pagesrunBinary string

func TestMain(m *testing.M) {
	code := func() int {
		dir, err := os.MkdirTemp("", "pagesrun-rust-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		pagesrunBinary = filepath.Join(dir, "pagesrun")
		if err := process.Build(pagesrunBinary); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}()
	os.Exit(code)
}

// build compiles a function of testdata with the SDK's wasm.sh. The compiler keeps its work between runs of the tests.
func build(t *testing.T, name string, env ...string) string {
	t.Helper()
	readSources(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	out := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("sh", "../wasm.sh", "testdata/"+name, out)
	cmd.Env = append(os.Environ(), append(env, "CARGO_TARGET_DIR="+filepath.Join(cache, "pagesrun-test", "rust"))...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s cannot be built; \"scripts/setup test\" installs what is needed: %v\n%s", name, err, text)
	}
	return out
}

// readSources reads the files that the compiler will, so that "go test" runs again when one of them has changed.
func readSources(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"../wasm.sh", "../Cargo.toml", "../src/*.rs", "../src/*/*.rs", "testdata/*/Cargo.toml", "testdata/*/src/*.rs"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// serve serves a function and gives its URL.
func serve(t *testing.T, module string, args ...string) string {
	t.Helper()
	all := append([]string{"serve", module, "--port", "0", "--admin", "off", "--log-level", "error"}, args...)
	s := process.Command{Binary: pagesrunBinary, Dir: t.TempDir(), Args: all}.Start(t)
	return s.URL
}

// ask makes a request and gives the answer's status and body.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, " ", string(text))
}

// TestEveryEventHasItsOwnRandomness draws 1,000 values in 1,000 events from each thing in Rust that is random, all of which the image has seen in use.
func TestEveryEventHasItsOwnRandomness(t *testing.T) {
	const events = 1000
	for _, target := range []string{"", "wasm32-unknown-unknown"} {
		url := serve(t, build(t, "seeds", "TARGET="+target))
		for _, source := range []string{"hash", "order", "system", "random"} {
			seen := map[string]bool{}
			for range events {
				seen[ask(t, http.MethodGet, url+"/"+source, "")] = true
			}
			if len(seen) != events {
				t.Errorf("target %q: %d events drew %d values from %s", target, events, len(seen), source)
			}
		}
		if first := ask(t, http.MethodGet, url+"/warm", ""); first != ask(t, http.MethodGet, url+"/warm", "") {
			t.Errorf("target %q: what was drawn before the image is not the same in all events: the test proves nothing", target)
		}
	}
}

func TestValuesOfSerdePassThroughRequestBindingAndResponse(t *testing.T) {
	dir := t.TempDir()
	config := "[vars]\nLIMITS = [1, 2]\n[[kv_namespaces]]\nbinding = \"KV\"\n"
	if err := os.WriteFile(filepath.Join(dir, "wrangler.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	url := serve(t, build(t, "json"), "--config", filepath.Join(dir, "wrangler.toml"))
	const order = `{"id":18446744073709551615,"customer":"Zoë \"Z\"","lines":[["tea",2.5],["",-0.0]],"note":null}`
	for _, step := range []struct{ method, path, body, want string }{
		{"GET", "/", "", "404 no order\n"},
		{"PUT", "/", order, "204 "},
		{"GET", "/", "", "200 " + order},
		{"GET", "/limit", "", "200 [1,2]"},
	} {
		if got := ask(t, step.method, url+step.path, step.body); got != step.want {
			t.Errorf("%s %s: got %q, want %q", step.method, step.path, got, step.want)
		}
	}
	if got := ask(t, "PUT", url, `{"id":-1}`); !strings.HasPrefix(got, "500 Internal Server Error (event ") {
		t.Errorf("a body that is no order: %q", got)
	}
}

// TestTheNextEventHasTheMemoryThatAnEventHasUsedUp sends bodies of which a function that never frees memory could take only a few.
func TestTheNextEventHasTheMemoryThatAnEventHasUsedUp(t *testing.T) {
	const events, bodyBytes = 20, 4 << 20
	url := serve(t, build(t, "json"), "-k", "KV")
	order := `{"id":1,"customer":"` + strings.Repeat("Zoë ", bodyBytes/5) + `","lines":[],"note":"\n"}`
	for event := range events {
		if got := ask(t, http.MethodPut, url, order); got != "204 " {
			t.Fatalf("event %d: %.200s", event, got)
		}
		if got := ask(t, http.MethodGet, url, ""); got != "200 "+order {
			t.Fatalf("event %d: %d bytes that begin with %.100s", event, len(got), got)
		}
	}
}
