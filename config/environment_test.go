package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// loadText loads a wrangler.toml with the given text.
func loadText(t testing.TB, text string, opts Options) (*Config, Problems) {
	t.Helper()
	opts.Dir = t.TempDir()
	writeFile(t, filepath.Join(opts.Dir, "wrangler.toml"), text)
	if opts.Sections == nil {
		opts.Sections = []string{"vars", "kv_namespaces"}
	}
	return Load(opts)
}

// sampleValues are values of the kind a key wants; any other key takes a string.
var sampleValues = map[string]string{
	"compatibility_date": `"2026-04-01"`, "limits": `{ cpu_ms = 5 }`, "pagesrun": `{ isolation = "instance" }`,
	"secrets": `{ required = [] }`, "vars": `{ A = "1" }`, "dev": `{ port = 1 }`, "kv_namespaces": `[{ binding = "A" }]`,
	"build": `{ command = "make" }`,
}

func sample(key string) string {
	if v := sampleValues[key]; v != "" {
		return v
	}
	return `"sample"`
}

// TestInheritance sets every known key at the top level, in the environment and in both, and checks which one counts.
func TestInheritance(t *testing.T) {
	for _, r := range keyRules() {
		if r.name == "env" || r.name == "pages_build_output_dir" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			line := r.name + " = " + sample(r.name) + "\n"
			if strings.HasPrefix(r.name, "$") {
				line = `"` + r.name + `" = "x"` + "\n"
			}
			checkSource(t, r, line+"[env.staging]\n", map[scope]int{inheritable: 1, topOnly: 1})
			checkSource(t, r, "[env.staging]\n"+line, map[scope]int{inheritable: 2, separate: 2})
			checkSource(t, r, line+"[env.staging]\n"+line, map[scope]int{inheritable: 3, separate: 3, topOnly: 1})
		})
	}
}

// checkSource loads text for the environment "staging" and checks on which line the effective value stands; 0 for nowhere.
func checkSource(t *testing.T, r keyRule, text string, want map[scope]int) {
	t.Helper()
	c, problems := loadText(t, text, Options{Env: "staging"})
	if err := problems.Err(); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	got := 0
	if n := c.Section(r.name); n != nil {
		got = n.Pos.Line
	}
	if got != want[r.scope] {
		t.Errorf("the value of line %d counts, want line %d of\n%s", got, want[r.scope], text)
	}
	lost := strings.Contains(problems.Error(), `"`+r.name+`" exists at the top level, but not on "env.staging"`)
	if wantLost := r.scope == separate && !strings.HasPrefix(text, "[env"); lost != (wantLost && got == 0) {
		t.Errorf("warned of the missing key = %v in\n%s%v", lost, text, problems)
	}
}

func TestInheritanceDetails(t *testing.T) {
	cases := []struct {
		name, text, env string
		want            func(*Config) string
		value           string
		problem         string // a part of one problem; empty for none at all
	}{
		{"an environment's name gets the application's in front", "name = 'app'\n[env.prod]", "prod", name, "app-prod", ""},
		{"an environment's own name stays as it is", "name = 'app'\n[env.prod]\nname = 'other'", "prod", name, "other", ""},
		{"without a name there is nothing to add to", "[env.prod]", "prod", name, "", ""},
		{"the top level is used when no environment is chosen", "name = 'app'\n[env.prod]\nname = 'other'", "", name, "app", ""},
		{"a bad name of an environment is named", "[env.prod]\nname = 'A'", "prod", name, "A", "wrangler.toml:2: env.prod.name: \"A\" is no valid name"},
		{"a name that starts with a dash is bad", "name = '-a'", "", name, "-a", "no valid name"},
		{"a name of one underscore is fine", "name = '_'", "", name, "_", ""},
		{"an environment's variables replace all others", "[vars]\nA = 'a'\n[env.prod.vars]\nB = 'b'", "prod", varNames, "B", `"vars.A" exists at the top level, but not on "env.prod.vars"`},
		{"a variable of both is the environment's", "[vars]\nA = 'a'\n[env.prod.vars]\nA = 'b'", "prod", varNames, "A", ""},
		{"variables of other environments do not count", "[env.dev.vars]\nA = 'a'\n[env.prod.vars]\nB = 'b'", "prod", varNames, "B", ""},
		{"an environment without variables has none", "[vars]\nA = 'a'\n[env.prod]", "prod", varNames, "", `"vars" exists at the top level, but not on "env.prod"`},
		{"an empty table of variables is a statement", "[vars]\n[env.prod.vars]", "prod", varNames, "", ""},
		{"an environment's path names its problems", "[env.prod]\nvars = 1", "prod", varNames, "", "wrangler.toml:2: env.prod.vars: must be a table"},
		{"main of an environment is seen from the file", "main = 'a.wasm'\n[env.prod]\nmain = 'b/c.wasm'", "prod", mainFile, "c.wasm", ""},
		{"an unknown environment is an error beside others", "[env.dev]", "prod", name, "", `No environment found in configuration with name "prod". The available configured environment names are: ["dev"]`},
		{"an empty table of environments is as good as none", "name = 'a'\n[env]", "prod", name, "a", `No environment found in configuration with name "prod".`},
		{"a fallback keeps what is not inherited", "[vars]\nA = 'a'", "prod", varNames, "A", `No environment found`},
		{"Pages falls back without a word", "name = 'a'\npages_build_output_dir = '.'\n[env.preview]", "production", name, "a", ""},
		{"Pages falls back for its own environments only", "name = 'a'\npages_build_output_dir = '.'", "staging", name, "a", "No environment found"},
		{"an environment may be called like a key", "[env.env]\nname = 'x'", "env", name, "x", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, problems := loadText(t, c.text, Options{Env: c.env})
			if v := c.want(got); v != c.value {
				t.Errorf("got %q, want %q", v, c.value)
			}
			if text := problems.Error(); !strings.Contains(text, c.problem) || (c.problem == "") != (text == "") {
				t.Errorf("problems are %q, want %q", text, c.problem)
			}
		})
	}
}

func name(c *Config) string     { return c.Name }
func mainFile(c *Config) string { return filepath.Base(c.Main) }
func varNames(c *Config) string {
	var names []string
	if vars := c.Section("vars"); vars != nil {
		for _, e := range vars.Table {
			if !strings.HasPrefix(e.Key, "CF_PAGES") {
				names = append(names, e.Key)
			}
		}
	}
	return strings.Join(names, " ")
}

func TestASectionOfABindingWranglerDoesNotKnowIsSupported(t *testing.T) {
	opts := Options{Env: "prod", Sections: []string{"lasers"}}
	c, problems := loadText(t, "[[lasers]]\nbinding = 'A'\n[[env.prod.lasers]]\nbinding = 'B'", opts)
	if len(problems) > 0 || c.Key("lasers") != "env.prod.lasers" || c.Section("lasers").Items[0].Get("binding").Str != "B" {
		t.Errorf("key %s, problems %v", c.Key("lasers"), problems)
	}
}

func TestKnownKeysAreListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range keyRules() {
		if seen[r.name] {
			t.Errorf("%s is listed twice", r.name)
		}
		seen[r.name] = true
	}
	if len(seen) < 80 {
		t.Errorf("only %d keys are known", len(seen))
	}
}
