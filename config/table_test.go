package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// readTable runs read on the table "t" of a TOML text and gives the problems.
func readTable(t *testing.T, text string, read func(*Table)) string {
	t.Helper()
	var problems Problems
	root := parseTOML("f", []byte(text), &problems)
	if root == nil {
		t.Fatal(problems)
	}
	read(NewTable(root.Get("t"), "t", &problems))
	return problems.Error()
}

func TestTableReportsWhatIsWrong(t *testing.T) {
	cases := []struct {
		name, text string
		read       func(*Table)
		want       string
	}{
		{"a required key that is absent", "\n[t]", func(t *Table) { t.String("a", Required) }, "f:2: t.a: is required and must be a string"},
		{"a required string that is empty", "[t]\na = ''", func(t *Table) { t.String("a", Required) }, "f:2: t.a: must not be empty"},
		{"an optional string that is absent", "[t]", func(t *Table) { t.String("a", Optional) }, ""},
		{"a number where a string is wanted", "[t]\na = 1", func(t *Table) { t.String("a", Optional) }, "f:2: t.a: must be a string, not an integer"},
		{"a string where a boolean is wanted", "[t]\na = 'true'", func(t *Table) { t.Bool("a", false) }, "f:2: t.a: must be a boolean, not a string"},
		{"a date where an integer is wanted", "[t]\na = 2026-01-01", func(t *Table) { t.Int("a", 0, 0, 1) }, "f:2: t.a: must be an integer, not a date"},
		{"a fraction where an integer is wanted", "[t]\na = 1.5", func(t *Table) { t.Int("a", 0, 0, 9) }, "f:2: t.a: must be an integer, not 1.5"},
		{"a float too large to be exact", "[t]\na = 1e300", func(t *Table) { t.Int("a", 0, 0, 9) }, "f:2: t.a: must be an integer, not 1e+300"},
		{"an integer below its bounds", "[t]\na = -1", func(t *Table) { t.Int("a", 0, 0, 9) }, "f:2: t.a: must be between 0 and 9, not -1"},
		{"another word than the options", "[t]\na = 'z'", func(t *Table) { t.OneOf("a", "x", "x", "y") }, `f:2: t.a: must be one of "x", "y", not "z"`},
		{"a string where a list is wanted", "[t]\na = 'z'", func(t *Table) { t.Strings("a") }, "f:2: t.a: must be an array of strings, not a string"},
		{"a number in a list of strings", "[t]\na = ['x',\n1]", func(t *Table) { t.Strings("a") }, "f:3: t.a[1]: must be a string, not an integer"},
		{"a value where a table is wanted", "[t]\na = 1", func(t *Table) { t.Table("a") }, "f:2: t.a: must be a table, not an integer"},
		{"unknown keys of a table within", "[t.a]\nb = 1", func(t *Table) { t.Table("a").RejectUnknown() }, `f:2: t.a.b: Unexpected fields found in t.a field: "b"`},
		{"a misspelt key", "[t]\nbindng = 1", func(t *Table) { t.Has("binding"); t.RejectUnknown() }, `f:2: t.bindng: Unexpected fields found in t field: "bindng". Did you mean "binding"?`},
		{"a table that is none", "t = 1", func(t *Table) { t.RejectUnknown() }, "f:1: t: must be a table, not an integer"},
		{"a table that is absent", "", func(t *Table) { t.RejectUnknown() }, ""},
		{"a message of one's own", "[t]\na = 1", func(t *Table) { t.Fail("a", "is %s", "odd") }, "f:2: t.a: is odd"},
		{"a message about the table", "\n[t]", func(t *Table) { t.Warn("", "is odd") }, "f:2: t: is odd"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := readTable(t, c.text, c.read); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTableGivesValues(t *testing.T) {
	const text = "[t]\ns = 'x'\ni = 7\nf = 8.0\nb = true\nl = ['p', 'q']\nsub = { k = 'v' }"
	problems := readTable(t, text, func(table *Table) {
		got := fmt.Sprintln(table.String("s", Required), table.Int("i", 1, 0, 10), table.Int("f", 1, 0, 10), table.Int("none", 1, 2, 3),
			table.Bool("b", false), table.Bool("none", true), table.Strings("l"), table.Table("sub").String("k", Required),
			table.OneOf("none", "d", "e"), table.PosOf("l").Line, table.Pos().Line, table.Has("nope"))
		if want := "x 7 8 1 true true [p q] v d 6 1 false\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		table.RejectUnknown()
	})
	if problems != "" {
		t.Error(problems)
	}
}

func TestEachTableSkipsWhatIsNone(t *testing.T) {
	var problems Problems
	root := parseTOML("f", []byte("a = [{ n = '0' }, 1, { n = '2' }]\nb = 1"), &problems)
	var seen []string
	read := func(t *Table) { seen = append(seen, t.Path("n")+"="+t.String("n", Required)) }
	EachTable(root.Get("a"), "a", &problems, read)
	EachTable(root.Get("b"), "b", &problems, read)
	EachTable(nil, "c", &problems, read)
	if !slices.Equal(seen, []string{"a[0].n=0", "a[2].n=2"}) {
		t.Error(seen)
	}
	if got := problems.Error(); got != "f:1: a[1]: must be a table, not an integer\nf:2: b: must be an array of tables, not an integer" {
		t.Error(got)
	}
}

func TestNearestSuggestsOnlyWhatIsNear(t *testing.T) {
	candidates := []string{"name", "vars", "kv_namespaces", "compatibility_date"}
	cases := map[string]string{
		"nmae": "name", "Name": "name", "var": "vars", "kv-namespace": "kv_namespaces", "compatability_date": "compatibility_date",
		"zzzz": "", "": "", strings.Repeat("n", 1000): "",
	}
	for word, want := range cases {
		if got := nearest(word, candidates); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestCheckUnique(t *testing.T) {
	use := func(name, kind string, line int) BindingUse { return BindingUse{name, kind, Pos{"f", line}} }
	const advice = " Bindings must have unique names, because the name is all a function has to tell them apart."
	cases := []struct {
		name string
		uses []BindingUse
		want string
	}{
		{"different names", []BindingUse{use("A", "kv", 1), use("B", "kv", 2), use("a", "kv", 3)}, ""},
		{"two of one kind", []BindingUse{use("A", "kv", 1), use("A", "kv", 2)}, "f:2: A: A assigned to multiple kv bindings." + advice},
		{"two kinds", []BindingUse{use("A", "kv", 1), use("A", "vars", 2)}, "f:2: A: A assigned to kv and vars bindings." + advice},
		{"three kinds", []BindingUse{use("A", "kv", 1), use("A", "vars", 2), use("A", "r2", 3), use("A", "kv", 4)}, "f:4: A: A assigned to kv, vars, and r2 bindings." + advice},
		{"two names at once", []BindingUse{use("A", "kv", 1), use("B", "kv", 2), use("B", "kv", 3), use("A", "kv", 4)},
			"f:4: A: A assigned to multiple kv bindings." + advice + "\nf:3: B: B assigned to multiple kv bindings." + advice},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := checkUnique(c.uses).Error(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheNameASSETSIsReservedInPagesProjectsOnly(t *testing.T) {
	uses := []BindingUse{{"ASSETS", "kv", Pos{"f", 3}}}
	pages := &Config{PagesOutputDir: "dist"}
	if got := pages.CheckBindings(uses).Error(); got != "f:3: ASSETS: The name 'ASSETS' is reserved in Pages projects. Please use a different name for your kv binding." {
		t.Error(got)
	}
	if got := (&Config{}).CheckBindings(uses); got != nil {
		t.Error(got)
	}
}
