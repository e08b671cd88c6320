package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// shopMigrations is a folder as wrangler's "d1 migrations create" and its users make it.
var shopMigrations = map[string]string{
	"wrangler.toml": `name = "shop"
[[d1_databases]]
binding = "DB"
database_name = "shop"
database_id = "6e1c7f1e-0000-4000-8000-000000000001"
[[d1_databases]]
binding = "COPY"
database_id = "copy"
`,
	"migrations/0001_initial.sql": `-- Migration number: 0001 	 2024-05-01T12:00:00.000Z
DROP TABLE IF EXISTS product;
CREATE TABLE IF NOT EXISTS product (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE, -- what it is called; unique
	price REAL DEFAULT 0
);
CREATE INDEX product_price ON product (price);
`,
	"migrations/0002_orders.sql": `-- Migration number: 0002 	 2024-05-02T12:00:00.000Z
CREATE TABLE line (product INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE, n INTEGER CHECK (n > 0));
CREATE TRIGGER touched AFTER INSERT ON line WHEN new.n > 100
BEGIN
	UPDATE product SET price = price * 0.9 WHERE id = new.product;
	SELECT 'done; really';
END;
INSERT INTO product (name, price) VALUES ('tea; green', 4.5), ('it''s', 2);
`,
	"migrations/0003_search.sql": `/* Migration number: 0003 */
CREATE VIRTUAL TABLE search USING fts5(name, content=product, content_rowid=id);
INSERT INTO search (search) VALUES ('rebuild');`,
}

func TestAWranglerProjectsMigrationsAreAppliedWhileAServerRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, shopMigrations)
	s := start(t, dir, "serve", goProbe.path(t), "--port", "0", "--admin", "off")
	d1 := func(args ...string) process.Result { return pagesrun(t, dir, append([]string{"d1"}, args...)...) }

	wantAnswer(t, s, sql("SELECT * FROM product"), "DB", d1Error("no such table: product: SQLITE_ERROR"))
	expect(t, d1("migrations", "list", "shop"), 0, "0001_initial.sql", "0002_orders.sql", "0003_search.sql")
	expect(t, d1("migrations", "apply", "shop"), 0, "applied 0001_initial.sql\napplied 0002_orders.sql\napplied 0003_search.sql\n3 migrations applied to shop\n")
	wantStripped(t, s, sql("SELECT id, name, price FROM product"), rows("id name price", "i:1 t:tea;%20green "+float(4.5), "i:2 t:it's "+float(2)))
	wantStripped(t, s, sql("INSERT INTO line VALUES (1, 200)"), nothing)
	wantStripped(t, s, sql("SELECT rowid, round(price, 2) AS p FROM product WHERE id = 1"), rows("id p", "i:1 "+float(4.05)))
	wantStripped(t, s, sql("SELECT name FROM search('tea')"), rows("name", "t:tea;%20green"))
	wantStripped(t, s, sql("SELECT id, name FROM d1_migrations"), rows("id name", "i:1 t:0001_initial.sql", "i:2 t:0002_orders.sql", "i:3 t:0003_search.sql"))

	expect(t, d1("migrations", "create", "shop", "add colour"), 0, filepath.Join(dir, "migrations", "0004_add_colour.sql"))
	writeFiles(t, dir, map[string]string{"migrations/0004_add_colour.sql": "ALTER TABLE product ADD COLUMN colour TEXT;\nUPDATE product SET color = 'green';\n"})
	expect(t, d1("migrations", "apply", "DB"), 1, "0004_add_colour.sql:2: D1_ERROR: no such column: color", "this migration and those after it were not applied")
	wantStripped(t, s, sql("SELECT colour FROM product"), d1Error("no such column: colour at offset 7: SQLITE_ERROR"))
	writeFiles(t, dir, map[string]string{"migrations/0004_add_colour.sql": "ALTER TABLE product ADD COLUMN colour TEXT;\nUPDATE product SET colour = 'green';\n"})
	expect(t, d1("migrations", "apply", "DB"), 0, "applied 0004_add_colour.sql")
	wantStripped(t, s, sql("SELECT colour FROM product LIMIT 1"), rows("colour", "t:green"))
	expect(t, d1("migrations", "list", "DB"), 0, "No migrations to apply.")
}

// wantStripped is wantAnswer without the lines that tell what a statement cost.
func wantStripped(t testing.TB, s *process.Server, a ask, want string) {
	t.Helper()
	if got := costLine.ReplaceAllString(a.send(t, s.URL, "DB"), ""); got != want {
		t.Errorf("%q\ngot  %q\nwant %q", a.body, got, want)
	}
}

func TestD1CommandsSeeTheDataOfARunningServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off", "--d1", "DB")
	writeFiles(t, dir, map[string]string{"wrangler.toml": "d1_databases = [{binding = \"DB\"}]\n", "more.sql": "INSERT INTO t VALUES (3);\nINSERT INTO t VALUES (4);\n"})
	d1 := func(args ...string) process.Result { return pagesrun(t, dir, append([]string{"d1"}, args...)...) }
	wantStripped(t, s, sql("CREATE TABLE t (a)"), nothing)
	expect(t, d1("execute", "DB", "--command", "INSERT INTO t VALUES (1), (2)"), 0, "2 rows changed in ")
	wantStripped(t, s, sql("SELECT sum(a) AS s FROM t"), rows("s", "i:3"))
	expect(t, d1("execute", "DB", "-y", "--file", "more.sql"), 0, "2 statements run in DB, 2 rows changed, in ")
	wantStripped(t, s, sql("SELECT sum(a) AS s FROM t"), rows("s", "i:10"))
	wantStripped(t, s, sql("DELETE FROM t WHERE a = 1"), nothing)
	var results []struct {
		Results []map[string]any
		Success bool
	}
	out := d1("execute", "DB", "--json", "--command", "SELECT sum(a) AS s FROM t")
	if err := json.Unmarshal([]byte(out.Stdout), &results); err != nil || fmt.Sprint(results) != "[{[map[s:9]] true}]" {
		t.Errorf("%v, %v, %s", results, err, out.Stderr)
	}
	expect(t, d1("info", "DB"), 0, "│ table │ t    │")
	expect(t, d1("execute", "NONE", "--command", "SELECT 1"), 1, `no D1 database has the binding, name or id "NONE"; configured are: DB`)
	expect(t, d1("execute", "DB"), 2, "--command=SQL or --file=FILE")
}

func TestD1CommandsAndAGuestWriteAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "d1_databases = [{binding = \"DB\"}]\n"})
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off")
	wantStripped(t, s, sql("CREATE TABLE t (who, n, UNIQUE (who, n))"), nothing)
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ended <- n
				return
			default:
			}
			_, answer, err := sql("INSERT INTO t VALUES ('guest', ?)", n).try(s.URL, "DB")
			if err != nil || !strings.HasPrefix(answer, nothing) {
				t.Errorf("insert %d: %v %s", n, err, answer)
			}
		}
	}()
	for i := range 5 {
		expect(t, pagesrun(t, dir, "d1", "execute", "DB", "--command", fmt.Sprintf("INSERT INTO t VALUES ('command', %d)", i)), 0)
	}
	close(stop)
	written := <-ended
	wantStripped(t, s, sql("SELECT who, count(*) AS n FROM t GROUP BY who"), rows("who n", "t:command i:5", fmt.Sprint("t:guest i:", written)))
}

// bigScript is a script of many rows with every type, and tables of every kind.
func bigScript(t testing.TB, path string, n int) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE big (id INTEGER PRIMARY KEY, t TEXT, r REAL, b BLOB, n);\n")
	b.WriteString("CREATE TABLE word (w TEXT PRIMARY KEY, n INT) WITHOUT ROWID;\nCREATE TABLE made (a INT, b INT AS (a * 2) STORED, c AS (a + 1));\n")
	for i := range n {
		fmt.Fprintf(&b, "INSERT INTO big VALUES (%d, 'row %d; it''s \"ä\"\n  two lines', %d.25, x'%02x00ff', NULL);\n", i, i, i, i%256)
		if i%100 == 0 {
			fmt.Fprintf(&b, "INSERT INTO word VALUES ('w%d', %d); INSERT INTO made (a) VALUES (%d); -- a comment; with a semicolon\n", i, -i, i)
		}
	}
	b.WriteString("INSERT INTO big (id, r) VALUES (-1, 1e300), (-2, 9e999), (-3, -1.0e-300);\nINSERT INTO big (id, n) VALUES (-4, 9223372036854775807), (-5, '');\n")
	b.WriteString("CREATE INDEX big_t ON big (t, r DESC) WHERE r > 10;\nCREATE VIEW few AS SELECT id, t FROM big WHERE id < 3;\nCREATE TRIGGER tr AFTER DELETE ON big BEGIN SELECT 1; END;\nCOMMIT;\n")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compared are questions whose answers must be the same of a database and its copies.
const compared = `SELECT id, quote(t), quote(r), quote(b), quote(n) FROM big ORDER BY id;
SELECT quote(w), n FROM word; SELECT a, b, c FROM made; SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2; SELECT * FROM few; PRAGMA integrity_check;`

// shell asks Debian's sqlite3.
func shell(t testing.TB, file, script string) string {
	t.Helper()
	cmd := exec.Command("sqlite3", file)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3 %s: %v\n%s", file, err, out)
	}
	return string(out)
}

func TestALargeScriptGoesInAndOutUnchanged(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Fatal("the sqlite3 shell, with which this test compares, is not here")
	}
	dir := t.TempDir()
	writeFiles(t, dir, shopMigrations)
	bigScript(t, filepath.Join(dir, "big.sql"), 30_000)
	d1 := func(args ...string) process.Result { return pagesrun(t, dir, append([]string{"d1"}, args...)...) }
	stored := func(id string) string { return filepath.Join(dir, ".pagesrun", "d1", "d1-"+id+".sqlite") }

	expect(t, d1("import", "DB", "big.sql"), 0, "30609 statements run in shop, 30605 rows changed, in ")
	original := filepath.Join(dir, "original.sqlite")
	if out := shell(t, original, ".read "+filepath.Join(dir, "big.sql")); out != "" {
		t.Fatal(out)
	}
	want := shell(t, original, compared)
	if strings.Count(want, "\n") < 30_000 || !strings.HasSuffix(want, "ok\n") {
		t.Fatalf("the shell says %s", short(want))
	}
	same := func(what, file string) {
		t.Helper()
		if got := shell(t, file, compared); got != want {
			t.Errorf("%s differs: %s", what, firstDifference(got, want))
		}
	}
	same("what was imported", stored("6e1c7f1e-0000-4000-8000-000000000001"))
	expect(t, d1("export", "shop", "--output", "out.sql"), 0, "30605 rows of shop written to out.sql")
	expect(t, d1("import", "COPY", "out.sql"), 0, " run in COPY, 30605 rows changed, in ")
	same("what was exported and imported", stored("copy"))
	copied := filepath.Join(dir, "copy.sqlite")
	shell(t, copied, ".read "+filepath.Join(dir, "out.sql"))
	same("what was exported and read by the shell", copied)
	dump := shell(t, original, ".dump")
	writeFiles(t, dir, map[string]string{"dump.sql": dump})
	expect(t, pagesrun(t, dir, "d1", "execute", "COPY", "--persist-to", "again", "--file", "dump.sql"), 0, "30605 rows changed")
	same("what the shell has dumped", filepath.Join(dir, "again", "d1", "d1-copy.sqlite"))
}

// firstDifference shows where two texts part.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q, want %q", i+1, short(x[i]), short(y[i]))
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(x), len(y))
}

func TestAnImportThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, shopMigrations)
	writeFiles(t, dir, map[string]string{"bad.sql": "CREATE TABLE t (a UNIQUE);\n" + strings.Repeat("INSERT INTO t VALUES (random());\n", 5000) + "INSERT INTO t VALUES (1), (1);\n"})
	expect(t, pagesrun(t, dir, "d1", "import", "DB", "bad.sql"), 1, "bad.sql: line 5002 (statement 5002): D1_ERROR: UNIQUE constraint failed: t.a", "nothing was changed")
	expect(t, pagesrun(t, dir, "d1", "execute", "DB", "--command", "SELECT * FROM t"), 1, "no such table: t")
}

// TestProgressIsABarOnATerminal lets "script" give the command a terminal.
func TestProgressIsABarOnATerminal(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("script, which gives a command a terminal, is not here")
	}
	dir := t.TempDir()
	writeFiles(t, dir, shopMigrations)
	bigScript(t, filepath.Join(dir, "big.sql"), 3000)
	cmd := exec.Command("script", "-qec", pagesrunBinary.path(t)+" d1 import DB big.sql", "/dev/null")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bars := regexp.MustCompile(`\r\[(#*)(\.*)\] \d+/\d+`).FindAllSubmatch(out, -1)
	if len(bars) < 5 || len(bars[len(bars)-1][1]) != 30 || len(bars[0][2]) == 0 {
		t.Errorf("%d bars in %q", len(bars), short(string(out)))
	}
	if !strings.Contains(string(out), "rows changed, in ") {
		t.Errorf("no result in %q", short(string(out)))
	}
	plain := pagesrun(t, dir, "d1", "import", "COPY", "big.sql")
	if expect(t, plain, 0); strings.ContainsAny(plain.Stderr, "[#\r") {
		t.Errorf("without a terminal it printed %q", plain.Stderr)
	}
}
