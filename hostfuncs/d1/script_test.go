package d1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestSplitting(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"nothing", "", ""},
		{"white space and comments", " -- a;\n /* ; */ ", ""},
		{"one without an end", "SELECT 1", "SELECT 1"},
		{"two", "a;b;", "a;|b;"},
		{"what stands between is left out", "a; -- c\n\n /* d */ b ; ", "a;|b ;"},
		{"comments within stay", "a -- x;y\n b /* ; */ c;", "a -- x;y\n b /* ; */ c;"},
		{"a semicolon in a string", "a 'x;''y;' b; c", "a 'x;''y;' b;|c"},
		{"a semicolon in a name", "a \";\" `;` [;] b;c", "a \";\" `;` [;] b;|c"},
		{"a trigger", "CREATE TRIGGER t BEGIN a; b; END; c;", "CREATE TRIGGER t BEGIN a; b; END;|c;"},
		{"a temporary trigger", "create  temp /* x */ trigger t begin a; end;c", "create  temp /* x */ trigger t begin a; end;|c"},
		{"CASE in a trigger", "CREATE TRIGGER t BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 'END;'; END ; c", "CREATE TRIGGER t BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 'END;'; END ;|c"},
		{"EXPLAIN of a trigger", "EXPLAIN QUERY PLAN CREATE TRIGGER t BEGIN a; END; c", "EXPLAIN QUERY PLAN CREATE TRIGGER t BEGIN a; END;|c"},
		{"a table named like one", "CREATE TABLE trigger_x(a); c", "CREATE TABLE trigger_x(a);|c"},
		{"a string without an end", "a 'b; c", "a 'b; c"},
		{"a comment without an end", "a; /* b", "a;"},
		{"a minus and a slash", "a - b / c; d-", "a - b / c;|d-"},
		{"a comment that only seems to end", "/*/ a; */ b", "b"},
		{"stars", "/***/ a /**/; b", "a /**/;|b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(splitAll(t, c.script), "|"); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func splitAll(t *testing.T, script string) []string {
	t.Helper()
	var list []string
	for s := newSplitter(strings.NewReader(script)); ; {
		text, err := s.next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
}

const everything = `
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
-- children first; parents later
CREATE TABLE child(p REFERENCES parent(id), a);
INSERT INTO child VALUES(1, 'a;b'), (2, 'it''s'), (NULL, NULL);
CREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT, "we;ird ""name" TEXT DEFAULT 'x', twice AS (id*2));
INSERT INTO parent("we;ird ""name") VALUES('one'),('two'),('three');
CREATE TABLE vals(v);
INSERT INTO vals VALUES(1),(-9223372036854775808),(9223372036854775807),(1.0),(0.1),(1e300),(-1e-300),(9e999),(-9e999),('text'),(''),('ü'),
	('a'||char(0)||'b'),(CAST(x'ff61' AS TEXT)),(x''),(x'00ff'),(NULL),('line
break');
CREATE TABLE keyed(k TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
INSERT INTO keyed VALUES('b',1),('a',2);
CREATE TABLE typed(i INTEGER, r REAL) STRICT;
INSERT INTO typed VALUES(1, 1.0);
CREATE VIRTUAL TABLE words USING fts5(title, body);
INSERT INTO words(rowid, title, body) VALUES(7, 'hello', 'world'), (9, 'other', 'words');
CREATE VIRTUAL TABLE names USING fts5("we;ird ""name", content=parent, content_rowid=id);
INSERT INTO names(names) VALUES('rebuild');
CREATE VIRTUAL TABLE terms USING fts5vocab(words, row);
CREATE INDEX by_a ON child(a);
CREATE UNIQUE INDEX by_name ON parent("we;ird ""name") WHERE id > 1;
CREATE VIEW v AS SELECT * FROM child;
CREATE TRIGGER tr AFTER INSERT ON child WHEN new.a IS NULL BEGIN UPDATE child SET a = CASE WHEN a IS NULL THEN 'set;' ELSE a END; SELECT 1; END;
COMMIT;
`

// content is all there is in a database, to compare two by.
func content(p *probe) string {
	p.t.Helper()
	var b strings.Builder
	for _, sql := range []string{"SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name", "SELECT p, a FROM child ORDER BY rowid", "SELECT * FROM parent", "SELECT typeof(v), v, hex(v) FROM vals ORDER BY rowid",
		"SELECT * FROM keyed", "SELECT * FROM typed", "SELECT rowid, * FROM words ORDER BY rowid", "SELECT rowid FROM words WHERE words MATCH 'world'", "SELECT rowid FROM names WHERE names MATCH 'two'",
		"SELECT * FROM terms", "SELECT * FROM v", "SELECT * FROM sqlite_sequence", "PRAGMA foreign_key_check", "PRAGMA quick_check"} {
		b.WriteString(sql + ": " + p.rows(sql) + "\n")
	}
	return b.String()
}

func TestWhatIsExportedCanBeImported(t *testing.T) {
	a, b := newProbe(t), newProbe(t)
	r, err := a.database().Import(t.Context(), strings.NewReader(everything), ImportOptions{})
	if err != nil || r.Statements != 20 || !bookmarkShape.MatchString(r.Bookmark) {
		t.Fatal(r, err)
	}
	var script, again bytes.Buffer
	rows := int64(0)
	if err := a.database().Export(t.Context(), &script, ExportOptions{Progress: func(n int64) { rows = n }}); err != nil {
		t.Fatal(err)
	}
	if rows != 30 {
		t.Errorf("%d rows were reported", rows)
	}
	if _, err := b.database().Import(t.Context(), bytes.NewReader(script.Bytes()), ImportOptions{}); err != nil {
		t.Fatalf("%v\n%s", err, script.String())
	}
	if got, want := content(b), content(a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := b.database().Export(t.Context(), &again, ExportOptions{}); err != nil || again.String() != script.String() {
		t.Errorf("exported again: %v\n%s\nfirst:\n%s", err, again.String(), script.String())
	}
	b.must("INSERT INTO child VALUES(3, NULL)")
	if got := b.rows("SELECT a FROM child WHERE p = 3"); got != "'set;'" {
		t.Error("the trigger made", got)
	}
}

func TestPartsOfAnExport(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE a(x)\nINSERT INTO a VALUES(1)\nCREATE TABLE b(x)\nINSERT INTO b VALUES(2)\nCREATE INDEX i ON a(x)\nCREATE VIEW v AS SELECT * FROM a\nCREATE VIRTUAL TABLE f USING fts5(x, content='')")
	const head = "PRAGMA defer_foreign_keys=TRUE;\n"
	for _, c := range []struct {
		name    string
		options ExportOptions
		want    string
		err     string
	}{
		{"the schema", ExportOptions{NoData: true}, "CREATE TABLE a(x);\nCREATE TABLE b(x);\nCREATE VIRTUAL TABLE f USING fts5(x, content='');\nCREATE INDEX i ON a(x);\nCREATE VIEW v AS SELECT * FROM a;\n", ""},
		{"one table", ExportOptions{Tables: []string{"A"}}, "CREATE TABLE a(x);\nINSERT INTO \"a\" (\"x\") VALUES(1);\nCREATE INDEX i ON a(x);\n", ""},
		{"the rows of two tables", ExportOptions{Tables: []string{"a", "b"}, NoSchema: true}, "INSERT INTO \"a\" (\"x\") VALUES(1);\nINSERT INTO \"b\" (\"x\") VALUES(2);\n", ""},
		{"a table that does not exist", ExportOptions{Tables: []string{"a", "nope"}}, "", "D1_ERROR: no such table: nope"},
		{"a full-text table without content", ExportOptions{}, "", "D1_ERROR: the full-text table f keeps no content, so its rows cannot be exported; export without data or leave it out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			err := p.database().Export(t.Context(), &b, c.options)
			if seen(err) != c.err {
				t.Fatal(err)
			}
			if err == nil && b.String() != head+c.want {
				t.Errorf("got\n%s", b.String())
			}
		})
	}
}

func TestAnImportIsAllOrNothing(t *testing.T) {
	for _, c := range []struct {
		name, script string
		line         int64
		statement    int64
		err          string
	}{
		{"a statement fails", "INSERT INTO t VALUES(2);\n\n-- c\nINSERT INTO nope\nVALUES(1);", 4, 2, "D1_ERROR: no such table: nope: SQLITE_ERROR"},
		{"syntax", "INSERT INTO t VALUES(2);SELEC;", 1, 2, `D1_ERROR: near "SELEC": syntax error at offset 0: SQLITE_ERROR`},
		{"a rollback", "INSERT INTO t VALUES(2);\nINSERT OR ROLLBACK INTO t VALUES(2);", 2, 2, "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)"},
		{"what guests may not do either", "PRAGMA journal_mode=DELETE;", 1, 1, "D1_ERROR: not authorized: SQLITE_AUTH"},
		{"a savepoint", "SAVEPOINT a;", 1, 1, transaction},
		{"ROLLBACK", "INSERT INTO t VALUES(2);\nROLLBACK;", 2, 2, transaction},
		{"a parameter", "INSERT INTO t VALUES(?);", 1, 1, "D1_ERROR: Wrong number of parameter bindings for SQL query."},
		{"a statement that is too long", "\nSELECT '" + strings.Repeat("x", statementBytesMax) + "';", 2, 1, ""},
		{"half a statement", "INSERT INTO t", 1, 1, "D1_ERROR: incomplete input: SQLITE_ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProbe(t)
			p.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY)\nINSERT INTO t VALUES(1)")
			_, err := p.database().Import(t.Context(), strings.NewReader(c.script), ImportOptions{})
			var at *ImportError
			if !errors.As(err, &at) || at.Line != c.line || at.Statement != c.statement || !strings.HasPrefix(seen(at.Err), c.err) {
				t.Errorf("%v", err)
			}
			if got := p.rows("SELECT id FROM t"); got != "1" {
				t.Error(got)
			}
			p.must("INSERT INTO t VALUES(2)")
		})
	}
	t.Run("foreign keys that stay broken", func(t *testing.T) {
		p := newProbe(t)
		_, err := p.database().Import(t.Context(), strings.NewReader("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES(1);"), ImportOptions{})
		if seen(err) != prefixQuery+textForeignKey {
			t.Error(err)
		}
		if got := p.rows("SELECT count(*) FROM sqlite_master"); got != "0" {
			t.Error(got)
		}
	})
	t.Run("foreign keys that stay broken though they were turned off", func(t *testing.T) {
		p := newProbe(t)
		_, err := p.database().Import(t.Context(), strings.NewReader("PRAGMA foreign_keys=OFF; CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES(1);"), ImportOptions{})
		if seen(err) != prefixQuery+textForeignKey {
			t.Error(err)
		}
		p.mustExec("CREATE TABLE p(id INTEGER PRIMARY KEY)\nCREATE TABLE c(p REFERENCES p)")
		if _, err := p.query("INSERT INTO c VALUES(1)"); seen(err) != prefixQuery+textForeignKey {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("an import that is canceled", func(t *testing.T) {
		p := newProbe(t)
		ctx, cancel := context.WithCancel(t.Context())
		script := io.MultiReader(strings.NewReader("CREATE TABLE t(a);"), &endless{text: "INSERT INTO t VALUES(1);\n"})
		_, err := p.database().Import(ctx, script, ImportOptions{Progress: func(_, n int64) {
			if n > 1000 {
				cancel()
			}
		}})
		if !errors.Is(err, abi.CodeCanceled) {
			t.Error(err)
		}
		p.must("CREATE TABLE t(a)")
	})
}

// endless reads the same text again and again.
type endless struct {
	text string
	rest string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.rest = e.text
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestAnImportTakesLongStatements(t *testing.T) {
	a, b := newProbe(t), newProbe(t)
	a.mustExec("CREATE TABLE t(a)")
	value := bytes.Repeat([]byte{1, 2, 3, 255}, 499_000)
	a.must("INSERT INTO t VALUES(?)", value)
	var script bytes.Buffer
	if err := a.database().Export(t.Context(), &script, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.database().Import(t.Context(), &script, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := b.rows("SELECT count(*) FROM t WHERE a = ?", value); got != "1" {
		t.Error(got)
	}
	if _, err := b.query("SELECT '" + strings.Repeat("x", abi.D1SQLBytesMax) + "'"); seen(err) != prefixQuery+textTooLong {
		t.Errorf("afterwards a guest's statement: %v", err)
	}
}

func TestRowsOfAnExportAreGrouped(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a, b)\nWITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n+1 FROM c WHERE n<20000) INSERT INTO t SELECT n, 'x' FROM c")
	var script bytes.Buffer
	if err := p.database().Export(t.Context(), &script, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	statements := splitAll(t, script.String())
	if n := len(statements); n < 10 || n > 100 {
		t.Error(n, "statements")
	}
	if longest := slices.MaxFunc(statements, func(a, b string) int { return len(a) - len(b) }); len(longest) > abi.D1SQLBytesMax {
		t.Error("the longest statement has", len(longest), "bytes")
	}
	other := newProbe(t)
	if r, err := other.database().Import(t.Context(), &script, ImportOptions{}); err != nil || r.Changes != 20000 {
		t.Error(r, err)
	}
	if a, b := p.rows("SELECT count(*), sum(a) FROM t"), other.rows("SELECT count(*), sum(a) FROM t"); a != b {
		t.Error(a, b)
	}
}
