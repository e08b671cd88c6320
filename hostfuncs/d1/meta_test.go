package d1

import (
	"fmt"
	"testing"
)

func TestMeta(t *testing.T) {
	const table = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)\nINSERT INTO t(a) VALUES(1),(2),(3)"
	for _, c := range []struct {
		name, setup, sql string
		want             string // changes, last_row_id, changed_db, rows_read, rows_written
	}{
		{"SELECT", table, "SELECT * FROM t", "0 3 false 3 0"},
		{"SELECT of nothing stored", table, "SELECT 1", "0 3 false 0 0"},
		{"SELECT by key", table, "SELECT * FROM t WHERE id = 2", "0 3 false 1 0"},
		{"SELECT by key of a row that is not there", table, "SELECT * FROM t WHERE id = 9", "0 3 false 0 0"},
		{"SELECT with a filter reads what it drops", table, "SELECT * FROM t WHERE a = 2", "0 3 false 3 0"},
		{"INSERT", table, "INSERT INTO t(a) VALUES(1)", "1 4 true 0 1"},
		{"INSERT of several", table, "INSERT INTO t(a) VALUES(1),(2)", "2 5 true 0 2"},
		{"INSERT with an index", table + "\nCREATE INDEX i ON t(a)", "INSERT INTO t(a) VALUES(1)", "1 4 true 0 2"},
		{"INSERT with a key that is text", "CREATE TABLE t(k TEXT PRIMARY KEY)", "INSERT INTO t VALUES('x')", "1 1 true 0 2"},
		{"INSERT without rowid", "CREATE TABLE t(k TEXT PRIMARY KEY) WITHOUT ROWID", "INSERT INTO t VALUES('x')", "1 0 true 0 1"},
		{"INSERT without rowid and with an index", "CREATE TABLE t(k TEXT PRIMARY KEY, a UNIQUE) WITHOUT ROWID", "INSERT INTO t VALUES('x',1)", "1 0 true 0 2"},
		{"INSERT that a trigger adds a row to", table + "\nCREATE TABLE l(a)\nCREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO l VALUES(1); END", "INSERT INTO t(a) VALUES(1)", "2 4 true 0 2"},
		{"INSERT OR IGNORE of a row that is there", table, "INSERT OR IGNORE INTO t(id) VALUES(1)", "0 3 false 0 0"},
		{"INSERT with RETURNING", table, "INSERT INTO t(a) VALUES(1) RETURNING id", "1 4 true 1 1"},
		{"UPDATE", table, "UPDATE t SET a = 0 WHERE id = 1", "1 3 true 1 1"},
		{"UPDATE of all", table, "UPDATE t SET a = 0", "3 3 true 3 3"},
		{"UPDATE of nothing", table, "UPDATE t SET a = 0 WHERE id = 9", "0 3 false 0 0"},
		{"UPDATE of an indexed column", table + "\nCREATE INDEX i ON t(a)", "UPDATE t SET a = 0 WHERE id = 1", "1 3 true 1 2"},
		{"UPDATE of a column that is not indexed", table + "\nCREATE INDEX i ON t(a)", "UPDATE t SET b = 0 WHERE id = 1", "1 3 true 1 1"},
		{"DELETE", table, "DELETE FROM t WHERE id = 1", "1 3 true 0 1"},
		{"DELETE with an index", table + "\nCREATE INDEX i ON t(a)", "DELETE FROM t WHERE b IS NULL", "3 3 true 3 6"},
		{"DELETE of all", table + "\nCREATE INDEX i ON t(a)", "DELETE FROM t", "3 3 true 0 3"},
		{"DELETE of nothing", table, "DELETE FROM t WHERE id = 9", "0 3 false 0 0"},
		{"CREATE TABLE", table, "CREATE TABLE u(a)", "0 3 true 0 0"},
		{"CREATE TABLE IF NOT EXISTS of one that does", table, "CREATE TABLE IF NOT EXISTS t(a)", "0 3 false 0 0"},
		{"DROP TABLE", table, "DROP TABLE t", "0 3 true 0 0"},
		{"several statements count together", table, "INSERT INTO t(a) VALUES(1); INSERT INTO t(a) VALUES(2); SELECT 1", "2 5 true 0 2"},
		{"last_insert_rowid()", table, "SELECT last_insert_rowid(), changes(), total_changes()", "0 3 false 0 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProbe(t)
			p.mustExec(c.setup)
			m := p.must(c.sql).Meta
			got := fmt.Sprintf("%d %d %t %d %d", m.Changes, m.LastRowID, m.ChangedDB, m.RowsRead, m.RowsWritten)
			if c.name == "DROP TABLE" || c.name == "CREATE TABLE" || c.name == "DELETE" {
				m.RowsRead = 0 // what SQLite does to its schema
				got = fmt.Sprintf("%d %d %t %d %d", m.Changes, m.LastRowID, m.ChangedDB, m.RowsRead, m.RowsWritten)
			}
			if got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
			}
			if m.ServedBy != "pagesrun" || m.DurationMS < 0 || m.DurationMS > 60_000 {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestTheSizeFollowsTheData(t *testing.T) {
	p := newProbe(t)
	size := func(sql string) int64 { return p.must(sql).Meta.SizeAfter }
	empty := size("CREATE TABLE t(a)")
	if empty != 8192 {
		t.Errorf("a database with one table has %d bytes", empty)
	}
	full := size("INSERT INTO t VALUES(zeroblob(1000000))")
	if full < 1_000_000 || full > 1_020_000 {
		t.Errorf("with a million bytes %d", full)
	}
	if got := size("SELECT 1"); got != full {
		t.Errorf("read as %d", got)
	}
	if got := size("DELETE FROM t"); got != empty {
		t.Errorf("%d bytes are left of %d", got, empty)
	}
	if got := size("SELECT 1"); got != empty {
		t.Errorf("read as %d", got)
	}
}

func TestFunctionsOfTheConnection(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)\nINSERT INTO t(a) VALUES(1),(2),(3)\nUPDATE t SET a = 0 WHERE id < 3")
	for range 3 {
		if got := p.rows("SELECT last_insert_rowid(), changes()"); got != "3|2" {
			t.Error(got)
		}
	}
	if got := p.rows("INSERT INTO t VALUES(70, 1); SELECT last_insert_rowid(), changes()"); got != "70|1" {
		t.Error(got)
	}
	p.must("SELECT * FROM t")
	if got := p.rows("SELECT last_insert_rowid(), total_changes()"); got != "70|6" {
		t.Error(got)
	}
}
