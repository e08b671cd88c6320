package sqlite

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAFailedWriteDoesNotComeBack: what could not be made durable, and was refused for that, is not there after the process was killed either.
func TestAFailedWriteDoesNotComeBack(t *testing.T) {
	disk, name := newFaultDisk(t)
	db := testDB(t, Options{vfs: name})
	if err := put(db, "a", []byte("before")); err != nil {
		t.Fatal(err)
	}
	disk.mu.Lock()
	disk.fail, disk.err = "sync", syscall.EIO
	disk.mu.Unlock()
	err := db.WriteOnce(t.Context(), set("b", []byte("refused"))) // others are tried again, and succeed
	if err == nil || !disk.failed {
		t.Fatalf("the write gave %v, and the disk failed: %v", err, disk.failed)
	}
	copied := testDB(t, Options{Path: asKilled(t, db)})
	for _, of := range []*DB{db, copied} {
		if value, found := get(t, of, "b"); found {
			t.Errorf("a write that failed is there: %q", value)
		}
		if value, _ := get(t, of, "a"); value != "before" {
			t.Errorf("there is %q", value)
		}
	}
}

// asKilled copies a file and its log as they would be if the process were killed now.
func asKilled(t *testing.T, db *DB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "killed.sqlite")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(db.Path() + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}
