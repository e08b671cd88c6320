package vars

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// load reads a configuration file of the given name.
func load(t testing.TB, name, text string) (*config.Config, config.Problems) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Options{File: path, Sections: New().Sections()})
}

// opened decodes and opens the variables of a file.
func opened(t testing.TB, name, text string) hostfuncs.Operation {
	t.Helper()
	cfg, problems := load(t, name, text)
	resources, more := New().Decode(cfg)
	if err := append(problems, more...).Err(); err != nil {
		t.Fatal(err)
	}
	live, err := New().Open(t.Context(), hostfuncs.Host{}, resources)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { live.Close(t.Context()) })
	return live.Operations()[0]
}

func get(t testing.TB, op hostfuncs.Operation, name string) (reply abi.VarsGetReply, err error) {
	t.Helper()
	b, err := op.Run(t.Context(), hostfuncs.NewCall(name, nil), (&abi.VarsGetRequest{}).AppendCBOR(nil), nil)
	if err == nil {
		err = reply.DecodeCBOR(b)
	}
	return reply, err
}

func TestGuestsGetTextAndJSON(t *testing.T) {
	toml := opened(t, "wrangler.toml", `name = "x"
[vars]
TEXT = "a \"b\" é"
EMPTY = ""
DIGITS = "1"
INTEGER = 1
NEGATIVE = -7
LARGE = 9007199254740993
FLOAT = 1.5
WHOLE = 1.0
TINY = 1e-9
YES = true
ARRAY = [1, "a", [true]]
TABLE = {b = 1, a = {c = "<&>"}}
NONE = []
NOTHING = {}
`)
	json := opened(t, "wrangler.json", `{"name": "x", "vars": {"NULL": null, "NESTED": {"z": [null, 1.25], "a": "\u0041"}, "TEXT": "t"}}`)
	for _, c := range []struct {
		op     hostfuncs.Operation
		name   string
		value  string
		isJSON bool
	}{
		{toml, "TEXT", `a "b" é`, false},
		{toml, "EMPTY", "", false},
		{toml, "DIGITS", "1", false},
		{toml, "INTEGER", "1", true},
		{toml, "NEGATIVE", "-7", true},
		{toml, "LARGE", "9007199254740993", true},
		{toml, "FLOAT", "1.5", true},
		{toml, "WHOLE", "1", true},
		{toml, "TINY", "1e-9", true},
		{toml, "YES", "true", true},
		{toml, "ARRAY", `[1,"a",[true]]`, true},
		{toml, "TABLE", `{"b":1,"a":{"c":"<&>"}}`, true},
		{toml, "NONE", "[]", true},
		{toml, "NOTHING", "{}", true},
		{json, "NULL", "null", true},
		{json, "NESTED", `{"z":[null,1.25],"a":"A"}`, true},
		{json, "TEXT", "t", false},
	} {
		got, err := get(t, c.op, c.name)
		if err != nil || got.Value != c.value || got.IsJSON != c.isJSON {
			t.Errorf("%s: got %q (JSON %v), %v; want %q (JSON %v)", c.name, got.Value, got.IsJSON, err, c.value, c.isJSON)
		}
	}
	if _, err := get(t, toml, "MISSING"); !errors.Is(err, abi.CodeNotConfigured) {
		t.Errorf("an unknown variable gave %v", err)
	}
}

func TestLimitsAndValuesThatAreRefused(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "V%d = %d\n", i, i)
		}
		return b.String()
	}
	for _, c := range []struct{ name, vars, want string }{
		{"128 variables are the most", many(128), ""},
		{"129 variables are too many", many(129), "vars: at most 128 variables are allowed, secrets counted, and there are 129"},
		{"5 KiB are the longest text", `V = "` + strings.Repeat("x", 5120) + `"`, ""},
		{"5 KiB and a byte are too long", `V = "` + strings.Repeat("x", 5121) + `"`, "vars.V: must have at most 5120 bytes, not 5121"},
		{"JSON is measured as it is sent", `V = ["` + strings.Repeat("x", 5116) + `"]`, ""},
		{"JSON of 5 KiB and a byte is too long", `V = ["` + strings.Repeat("x", 5117) + `"]`, "vars.V: must have at most 5120 bytes, not 5121"},
		{"infinity is no JSON", `V = inf`, "vars.V: +Inf cannot be a variable: JSON has no such number; write it as a string"},
		{"a name of 257 bytes is too long", strings.Repeat("N", 257) + ` = "v"`, "vars: a name must have at most 256 bytes, not 257"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := load(t, "wrangler.toml", "name = \"x\"\n[vars]\n"+c.vars)
			_, problems := New().Decode(cfg)
			got := ""
			if len(problems) > 0 {
				got = problems[0].Key + ": " + problems[0].Message
				if problems[0].Pos.Line == 0 {
					t.Error("the problem has no line")
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSecretsCountAsVariables(t *testing.T) {
	cfg, _ := load(t, "wrangler.toml", "name = \"x\"\n[vars]\nA = 1\n")
	cfg.Secrets = make([]config.Secret, 127)
	if _, problems := New().Decode(cfg); len(problems) > 0 {
		t.Errorf("128 together gave %v", problems)
	}
	cfg.Secrets = make([]config.Secret, 128)
	if _, problems := New().Decode(cfg); len(problems) != 1 {
		t.Errorf("129 together gave %v", problems)
	}
}

func TestTheListAtStartShowsShortValues(t *testing.T) {
	cfg, _ := load(t, "wrangler.toml", "name = \"x\"\n[vars]\nA = \"text\"\nB = 1\nC = \""+strings.Repeat("é", 50)+"\"\n")
	resources, _ := New().Decode(cfg)
	var got []string
	for _, r := range resources {
		got = append(got, r.BindingName()+"="+r.Describe())
	}
	if want := `A="text" B=1 C="` + strings.Repeat("é", 40) + `…"`; strings.Join(got, " ") != want {
		t.Errorf("got %s", got)
	}
}
