package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kvShell runs kv commands in a project of its own.
type kvShell struct {
	t     *testing.T
	dir   string
	group string // "kv", or that of other commands
}

func newKVShell(t *testing.T) *kvShell {
	t.Helper()
	dir := t.TempDir()
	text := "name = \"x\"\n[[kv_namespaces]]\nbinding = \"TODO\"\nid = \"one\"\n[[kv_namespaces]]\nbinding = \"SAME\"\nid = \"one\"\n" +
		"[[env.staging.kv_namespaces]]\nbinding = \"TODO\"\nid = \"two\"\n"
	if err := os.WriteFile(filepath.Join(dir, "wrangler.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &kvShell{t: t, dir: dir, group: "kv"}
}

// file writes a file of the project and gives its path.
func (s *kvShell) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// run runs a command of the group with the project's configuration and gives what it printed and its exit status.
func (s *kvShell) run(args ...string) (stdout, stderr string, status int) {
	s.t.Helper()
	args = append(append([]string{s.group}, args...), "--config", filepath.Join(s.dir, "wrangler.toml"))
	out, err := os.Create(filepath.Join(s.dir, "stdout"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	errs, err := os.Create(filepath.Join(s.dir, "stderr"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer errs.Close()
	realOut, realErr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = out, errs
	status = run(args)
	os.Stdout, os.Stderr = realOut, realErr
	return s.content(out), s.content(errs), status
}

func (s *kvShell) content(f *os.File) string {
	f.Seek(0, io.SeekStart)
	b, err := io.ReadAll(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// ok runs a command that must succeed and gives its output.
func (s *kvShell) ok(args ...string) string {
	s.t.Helper()
	out, errs, status := s.run(args...)
	if status != 0 {
		s.t.Fatalf("%v: status %d: %s", args, status, errs)
	}
	return out
}

// want checks the output of a command.
func (s *kvShell) want(want string, args ...string) {
	s.t.Helper()
	if got := s.ok(args...); got != want {
		s.t.Errorf("%v printed\n%s\nwant\n%s", args, got, want)
	}
}

func TestKVKeyCommands(t *testing.T) {
	s := newKVShell(t)
	s.ok("key", "put", "--binding", "TODO", "a", "hello", "--metadata", `{"x": 1}`)
	s.ok("key", "put", "--binding", "TODO", "empty", "")
	s.ok("key", "put", "--binding", "TODO", "bytes", "--path", s.file("value", "\xff\x00\n"))
	s.ok("key", "put", "--binding", "TODO", "b", "later", "--expiration", "2000000000")
	s.want("hello", "key", "get", "--binding", "TODO", "a")
	s.want("hello\n", "key", "get", "--binding", "TODO", "a", "--text")
	s.want("", "key", "get", "--binding", "TODO", "empty")
	s.want("\xff\x00\n", "key", "get", "--binding", "TODO", "bytes")
	s.want("\ufffd\x00\n\n", "key", "get", "--binding", "TODO", "bytes", "--text")
	s.want("[\n  {\n    \"name\": \"a\",\n    \"metadata\": {\n      \"x\": 1\n    }\n  }\n]\n", "key", "list", "--binding", "TODO", "--prefix", "a")
	s.want("[\n  {\n    \"name\": \"b\",\n    \"expiration\": 2000000000\n  },\n  {\n    \"name\": \"bytes\"\n  }\n]\n", "key", "list", "--binding", "TODO", "--prefix", "b")
	s.want("[]\n", "key", "list", "--binding", "TODO", "--prefix", "none")
	s.ok("key", "delete", "--binding", "TODO", "a")
	s.ok("key", "delete", "--binding", "TODO", "a")
	if _, errs, status := s.run("key", "get", "--binding", "TODO", "a"); status != exitFailed || !strings.Contains(errs, `there is no key "a"`) {
		t.Errorf("a missing key: status %d, %s", status, errs)
	}
}

func TestKVCommandsFindTheNamespace(t *testing.T) {
	s := newKVShell(t)
	s.ok("key", "put", "--binding", "TODO", "k", "top")
	s.ok("key", "put", "--binding", "TODO", "--env", "staging", "k", "staging")
	elsewhere := t.TempDir()
	s.ok("key", "put", "--binding", "TODO", "--persist-to", elsewhere, "k", "elsewhere")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"top", []string{"--binding", "TODO"}},
		{"top", []string{"--binding", "SAME"}},
		{"top", []string{"--namespace-id", "one"}},
		{"staging", []string{"--namespace-id", "two"}},
		{"staging", []string{"--binding", "TODO", "-e", "staging"}},
		{"elsewhere", []string{"--binding", "TODO", "--persist-to", elsewhere}},
	} {
		s.want(c.want, append([]string{"key", "get", "k"}, c.args...)...)
	}
	if _, err := os.Stat(filepath.Join(s.dir, ".pagesrun", "kv", "kv-one.sqlite")); err != nil {
		t.Error(err)
	}
}

func TestKVCommandsSayWhatIsWrong(t *testing.T) {
	s := newKVShell(t)
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"an unknown binding", []string{"key", "get", "--binding", "NOPE", "k"}, exitFailed, `no KV namespace has the binding "NOPE"; configured are: TODO, SAME (or give the id: --namespace-id=ID)`},
		{"no namespace", []string{"key", "get", "k"}, exitUsage, "say which namespace: --binding=NAME or --namespace-id=ID"},
		{"two namespaces", []string{"key", "get", "k", "--binding", "TODO", "--namespace-id", "one"}, exitUsage, "--namespace-id"},
		{"no value", []string{"key", "put", "--binding", "TODO", "k"}, exitFailed, "give either a value or --path"},
		{"two values", []string{"key", "put", "--binding", "TODO", "k", "v", "--path", "x"}, exitFailed, "give either a value or --path"},
		{"a value too long", []string{"key", "put", "--binding", "TODO", "k", "--path", s.file("long", strings.Repeat("x", 26_214_401))}, exitFailed, "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400."},
		{"a short ttl", []string{"key", "put", "--binding", "TODO", "k", "v", "--ttl", "59"}, exitFailed, "Expiration TTL must be at least 60."},
		{"metadata that is no JSON", []string{"key", "put", "--binding", "TODO", "k", "v", "--metadata", "{"}, exitFailed, "not a JSON document"},
		{"a missing file", []string{"bulk", "put", "--binding", "TODO", filepath.Join(s.dir, "missing")}, exitFailed, "no such file"},
		{"a bad file", []string{"bulk", "put", "--binding", "TODO", s.file("bad.json", `[{"key":"k"}]`)}, exitFailed, `bad.json: item 0: "key" and "value" are required`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, errs, status := s.run(c.args...); status != c.status || !strings.Contains(errs, c.want) {
				t.Errorf("status %d, printed %s", status, errs)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(s.dir, ".pagesrun", "kv", "kv-NOPE.sqlite")); err == nil {
		t.Error("an unknown binding has made a namespace")
	}
	s.want("[]\n", "key", "list", "--binding", "TODO")
}

func TestReadingMakesNoNamespace(t *testing.T) {
	s := newKVShell(t)
	data, keys := filepath.Join(s.dir, ".pagesrun"), s.file("keys.json", `["k"]`)
	reads := [][]string{{"key", "get", "k"}, {"key", "list"}, {"bulk", "get", keys}}
	check := func(known string, namespace ...string) {
		t.Helper()
		for _, args := range reads {
			out, errs, status := s.run(append(args, namespace...)...)
			if status != exitFailed || out != "" || !strings.Contains(errs, "there is no namespace with id \"") || !strings.Contains(errs, "known: "+known+"\n") {
				t.Errorf("%v %v: status %d, printed %s%s", args, namespace, status, out, errs)
			}
		}
	}
	check("none", "--binding", "TODO")
	check("none", "--namespace-id", "nope")
	if _, err := os.Stat(data); err == nil {
		t.Error("a data directory was made")
	}
	s.ok("key", "put", "--binding", "TODO", "k", "v")
	s.ok("key", "put", "--namespace-id", "Other", "k", "v")
	check("Other, one", "--namespace-id", "nope")
	check("Other, one", "--binding", "TODO", "--env", "staging")
	if files, err := filepath.Glob(filepath.Join(data, "kv", "*.sqlite")); len(files) != 2 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
}

func TestKVBulkCommands(t *testing.T) {
	s := newKVShell(t)
	var items []string
	for i := range 1200 {
		items = append(items, fmt.Sprintf(`{"key":"n%04d","value":"v"}`, i))
	}
	many := s.file("many.json", "["+strings.Join(items, ",")+"]")
	s.want("1200 keys written\n", "bulk", "put", "--binding", "TODO", many)
	few := s.file("few.json", `[{"key":"a","value":"A","metadata":[1]},{"key":"b","value":"/w==","base64":true}]`)
	s.want("{\"total\":2,\"written\":2}\n", "bulk", "put", "--binding", "TODO", few, "--json")
	s.want("{\n  \"b\": {\n    \"value\": \"/w==\",\n    \"base64\": true\n  },\n  \"missing\": {\n    \"value\": null\n  },\n  \"a\": {\n    \"value\": \"A\",\n    \"metadata\": [\n      1\n    ]\n  }\n}\n",
		"bulk", "get", "--binding", "TODO", s.file("keys.json", `["b","missing",{"name":"a"},"b"]`))
	all := s.file("all.json", s.ok("key", "list", "--binding", "TODO"))
	s.want("1202 keys deleted\n", "bulk", "delete", "--binding", "TODO", all)
	s.want("[]\n", "key", "list", "--binding", "TODO")
}
