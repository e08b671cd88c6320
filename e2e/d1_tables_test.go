package e2e_test

import (
	"fmt"
	"math"
	"strings"
)

// create is a step that makes tables.
func create(lines ...string) d1Step {
	return d1Step{execLines(strings.Join(lines, "\n")), fmt.Sprintf("count=%d duration=yes\n", len(lines))}
}

// d1ClientCases are what the calls of the client answer.
func d1ClientCases() []d1Case {
	three := create("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, NULL)")
	first := func(column, query string) ask { return sql(query).as("d1.first", "column", column) }
	raw := func(query string) ask { return sql(query).as("d1.raw") }
	notFound := func(column string) string { return refused("D1_COLUMN_NOTFOUND: Column not found (" + column + ")") }
	return []d1Case{
		{"a query gives columns, rows and what it cost", []d1Step{three,
			{sql("SELECT * FROM t ORDER BY id"), cost(rows("id name", "i:1 t:one", "i:2 t:two", "i:3 n"), "changes=0 last_row_id=3 changed_db=no rows_read=3 rows_written=0")},
			{sql("SELECT * FROM t WHERE 0"), rows("id name")}}},
		{"a statement that writes gives no columns, with RETURNING it does", []d1Step{three, {sql("UPDATE t SET name = 'x' WHERE id = 1"), nothing},
			{sql("INSERT INTO t (name) VALUES (?) RETURNING id, name", "four"), rows("id name", "i:4 t:four")}}},
		{"the first row gives the value of a column", []d1Step{three, {first("name", "SELECT * FROM t ORDER BY id"), "t:one\n"}, {first("id", "SELECT * FROM t ORDER BY id DESC"), "i:3\n"}}},
		{"NULL and no row are the same to first", []d1Step{three, {first("name", "SELECT * FROM t WHERE id = 3"), missing}, {first("name", "SELECT * FROM t WHERE 0"), missing}}},
		{"a column that is not there is an error for first only where there is a row", []d1Step{three, {first("nope", "SELECT * FROM t"), notFound("nope")},
			{first("NAME", "SELECT * FROM t"), notFound("NAME")}, {first("nope", "SELECT * FROM t WHERE 0"), missing}}},
		{"of several columns with one name first takes the last", []d1Step{{first("a", "SELECT 1 AS a, 2 AS a"), "i:2\n"}}},
		{"raw rows come with the names of the columns, of no rows too", []d1Step{three, {raw("SELECT * FROM t WHERE id < 3"), "row t:id t:name\nrow i:1 t:one\nrow i:2 t:two\n"}, {raw("SELECT * FROM t WHERE 0"), "row t:id t:name\n"}}},
		{"raw rows keep columns of the same name", []d1Step{{raw("SELECT 1 AS a, 2 AS a"), "row t:a t:a\nrow i:1 i:2\n"}}},
		{"an expression's column has its text for a name", []d1Step{{sql("SELECT 2+3, 'x', count(*), ?", 1), rows("2+3 'x' count(*) ?", "i:5 t:x i:1 i:1")}}},
		{"a batch gives a result for each statement, which see what those before have done", []d1Step{{batch(sql("CREATE TABLE t (a)"), sql("INSERT INTO t VALUES (?)", 7), sql("SELECT a, last_insert_rowid() AS id FROM t")),
			nothing + nothing + rows("a id", "i:7 i:1")}}},
		{"a batch with a statement that fails does nothing", []d1Step{three,
			{batch(sql("DELETE FROM t"), sql("INSERT INTO t VALUES (1, 'a')"), sql("INSERT INTO t VALUES (1, 'b')"), sql("nonsense")), d1Error("UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)")},
			{batch(sql("DROP TABLE t"), sql("SELECT * FROM t")), d1Error("no such table: t: SQLITE_ERROR")},
			{sql("SELECT count(*) AS n FROM t"), rows("n", "i:3")}}},
		{"an empty batch is refused", []d1Step{{batch(), d1Error("No SQL statements detected.")}}},
		{"calls at once each have their result", []d1Step{{batch(sql("SELECT 1 AS a"), sql("SELECT 'two' AS b"), sql("SELECT x'03' AS c")).as("d1.async"), rows("a", "i:1") + rows("b", "t:two") + rows("c", "b:%03")}}},
		{"a dump is refused", []d1Step{{ask{op: "d1.dump"}, "error unsupported 0 D1_DUMP_ERROR: Status + 404\n"}}},
		{"what triggers change counts", []d1Step{create("CREATE TABLE t (a)", "CREATE TABLE log (a)", "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END"),
			{sql("INSERT INTO t VALUES (1)"), cost(nothing, "changes=2 last_row_id=1 changed_db=yes rows_read=0 rows_written=2")}}},
		{"SELECT and DDL change no rows, nor does an UPDATE that finds none", []d1Step{
			{sql("CREATE TABLE t (a)"), cost(nothing, "changes=0 last_row_id=0 changed_db=yes rows_read=0 rows_written=0")},
			{sql("CREATE TABLE IF NOT EXISTS t (a)"), cost(nothing, "changes=0 last_row_id=0 changed_db=no rows_read=0 rows_written=0")},
			{sql("UPDATE t SET a = 1"), cost(nothing, "changes=0 last_row_id=0 changed_db=no rows_read=0 rows_written=0")},
			{sql("INSERT INTO t VALUES (1), (2)"), cost(nothing, "changes=2 last_row_id=2 changed_db=yes rows_read=0 rows_written=2")},
			{sql("SELECT 1"), cost(rows("1", "i:1"), "changes=0 last_row_id=2 changed_db=no rows_read=0 rows_written=0")},
			{sql("UPDATE t SET a = 3"), cost(nothing, "changes=2 last_row_id=2 changed_db=yes rows_read=2 rows_written=2")}}},
		{"entries of indexes count as rows written", []d1Step{create("CREATE TABLE t (a TEXT PRIMARY KEY)"),
			{sql("INSERT INTO t VALUES ('a')"), cost(nothing, "changes=1 last_row_id=1 changed_db=yes rows_read=0 rows_written=2")}}},
		{"deleting a whole table reads no rows", []d1Step{create("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2), (3)"),
			{sql("DELETE FROM t"), cost(nothing, "changes=3 last_row_id=3 changed_db=yes rows_read=0 rows_written=3")}}},
	}
}

// d1ValueCases are how values go in and come out.
func d1ValueCases() []d1Case {
	typed := func(value any, want string) d1Step {
		return d1Step{sql("SELECT ?1 AS v, typeof(?1) AS t", value), rows("v t", want)}
	}
	wrong := d1Error("Wrong number of parameter bindings for SQL query.")
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	return []d1Case{
		{"an integer is INTEGER, to the last of its 64 bits", []d1Step{typed(0, "i:0 t:integer"), typed(math.MaxInt64, "i:9223372036854775807 t:integer"), typed(math.MinInt64, "i:-9223372036854775808 t:integer"), typed(1<<53+1, "i:9007199254740993 t:integer")}},
		{"a float is REAL, a whole one too", []d1Step{typed(1.5, float(1.5)+" t:real"), typed(1.0, float(1)+" t:real"), typed(math.MaxFloat64, float(math.MaxFloat64)+" t:real"), typed(5e-324, float(5e-324)+" t:real")}},
		{"infinity is REAL, and what is not a number is NULL", []d1Step{typed(math.Inf(1), float(math.Inf(1))+" t:real"), typed(math.Inf(-1), float(math.Inf(-1))+" t:real"), typed(math.NaN(), "n t:null"),
			{sql("SELECT 1e999 AS v"), rows("v", float(math.Inf(1)))}}},
		{"true and false are 1 and 0", []d1Step{typed(true, "i:1 t:integer"), typed(false, "i:0 t:integer")}},
		{"text is TEXT, with NUL bytes and everything", []d1Step{typed("", "t: t:text"), typed("a\x00b", "t:a%00b t:text"), typed("é🤓", "t:%c3%a9%f0%9f%a4%93 t:text")}},
		{"bytes in text that are not UTF-8 become U+FFFD", []d1Step{typed("a\xff", "t:a%ef%bf%bd t:text"), typed("\xed\xa0\x80", "t:"+strings.Repeat("%ef%bf%bd", 3)+" t:text"),
			{sql("SELECT CAST(x'61ff' AS TEXT) AS v"), rows("v", "t:a%ef%bf%bd")}}},
		{"bytes are a BLOB, byte for byte", []d1Step{typed([]byte{}, "b: t:blob"), typed(everyByte, "b:"+showBytes(string(everyByte))+" t:blob"), {sql("SELECT zeroblob(3) AS v"), rows("v", "b:%00%00%00")}}},
		{"null is NULL", []d1Step{typed(nil, "n t:null")}},
		{"columns convert by their affinity", []d1Step{create("CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, n NUMERIC)"),
			{batch(sql("INSERT INTO t VALUES (?, ?, ?, ?, ?)", 5.0, 5, 5, 5, 5.0), sql("INSERT INTO t VALUES (?, ?, ?, ?, ?)", "5", "5", 5.5, "5", "5.5"),
				sql("SELECT i, r, s, b, n FROM t")), nothing + nothing + rows("i r s b n", "i:5 "+float(5)+" t:5 i:5 i:5", "i:5 "+float(5)+" t:5.5 t:5 "+float(5.5))}}},
		{"integers divide as integers and floats as floats", []d1Step{{sql("SELECT ? / 2 AS a, ? / 2 AS b", 5, 5.0), rows("a b", "i:2 "+float(2.5))}, {sql("SELECT '' || ? AS a, '' || ? AS b", 5, 5.0), rows("a b", "t:5 t:5.0")}}},
		{"LIMIT takes an integer or a float that is one", []d1Step{{sql("SELECT 1 AS a UNION ALL SELECT 2 LIMIT ?", 1), rows("a", "i:1")}, {sql("SELECT 1 AS a UNION ALL SELECT 2 LIMIT ?", 1.0), rows("a", "i:1")},
			{sql("SELECT 1 AS a LIMIT ?", 1.5), d1Error("datatype mismatch: SQLITE_MISMATCH")}}},
		{"? takes the values in order", []d1Step{{sql("SELECT ? AS a, ? AS b", 1, "two"), rows("a b", "i:1 t:two")}}},
		{"?N takes the value of its number, as often as it stands there", []d1Step{{sql("SELECT ?2 AS a, ?1 AS b, ?2 AS c", "one", "two"), rows("a b c", "t:two t:one t:two")}, {sql("SELECT ?3 AS a", 1, 2, 3), rows("a", "i:3")}}},
		{"names take the values in the order in which they first stand there", []d1Step{{sql("SELECT :a AS a, @b AS b, $c AS c, :a AS d", 1, 2, 3), rows("a b c d", "i:1 i:2 i:3 i:1")}}},
		{"there must be as many values as parameters", []d1Step{{sql("SELECT ?, ?", 1), wrong}, {sql("SELECT ?", 1, 2), wrong}, {sql("SELECT ?"), wrong}, {sql("SELECT 1", 1), wrong}, {sql("SELECT ?3", 1), wrong}}},
	}
}

// d1TextCases are texts of several statements, of none, and lines of them.
func d1TextCases() []d1Case {
	none, comment := d1Error("No SQL statements detected."), d1Error("SQL code did not contain a statement.")
	execError := func(text string) string {
		return "error invalid_argument 0 D1_EXEC_ERROR: Error in line 1: " + text + "\n"
	}
	counted := func(n int) string { return fmt.Sprintf("count=%d duration=yes\n", n) }
	transaction := "To execute a transaction, please use the state.storage.transaction()"
	refusedTransactions := func() (steps []d1Step) {
		full := d1Error(transaction + " or state.storage.transactionSync() APIs instead of the SQL BEGIN TRANSACTION or SAVEPOINT statements. The JavaScript API is safer because it will automatically roll back on exceptions, and because it interacts correctly with Durable Objects' automatic atomic write coalescing.")
		for _, s := range []string{"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "END", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s"} {
			steps = append(steps, d1Step{sql(s), full})
		}
		return steps
	}()
	return []d1Case{
		{"several statements in one text all run, and the last gives the result", []d1Step{{sql("CREATE TABLE t (a); INSERT INTO t VALUES (1); SELECT a FROM t"), rows("a", "i:1")}, {sql("SELECT 1 AS a; SELECT 2 AS b;"), rows("b", "i:2")}}},
		{"only the last of several statements may have parameters", []d1Step{{sql("SELECT 1; SELECT ? AS a", 2), rows("a", "i:2")},
			{sql("SELECT ?; SELECT 1", 2), d1Error("When executing multiple SQL statements in a single call, only the last statement can have parameters.")}}},
		{"several statements in one text are all or nothing", []d1Step{create("CREATE TABLE t (a UNIQUE)"), {sql("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)"), d1Error("UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)")},
			{sql("SELECT count(*) AS n FROM t"), rows("n", "i:0")}}},
		{"a text without a statement is refused", []d1Step{{sql(""), none}, {sql("  \n\t"), none}, {sql("  -- indented"), none}, {sql("-- comment"), comment}, {sql(";"), comment}, {sql("select 1; -- trailing"), comment}, {sql("/* x */"), comment}}},
		{"a semicolon and spaces at the end change nothing", []d1Step{{sql("SELECT 1 AS a ; \n "), rows("a", "i:1")}}},
		{"transactions are refused", refusedTransactions},
		{"exec counts lines, not statements", []d1Step{{execLines("CREATE TABLE t (a)\n\n  INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)  \n"), counted(2)}, {sql("SELECT count(*) AS n FROM t"), rows("n", "i:2")}}},
		{"exec takes a line for a whole statement", []d1Step{{execLines("SELECT\n1"), execError("SELECT: incomplete input: SQLITE_ERROR")}}},
		{"exec says that everything happened in the first line, and does nothing", []d1Step{{execLines("CREATE TABLE t (a)\nSELECT 1\nSELEC"), execError(`CREATE TABLE t (a): near "SELEC": syntax error at offset 0: SQLITE_ERROR`)}, {sql("SELECT * FROM t"), d1Error("no such table: t: SQLITE_ERROR")}}},
		{"exec of nothing is refused", []d1Step{{execLines(""), execError(": No SQL statements detected.")}, {execLines("\n \n"), execError(": No SQL statements detected.")}}},
		{"exec takes no parameters", []d1Step{{execLines("SELECT ?"), execError("SELECT ?: Wrong number of parameter bindings for SQL query.")}}},
	}
}

// d1ErrorCases are the texts of errors.
func d1ErrorCases() []d1Case {
	constraint := func(text, name string) string {
		return d1Error(text + ": SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_" + name + ")")
	}
	return []d1Case{
		{"a syntax error names the place", []d1Step{{sql("SELEC"), d1Error(`near "SELEC": syntax error at offset 0: SQLITE_ERROR`)}, {sql("SELECT 1 FRM x y"), d1Error(`near "x": syntax error at offset 13: SQLITE_ERROR`)}}},
		{"a missing table or column is named", []d1Step{{sql("SELECT * FROM nope"), d1Error("no such table: nope: SQLITE_ERROR")}, {sql("SELECT nope"), d1Error("no such column: nope at offset 7: SQLITE_ERROR")}}},
		{"a missing function is named with its place", []d1Step{{sql("SELECT nope()"), d1Error("no such function: nope at offset 7: SQLITE_ERROR")}}},
		{"constraints name what they are about", []d1Step{
			create("CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL, c CHECK (c > 0))", "CREATE TABLE s (a INTEGER) STRICT", "CREATE TABLE k (t REFERENCES t)", "INSERT INTO t VALUES (1, 1, 1, 1)"),
			{sql("INSERT INTO t VALUES (1, 2, 2, 2)"), constraint("UNIQUE constraint failed: t.id", "PRIMARYKEY")}, {sql("INSERT INTO t VALUES (2, 1, 2, 2)"), constraint("UNIQUE constraint failed: t.u", "UNIQUE")},
			{sql("INSERT INTO t VALUES (2, 2, NULL, 2)"), constraint("NOT NULL constraint failed: t.n", "NOTNULL")}, {sql("INSERT INTO t VALUES (2, 2, 2, 0)"), constraint("CHECK constraint failed: c > 0", "CHECK")},
			{sql("INSERT INTO s VALUES ('x')"), constraint("cannot store TEXT value in INTEGER column s.a", "DATATYPE")}, {sql("INSERT INTO k VALUES (9)"), constraint("FOREIGN KEY constraint failed", "FOREIGNKEY")},
			{sql("DELETE FROM t; INSERT INTO t VALUES (1, 1, 1, 1); INSERT INTO k VALUES (1); DELETE FROM t"), constraint("FOREIGN KEY constraint failed", "FOREIGNKEY")}, {sql("SELECT count(*) AS n FROM k"), rows("n", "i:0")}}},
		{"what is forbidden is not authorized", []d1Step{{sql("PRAGMA journal_mode"), d1Error("not authorized: SQLITE_AUTH")}, {sql("SELECT sqlite_version()"), d1Error("not authorized to use function: sqlite_version at offset 7: SQLITE_ERROR")}}},
		{"RAISE gives its own text", []d1Step{create("CREATE TABLE t (a)", "CREATE TRIGGER tr BEFORE INSERT ON t BEGIN SELECT raise(ABORT, 'no more'); END"), {sql("INSERT INTO t VALUES (1)"), constraint("no more", "TRIGGER")}}},
	}
}

// d1LimitCases are the limits, one step below and one above.
func d1LimitCases() []d1Case {
	repeat := func(n int, unit, between string) string {
		return strings.TrimSuffix(strings.Repeat(unit+between, n), between)
	}
	padded := func(n int) string { return "SELECT 1 AS a" + strings.Repeat(" ", n-13) }
	nums := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprint("c", i)
		}
		return strings.Join(list, ", ")
	}
	values := func(n int) (list []any) {
		for i := range n {
			list = append(list, i)
		}
		return list
	}
	tooBig := d1TooLarge("string or blob too big: SQLITE_TOOBIG")
	const most = 2_000_000
	return []d1Case{
		{"a statement has 100,000 bytes at most", []d1Step{{sql(padded(100_000)), rows("a", "i:1")}, {sql(padded(100_001)), d1TooLarge("statement too long: SQLITE_TOOBIG")}}},
		{"a value has 2,000,000 bytes at most", []d1Step{
			{sql("SELECT length(?) AS n", nTimes(most)), rows("n", "i:2000000")}, {sql("SELECT length(?) AS n", nTimes(most+1)), tooBig}, {sql("SELECT length(?) AS n", zeros(most)), rows("n", "i:2000000")},
			{sql("SELECT length(?) AS n", zeros(most+1)), tooBig}, {sql("SELECT ? AS v", nTimes(most)), rows("v", "t:"+xs(most))}, {sql("SELECT zeroblob(2000001)"), tooBig}}},
		{"a row has 2,000,000 bytes at most", []d1Step{create("CREATE TABLE t (a, b)"), {sql("INSERT INTO t VALUES (?, ?)", nTimes(999_000), nTimes(999_000)), nothing}, {sql("INSERT INTO t VALUES (?, ?)", nTimes(1_000_000), nTimes(1_000_000)), tooBig}}},
		{"a statement has 100 parameters at most", []d1Step{
			{sql("SELECT 99 IN ("+repeat(100, "?", ",")+") AS n", values(100)...), rows("n", "i:1")}, {sql("SELECT 99 IN (" + repeat(101, "?", ",") + ")"), d1Error("too many SQL variables at offset 214: SQLITE_ERROR")},
			{sql("SELECT ?101"), d1Error("variable number must be between ?1 and ?100 at offset 7: SQLITE_ERROR")}}},
		{"a table and a result have 100 columns at most", []d1Step{create("CREATE TABLE ok (" + nums(100) + ")"), {sql("CREATE TABLE t (" + nums(101) + ")"), d1Error("too many columns on t: SQLITE_ERROR")},
			{sql("SELECT * FROM ok WHERE 0"), rows(strings.ReplaceAll(nums(100), ",", ""))}, {sql("SELECT *, 1 FROM ok"), d1Error("too many columns in result set: SQLITE_ERROR")}}},
		{"a function has 32 arguments at most", []d1Step{{sql("SELECT max(" + repeat(32, "1", ",") + ") AS m"), rows("m", "i:1")}, {sql("SELECT max(" + repeat(33, "1", ",") + ")"), d1Error("too many arguments on function max at offset 7: SQLITE_ERROR")}}},
		{"a pattern has 50 bytes at most", []d1Step{{sql("SELECT 'x' LIKE ? AS m", repeat(50, "x", "")), rows("m", "i:0")}, {sql("SELECT 'x' LIKE ?", repeat(51, "x", "")), d1Error("LIKE or GLOB pattern too complex: SQLITE_ERROR")},
			{sql("SELECT 'x' GLOB ?", repeat(51, "x", "")), d1Error("LIKE or GLOB pattern too complex: SQLITE_ERROR")}}},
		{"a compound SELECT has 5 terms at most, VALUES as many rows as it likes", []d1Step{{sql(repeat(5, "SELECT 1 AS a", " UNION ")), rows("a", "i:1")}, {sql(repeat(6, "SELECT 1 AS a", " UNION ")), d1Error("too many terms in compound SELECT: SQLITE_ERROR")},
			{sql("SELECT count(*) AS n FROM (VALUES " + repeat(500, "(1)", ",") + ")"), rows("n", "i:500")}}},
		{"an expression is nested 100 deep at most", []d1Step{{sql("SELECT " + repeat(99, "1", "+") + " AS n"), rows("n", "i:99")}, {sql("SELECT " + repeat(101, "1", "+")), d1Error("Expression tree is too large (maximum depth 100): SQLITE_ERROR")}}},
		{"triggers start triggers 10 deep at most", []d1Step{create("CREATE TABLE t (a)", "CREATE TRIGGER tr AFTER INSERT ON t WHEN new.a > 0 BEGIN INSERT INTO t VALUES (new.a - 1); END"),
			{sql("PRAGMA recursive_triggers = on; INSERT INTO t VALUES (9)"), nothing}, {sql("PRAGMA recursive_triggers = on; INSERT INTO t VALUES (10)"), d1Error("too many levels of trigger recursion: SQLITE_ERROR")}}},
		{"a statement is compiled to 25,000 operations at most", []d1Step{
			{sql("SELECT count(*) AS n FROM (VALUES " + repeat(300, "("+repeat(40, "1", ",")+")", ",") + ")"), rows("n", "i:300")},
			{sql("SELECT count(*) AS n FROM (VALUES " + repeat(1000, "("+repeat(40, "1", ",")+")", ",") + ")"), "error too_large 0 D1_ERROR: out of memory: SQLITE_NOMEM\n"}}},
		{"a result has 30 MiB at most", []d1Step{
			{sql("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n LIMIT 16) SELECT zeroblob(2000000) AS b FROM n"), d1TooLarge("the rows of the result take more than 31457280 bytes, the most that one reply may have (D1ResultBytesMax); select less, or page with LIMIT")},
			{sql("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n LIMIT 50000) SELECT sum(i) AS s, count(*) AS n FROM n"), rows("s n", "i:1250025000 i:50000")}}},
	}
}
