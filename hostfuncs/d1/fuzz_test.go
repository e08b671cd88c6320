package d1

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// FuzzQuery runs any text with any parameters, alone and beside others. Nothing may panic, every error must be one for guests, and the
// database must be as usable afterwards as before.
func FuzzQuery(f *testing.F) {
	for _, sql := range []string{"SELECT ?", "SELECT 1; INSERT INTO t VALUES(NULL, ?) RETURNING *", "PRAGMA foreign_keys=off", "PRAGMA case_sensitive_like=1; SELECT 'a' LIKE 'A'",
		"CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES('x'); SELECT * FROM f('x')", "INSERT OR ROLLBACK INTO t VALUES(1,1)", "WITH RECURSIVE a(b) AS (SELECT 1 UNION ALL SELECT b+1 FROM a) SELECT count(*) FROM a",
		"CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'no'); END", "-- a", "\x00", "SELECT '\xff'", "BEGIN", "EXPLAIN QUERY PLAN SELECT * FROM t", "SELECT printf('%.*c', 2000000, 'x')",
		"ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t", "SELECT changes(), last_insert_rowid()", "VALUES(1),(2)", "PRAGMA defer_foreign_keys=on; DELETE FROM t", "VACUUM", "ANALYZE", "PRAGMA optimize"} {
		f.Add(sql, []byte{0x01})
		f.Add(sql, []byte{})
	}
	d, err := OpenDatabase(f.Context(), Options{Dir: f.TempDir(), Relaxed: true}, "fuzz")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { d.Close() })
	d.limit = 100 * time.Millisecond
	query := func(t *testing.T, sql string, params []byte) error {
		_, err := d.Query(context.Background(), &abi.D1QueryRequest{Statements: []abi.D1Statement{{SQL: abi.ByteString(sql), Params: params}}})
		var public *abi.Error
		if err != nil && !errors.As(err, &public) {
			t.Errorf("%q: %v is not for guests", sql, err)
		}
		if errors.Is(err, abi.CodeStorageFailed) {
			t.Errorf("%q: %v", sql, err)
		}
		return err
	}
	f.Fuzz(func(t *testing.T, sql string, params []byte) {
		query(t, "DROP TABLE IF EXISTS t", nil)
		query(t, "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, a)", nil)
		beside := make(chan error, 1)
		go func() {
			_, err := d.Query(context.Background(), &abi.D1QueryRequest{Statements: []abi.D1Statement{{SQL: "CREATE TABLE IF NOT EXISTS beside(a)"}, {SQL: "INSERT INTO beside VALUES(1)"}}})
			beside <- err
		}()
		query(t, sql, params)
		d.Exec(context.Background(), &abi.D1ExecRequest{SQL: abi.ByteString(sql)})
		if err := <-beside; err != nil && !strings.Contains(sql, "beside") && !errors.Is(err, abi.CodeTimeout) { // the machine may be busy
			t.Errorf("%q harmed another query: %v", sql, err)
		}
		for _, check := range []string{"SELECT 1", "CREATE TABLE IF NOT EXISTS healthy(a TEXT)", "INSERT INTO healthy VALUES(1)", "DELETE FROM healthy"} {
			if err := query(t, check, nil); err != nil && !errors.Is(err, abi.CodeTimeout) {
				t.Fatalf("after %q: %s: %v", sql, check, err)
			}
		}
	})
}

// FuzzSplit takes scripts apart: the statements together are the script without some white space and comments between them.
func FuzzSplit(f *testing.F) {
	for _, script := range []string{"a; b;", "'a;''b'; \"c;\" [;]", "-- a;\nb", "/* ; */ a", "CREATE TRIGGER x BEGIN a; b; END; c", "create temp trigger a begin select case when 1 then 2 end; end;", "/*", "'", "a--", "a/**/b;"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		s, rest := newSplitter(strings.NewReader(script)), script
		for {
			text, err := s.next()
			if err != nil {
				break
			}
			if text == "" {
				t.Fatal("an empty statement")
			}
			i := strings.Index(rest, text)
			if i < 0 {
				t.Fatalf("%q is not in what is left of %q", text, script)
			}
			rest = rest[i+len(text):]
		}
		if s.bytes != int64(len(script)) {
			t.Errorf("%d of %d bytes were read", s.bytes, len(script))
		}
	})
}
