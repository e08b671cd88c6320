package pagesrun_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inCopy is set in the environment of the tests that run in the copy.
const inCopy = "PAGESRUN_SEAM_COPY"

// TestABindingIsOneSchemaOneFolderOneLineOneExample adds a binding to a copy of the repository, with nothing but what is in testdata/seam and a line in
// hostfuncs/bindings, and puts it through everything a binding is put through.
func TestABindingIsOneSchemaOneFolderOneLineOneExample(t *testing.T) {
	if os.Getenv(inCopy) != "" {
		t.Skip("this is the copy")
	}
	if testing.Short() {
		t.Skip("it builds everything once more")
	}
	dir := t.TempDir()
	copyTree(t, ".", dir)
	before := paths(t, dir)
	copyTree(t, "testdata/seam", dir)
	addLine(t, filepath.Join(dir, "hostfuncs/bindings/bindings.go"), "echo")
	for _, c := range []struct{ name, command string }{
		{"the schema becomes codecs, headers and vectors", "go generate ./abi"},
		{"which are valid", "go test ./abi/..."},
		{"it is vetted", "go vet ./abi ./hostfuncs/echo ./hostfuncs/bindings ./cmd/pagesrun ./examples/echo-go"},
		{"it is formatted", `test -z "$(gofmt -l abi/*.go hostfuncs/echo hostfuncs/bindings examples/echo-go)"`},
		{"it follows the rules of the house", "go test ."},
		{"it conforms", "go test ./hostfuncs/bindings && go test -run 'Conform/echo-go|Garbage|Undeclared' -v ./hostfuncs | tee conform.log && grep -q -- '--- PASS: TestBindingsConform/echo-go/echo ' conform.log"},
		{"its example is built, served and called", "go test -run 'TestEveryExampleIsBuiltServedAndCalled/^echo-go$' -v ./examples | tee example.log && grep -q -- '--- PASS: .*/echo-go ' example.log"},
	} {
		cmd := exec.Command("sh", "-c", c.command)
		cmd.Dir = dir
		// Without the path of the copy in what is built, the next run of this test finds it in the build cache.
		cmd.Env = append(os.Environ(), inCopy+"=1", "GOFLAGS=-trimpath", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %s: %v\n%s", c.name, c.command, err, out)
		}
	}
	for _, path := range paths(t, dir) {
		if !slices.Contains(before, path) && !ours(path) {
			t.Errorf("%s came into being", path)
		}
	}
}

// ours says whether a new file is the fixture's, or made of it.
func ours(path string) bool {
	return strings.HasPrefix(path, "hostfuncs/echo/") || strings.HasPrefix(path, "examples/echo-go/") || path == "abi/echo.go" ||
		path == "abi/vectors/echo.json" || strings.HasSuffix(path, ".log")
}

// left are the folders that the copy can do without.
var left = []string{".git", ".tools", ".pagesrun", "bin", "node_modules", "torture", "target", "bench"}

// walk calls fn for every file below root that people write, with its path from there.
func walk(t *testing.T, root string, fn func(path string, d fs.DirEntry)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(left, d.Name()) {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			fn(filepath.ToSlash(rel), d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func paths(t *testing.T, root string) (all []string) {
	t.Helper()
	walk(t, root, func(path string, _ fs.DirEntry) { all = append(all, path) })
	return all
}

// copyTree copies what people write below one folder to another.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	walk(t, from, func(path string, d fs.DirEntry) {
		data, err := os.ReadFile(filepath.Join(from, path))
		if err != nil {
			t.Fatal(err)
		}
		info, err := d.Info()
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(to, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	})
}

// addLine lists a binding, at the end of the list, and imports it.
func addLine(t *testing.T, path, kind string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	const end = "\n\t}\n}\n"
	if !strings.HasSuffix(text, end) {
		t.Fatalf("%s does not end with the list", path)
	}
	text = strings.TrimSuffix(text, end) + "\n\t\t" + kind + ".New()," + end
	const first = "\"\n)\n"
	text = strings.Replace(text, first, "\"\n\t\""+module+"hostfuncs/"+kind+first, 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gofmt", "-w", path).CombinedOutput(); err != nil {
		t.Fatalf("gofmt: %v\n%s", err, out)
	}
}
