package sqlite

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// noMemory is a file system that can find that there is no memory left, whatever is asked of it.
type noMemory struct {
	diskVFS
	on atomic.Bool
}

var errNoMemory = errors.New("no memory")

func (v *noMemory) err() error {
	if v.on.Load() {
		return vfs.SystemError(errNoMemory, sqlite3.NOMEM)
	}
	return nil
}

// OpenFilename opens a file while there is memory.
func (v *noMemory) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if err := v.err(); err != nil {
		return nil, flags, err
	}
	f, flags, err := v.diskVFS.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &noMemoryFile{f.(*diskFile), v}, flags, nil
}

type noMemoryFile struct {
	*diskFile
	vfs *noMemory
}

// ReadAt reads while there is memory.
func (f *noMemoryFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.vfs.err(); err != nil {
		return 0, err
	}
	return f.diskFile.ReadAt(p, off)
}

// WriteAt writes while there is memory.
func (f *noMemoryFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.vfs.err(); err != nil {
		return 0, err
	}
	return f.diskFile.WriteAt(p, off)
}

// TestNoMemoryIsAnError: the driver makes a panic of it, also while a connection is opened, and a panic would end the process.
func TestNoMemoryIsAnError(t *testing.T) {
	registerVFS()
	v := &noMemory{diskVFS: vfs.Find(vfsName).(diskVFS)}
	vfs.Register("nomemory", v)
	t.Cleanup(func() { vfs.Unregister("nomemory") })
	db := testDB(t, Options{vfs: "nomemory"})
	if err := put(db, "a", []byte("before")); err != nil {
		t.Fatal(err)
	}
	v.on.Store(true)
	for range 3 { // the connections are lost, and cannot be opened again
		if err := put(db, "a", []byte("without")); err == nil {
			t.Error("a write succeeds without memory")
		}
		if err := db.Read(context.Background(), func(c *Conn) error { _, err := c.Int(`SELECT count(*) FROM pairs`); return err }); err == nil {
			t.Error("a read succeeds without memory")
		}
	}
	if _, err := Open(t.Context(), Options{Path: db.Path(), Migrations: testMigrations, vfs: "nomemory"}); err == nil {
		t.Error("a file is opened without memory")
	}
	v.on.Store(false)
	if value, _ := get(t, db, "a"); value != "before" {
		t.Errorf("there is %q", value)
	}
	if err := put(db, "a", []byte("after")); err != nil {
		t.Errorf("writing does not work again: %v", err)
	}
}
