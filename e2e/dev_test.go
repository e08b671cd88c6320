package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	goHello = &product{name: "hello-go.wasm", build: exampleBuild("hello-go")}
	cHello  = &product{name: "hello-c.wasm", build: exampleBuild("hello-c")}
)

// load asks a URL again and again until it is stopped, and complains of every request that fails.
type load struct {
	t       testing.TB
	url     string
	stop    chan struct{}
	running sync.WaitGroup
	answers atomic.Int64
	mu      sync.Mutex
	seen    map[string]int
}

func startLoad(t testing.TB, url string, clients int) *load {
	l := &load{t: t, url: url, stop: make(chan struct{}), seen: map[string]int{}}
	for range clients {
		l.running.Go(l.run)
	}
	return l
}

// run is one client. It takes a new connection now and then, as clients do.
func (l *load) run() {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		default:
		}
		if i%20 == 19 {
			transport.CloseIdleConnections()
		}
		status, body, err := l.once(client)
		if err != nil || status != 200 {
			l.t.Errorf("request %d of a client failed: %v, status %d, %q", i, err, status, body)
			return
		}
		l.answers.Add(1)
		l.mu.Lock()
		l.seen[body]++
		l.mu.Unlock()
	}
}

func (l *load) once(client *http.Client) (int, string, error) {
	resp, err := client.Get(l.url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// end stops the clients and gives how often each answer was given.
func (l *load) end() map[string]int {
	close(l.stop)
	l.running.Wait()
	return l.seen
}

// waitForAnswer waits until a request is answered so.
func waitForAnswer(t testing.TB, url, want string) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%s answers %q", url, want), func() bool {
		status, body := fetch(t, url)
		if status != 200 {
			t.Fatalf("%s: status %d, %s", url, status, body)
		}
		return body == want
	})
}

// replace puts a file in the place of another at once, as compilers and editors do.
func replace(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// writeSlowly writes a file in place and in pieces.
func writeSlowly(t testing.TB, path string, data []byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for len(data) > 0 {
		n := min(len(data), 600<<10)
		if _, err := f.Write(data[:n]); err != nil {
			t.Fatal(err)
		}
		data = data[n:]
		time.Sleep(20 * time.Millisecond)
	}
}

func TestDevReloadsAModuleUnderLoadWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module := filepath.Join(dir, "app.wasm")
	replace(t, module, cHello.bytes(t))
	writeFiles(t, dir, map[string]string{"wrangler.toml": "name = \"x\"\n", ".dev.vars": "A=1\n"})
	s := start(t, dir, "dev", "app.wasm", "--port", "0", "--admin", "off")
	s.Line("Watching app.wasm, wrangler.toml and .dev.vars", patience)
	l := startLoad(t, s.URL+"/", 4)
	const fromC, fromGo = "Hello from C!\n", "Hello, world!\n"
	waitForAnswer(t, s.URL, fromC)
	replace(t, module, goHello.bytes(t))
	waitForAnswer(t, s.URL, fromGo)
	replace(t, module, []byte("half a build"))
	s.Line("not reloaded, the version before goes on: app.wasm: the file is not a WebAssembly module", patience)
	waitForAnswer(t, s.URL, fromGo)
	replace(t, module, cHello.bytes(t))
	waitForAnswer(t, s.URL, fromC)
	writeSlowly(t, module, goHello.bytes(t))
	waitForAnswer(t, s.URL, fromGo)
	if err := os.Remove(module); err != nil {
		t.Fatal(err)
	}
	s.Line("there is no file app.wasm: build the function first", patience)
	replace(t, module, cHello.bytes(t))
	waitForAnswer(t, s.URL, fromC)
	before := l.answers.Load()
	waitFor(t, "the load goes on", func() bool { return l.answers.Load() > before+20 })
	seen := l.end()
	if len(seen) != 2 || seen[fromC] == 0 || seen[fromGo] == 0 {
		t.Errorf("answers: %v", seen)
	}
	expect(t, s.Stop(), 0, "Stopping: ", "Stopped.")
}

func TestDevReloadsTheConfigurationUnderLoadAndKeepsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := func(value, rest string) {
		replace(t, filepath.Join(dir, "wrangler.toml"), []byte("main = \"app.wasm\"\nkv_namespaces = [{binding = \"KV\"}]\n"+rest+"[vars]\nV = \""+value+"\"\n"))
	}
	replace(t, filepath.Join(dir, "app.wasm"), goProbe.bytes(t))
	config("one", "")
	s := start(t, dir, "dev", "--port", "0", "--admin", "off")
	wantAnswer(t, s, put("k", "kept"), "KV", done)
	url := s.URL + "/?op=vars.get&target=V"
	variables, reads := startLoad(t, url, 2), startLoad(t, s.URL+"/?op=kv.get&target=KV&key=k", 2)
	waitForAnswer(t, url, "text one\n")
	config("two", "")
	waitForAnswer(t, url, "text two\n")
	config("three", "[[kv_namespaces]]\n")
	s.Line("not reloaded, the version before goes on:", patience)
	waitForAnswer(t, url, "text two\n")
	config("four", "")
	waitForAnswer(t, url, "text four\n")
	writeFiles(t, dir, map[string]string{".dev.vars": "V=five\n"})
	waitForAnswer(t, url, "text five\n")
	if seen := reads.end(); len(seen) != 1 || seen[found("kept")] == 0 {
		t.Errorf("reads: %v", seen)
	}
	for answer := range variables.end() {
		if !strings.Contains("text one\ntext two\ntext four\ntext five\n", answer) {
			t.Errorf("a variable was %q", answer)
		}
	}
	wantAnswer(t, s, put("k", "new"), "KV", done)
	wantAnswer(t, s, get("k"), "KV", found("new"))
	if end := s.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
}
