package d1

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/config"
)

// load loads a configuration file with the given content.
func load(t *testing.T, toml string) (*config.Config, config.Problems) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrangler.toml")
	if err := os.WriteFile(path, []byte("name = \"app\"\n"+toml+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Options{File: path, Sections: New().Sections()})
}

func TestConfiguration(t *testing.T) {
	for _, c := range []struct {
		name string
		toml string
		want string // what was decoded, or what is wrong
	}{
		{"nothing", ``, ""},
		{"the database id", "[[d1_databases]]\nbinding = \"DB\"\ndatabase_id = \"1\"", "DB=1 name= d1_migrations migrations"},
		{"the preview id wins", "[[d1_databases]]\nbinding = \"DB\"\npreview_database_id = \"2\"\ndatabase_id = \"1\"", "DB=2 name= d1_migrations migrations"},
		{"the binding where there is no id", "[[d1_databases]]\nbinding = \"DB\"\ndatabase_name = \"shop\"", "DB=DB name=shop d1_migrations migrations"},
		{"table and directory of the migrations", "[[d1_databases]]\nbinding = \"DB\"\nmigrations_table = \"done\"\nmigrations_dir = \"sql\"", "DB=DB name= done sql"},
		{"two bindings of one database", "d1_databases = [{binding = \"A\", database_id = \"1\"}, {binding = \"B\", database_id = \"1\"}]", "A=1 name= d1_migrations migrations B=1 name= d1_migrations migrations"},
		{"remote is allowed with a warning", "[[d1_databases]]\nbinding = \"DB\"\nremote = true", "DB=DB name= d1_migrations migrations wrangler.toml:4: d1_databases[0].remote: is not supported: pagesrun keeps all data on this machine"},
		{"no binding", "[[d1_databases]]\ndatabase_id = \"1\"", "wrangler.toml:2: d1_databases[0].binding: is required and must be a string"},
		{"an empty id", "[[d1_databases]]\nbinding = \"DB\"\ndatabase_id = \"\"", "wrangler.toml:4: d1_databases[0].database_id: must not be empty"},
		{"an empty directory", "[[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \"\"", "wrangler.toml:4: d1_databases[0].migrations_dir: must not be empty"},
		{"a binding that is too long", "[[d1_databases]]\nbinding = \"" + strings.Repeat("D", 300) + "\"", "wrangler.toml:3: d1_databases[0].binding: must have at most"},
		{"an unknown key", "[[d1_databases]]\nbinding = \"DB\"\ndatabase = \"7\"", "wrangler.toml:4: d1_databases[0].database: Unexpected fields found in d1_databases[0] field: \"database\""},
		{"no array", "d1_databases = 1", "wrangler.toml:2: d1_databases: must be an array of tables, not an integer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, problems := load(t, c.toml)
			if problems.Err() != nil {
				t.Fatal(problems.Err())
			}
			list, problems := Databases(cfg)
			var got []string
			if problems.Err() == nil {
				for _, r := range list {
					got = append(got, fmt.Sprintf("%s=%s name=%s %s %s", r.BindingName(), strings.TrimPrefix(r.Describe(), "id "), r.Name, r.MigrationsTable, r.MigrationsDir))
				}
			}
			for _, p := range problems {
				p.Pos.File = filepath.Base(p.Pos.File)
				got = append(got, p.Error())
			}
			if s := strings.Join(got, " "); s != c.want && !(len(problems) > 0 && strings.HasPrefix(s, c.want)) {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestFileNames(t *testing.T) {
	for id, want := range map[string]string{
		"db":                     "d1-db.sqlite",
		"DB":                     "d1-~44~42.sqlite",
		"../x":                   "d1-~2e~2e~2fx.sqlite",
		strings.Repeat("a", 121): "d1-" + strings.Repeat("a", 56) + "~~" + "ac9f2f1a5ec6d75e2ad1eb6ed5e4e9bd1ad5d1d32aaa6e1a1d5c6f3e6fa1b3a5" + ".sqlite",
	} {
		got := FileName(id)
		if len(id) > 120 {
			if len(got) != len(want) || got[:61] != want[:61] {
				t.Errorf("%d bytes: %s", len(id), got)
			}
		} else if got != want {
			t.Errorf("%q: %s, want %s", id, got, want)
		}
	}
}
