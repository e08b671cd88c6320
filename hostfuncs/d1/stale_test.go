package d1

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/pagesrun/pagesrun/abi"
)

// badReads is a file system on which reading fails, of files in one directory.
type badReads struct {
	vfs.VFSFilename
	dir string
	on  atomic.Bool
}

// OpenFilename opens a file.
func (v *badReads) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil || !strings.HasPrefix(name.String(), v.dir) {
		return f, flags, err
	}
	return badFile{f.(files), v}, flags, nil
}

// files are the files below.
type files interface {
	vfs.FileSharedMemory
	vfs.FileSizeHint
	vfs.FilePersistWAL
	vfs.FilePowersafeOverwrite
	vfs.FileHasMoved
	vfs.FileLockState
	vfs.FileUnwrap
}

type badFile struct {
	files
	vfs *badReads
}

// ReadAt reads, or fails.
func (f badFile) ReadAt(p []byte, off int64) (int, error) {
	if f.vfs.on.Load() {
		return 0, syscall.EIO
	}
	return f.files.ReadAt(p, off)
}

// TestABadDiskDoesNotHideATable: SQLite says that there is no such table when it cannot read whether there is one by now.
func TestABadDiskDoesNotHideATable(t *testing.T) {
	openProbe(t, t.TempDir(), "relaxed") // after this there is a file system
	dir := t.TempDir()
	below := vfs.Find("pagesrun").(vfs.VFSFilename)
	bad := &badReads{VFSFilename: below, dir: dir}
	vfs.Register("pagesrun", bad)
	t.Cleanup(func() { vfs.Register("pagesrun", below) })
	p := openProbe(t, dir, "relaxed")
	for _, sql := range []string{"SELECT count(*) FROM sqlite_schema", "CREATE TABLE late (n)"} {
		if _, err := p.query(sql); err != nil {
			t.Fatal(err)
		}
	}
	bad.on.Store(true)
	if _, err := p.query("SELECT n FROM late"); !errors.Is(err, abi.CodeStorageFailed) {
		t.Errorf("the disk cannot be read, and the query gives %v", err)
	}
	bad.on.Store(false)
	if _, err := p.query("SELECT n FROM late"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := p.query("SELECT n FROM never"); !errors.Is(err, abi.CodeInvalidArgument) || !strings.Contains(err.Error(), "no such table: never") {
		t.Errorf("a table that is not there: %v", err)
	}
}
