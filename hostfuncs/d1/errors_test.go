package d1

import (
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestErrors(t *testing.T) {
	check(t, []sqlCase{
		{name: "syntax", sql: "SELEC", err: `D1_ERROR: near "SELEC": syntax error at offset 0: SQLITE_ERROR`},
		{name: "syntax further on", sql: "SELECT * FORM t", err: `D1_ERROR: near "FORM": syntax error at offset 9: SQLITE_ERROR`},
		{name: "syntax of a writing statement", sql: "INSERT INTO t VALUE(1)", err: `D1_ERROR: near "VALUE": syntax error at offset 14: SQLITE_ERROR`},
		{name: "an offset counts from the statement", sql: "SELECT 1; SELEC", err: `D1_ERROR: near "SELEC": syntax error at offset 1: SQLITE_ERROR`},
		{name: "an unknown token", sql: "SELECT #", err: `D1_ERROR: unrecognized token: "#" at offset 7: SQLITE_ERROR`},
		{name: "half a statement", sql: "SELECT", err: "D1_ERROR: incomplete input: SQLITE_ERROR"},
		{name: "no such table", sql: "SELECT * FROM nope", err: "D1_ERROR: no such table: nope: SQLITE_ERROR"},
		{name: "no such table to write to", sql: "INSERT INTO nope VALUES(1)", err: "D1_ERROR: no such table: nope: SQLITE_ERROR"},
		{name: "no such column", sql: "SELECT nope", err: "D1_ERROR: no such column: nope at offset 7: SQLITE_ERROR"},
		{name: "no such function", sql: "SELECT nope()", err: "D1_ERROR: no such function: nope at offset 7: SQLITE_ERROR"},
		{name: "a table that exists", setup: "CREATE TABLE t(a)", sql: "CREATE TABLE t(a)", err: "D1_ERROR: table t already exists: SQLITE_ERROR"},
		{name: "PRIMARY KEY", setup: "CREATE TABLE t(id INTEGER PRIMARY KEY)\nINSERT INTO t VALUES(1)", sql: "INSERT INTO t VALUES(1)",
			err: "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)"},
		{name: "UNIQUE", setup: "CREATE TABLE t(a UNIQUE)\nINSERT INTO t VALUES(1)", sql: "INSERT INTO t VALUES(1)",
			err: "D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)"},
		{name: "the rowid", setup: "CREATE TABLE t(a)\nINSERT INTO t(rowid) VALUES(1)", sql: "INSERT INTO t(rowid) VALUES(1)",
			err: "D1_ERROR: UNIQUE constraint failed: t.rowid: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_ROWID)"},
		{name: "FOREIGN KEY", setup: "CREATE TABLE p(id INTEGER PRIMARY KEY)\nCREATE TABLE c(p REFERENCES p)", sql: "INSERT INTO c VALUES(1)",
			err: "D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"},
		{name: "FOREIGN KEY that is deferred", setup: "CREATE TABLE p(id INTEGER PRIMARY KEY)\nCREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED)", sql: "INSERT INTO c VALUES(1)",
			err: "D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"},
		{name: "CHECK", setup: "CREATE TABLE t(a CHECK (a>0))", sql: "INSERT INTO t VALUES(0)",
			err: "D1_ERROR: CHECK constraint failed: a>0: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_CHECK)"},
		{name: "NOT NULL", setup: "CREATE TABLE nn(a NOT NULL)", sql: "INSERT INTO nn VALUES(NULL)",
			err: "D1_ERROR: NOT NULL constraint failed: nn.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)"},
		{name: "STRICT", setup: "CREATE TABLE st(a INTEGER) STRICT", sql: "INSERT INTO st VALUES('x')",
			err: "D1_ERROR: cannot store TEXT value in INTEGER column st.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_DATATYPE)"},
		{name: "RAISE", setup: "CREATE TABLE t(a)\nCREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'not today'); END", sql: "INSERT INTO t VALUES(1)",
			err: "D1_ERROR: not today: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_TRIGGER)"},
		{name: "forbidden", sql: "PRAGMA journal_mode", err: "D1_ERROR: not authorized: SQLITE_AUTH"},
		{name: "a forbidden function", sql: "SELECT sqlite_version()", err: "D1_ERROR: not authorized to use function: sqlite_version at offset 7: SQLITE_ERROR"},
		{name: "a text that is no query of the full-text search", setup: "CREATE VIRTUAL TABLE f USING fts5(a)", sql: "SELECT * FROM f WHERE f MATCH '\"'", err: "D1_ERROR: unterminated string: SQLITE_ERROR"},
		{name: "malformed JSON", sql: "SELECT json('{')", err: "D1_ERROR: malformed JSON: SQLITE_ERROR"},
		{name: "an integer that overflows", sql: "SELECT abs(-9223372036854775808)", err: "D1_ERROR: integer overflow: SQLITE_ERROR"},
		{name: "a view that is written", setup: "CREATE VIEW v AS SELECT 1 AS a", sql: "INSERT INTO v VALUES(1)", err: "D1_ERROR: cannot modify v because it is a view: SQLITE_ERROR"},
		{name: "a table of the schema", sql: "DELETE FROM sqlite_master", err: "D1_ERROR: table sqlite_master may not be modified: SQLITE_ERROR"},
		{name: "a table that a full-text index keeps", setup: "CREATE VIRTUAL TABLE f USING fts5(a)", sql: "DELETE FROM f_data", err: "D1_ERROR: table f_data may not be modified: SQLITE_ERROR"},
		{name: "too large", sql: "SELECT zeroblob(2000001)", err: "D1_ERROR: string or blob too big: SQLITE_TOOBIG", code: abi.CodeTooLarge},
	})
}
