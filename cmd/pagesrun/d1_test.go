package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// newD1Shell makes a project with databases; commands are run with "d1" as their first argument.
func newD1Shell(t *testing.T) *kvShell {
	t.Helper()
	s := &kvShell{t: t, dir: t.TempDir(), group: "d1"}
	s.file("wrangler.toml", `name = "x"
[[d1_databases]]
binding = "DB"
database_name = "shop"
database_id = "one"
[[d1_databases]]
binding = "OTHER"
database_id = "two"
migrations_dir = "db/steps"
migrations_table = "steps"
[[env.staging.d1_databases]]
binding = "DB"
database_id = "three"
`)
	return s
}

// fails runs a command that must fail and checks what it says.
func (s *kvShell) fails(status int, text string, args ...string) {
	s.t.Helper()
	if out, errs, got := s.run(args...); got != status || !strings.Contains(errs, text) {
		s.t.Errorf("%v: status %d, printed %q and %q, want %q", args, got, out, errs, text)
	}
}

// timeless is output without the times in it.
func timeless(s string) string {
	return regexp.MustCompile(` in [0-9.]+.?s`).ReplaceAllString(s, " in T")
}

func TestD1ExecuteShowsTables(t *testing.T) {
	s := newD1Shell(t)
	got := s.ok("execute", "DB", "-y", "--command", "CREATE TABLE t (id INTEGER PRIMARY KEY, name, r REAL, b); INSERT INTO t VALUES (1, 'ä' || char(10) || char(27), 2, x'00ff'), (2, NULL, 1.5, ''); "+
		"SELECT * FROM t; SELECT 1 AS none WHERE 0; DELETE FROM t WHERE id = 1 RETURNING id;")
	want := `0 rows changed in T
2 rows changed in T
┌────┬─────────┬─────┬─────────┐
│ id │ name    │ r   │ b       │
├────┼─────────┼─────┼─────────┤
│ 1  │ ä\n\x1b │ 2.0 │ x'00ff' │
│ 2  │ NULL    │ 1.5 │         │
└────┴─────────┴─────┴─────────┘
2 rows in T
┌──────┐
│ none │
└──────┘
0 rows in T
┌────┐
│ id │
├────┤
│ 1  │
└────┘
1 row changed in T
`
	if timeless(got) != want {
		t.Errorf("got\n%s", got)
	}
}

func TestD1ExecutePrintsJSONAsWranglerDoes(t *testing.T) {
	s := newD1Shell(t)
	out := s.ok("execute", "shop", "--json", "--command", `SELECT 9007199254740993 AS i, 0.5 AS r, 'a"<' AS t, x'01ff' AS b, NULL AS n, 1e999 AS inf, 1 AS i; SELECT 1 WHERE 0`)
	var list []struct {
		Results []json.RawMessage
		Success bool
		Meta    map[string]any
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err, out)
	}
	compact := strings.Join(strings.Fields(string(list[0].Results[0])), "")
	if len(list) != 2 || compact != `{"i":1,"r":0.5,"t":"a\"<","b":[1,255],"n":null,"inf":null}` || !list[0].Success || len(list[1].Results) != 0 {
		t.Errorf("got %s", out)
	}
	for _, key := range []string{"served_by", "duration", "changes", "last_row_id", "changed_db", "size_after", "rows_read", "rows_written"} {
		if _, ok := list[0].Meta[key]; !ok {
			t.Errorf("meta has no %s", key)
		}
	}
	if !strings.Contains(out, `"results": []`) {
		t.Error("no rows are not an empty array")
	}
}

func TestD1CommandsFindTheDatabase(t *testing.T) {
	s := newD1Shell(t)
	s.ok("execute", "DB", "--command", "CREATE TABLE t AS SELECT 'one' AS v")
	s.ok("execute", "DB", "--env", "staging", "--command", "CREATE TABLE t AS SELECT 'three' AS v")
	elsewhere := t.TempDir()
	s.ok("execute", "DB", "--persist-to", elsewhere, "--command", "CREATE TABLE t AS SELECT 'elsewhere' AS v")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"one", []string{"DB"}}, {"one", []string{"shop"}}, {"one", []string{"one"}}, {"three", []string{"three"}}, {"three", []string{"DB", "-e", "staging"}},
		{"elsewhere", []string{"DB", "--persist-to", elsewhere}},
	} {
		if out := s.ok(append([]string{"execute", "--command", "SELECT * FROM t"}, c.args...)...); !strings.Contains(out, "│ "+c.want+" ") {
			t.Errorf("%v printed\n%s", c.args, out)
		}
	}
	for _, args := range [][]string{{"execute", "four", "--command", "SELECT 1"}, {"info", "four"}, {"migrations", "list", "four"}, {"migrations", "create", "four", "x"}} {
		s.fails(exitFailed, `no D1 database has the binding, name or id "four"; configured are: DB (shop), OTHER`, args...)
	}
	for _, args := range [][]string{{"info", "OTHER"}, {"export", "OTHER", "--output", "-"}} {
		s.fails(exitFailed, "the database OTHER does not exist yet", args...)
	}
	if _, err := os.Stat(filepath.Join(s.dir, ".pagesrun", "d1", "d1-two.sqlite")); err == nil {
		t.Error("reading has made a database")
	}
}

func TestD1CommandsSayWhatIsWrong(t *testing.T) {
	s := newD1Shell(t)
	bad := s.file("bad.sql", "CREATE TABLE t (a);\n\nINSERT INTO nope VALUES (1);\n")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"no SQL", []string{"execute", "DB"}, exitUsage, "say what to run: --command=SQL or --file=FILE"},
		{"two sources of SQL", []string{"execute", "DB", "--command", "x", "--file", bad}, exitUsage, "can't be used together"},
		{"a syntax error", []string{"execute", "DB", "--command", "SELEC"}, exitFailed, "pagesrun: D1_ERROR: near \"SELEC\": syntax error at offset 0: SQLITE_ERROR\n"},
		{"only a comment", []string{"execute", "DB", "--command= -- x"}, exitFailed, "D1_ERROR: No SQL statements detected."},
		{"a transaction", []string{"execute", "DB", "--command", "BEGIN"}, exitFailed, "To execute a transaction, please use"},
		{"a bad file", []string{"execute", "DB", "--file", bad}, exitFailed, "bad.sql: line 3 (statement 2): D1_ERROR: no such table: nope: SQLITE_ERROR; nothing was changed\n"},
		{"a bad file to import", []string{"import", "DB", bad}, exitFailed, "bad.sql: line 3 (statement 2): D1_ERROR: no such table: nope: SQLITE_ERROR; nothing was changed\n"},
		{"a missing file", []string{"import", "DB", filepath.Join(s.dir, "missing.sql")}, exitFailed, "no such file"},
		{"an unknown table", []string{"export", "DB", "--output", "-", "--table", "nope"}, exitFailed, "no such table: nope"},
		{"nothing to export", []string{"export", "DB", "--output", "-", "--no-data", "--no-schema"}, exitUsage, "can't be used together"},
		{"a folder that is not there", []string{"export", "DB", "--output", filepath.Join(s.dir, "no", "x.sql")}, exitFailed, "no/x.sql cannot be written: no such file or directory"},
		{"a migration without a name", []string{"migrations", "create", "DB", " "}, exitFailed, "cannot be the name of a migration"},
		{"a migration elsewhere", []string{"migrations", "create", "DB", "../x"}, exitFailed, "cannot be the name of a migration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sub := *s
			sub.t = t
			sub.fails(c.status, c.want, c.args...)
		})
	}
	s.fails(exitFailed, "no such table: t:", "execute", "DB", "--command", "SELECT * FROM t")
}

func TestD1MigrationsAreAppliedInOrderAndOnce(t *testing.T) {
	s := newD1Shell(t)
	dir := filepath.Join(s.dir, "migrations")
	s.want("No migrations to apply.\n", "migrations", "list", "DB")
	s.want("[]\n", "migrations", "list", "DB", "--json")
	s.want(filepath.Join(dir, "0001_make_tables.sql")+"\n", "migrations", "create", "DB", "make tables")
	text, err := os.ReadFile(filepath.Join(dir, "0001_make_tables.sql"))
	if err != nil || !regexp.MustCompile(`^-- Migration number: 0001 \t \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$`).Match(text) {
		t.Errorf("%q, %v", text, err)
	}
	s.file("migrations/0001_make_tables.sql", "-- first\nCREATE TABLE t (a);\nINSERT INTO t VALUES (1);")
	s.file("migrations/0010_later.sql", "INSERT INTO t VALUES (10) /* not closed")
	s.file("migrations/0009_trigger.sql", "CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END;\nINSERT INTO t VALUES (9);\n")
	s.file("migrations/notes.txt", "no migration")
	s.want(filepath.Join(dir, "0011_x.sql")+"\n", "migrations", "create", "DB", "x")
	s.want("[\n  \"0001_make_tables.sql\",\n  \"0009_trigger.sql\",\n  \"0010_later.sql\",\n  \"0011_x.sql\"\n]\n", "migrations", "list", "DB", "--json")
	s.want("applied 0001_make_tables.sql\napplied 0009_trigger.sql\napplied 0010_later.sql\napplied 0011_x.sql\n4 migrations applied to shop\n", "migrations", "apply", "DB", "--local", "-y")
	s.want("No migrations to apply.\n", "migrations", "apply", "DB")
	s.want("No migrations to apply.\n", "migrations", "list", "DB")
	if out := s.ok("execute", "DB", "--command", "SELECT group_concat(a) AS l FROM t"); !strings.Contains(out, "│ 1,9,10 │") {
		t.Errorf("got\n%s", out)
	}
	out := s.ok("execute", "DB", "--command", "SELECT id, name, length(applied_at) AS n FROM d1_migrations")
	for i, name := range []string{"0001_make_tables.sql", "0009_trigger.sql", "0010_later.sql", "0011_x.sql"} {
		if !strings.Contains(out, fmt.Sprintf("│ %d  │ %-20s │ 19 │", i+1, name)) {
			t.Errorf("%s is missing in\n%s", name, out)
		}
	}
}

func TestAMigrationThatFailsChangesNothingAndEndsIt(t *testing.T) {
	s := newD1Shell(t)
	s.file("db/steps/0001_a.sql", "CREATE TABLE t (a UNIQUE);")
	s.file("db/steps/0002_b.sql", "INSERT INTO t VALUES (1);\n\n  INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);")
	s.file("db/steps/0003_c.sql", "INSERT INTO t VALUES (3);")
	out, errs, status := s.run("migrations", "apply", "OTHER")
	want := "0002_b.sql:3: D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE); this migration and those after it were not applied\n"
	if out != "applied 0001_a.sql\n" || !strings.HasSuffix(errs, want) || status != exitFailed {
		t.Errorf("status %d, printed %q and %q", status, out, errs)
	}
	if out := s.ok("execute", "OTHER", "--command", "SELECT count(*) AS n FROM t; SELECT name FROM steps"); !strings.Contains(out, "│ 0 │") || strings.Contains(out, "0002") {
		t.Errorf("got\n%s", out)
	}
	s.file("db/steps/0002_b.sql", "INSERT INTO t VALUES (1);")
	s.want("applied 0002_b.sql\napplied 0003_c.sql\n2 migrations applied to OTHER\n", "migrations", "apply", "OTHER")
}

func TestMigrationsThatWranglerHasAppliedAreNotAppliedAgain(t *testing.T) {
	s := newD1Shell(t)
	s.ok("execute", "DB", "--command", "CREATE TABLE d1_migrations(\n\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n\t\tname       TEXT UNIQUE,\n\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n); "+
		"INSERT INTO d1_migrations (name) VALUES ('0001_a.sql'), ('0002_b.sql'); CREATE TABLE t (a)")
	s.file("migrations/0001_a.sql", "CREATE TABLE t (a);")
	s.file("migrations/0002_b.sql", "nonsense")
	s.file("migrations/0003_c.sql", "INSERT INTO t VALUES (3);")
	s.want("applied 0003_c.sql\n1 migration applied to shop\n", "migrations", "apply", "DB")
}

func TestD1ExportsCanBeImported(t *testing.T) {
	s := newD1Shell(t)
	s.ok("execute", "DB", "--command", "CREATE TABLE p (id INTEGER PRIMARY KEY, v); CREATE TABLE c (p REFERENCES p, t TEXT); CREATE INDEX i ON c (t); CREATE VIEW w AS SELECT * FROM c; "+
		"INSERT INTO p VALUES (1, x'00ff'), (2, 1.5), (3, NULL), (4, 'it''s' || char(10) || 'ä'); INSERT INTO c VALUES (4, 'x')")
	file := filepath.Join(s.dir, "out.sql")
	s.want("5 rows of shop written to "+file+"\n", "export", "DB", "--output", file, "--local")
	if got := timeless(s.ok("import", "OTHER", file)); !strings.HasPrefix(got, "7 statements run in OTHER, 5 rows changed, in T\n") {
		t.Errorf("got %s", got)
	}
	all := []string{"execute", "--json", "--command", "SELECT v, typeof(v) AS t FROM p ORDER BY id; SELECT * FROM w; SELECT name FROM sqlite_schema ORDER BY 1"}
	results := regexp.MustCompile(`(?s)"meta": \{.*?\}`)
	one, two := results.ReplaceAllString(s.ok(append(all, "DB")...), ""), results.ReplaceAllString(s.ok(append(all, "OTHER")...), "")
	if one != two || !strings.Contains(one, `"v": "it's\nä"`) {
		t.Errorf("got\n%s\nand\n%s", one, two)
	}
	s.fails(exitFailed, "nothing was changed", "import", "OTHER", file)
	data := s.ok("export", "DB", "--output", "-", "--table", "c", "--no-schema")
	if !strings.Contains(data, `INSERT INTO "c"`) || strings.Contains(data, "CREATE") || strings.Contains(data, `"p" (`) {
		t.Errorf("only the rows of c are\n%s", data)
	}
	if schema := s.ok("export", "DB", "--output", "-", "--no-data"); strings.Contains(schema, "INSERT") || !strings.Contains(schema, "CREATE VIEW w") {
		t.Errorf("only the schema is\n%s", schema)
	}
	var list []map[string]any
	more := s.file("more.sql", "INSERT INTO p (v) VALUES (1), (2);\nSELECT 1;")
	if err := json.Unmarshal([]byte(s.ok("execute", "DB", "--json", "--file", more)), &list); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(list[0]["results"], list[0]["success"]); got != "[map[Rows changed:2 Total queries executed:2]] true" || list[0]["finalBookmark"] == "" {
		t.Errorf("got %v", list)
	}
}

func TestD1ListAndInfoDescribeDatabases(t *testing.T) {
	s := newD1Shell(t)
	s.want("┌─────────┬───────┬─────┬────────────────┐\n│ binding │ name  │ id  │ size           │\n├─────────┼───────┼─────┼────────────────┤\n"+
		"│ DB      │ shop  │ one │ nothing stored │\n│ OTHER   │ OTHER │ two │ nothing stored │\n└─────────┴───────┴─────┴────────────────┘\n", "list")
	s.ok("execute", "DB", "--command", "CREATE TABLE t (a); CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT 1")
	var list []d1Description
	if err := json.Unmarshal([]byte(s.ok("list", "--json")), &list); err != nil || len(list) != 2 || list[0].ID != "one" || list[0].Name != "shop" || list[0].FileSize == 0 || list[1].FileSize != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	var about d1Description
	if err := json.Unmarshal([]byte(s.ok("info", "DB", "--json")), &about); err != nil || *about.Tables != 1 || about.Binding != "DB" || about.File != filepath.Join(s.dir, ".pagesrun", "d1", "d1-one.sqlite") {
		t.Errorf("%+v, %v", about, err)
	}
	out := s.ok("info", "shop")
	for _, want := range []string{"│ tables  │ 1 ", "│ view  │ v    │", "│ table │ t    │", "│ index │ i    │"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	empty := &kvShell{t: t, dir: t.TempDir(), group: "d1"}
	empty.file("wrangler.toml", "name = \"x\"\n")
	empty.want("No D1 databases are configured.\n", "list")
	empty.fails(exitFailed, `no D1 database is configured; add [[d1_databases]] with binding = "DB"`, "info", "DB")
}
