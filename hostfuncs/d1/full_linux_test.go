package d1

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"golang.org/x/sys/unix"
)

func TestAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openProbe(t, dir, "sync")
	p.mustExec("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)")

	value, stored := strings.Repeat("value ", 50_000), 0
	var err error
	for ; err == nil; stored++ {
		_, err = p.query("INSERT INTO t VALUES(?,?)", stored, value)
	}
	stored--
	if !errors.Is(err, abi.CodeStorageFull) || seen(err) != "D1_ERROR: the disk has no room; reads and deletes still work" {
		t.Fatalf("after %d rows: %v", stored, err)
	}
	if _, err := p.batch(stmt("INSERT INTO t SELECT id+1000, a FROM t"), stmt("INSERT INTO t SELECT id+2000, a FROM t")); !errors.Is(err, abi.CodeStorageFull) {
		t.Errorf("a large batch: %v", err)
	}
	if _, err := p.database().Import(t.Context(), strings.NewReader("INSERT INTO t SELECT id+1000, a FROM t;"), ImportOptions{}); !errors.Is(err, abi.CodeStorageFull) {
		t.Errorf("an import: %v", err)
	}
	if got := p.must("SELECT count(*) FROM t WHERE a = ?", value); show(t, got) != show(t, p.must("SELECT ?", stored)) {
		t.Errorf("%s rows can be read, %d were acknowledged", show(t, got), stored)
	}

	p.must("DELETE FROM t WHERE id >= ?", stored/2)
	p.must("INSERT INTO t VALUES(?,?)", stored, value)
	p.close()
	p = openProbe(t, dir, "sync") // also where the first write comes after a start
	p.must("DELETE FROM t WHERE id = ?", stored)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		p.must("INSERT INTO t VALUES(?,?)", 10_000+i, value)
	}
	p.close()
	checkIntegrity(t, filepath.Join(dir, FileName("db")))
}
