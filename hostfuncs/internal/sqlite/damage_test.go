package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

// filled makes a file of the tests' pairs and gives a copy of it as kill -9 would leave it, and one as a stop does.
func filled(t *testing.T) (killed, stopped string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.sqlite")
	db := testDB(t, Options{Path: path})
	for i := range 20 {
		if err := put(db, fmt.Sprint(i), []byte(strings.Repeat("v", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	killed = copied(t, path)
	db.Close()
	return killed, copied(t, path)
}

// copied copies a database with all that belongs to it.
func copied(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.sqlite")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, content, 0o600)
		}
		if err != nil && !(os.IsNotExist(err) && suffix != "") {
			t.Fatal(err)
		}
	}
	return to
}

// openLogged opens a file and gives what was logged.
func openLogged(t *testing.T, path string) (*DB, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	return testDB(t, Options{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))}), &log
}

func TestADamagedFileIsNamedAndFailsAlone(t *testing.T) {
	for _, row := range []struct {
		name   string
		offset int64
		mask   byte
	}{
		{"the magic number", 2, 1}, {"the page size", 16, 4}, {"whether pages have checksums", 20, 8}, {"how many bytes are kept free", 20, 1}, {"the first page", 2000, 1},
	} {
		_, path := filled(t)
		flip(t, path, row.offset, row.mask)
		db, log := openLogged(t, path)
		err := db.Read(t.Context(), func(c *Conn) error { _, err := c.Int(`SELECT count(*) FROM pairs`); return err })
		if public := db.Public(err); !IsDamage(err) || !errors.Is(public, abi.CodeStorageFailed) {
			t.Errorf("%s: reading gave %v, publicly %v", row.name, err, public)
		}
		if err := put(db, "new", nil); !IsDamage(err) {
			t.Errorf("%s: writing gave %v", row.name, err)
		}
		if !strings.Contains(log.String(), path) {
			t.Errorf("%s: the log has %s", row.name, log)
		}
		if err := db.Close(); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestWithoutChecksumsAlteredDataIsServed is the control: the same change is not seen in a file without them, so it is they that see it.
func TestWithoutChecksumsAlteredDataIsServed(t *testing.T) {
	for _, checksums := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "test.sqlite")
		conn, err := sqlite3.Open("file:" + filepath.ToSlash(path))
		if err != nil {
			t.Fatal(err)
		}
		if checksums {
			if err := conn.EnableChecksums("main"); err != nil {
				t.Fatal(err)
			}
		}
		err = conn.Exec(`CREATE TABLE pairs (k TEXT PRIMARY KEY, v BLOB) STRICT; INSERT INTO pairs VALUES ('k', CAST('unaltered' AS BLOB)); PRAGMA user_version=1`)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flip(t, path, int64(bytes.Index(content, []byte("unaltered"))), 1)
		db, _ := openLogged(t, path)
		var got string
		err = db.Read(t.Context(), func(c *Conn) (err error) { got, err = c.text(`SELECT CAST(v AS TEXT) FROM pairs`); return err })
		if checksums != IsDamage(err) || checksums == (got == "tnaltered") {
			t.Errorf("with checksums %v: %q, %v", checksums, got, err)
		}
		db.Close()
	}
}

func TestALogThatLostItsEndIsToldAndKept(t *testing.T) {
	for _, row := range []struct {
		name   string
		damage func(t *testing.T, path string)
		told   bool
	}{
		{"nothing", func(*testing.T, string) {}, false},
		{"a bit of its header", func(t *testing.T, path string) { flip(t, path+"-wal", 9, 1) }, true},
		{"a bit of a page", func(t *testing.T, path string) { flip(t, path+"-wal", 20_000, 1) }, true},
		{"a bit of a frame's salt", func(t *testing.T, path string) { flip(t, path+"-wal", 32+2*(4096+24)+9, 1) }, true},
		{"its end", func(t *testing.T, path string) { cut(t, path+"-wal", 30_000) }, true},
		{"all of it", func(t *testing.T, path string) { cut(t, path+"-wal", 0) }, true},
		{"a bit of its index, which is made again", func(t *testing.T, path string) { flip(t, path+"-shm", 20, 1) }, false},
	} {
		path, _ := filled(t)
		row.damage(t, path)
		db, log := openLogged(t, path)
		if told := strings.Contains(log.String(), "write-ahead log is damaged") && strings.Contains(log.String(), path); told != row.told {
			t.Errorf("%s: the log has %s", row.name, log)
		}
		if kept, _ := filepath.Glob(path + "-wal.damaged-*"); len(kept) == 1 != row.told {
			t.Errorf("%s: kept is %q", row.name, kept)
		}
		if err := put(db, "new", nil); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		db.Close()
	}
}

func flip(t *testing.T, path string, offset int64, mask byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[offset] ^= mask
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}
