// Package examples_test builds every example as its README says, serves it with the real binary and calls it over HTTP.
package examples_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// built is where the binary and the functions are put.
var built string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if built, err = os.MkdirTemp("", "pagesrun-examples-"); err == nil {
			defer os.RemoveAll(built)
			err = process.Build(filepath.Join(built, "pagesrun"))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// cases call the examples, by folder.
var cases = map[string]func(*testing.T, example){
	"hello-go":       helloGo,
	"hello-c":        helloC,
	"hello-cgi":      func(t *testing.T, e example) { helloCGI(t, e, "Ada") },
	"hello-cgi/c":    func(t *testing.T, e example) { helloCGI(t, e, "world") },
	"hello-cgi/rust": func(t *testing.T, e example) { helloCGI(t, e, "Ada") },
	"northwind-go":   northwindGo,
	"orders-go":      ordersGo,
	"ruby-cgi":       rubyCGI,
	"todo-go":        todoGo,
}

func TestEveryExampleIsBuiltServedAndCalled(t *testing.T) {
	folders := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "build.sh" {
			folders[filepath.ToSlash(filepath.Dir(path))] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range topFolders(t) {
		folders[folder] = true
	}
	for folder := range folders {
		t.Run(folder, func(t *testing.T) {
			call := cases[folder]
			if call == nil {
				call = callsOf(t, folder)
			}
			t.Parallel()
			call(t, build(t, folder))
		})
	}
	for folder := range cases {
		if !folders[folder] {
			t.Errorf("there is a case but no example %s", folder)
		}
	}
}

// callsOf reads what to ask an example without a case of its own, and what it answers, from its calls.txt: a line with the method and the path, one with
// the status, then the body up to an empty line.
func callsOf(t *testing.T, folder string) func(*testing.T, example) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "calls.txt"))
	if err != nil {
		t.Fatalf("this example has neither a case in examples_test.go nor calls: %v", err)
	}
	return func(t *testing.T, e example) {
		s := e.serve(t)
		for call := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
			lines := strings.SplitN(call+"\n\n", "\n", 3)
			method, path, _ := strings.Cut(lines[0], " ")
			status, body := request(t, s, method, path)
			if want := strings.TrimRight(lines[2], "\n"); fmt.Sprint(status) != lines[1] || strings.TrimRight(body, "\n") != want {
				t.Errorf("%s: %d %q, want %s %q", lines[0], status, body, lines[1], want)
			}
		}
	}
}

// request makes a request without a body.
func request(t *testing.T, s *process.Server, method, path string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// topFolders are the examples, whether they can be built or not.
func topFolders(t *testing.T) (folders []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" {
			folders = append(folders, e.Name())
		}
	}
	return folders
}

// example is a built example.
type example struct{ folder, module, data string }

func build(t *testing.T, folder string) example {
	t.Helper()
	dir, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	e := example{folder: dir, module: filepath.Join(built, strings.ReplaceAll(folder, "/", "-")+".wasm"), data: t.TempDir()}
	if err := process.BuildScript(dir, e.module); err != nil {
		t.Fatal(err)
	}
	return e
}

// serve serves the example with its own configuration, if it has one, and data of the test's.
func (e example) serve(t *testing.T) *process.Server {
	t.Helper()
	args := []string{"serve", e.module, "--port", "0", "--admin", "off", "--persist-to", e.data}
	if config := filepath.Join(e.folder, "wrangler.toml"); exists(config) {
		args = append(args, "--config", config)
	}
	return process.Command{Binary: filepath.Join(built, "pagesrun"), Dir: e.data, Args: args}.Start(t)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// call sends a request and gives the answer.
func call(t *testing.T, method, url, body string) (*http.Response, string) {
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
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// want calls and checks status and body.
func want(t *testing.T, method, url, body string, status int, answer string) {
	t.Helper()
	if resp, got := call(t, method, url, body); resp.StatusCode != status || got != answer {
		t.Errorf("%s %s: %d %q, want %d %q", method, url, resp.StatusCode, got, status, answer)
	}
}

func helloGo(t *testing.T, e example) {
	s := e.serve(t)
	want(t, "GET", s.URL, "", 200, "Hello, world!\n")
	want(t, "GET", s.URL+"/?name=Ada%20L", "", 200, "Hello, Ada L!\n")
}

func helloC(t *testing.T, e example) {
	s := e.serve(t)
	want(t, "GET", s.URL, "", 200, "Hello from C!\n")
	want(t, "HEAD", s.URL, "", 200, "")
}

func helloCGI(t *testing.T, e example, name string) {
	s := e.serve(t)
	resp, body := call(t, "GET", s.URL+"/some/where?name=Ada", "")
	if resp.StatusCode != 200 || body != "Hello, "+name+"! This is GET /some/where.\n" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %v %q", resp.StatusCode, resp.Header, body)
	}
	if _, body := call(t, "POST", s.URL+"/", "posted\n"); body != "Hello, world! This is POST /.\nposted\n" {
		t.Errorf("%q", body)
	}
}

// todo is an entry of the list as a client sees it.
type todo struct {
	ID, Text string
	Done     bool
}

func todoGo(t *testing.T, e example) {
	s := e.serve(t)
	resp, page := call(t, "GET", s.URL+"/", "")
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || !strings.Contains(page, "<title>Todo</title>") || !strings.Contains(page, "/api/todos") {
		t.Errorf("page: %d %v\n%s", resp.StatusCode, resp.Header, page)
	}
	want(t, "GET", s.URL+"/api/todos", "", 200, "[]\n")
	milk, bread := addTodo(t, s, "buy milk é🤓"), addTodo(t, s, "buy bread")
	resp, body := call(t, "PATCH", s.URL+"/api/todos/"+milk.ID, `{"done":true}`)
	if milk.Done = true; resp.StatusCode != 200 || !strings.Contains(body, `"done":true`) {
		t.Errorf("PATCH: %d %s", resp.StatusCode, body)
	}
	refuses(t, s)
	wantTodos(t, s, milk, bread)

	if end := s.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
	s = e.serve(t)
	wantTodos(t, s, milk, bread)
	eggs := addTodo(t, s, "buy eggs")
	s.Kill()
	s = e.serve(t)
	wantTodos(t, s, milk, bread, eggs)
	want(t, "DELETE", s.URL+"/api/todos/"+bread.ID, "", 204, "")
	want(t, "DELETE", s.URL+"/api/todos/"+bread.ID, "", 204, "")
	wantTodos(t, s, milk, eggs)
}

// refuses checks what the API does not take.
func refuses(t *testing.T, s *process.Server) {
	t.Helper()
	for _, row := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/todos", `{"text":"  "}`, 422},
		{"POST", "/api/todos", `{"text":"` + strings.Repeat("é", 201) + `"}`, 422},
		{"POST", "/api/todos", "no JSON", 400},
		{"POST", "/api/todos", `{"text":"` + strings.Repeat("x", 5000) + `"}`, 400},
		{"PATCH", "/api/todos/none", `{"done":true}`, 404},
		{"PUT", "/api/todos", "{}", 405},
		{"GET", "/none", "", 404},
	} {
		if resp, body := call(t, row.method, s.URL+row.path, row.body); resp.StatusCode != row.status {
			t.Errorf("%s %s %.40q: %d %s, want %d", row.method, row.path, row.body, resp.StatusCode, body, row.status)
		}
	}
}

func addTodo(t *testing.T, s *process.Server, text string) (added todo) {
	t.Helper()
	b, _ := json.Marshal(map[string]string{"text": text})
	resp, body := call(t, "POST", s.URL+"/api/todos", string(b))
	if err := json.Unmarshal([]byte(body), &added); err != nil || resp.StatusCode != 201 || added.ID == "" || added.Text != text || resp.Header.Get("Location") != "/api/todos/"+added.ID {
		t.Fatalf("POST: %d %v %s (%v)", resp.StatusCode, resp.Header, body, err)
	}
	return added
}

func wantTodos(t *testing.T, s *process.Server, todos ...todo) {
	t.Helper()
	var got []todo
	_, body := call(t, "GET", s.URL+"/api/todos", "")
	if err := json.Unmarshal([]byte(body), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(todos) {
		t.Errorf("got  %s\nwant %v (%v)", body, todos, err)
	}
}
