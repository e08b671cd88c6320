package pagesrun_test

import (
	"go/ast"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// faultIDs are how many faults each group of the table in docs/reliability.md has: D storage, G guests, A calls, H HTTP, P process.
var faultIDs = map[string]int{"D": 10, "G": 14, "A": 6, "H": 11, "P": 6}

// faultRow is a line of that table.
type faultRow struct{ id, by, seen string }

// faultRows reads the table.
func faultRows(t *testing.T) (rows []faultRow) {
	t.Helper()
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^[A-Z]\d+$`)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if first := strings.TrimSpace(cells[0]); id.MatchString(first) {
			if len(cells) != 5 {
				t.Fatalf("%s has %d cells, not 5", first, len(cells))
			}
			rows = append(rows, faultRow{first, cells[3], strings.TrimSpace(cells[4])})
		}
	}
	return rows
}

// instruments are the names of torture's, which are in literals with a name and a question.
func instruments(files []goFile) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		if !within(f.dir, "torture") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if ok {
				if values := stringFields(literal); values["Question"] != "" {
					names[values["Name"]] = true
				}
			}
			return true
		})
	}
	return names
}

// stringFields gives the fields of a literal that are strings.
func stringFields(literal *ast.CompositeLit) map[string]string {
	values := map[string]string{}
	for _, e := range literal.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isName := kv.Key.(*ast.Ident)
		value, isLiteral := kv.Value.(*ast.BasicLit)
		if isName && isLiteral {
			values[key.Name], _ = strconv.Unquote(value.Value)
		}
	}
	return values
}

// testFunctions are the tests and fuzz targets, each as "./directory TestName".
func testFunctions(files []goFile) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && f.test && fn.Recv == nil && regexp.MustCompile(`^(Test|Fuzz)[A-Z]`).MatchString(fn.Name.Name) {
				dir := "./" + f.dir
				if f.dir == "." {
					dir = "."
				}
				names[dir+" "+fn.Name.Name] = true
			}
		}
	}
	return names
}

func TestEveryFaultHasATestThatIsThere(t *testing.T) {
	if os.Getenv(inCopy) != "" {
		t.Skip("the copy has no instruments")
	}
	files := goFiles(t)
	tests, tools := testFunctions(files), instruments(files)
	if len(tests) < 300 || len(tools) < 10 {
		t.Fatalf("%d tests and %d instruments are found", len(tests), len(tools))
	}
	left := map[string]bool{}
	for group, n := range faultIDs {
		for i := range n {
			left[group+strconv.Itoa(i+1)] = true
		}
	}
	for _, row := range faultRows(t) {
		if !left[row.id] {
			t.Errorf("%s is there twice, or is new", row.id)
		}
		delete(left, row.id)
		checkFault(t, row, tests, tools)
	}
	if len(left) > 0 {
		t.Errorf("docs/reliability.md lacks %v", left)
	}
}

// checkFault checks that what tries a fault exists, and that an exception has its date and a reason.
func checkFault(t *testing.T, row faultRow, tests, tools map[string]bool) {
	t.Helper()
	named := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row.by, -1)
	for _, n := range named {
		if tool, ok := strings.CutPrefix(n[1], "torture "); ok && tools[tool] || tests[n[1]] {
			continue
		}
		t.Errorf("%s: there is no %q", row.id, n[1])
	}
	if len(named) == 0 || row.seen == "" {
		t.Errorf("%s is tried by nothing, or nothing was seen", row.id)
	}
	if strings.Contains(row.seen, "xception") && !regexp.MustCompile(`Exception \(\d{4}-\d\d-\d\d\): \S+ \S+ `).MatchString(row.seen) {
		t.Errorf("%s: an exception has a date and a reason: %s", row.id, row.seen)
	}
}
