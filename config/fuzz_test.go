package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// seedFiles adds the files of a syntax from the cases as seeds.
func seedFiles(f *testing.F, extensions ...string) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		for _, file := range caseFiles(f, path) {
			for _, e := range extensions {
				if filepath.Ext(file.name) == e || filepath.Base(file.name) == e {
					f.Add(file.data)
				}
			}
		}
	}
}

// loadBytes loads a file of the given name in dir with every option in use and checks what always holds.
func loadBytes(t *testing.T, dir, name string, data []byte) {
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	opts := Options{Dir: dir, KV: []string{"A", "B=1"}, Vars: []string{"C=2"}, Sections: []string{"vars", "kv_namespaces"}, Git: GitHead}
	opts.Env = []string{"", "staging", "production"}[len(data)%3]
	c, problems := Load(opts)
	for _, s := range Settings() {
		if v := *s.field(&c.Pagesrun); v < s.Min || v > s.Max {
			t.Errorf("%s is %d", s.Key, v)
		}
	}
	for _, p := range problems {
		if p.Message == "" || p.Pos.Line < 0 {
			t.Errorf("%+v", p)
		}
	}
	if vars := c.Section("vars"); vars == nil || vars.Get("C").Str != "2" {
		t.Error("the flag's variable is lost")
	}
}

func FuzzTOML(f *testing.F) {
	seedFiles(f, ".toml")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		loadBytes(t, dir, "wrangler.toml", data)
		var problems Problems
		root := parseTOML("f", data, &problems)
		var document map[string]any
		if root != nil && toml.Unmarshal(data, &document) == nil {
			sameValue(t, root, any(document))
		}
	})
}

func FuzzJSONC(f *testing.F) {
	seedFiles(f, ".json", ".jsonc")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		loadBytes(t, dir, "wrangler.jsonc", data)
		var problems Problems
		root := parseJSON("f", data, &problems)
		var document any
		if root != nil && len(problems) == 0 && json.Unmarshal(data, &document) == nil {
			sameValue(t, root, document)
		}
	})
}

// sameValue compares a tree with what the syntax's own decoder makes of the same text.
func sameValue(t *testing.T, n *Node, want any) {
	switch want := want.(type) {
	case map[string]any:
		if n.Kind != KindTable || len(n.Table) != len(want) {
			t.Fatalf("%v is no table of %d", n, len(want))
		}
		for _, e := range n.Table {
			sameValue(t, e.Value, want[e.Key])
		}
	case []any:
		if n.Kind != KindArray || len(n.Items) != len(want) {
			t.Fatalf("%v is no array of %d", n, len(want))
		}
		for i := range want {
			sameValue(t, n.Items[i], want[i])
		}
	default:
		sameScalar(t, n, want)
	}
}

func sameScalar(t *testing.T, n *Node, want any) {
	same := true
	switch want := want.(type) {
	case nil:
		same = n.Kind == KindNull
	case string:
		same = n.Kind == KindString && n.Str == want
	case bool:
		same = n.Kind == KindBool && n.Bool == want
	case int64:
		same = n.Kind == KindInteger && n.Int == want
	case float64:
		same = n.Kind == KindFloat && (n.Float == want || want != want) || n.Kind == KindInteger && float64(n.Int) == want
	default:
		same = n.Kind == KindDate
	}
	if !same {
		t.Fatalf("%+v is not %v", n, want)
	}
}

func FuzzDotenv(f *testing.F) {
	seedFiles(f, ".dev.vars", ".env", ".local", ".staging")
	f.Add([]byte("A=${B:-$C}\nB=$A\nC=`x\n`"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		loadBytes(t, dir, ".env", data)
		var problems Problems
		names := map[string]bool{}
		for _, s := range parseDotenv("f", data, &problems) {
			if names[s.Name] || s.Name == "" {
				t.Errorf("%q twice or empty", s.Name)
			}
			names[s.Name] = true
		}
	})
}
