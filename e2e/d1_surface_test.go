package e2e_test

import "strings"

// d1SurfaceCases are which SQL works, and which is refused.
func d1SurfaceCases() []d1Case {
	auth := d1Error("not authorized: SQLITE_AUTH")
	var all []d1Case
	one := func(rule string, steps ...d1Step) { all = append(all, d1Case{rule, steps}) }
	ok := func(text, columns string, list ...string) d1Step { return d1Step{sql(text), rows(columns, list...)} }
	done := func(text string) d1Step { return d1Step{sql(text), nothing} }
	no := func(text, answer string) d1Step { return d1Step{sql(text), answer} }

	one("foreign keys are enforced and cannot be turned off, only deferred", create("CREATE TABLE p (id INTEGER PRIMARY KEY)", "CREATE TABLE c (p REFERENCES p)"),
		ok("PRAGMA foreign_keys", "foreign_keys", "i:1"), done("PRAGMA foreign_keys = off"), ok("PRAGMA foreign_keys", "foreign_keys", "i:1"),
		no("INSERT INTO c VALUES (1)", d1Error("FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)")),
		no("PRAGMA foreign_keys = off; INSERT INTO c VALUES (1)", d1Error("FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)")),
		done("PRAGMA defer_foreign_keys = on; INSERT INTO c VALUES (1); INSERT INTO p VALUES (1)"),
		no("PRAGMA defer_foreign_keys = on; INSERT INTO c VALUES (2)", d1Error("FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)")),
		ok("SELECT count(*) AS n FROM c", "n", "i:1"))
	one("pragmas that tell about tables and indexes are allowed", create("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", "CREATE INDEX i ON t (b)"),
		ok("PRAGMA table_info(t)", "cid name type notnull dflt_value pk", "i:0 t:a t:INTEGER i:0 n i:1", "i:1 t:b t:TEXT i:0 n i:0"),
		ok("PRAGMA table_xinfo('t')", "cid name type notnull dflt_value pk hidden", "i:0 t:a t:INTEGER i:0 n i:1 i:0", "i:1 t:b t:TEXT i:0 n i:0 i:0"),
		ok("PRAGMA index_list(t)", "seq name unique origin partial", "i:0 t:i i:0 t:c i:0"), ok("PRAGMA index_info(i)", "seqno cid name", "i:0 i:1 t:b"),
		ok("PRAGMA index_xinfo(i)", "seqno cid name desc coll key", "i:0 i:1 t:b i:0 t:BINARY i:1", "i:1 i:-1 n i:0 t:BINARY i:0"),
		ok("SELECT name, type FROM pragma_table_list WHERE name = 't'", "name type", "t:t t:table"), ok("PRAGMA foreign_key_list(t)", "id seq table from to on_update on_delete match"),
		ok("PRAGMA foreign_key_check", "table rowid parent fkid"), ok("PRAGMA quick_check", "quick_check", "t:ok"), ok("PRAGMA optimize", "optimize"), ok("SELECT typeof(data_version) AS t FROM pragma_data_version", "t", "t:integer"))
	for _, name := range []string{"case_sensitive_like", "defer_foreign_keys", "ignore_check_constraints", "legacy_alter_table", "recursive_triggers", "reverse_unordered_selects"} {
		one("PRAGMA "+name+" can be set for the rest of the query", done("PRAGMA "+name+" = on"), done("PRAGMA "+name+" = 0"), done("PRAGMA "+name+"(true)"))
	}
	one("case_sensitive_like lasts as long as its query", ok("PRAGMA case_sensitive_like = on; SELECT 'a' LIKE 'A' AS m", "m", "i:0"), ok("SELECT 'a' LIKE 'A' AS m", "m", "i:1"))
	for _, name := range []string{"journal_mode", "user_version", "application_id", "synchronous", "page_size", "cache_size", "max_page_count", "wal_checkpoint", "writable_schema", "schema_version", "integrity_check", "database_list", "function_list", "secure_delete", "temp_store", "trusted_schema", "mmap_size", "data_version(1)"} {
		one("PRAGMA "+name+" is refused", no("PRAGMA "+name, auth))
	}
	one("setting what is refused is refused", no("PRAGMA journal_mode = DELETE", auth), no("PRAGMA user_version = 5", auth), no("PRAGMA synchronous = off", auth), no("PRAGMA writable_schema = on", auth))
	one("ATTACH and DETACH are refused", no("ATTACH 'x' AS y", auth), no("DETACH main", auth))
	one("temporary tables, views and triggers are refused", create("CREATE TABLE t (a)"), no("CREATE TEMP TABLE x (a)", auth), no("CREATE TEMP VIEW x AS SELECT 1", auth),
		no("CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", auth), no("CREATE TEMP TABLE x AS SELECT 1", auth))
	one("virtual tables are those of fts5", done("CREATE VIRTUAL TABLE f USING fts5(body)"), done("CREATE VIRTUAL TABLE v USING fts5vocab(f, 'row')"), no("CREATE VIRTUAL TABLE r USING rtree(a, b, c)", auth), no("CREATE VIRTUAL TABLE d USING dbstat", auth))
	one("names that begin with _cf_ are refused, in any case", create("CREATE TABLE t (a)"), no("CREATE TABLE _cf_x (a)", auth), no("CREATE TABLE _CF_X (a)", auth), no("CREATE INDEX _cf_i ON t (a)", auth),
		no("CREATE VIEW _cf_v AS SELECT 1", auth), no("CREATE TRIGGER _cf_t AFTER INSERT ON t BEGIN SELECT 1; END", auth))
	one("VACUUM is refused", no("VACUUM", d1Error("cannot VACUUM from within a transaction: SQLITE_ERROR")))
	for _, f := range []string{"sqlite_version()", "sqlite_source_id()", "sqlite_compileoption_get(0)", "sqlite_compileoption_used('x')"} {
		name, _, _ := strings.Cut(f, "(")
		one(name+" is refused", no("SELECT "+f, d1Error("not authorized to use function: "+name+" at offset 7: SQLITE_ERROR")))
	}
	one("load_extension does not exist", no("SELECT load_extension('x')", d1Error("no such function: load_extension at offset 7: SQLITE_ERROR")))
	one("functions of every family are allowed",
		ok("SELECT abs(-1) AS a, upper('x') AS b, coalesce(NULL, 2) AS c, iif(1, 'y', 'n') AS d, substr('abc', 2) AS e", "a b c d e", "i:1 t:X i:2 t:y t:bc"),
		ok("SELECT date('2024-02-29', '+1 year') AS a, strftime('%Y', 0, 'unixepoch') AS b, unixepoch('1970-01-02') AS c", "a b c", "t:2025-03-01 t:1970 i:86400"),
		ok("SELECT sum(column1) AS a, avg(column1) AS b, group_concat(column1) AS c, max(column1) AS d FROM (VALUES (1), (2), (3))", "a b c d", "i:6 "+float(2)+" t:1,2,3 i:3"),
		ok("SELECT sqrt(4) AS a, pow(2, 3) AS b, ceil(1.2) AS c, mod(7, 4) AS d", "a b c d", float(2)+" "+float(8)+" "+float(2)+" "+float(3)),
		ok("SELECT json_extract('{\"a\":[1,2]}', '$.a[1]') AS a, '{\"b\":\"c\"}' ->> 'b' AS b, json_group_array(1) AS c, json(jsonb('[1]')) AS d", "a b c d", "i:2 t:c t:[1] t:[1]"),
		ok("SELECT key, value FROM json_each('{\"x\":1,\"y\":2}')", "key value", "t:x i:1", "t:y i:2"))
	one("window functions and recursive common table expressions work",
		ok("SELECT column1 AS v, row_number() OVER (ORDER BY column1 DESC) AS n, sum(column1) OVER (ORDER BY column1) AS s FROM (VALUES (10), (20)) ORDER BY 1", "v n s", "i:10 i:2 i:10", "i:20 i:1 i:30"),
		ok("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT group_concat(i) AS l FROM n", "l", "t:1,2,3,4"))
	one("full-text search works", create("CREATE VIRTUAL TABLE f USING fts5(title, body)", "INSERT INTO f VALUES ('tea', 'green tea from the hills'), ('coffee', 'black')"),
		ok("SELECT title, highlight(f, 1, '<', '>') AS h FROM f WHERE f MATCH 'hills' ORDER BY bm25(f)", "title h", "t:tea t:green%20tea%20from%20the%20<hills>"), ok("SELECT snippet(f, 0, '[', ']', '', 5) AS s FROM f('coffee')", "s", "t:[coffee]"))
	one("generated columns, WITHOUT ROWID and STRICT work", create("CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER AS (a * 2) STORED) STRICT, WITHOUT ROWID", "INSERT INTO t (a) VALUES (4)"), ok("SELECT * FROM t", "a b", "i:4 i:8"))
	one("upsert and RETURNING work", create("CREATE TABLE t (k TEXT PRIMARY KEY, n INT)"),
		ok("INSERT INTO t VALUES ('a', 1) ON CONFLICT (k) DO UPDATE SET n = n + 1 RETURNING n", "n", "i:1"), ok("INSERT INTO t VALUES ('a', 1) ON CONFLICT (k) DO UPDATE SET n = n + 1 RETURNING n", "n", "i:2"), ok("DELETE FROM t RETURNING k", "k", "t:a"))
	one("tables can be altered, reindexed and analyzed", create("CREATE TABLE t (a, b)", "CREATE INDEX i ON t (a)", "INSERT INTO t VALUES (1, 2)"), done("ALTER TABLE t ADD COLUMN c DEFAULT 3"), done("ALTER TABLE t DROP COLUMN b"),
		done("ALTER TABLE t RENAME COLUMN c TO d"), done("ALTER TABLE t RENAME TO u"), done("REINDEX"), done("ANALYZE"), ok("SELECT * FROM u", "a d", "i:1 i:3"), done("DROP INDEX i"), done("DROP TABLE u"))
	one("views and triggers work", create("CREATE TABLE t (a)", "CREATE VIEW v AS SELECT a * 10 AS b FROM t", "CREATE TRIGGER tr INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.b / 10); END"), done("INSERT INTO v VALUES (50)"), ok("SELECT * FROM v", "b", "i:50"))
	one("a name in double quotes that is none is a string", ok(`SELECT "nope" AS a`, "a", "t:nope"), create(`CREATE TABLE t (a DEFAULT "word")`, "INSERT INTO t DEFAULT VALUES"), ok("SELECT * FROM t", "a", "t:word"))
	one("LIKE takes ASCII letters of either case for the same, GLOB does not", ok("SELECT 'A' LIKE 'a' AS a, 'A' GLOB 'a' AS b, 'É' LIKE 'é' AS c", "a b c", "i:1 i:0 i:0"))
	one("EXPLAIN QUERY PLAN tells how", create("CREATE TABLE t (a)"), ok("EXPLAIN QUERY PLAN SELECT * FROM t", "id parent notused detail", "i:2 i:0 i:216 t:SCAN%20t"))
	return all
}
