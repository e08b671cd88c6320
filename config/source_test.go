package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTextThatIsNoneIsRefused(t *testing.T) {
	cases := []struct{ name, file, text, want string }{
		{"a byte order mark is taken off TOML", "wrangler.toml", "\ufeffname = 'a'", ""},
		{"a byte order mark is taken off JSON", "wrangler.json", "\ufeff{}", ""},
		{"carriage returns are line ends of TOML", "wrangler.toml", "name = 'a'\r\n[vars]\r\nA = 1\r\n", ""},
		{"carriage returns are spaces of JSON", "wrangler.json", "{\r\n\"name\": \"a\"\r\n}\r\n", ""},
		{"carriage returns leave lines right", "wrangler.toml", "name = 'a'\r\n\r\nmain = ''\r\n", "wrangler.toml:3: main: must not be empty"},
		{"an empty TOML file is fine", "wrangler.toml", "", ""},
		{"an empty JSON file is not", "wrangler.json", "", "wrangler.json:1: is not valid JSON: parsing value: the file ends too early"},
		{"a NUL byte", "wrangler.toml", "name = 'a'\nx = '\x00'", "wrangler.toml:2: contains a NUL byte"},
		{"UTF-16", "wrangler.json", "\xff\xfe{\x00}\x00", "wrangler.json:1: is UTF-16 text"},
		{"Latin-1", "wrangler.toml", "# ok\n\n# gr\xfcn", "wrangler.toml:3: contains the byte 0xfc, which is not UTF-8"},
		{"a file of the largest size", "wrangler.toml", strings.Repeat("#", MaxFileBytes), ""},
		{"a larger one", "wrangler.toml", strings.Repeat("#", MaxFileBytes+1), "larger than the limit of 1048576 bytes (MaxFileBytes)"},
		{"TOML arrays at the limit", "wrangler.toml", nested("[vars]\nA = ", "[", MaxNesting-2, "]"), ""},
		{"TOML arrays past the limit", "wrangler.toml", nested("[vars]\nA = ", "[", MaxNesting-1, "]"), "wrangler.toml:2: tables and arrays are nested deeper than the limit of 64 (MaxNesting)"},
		{"TOML inline tables past the limit", "wrangler.toml", nested("A = ", "{a=", MaxNesting+1, "}"), "(MaxNesting)"},
		{"TOML dotted keys past the limit", "wrangler.toml", strings.Repeat("a.", MaxNesting) + "a = 1", "(MaxNesting)"},
		{"TOML headers past the limit", "wrangler.toml", "[" + strings.Repeat("a.", MaxNesting) + "a]", "(MaxNesting)"},
		{"TOML headers and keys past the limit", "wrangler.toml", "[" + strings.Repeat("a.", 40) + "a]\n" + strings.Repeat("a.", 40) + "a = 1", "wrangler.toml:2: tables"},
		{"very deep TOML", "wrangler.toml", "A = " + strings.Repeat("[", 500_000), "wrangler.toml:1: "},
		{"JSON at the limit", "wrangler.json", nested(`{"vars":{"A":`, "[", MaxNesting-2, "]") + "}}", ""},
		{"JSON past the limit", "wrangler.json", nested("{\"vars\":\n{\"A\":", "[", MaxNesting-1, "]") + "}}", "wrangler.json:2: tables and arrays are nested deeper"},
		{"very deep JSON", "wrangler.json", strings.Repeat("[", 1_000_000), "(MaxNesting)"},
		{"brackets in JSON strings and comments do not count", "wrangler.json", "{\"vars\": {\"A\": \"\\\"" + strings.Repeat("[", 100) + "\"} /*" + strings.Repeat("{", 100) + "*/ //" + strings.Repeat("{", 100) + "\n}", ""},
		{"TOML values past the limit", "wrangler.toml", "[vars]\nA = [" + strings.Repeat("1,\n", MaxValues) + "]", "has more than the limit of 10000 values (MaxValues)"},
		{"TOML keys past the limit", "wrangler.toml", manyKeys("k%d = 1\n", MaxValues+1), "wrangler.toml:10001: has more than the limit"},
		{"JSON values past the limit", "wrangler.json", `{"vars": {"A": [` + strings.Repeat("1,\n", MaxValues) + "]}}", "has more than the limit"},
		{"a JSON number past all limits", "wrangler.json", "{\"vars\": {\n\"A\": 1e999}}", "wrangler.json:2: vars.A: the number 1e999 is too large"},
		{"a TOML integer past all limits", "wrangler.toml", "[vars]\nA = 99999999999999999999", "wrangler.toml:2: "},
		{"an inline table cannot be extended", "wrangler.toml", "a = {b = 1}\na.c = 2", "wrangler.toml:2: "},
		{"an array of values cannot take tables", "wrangler.toml", "a = []\n[[a]]", "wrangler.toml:2: a: is not valid TOML"},
		{"a value cannot take keys", "wrangler.toml", "a = 1\n[a.b]", "wrangler.toml:2: a: is given twice; the first is on line 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, c.file), c.text)
			_, problems := Load(Options{Dir: dir, Sections: []string{"vars"}})
			got := fmt.Sprint(problems.Err())
			if c.want == "" && got != "<nil>" || !strings.Contains(got, c.want) {
				t.Errorf("got %.300s, want %s", got, c.want)
			}
		})
	}
}

func nested(before, open string, n int, shut string) string {
	return before + strings.Repeat(open, n) + "1" + strings.Repeat(shut, n)
}

func manyKeys(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "x.toml"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, problems := Load(Options{Dir: dir, File: "x.toml"})
	if got := problems.Error(); got != "x.toml: cannot be read: is a directory" {
		t.Error(got)
	}
}

func TestLoadWithZeroOptionsUsesTheCurrentDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "wrangler.toml", "main = 'a.wasm'\nmani = 1")
	c, problems := Load(Options{})
	if c.Path != "wrangler.toml" || len(problems) != 1 || !problems[0].Warning || filepath.Base(c.Main) != "a.wasm" {
		t.Errorf("%+v %v", c, problems)
	}
}

func TestProblemsSortByPlace(t *testing.T) {
	ps := Problems{
		{Pos: Pos{"b", 2}, Message: "1"}, {Pos: Pos{"b", 1}, Message: "2"}, {Pos: Pos{"a", 9}, Message: "3"}, {Pos: Pos{"b", 1}, Message: "4"},
	}
	ps.Sort()
	if got := ps.Error(); got != "a:9: 3\nb:1: 2\nb:1: 4\nb:2: 1" {
		t.Error(got)
	}
}
