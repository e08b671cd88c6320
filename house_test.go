// Package pagesrun_test holds the rules of the house: what is where, what may import what, and how large things may grow.
package pagesrun_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
)

const module = "github.com/pagesrun/pagesrun/"

// goFile is one Go file of the repository.
type goFile struct {
	path string // with slashes, relative to the root
	dir  string
	test bool
	ast  *ast.File
	set  *token.FileSet
}

// goFiles parses every Go file that people write.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "bin") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_gen.go") {
			return nil
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{filepath.ToSlash(path), filepath.ToSlash(filepath.Dir(path)), strings.HasSuffix(path, "_test.go"), parsed, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func within(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

// binding gives the binding whose folder dir is in, or "".
func binding(dir string) string {
	rest, ok := strings.CutPrefix(dir, "hostfuncs/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	for _, b := range bindings.All() {
		if b.Kind() == name {
			return name
		}
	}
	return ""
}

func TestImportsGoOneWay(t *testing.T) {
	forbidden := func(from, to string) string {
		switch {
		case within(from, "abi") && !within(from, "abi/gen") && !within(to, "abi"):
			return "abi imports nothing of ours"
		case binding(from) != "" && binding(to) != "" && binding(from) != binding(to):
			return "a binding never imports another"
		case within(from, "runtime") && (binding(to) != "" || to == "hostfuncs/bindings"):
			return "runtime knows that bindings exist, never which"
		case within(from, "hostfuncs") && (within(to, "runtime") || within(to, "server")):
			return "hostfuncs is below runtime and server"
		case within(from, "runtime") && within(to, "server"):
			return "runtime is below server"
		case within(from, "config") && !within(to, "config"):
			return "config imports nothing of ours"
		case within(from, "guest-sdk") && !within(to, "guest-sdk") && !within(to, "abi"):
			return "an SDK imports abi only"
		case within(to, "cmd") || within(to, "bench"):
			return "nothing imports a command"
		}
		return ""
	}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		for _, spec := range f.ast.Imports {
			to, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module)
			if !ours {
				continue
			}
			if why := forbidden(f.dir, to); why != "" && !within(to, f.dir) {
				t.Errorf("%s imports %s: %s", f.path, to, why)
			}
		}
	}
}

func TestOnlyGuestmemTouchesGuestMemory(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || f.dir == "hostfuncs/guestmem" || within(f.dir, "guest-sdk") || within(f.dir, "bench") || !imports(f, "github.com/tetratelabs/wazero/api") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if ok && regexp.MustCompile(`^(Read|Write)((Uint|Float)\d\dLe|Byte|String)$`).MatchString(sel.Sel.Name) {
				t.Errorf("%s: %s: only hostfuncs/guestmem reads or writes guest memory", f.set.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}

func imports(f goFile, path string) bool {
	for _, spec := range f.ast.Imports {
		if strings.Trim(spec.Path.Value, `"`) == path {
			return true
		}
	}
	return false
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments, packages := map[string]int{}, map[string]bool{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		packages[f.dir] = true
		if f.ast.Doc != nil {
			comments[f.dir]++
		}
	}
	for dir := range packages {
		if comments[dir] != 1 {
			t.Errorf("%s has %d package comments, want 1", dir, comments[dir])
		}
	}
}

func TestExportedItemsAreDocumented(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || f.ast.Name.Name == "main" {
			continue
		}
		for _, decl := range f.ast.Decls {
			for _, ident := range undocumented(decl) {
				t.Errorf("%s: %s has no comment", f.set.Position(ident.Pos()), ident.Name)
			}
		}
	}
}

// undocumented gives the exported names of a declaration that no comment explains. A comment on a group of constants or variables counts for
// each of them.
func undocumented(decl ast.Decl) (names []*ast.Ident) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				if s.Doc == nil && d.Doc == nil && s.Comment == nil && s.Names[0].IsExported() {
					names = append(names, s.Names[0])
				}
			}
		}
	}
	return names
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	ident, ok := t.(*ast.Ident)
	return ok && ident.IsExported()
}

// Sizes beyond which a function or file is cut in two. The exceptions may only become fewer.
const (
	functionLinesMax = 70
	fileLinesMax     = 800
)

var longFunctions = map[string]bool{}

func TestFunctionsAndFilesStaySmall(t *testing.T) {
	for _, f := range goFiles(t) {
		if lines := f.set.Position(f.ast.End()).Line; lines > fileLinesMax {
			t.Errorf("%s has %d lines, at most %d", f.path, lines, fileLinesMax)
		}
		if f.test {
			continue
		}
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1
			if key := f.path + ":" + fn.Name.Name; lines > functionLinesMax && !longFunctions[key] {
				t.Errorf("%s has %d lines, at most %d", key, lines, functionLinesMax)
			}
		}
	}
}

func TestNothingRegistersItselfAndNothingIsCalledUtils(t *testing.T) {
	for _, f := range goFiles(t) {
		if regexp.MustCompile(`(^|/)(utils?|helpers?|common|misc)(/|$)`).MatchString(f.dir) {
			t.Errorf("%s: a folder is named for what is in it", f.dir)
		}
		if f.test || within(f.dir, "examples") {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: no init functions", f.set.Position(fn.Pos()))
			}
		}
	}
}

func TestABindingHasOneNameEverywhere(t *testing.T) {
	for _, b := range bindings.All() {
		kind := b.Kind()
		if _, err := os.Stat("hostfuncs/" + kind); err != nil {
			t.Errorf("binding %s has no folder: %v", kind, err)
		}
		if guide(kind) == "" {
			t.Errorf("binding %s has neither a guide docs/%s.md nor an example examples/%s-… with a README.md", kind, kind, kind)
		}
		schema, err := os.ReadFile("abi/" + kind + ".go")
		if err != nil {
			t.Errorf("binding %s has no schema: %v", kind, err)
			continue
		}
		operations := regexp.MustCompile(`(?m)^//pagesrun:op (\S+)`).FindAllSubmatch(schema, -1)
		for _, op := range operations {
			if !strings.HasPrefix(string(op[1]), kind+".") && strings.Contains(string(op[1]), ".") {
				t.Errorf("abi/%s.go has the operation %s of another binding", kind, op[1])
			}
		}
		if event := regexp.MustCompile(`(?m)^type \w+Event struct`).Match(schema); len(operations) == 0 && !event {
			t.Errorf("binding %s has neither operations nor an event", kind)
		}
	}
}

// guide is where people read about a binding.
func guide(kind string) string {
	names := []string{"docs/" + kind + ".md"}
	if kind == "secrets" {
		names = []string{"docs/vars.md"} // to a guest the two are one
	}
	examples, _ := filepath.Glob("examples/" + kind + "-*/README.md")
	for _, name := range append(names, examples...) {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return ""
}

func TestGoModReplacesNothing(t *testing.T) {
	f, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "replace") {
			t.Errorf("go.mod: %s", lines.Text())
		}
	}
}
