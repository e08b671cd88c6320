package d1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

const (
	refused = "D1_ERROR: not authorized: SQLITE_AUTH"
	vacuum  = "D1_ERROR: cannot VACUUM from within a transaction: SQLITE_ERROR"
)

func TestWhatWorks(t *testing.T) {
	check(t, []sqlCase{
		{name: "generated columns", setup: "CREATE TABLE t(a, b AS (a*2) STORED, c AS (a+1))\nINSERT INTO t(a) VALUES(3)", sql: "SELECT * FROM t", rows: "3|6|4"},
		{name: "WITHOUT ROWID", setup: "CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID\nINSERT INTO t VALUES('x')", sql: "SELECT * FROM t", rows: "'x'"},
		{name: "STRICT", setup: "CREATE TABLE t(a INTEGER) STRICT", sql: "INSERT INTO t VALUES('7') RETURNING a", rows: "7"},
		{name: "upserts", setup: "CREATE TABLE t(a PRIMARY KEY, n)\nINSERT INTO t VALUES(1,1)", sql: "INSERT INTO t VALUES(1,1) ON CONFLICT(a) DO UPDATE SET n=n+1 RETURNING n", rows: "2"},
		{name: "triggers", setup: "CREATE TABLE t(a)\nCREATE TABLE l(a)\nCREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO l VALUES(new.a); END\nINSERT INTO t VALUES(1)", sql: "SELECT * FROM l", rows: "1"},
		{name: "views", setup: "CREATE VIEW v AS SELECT 1 AS a", sql: "SELECT * FROM v", rows: "1"},
		{name: "window functions", sql: "SELECT sum(column1) OVER (ORDER BY column1), rank() OVER (ORDER BY column1) FROM (VALUES(1),(2))", rows: "1|1;3|2"},
		{name: "recursive common table expressions", sql: "WITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n+1 FROM c WHERE n<4) SELECT sum(n) FROM c", rows: "10"},
		{name: "JSON", sql: `SELECT '{"a":[1,2]}' -> '$.a' ->> 1, json_extract('[3]', '$[0]')`, rows: "2|3"},
		{name: "tables of JSON", sql: "SELECT value FROM json_each('[1,2]')", rows: "1;2"},
		{name: "JSONB", sql: "SELECT json(jsonb_set(jsonb('{}'), '$.a', 1))", rows: `'{"a":1}'`},
		{name: "full-text search", setup: "CREATE VIRTUAL TABLE f USING fts5(a)\nINSERT INTO f VALUES('one two'),('two three')", sql: "SELECT highlight(f,0,'<','>'), bm25(f) < 0 FROM f WHERE f MATCH 'one'", rows: "'<one> two'|1"},
		{name: "full-text search within a batch of one text", sql: "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES('x'); SELECT count(*) FROM f('x')", rows: "1"},
		{name: "the vocabulary of a full-text table", setup: "CREATE VIRTUAL TABLE f USING fts5(a)\nINSERT INTO f VALUES('b a')\nCREATE VIRTUAL TABLE v USING fts5vocab(f, row)", sql: "SELECT term FROM v", rows: "'a';'b'"},
		{name: "a full-text table kept by triggers", setup: "CREATE TABLE t(id INTEGER PRIMARY KEY, a)\nCREATE VIRTUAL TABLE f USING fts5(a, content=t, content_rowid=id)\nCREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO f(rowid,a) VALUES(new.id,new.a); END\nINSERT INTO t(a) VALUES('hello')",
			sql: "SELECT t.* FROM f JOIN t ON t.id=f.rowid WHERE f MATCH 'hello'", rows: "1|'hello'"},
		{name: "ALTER TABLE ADD COLUMN", setup: "CREATE TABLE t(a)\nINSERT INTO t VALUES(1)\nALTER TABLE t ADD COLUMN b DEFAULT 2", sql: "SELECT * FROM t", rows: "1|2"},
		{name: "ALTER TABLE DROP COLUMN", setup: "CREATE TABLE t(a, b)\nINSERT INTO t VALUES(1,2)\nALTER TABLE t DROP COLUMN a", sql: "SELECT * FROM t", rows: "2"},
		{name: "ALTER TABLE RENAME COLUMN", setup: "CREATE TABLE t(a)\nINSERT INTO t VALUES(1)\nALTER TABLE t RENAME COLUMN a TO b", sql: "SELECT b FROM t", rows: "1"},
		{name: "ALTER TABLE RENAME", setup: "CREATE TABLE t(a)\nCREATE INDEX i ON t(a)\nCREATE VIEW v AS SELECT a FROM t\nALTER TABLE t RENAME TO u", sql: "SELECT count(*) FROM v, u", rows: "0"},
		{name: "REINDEX", setup: "CREATE TABLE t(a UNIQUE)", sql: "REINDEX", rows: ""},
		{name: "ANALYZE", setup: "CREATE TABLE t(a UNIQUE)\nINSERT INTO t VALUES(1)\nANALYZE", sql: "SELECT tbl, stat FROM sqlite_stat1", rows: "'t'|'1 1'"},
		{name: "EXPLAIN QUERY PLAN", setup: "CREATE TABLE t(a)", sql: "EXPLAIN QUERY PLAN SELECT * FROM t", rows: "2|0|216|'SCAN t'"},
		{name: "the schema", setup: "CREATE TABLE t(a)", sql: "SELECT name, sql FROM sqlite_master", rows: "'t'|'CREATE TABLE t(a)'"},
		{name: "a name in double quotes that names nothing is text", setup: "CREATE TABLE t(a)\nINSERT INTO t VALUES('x')", sql: `SELECT "abc" FROM t WHERE a = "x"`, rows: "'abc'"},
		{name: "also in a default", setup: `CREATE TABLE t(a, b DEFAULT "text")` + "\nINSERT INTO t(a) VALUES(1)", sql: "SELECT b FROM t", rows: "'text'"},
		{name: "also in an index", setup: `CREATE TABLE t(a)` + "\n" + `CREATE INDEX i ON t(a) WHERE a <> "text"`, sql: "SELECT count(*) FROM t", rows: "0"},
		{name: "dates", sql: "SELECT date('2024-02-28', '+1 day'), unixepoch('1970-01-01'), julianday('2000-01-01 12:00')", rows: "'2024-02-29'|0|2.451545e+06f"},
		{name: "mathematics", sql: "SELECT round(pi(), 2), pow(2, 10), log2(8), trunc(1.5)", rows: "3.14f|1024f|3f|1f"},
		{name: "LIKE ignores the case of ASCII letters", sql: "SELECT 'A' LIKE 'a', 'Ä' LIKE 'ä', 'A' GLOB 'a'", rows: "1|0|0"},
		{name: "triggers do not set off themselves", setup: "CREATE TABLE t(a)\nCREATE TRIGGER r AFTER INSERT ON t WHEN new.a < 5 BEGIN INSERT INTO t VALUES(new.a+1); END\nINSERT INTO t VALUES(1)", sql: "SELECT count(*) FROM t", rows: "2"},
		{name: "AUTOINCREMENT", setup: "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)\nINSERT INTO t DEFAULT VALUES", sql: "SELECT * FROM sqlite_sequence", rows: "'t'|1"},
		{name: "WITH before INSERT", setup: "CREATE TABLE t(a)", sql: "WITH c(n) AS (VALUES(1),(2)) INSERT INTO t SELECT n FROM c RETURNING a", rows: "1;2"},
	})
}

func TestWhatIsRefused(t *testing.T) {
	check(t, []sqlCase{
		{name: "ATTACH", sql: "ATTACH ':memory:' AS other", err: refused},
		{name: "DETACH", sql: "DETACH main", err: refused},
		{name: "VACUUM", sql: "VACUUM", err: vacuum},
		{name: "VACUUM INTO", sql: "VACUUM INTO '/tmp/x'", err: vacuum},
		{name: "temporary tables", sql: "CREATE TEMP TABLE t(a)", err: refused},
		{name: "temporary tables by schema", sql: "CREATE TABLE temp.t(a)", err: refused},
		{name: "temporary views", sql: "CREATE TEMPORARY VIEW v AS SELECT 1", err: refused},
		{name: "temporary triggers", setup: "CREATE TABLE t(a)", sql: "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", err: refused},
		{name: "temporary full-text tables", sql: "CREATE VIRTUAL TABLE temp.f USING fts5(a)", err: refused},
		{name: "other virtual tables", sql: "CREATE VIRTUAL TABLE f USING rtree(a, b, c)", err: refused},
		{name: "tables of values as virtual tables", sql: "CREATE VIRTUAL TABLE f USING json_each(a)", err: refused},
		{name: "reserved names of tables", sql: "CREATE TABLE _cf_x(a)", err: refused},
		{name: "reserved names in capitals", sql: "CREATE TABLE _CF_x(a)", err: refused},
		{name: "reserved names of indexes", setup: "CREATE TABLE t(a)", sql: "CREATE INDEX _cf_i ON t(a)", err: refused},
		{name: "reserved names of views", sql: "CREATE VIEW _cf_v AS SELECT 1", err: refused},
		{name: "reserved names of triggers", setup: "CREATE TABLE t(a)", sql: "CREATE TRIGGER _cf_r AFTER INSERT ON t BEGIN SELECT 1; END", err: refused},
		{name: "reserved names of full-text tables", sql: "CREATE VIRTUAL TABLE _cf_f USING fts5(a)", err: refused},
		{name: "renaming to a reserved name", setup: "CREATE TABLE t(a)", sql: "ALTER TABLE t RENAME TO _cf_t", err: refused},
		{name: "a pragma behind a function", sql: "SELECT * FROM pragma_database_list", err: refused},
		{name: "compile options behind a function", sql: "SELECT * FROM pragma_compile_options", err: refused},
		{name: "REGEXP", sql: "SELECT 'a' REGEXP 'a'", err: "D1_ERROR: not authorized to use function: REGEXP at offset 11: SQLITE_ERROR"},
		{name: "extensions", sql: "SELECT load_extension('x')", err: "D1_ERROR: no such function: load_extension at offset 7: SQLITE_ERROR"},
		{name: "offsets in the file", sql: "SELECT sqlite_offset(1)", err: "D1_ERROR: no such function: sqlite_offset at offset 7: SQLITE_ERROR"},
	})
	for _, f := range []string{"sqlite_version()", "sqlite_source_id()", "sqlite_compileoption_used('x')", "sqlite_compileoption_get(1)", "sqlite_log(1,'x')", "base64('x')", "decimal('1')", "ieee754(1)", "subtype(1)"} {
		t.Run(f, func(t *testing.T) {
			name, _, _ := strings.Cut(f, "(")
			_, err := newProbe(t).query("SELECT " + f)
			if want := "D1_ERROR: not authorized to use function: " + name + " at offset 7: SQLITE_ERROR"; seen(err) != want {
				t.Error(seen(err))
			}
		})
	}
}

// TestEveryFunctionIsKnown catches functions that a newer SQLite brings: they are either for guests or not.
func TestEveryFunctionIsKnown(t *testing.T) {
	d := newProbe(t).database()
	err := d.db.Read(t.Context(), func(conn *sqlite.Conn) error {
		s, _, err := conn.Prepare(`SELECT DISTINCT name FROM pragma_function_list WHERE builtin`)
		if err != nil {
			return err
		}
		defer s.Close()
		var unknown []string
		for s.Step() {
			if name := s.ColumnText(0); !functions[name] && !strings.HasPrefix(name, "sqlite_") && name != "subtype" {
				unknown = append(unknown, name)
			}
		}
		if unknown != nil {
			t.Error("neither allowed nor refused on purpose:", unknown)
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPragmasThatTell(t *testing.T) {
	const setup = "CREATE TABLE p(id INTEGER PRIMARY KEY)\nCREATE TABLE t(a REFERENCES p, b)\nCREATE INDEX i ON t(b)"
	check(t, []sqlCase{
		{name: "table_list", setup: setup, sql: "SELECT name FROM pragma_table_list WHERE type='table' AND schema='main' AND name NOT LIKE 'sqlite_%' ORDER BY 1", rows: "'p';'t'"},
		{name: "table_info", setup: setup, sql: "PRAGMA table_info(t)", rows: "0|'a'|''|0|NULL|0;1|'b'|''|0|NULL|0"},
		{name: "table_xinfo", setup: setup, sql: "PRAGMA table_xinfo('p')", rows: "0|'id'|'INTEGER'|0|NULL|1|0"},
		{name: "index_list", setup: setup, sql: "PRAGMA index_list(t)", rows: "0|'i'|0|'c'|0"},
		{name: "index_info", setup: setup, sql: "PRAGMA index_info(i)", rows: "0|1|'b'"},
		{name: "index_xinfo", setup: setup, sql: "PRAGMA index_xinfo(i)", rows: "0|1|'b'|0|'BINARY'|1;1|-1|NULL|0|'BINARY'|0"},
		{name: "foreign_key_list", setup: setup, sql: "PRAGMA foreign_key_list(t)", rows: "0|0|'p'|'a'|NULL|'NO ACTION'|'NO ACTION'|'NONE'"},
		{name: "foreign_key_check", setup: setup, sql: "PRAGMA foreign_key_check", rows: ""},
		{name: "quick_check", setup: setup, sql: "PRAGMA quick_check", rows: "'ok'"},
		{name: "optimize", setup: setup, sql: "PRAGMA optimize", rows: ""},
		{name: "foreign_keys is on", sql: "PRAGMA foreign_keys", rows: "1"},
		{name: "recursive_triggers is off", sql: "PRAGMA recursive_triggers", rows: "0"},
		{name: "defer_foreign_keys is off", sql: "PRAGMA defer_foreign_keys", rows: "0"},
		{name: "a schema may be named", setup: setup, sql: "PRAGMA main.index_info(i)", rows: "0|1|'b'"},
		{name: "capitals", setup: setup, sql: "pragma INDEX_INFO(i)", rows: "0|1|'b'"},
	})
	p := newProbe(t)
	before := p.rows("PRAGMA data_version")
	if p.must("CREATE TABLE t(a)"); p.rows("PRAGMA data_version") != before {
		t.Error("data_version changed though nobody else wrote")
	}
	for _, name := range []string{"journal_mode", "user_version", "application_id", "synchronous", "cache_size", "page_size", "page_count", "freelist_count", "writable_schema=on", "query_only=on",
		"temp_store", "wal_checkpoint", "integrity_check", "database_list", "function_list", "compile_options", "data_version=1", "foreign_keys=2", "case_sensitive_like=maybe", "schema_version", "encoding", "nonsense"} {
		if _, err := p.query("PRAGMA " + name); seen(err) != refused {
			t.Errorf("%s: %q", name, seen(err))
		}
	}
}

func TestSettingsEndWithTheirQuery(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a CHECK (a > 0))\nCREATE TABLE l(a)\nINSERT INTO l VALUES(1),(2)\nCREATE TABLE p(id INTEGER PRIMARY KEY)\nCREATE TABLE c(p REFERENCES p)")
	asBefore := func(t *testing.T) {
		t.Helper()
		for _, c := range [][2]string{{"SELECT 'A' LIKE 'a'", "1"}, {"SELECT a FROM l", "1;2"}} {
			for _, sql := range []string{c[0], "INSERT INTO p VALUES(9); DELETE FROM p WHERE id=9; " + c[0]} { // on both kinds of connections
				if got := p.rows(sql); got != c[1] {
					t.Errorf("%s is %s", sql, got)
				}
			}
		}
		for sql, want := range map[string]string{"INSERT INTO t VALUES(0)": "CHECK constraint failed", "INSERT INTO c VALUES(7)": "FOREIGN KEY constraint failed"} {
			if _, err := p.query(sql); !strings.Contains(seen(err), want) {
				t.Errorf("%s: %v", sql, err)
			}
		}
		if got := p.rows("PRAGMA defer_foreign_keys") + p.rows("PRAGMA foreign_keys"); got != "01" {
			t.Error(got)
		}
	}
	asBefore(t)
	for _, c := range []struct{ name, sql, rows string }{
		{"case_sensitive_like", "PRAGMA case_sensitive_like=ON; SELECT 'A' LIKE 'a'", "0"},
		{"reverse_unordered_selects", "PRAGMA reverse_unordered_selects=ON; SELECT a FROM l", "2;1"},
		{"ignore_check_constraints", "PRAGMA ignore_check_constraints=ON; INSERT INTO t VALUES(-1) RETURNING a", "-1"},
		{"defer_foreign_keys", "PRAGMA defer_foreign_keys=ON; INSERT INTO c VALUES(1); INSERT INTO p VALUES(1) RETURNING id", "1"},
		{"foreign_keys cannot be turned off", "PRAGMA foreign_keys=OFF; PRAGMA foreign_keys", "1"},
		{"recursive_triggers", "PRAGMA recursive_triggers=ON; PRAGMA recursive_triggers", "1"},
		{"legacy_alter_table", "PRAGMA legacy_alter_table=ON; PRAGMA legacy_alter_table", "1"},
		{"a setting alone", "PRAGMA case_sensitive_like=ON", ""},
		{"a setting with parentheses", "PRAGMA case_sensitive_like(1)", ""},
		{"all of them", "PRAGMA case_sensitive_like=1; PRAGMA reverse_unordered_selects=1; PRAGMA ignore_check_constraints=1; PRAGMA defer_foreign_keys=1; SELECT 1", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := p.rows(c.sql); got != c.rows {
				t.Errorf("%s is %s", c.sql, got)
			}
			asBefore(t)
		})
	}
	t.Run("a query that fails", func(t *testing.T) {
		if _, err := p.query("PRAGMA ignore_check_constraints=1; PRAGMA case_sensitive_like=1; SELECT * FROM nope"); err == nil {
			t.Error("it succeeded")
		}
		asBefore(t)
	})
	t.Run("a batch", func(t *testing.T) {
		r, err := p.batch(stmt("PRAGMA defer_foreign_keys=on"), stmt("DELETE FROM p WHERE id=1"), stmt("INSERT INTO p VALUES(1)"))
		if err != nil || len(r.Results) != 3 {
			t.Error(r, err)
		}
		asBefore(t)
	})
	t.Run("foreign keys that stay broken", func(t *testing.T) {
		_, err := p.query("PRAGMA defer_foreign_keys=on; DELETE FROM p; SELECT 1")
		if seen(err) != prefixQuery+textForeignKey {
			t.Error(seen(err))
		}
		if got := p.rows("SELECT count(*) FROM p"); got != "1" {
			t.Error(got, "rows")
		}
		asBefore(t)
	})
}

func TestNamesOfInternalThingsAreNotShown(t *testing.T) {
	p := newProbe(t)
	p.must("CREATE TABLE t(a)")
	if got := p.rows("SELECT count(*) FROM sqlite_master"); got != "1" {
		t.Error(fmt.Sprint(got, " entries in the schema"))
	}
}
