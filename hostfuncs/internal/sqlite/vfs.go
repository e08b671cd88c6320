package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// vfsName is the name this package's virtual file system has in the driver's registry.
const vfsName = "pagesrun"

// walRoom is the room the write-ahead log always has, in bytes, so that deletes find some on a full disk.
const walRoom = 1 << 20

// registerVFS makes the file system known to the driver, once.
var registerVFS = sync.OnceFunc(func() {
	vfs.Register(vfsName, diskVFS{vfs.Find("os").(vfs.VFSFilename)})
})

// diskVFS is the driver's file system with three things put right: a full disk is told from other I/O errors, a new
// file's directory entry is made durable, and the write-ahead log gets its room when it is opened.
type diskVFS struct{ vfs.VFSFilename }

// OpenFilename opens a file of the database.
func (v diskVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, fullError(err)
	}
	if fd, ok := file.(interface{ Fd() uintptr }); ok && flags&vfs.OPEN_WAL != 0 {
		takeWALRoom(fd.Fd(), filepath.Dir(name.String()))
	}
	f := &diskFile{File: file}
	if flags&(vfs.OPEN_MAIN_DB|vfs.OPEN_WAL) != 0 && flags&vfs.OPEN_CREATE != 0 {
		f.unsyncedDir = filepath.Dir(name.String())
	}
	return f, flags, nil
}

// takeWALRoom gives the write-ahead log its room, unless that would leave too little for the log's index. Without the room
// everything works but deletes on a full disk.
func takeWALRoom(fd uintptr, dir string) {
	if free, ok := diskFree(dir); !ok || free > 2*walRoom {
		_ = allocate(fd, 0, walRoom)
	}
}

// diskFile is a file of a [diskVFS].
type diskFile struct {
	vfs.File
	// unsyncedDir is the directory to sync with the file, until that is done.
	unsyncedDir string
}

// What the driver asks of a file beyond vfs.File, each passed on to the driver's own file.
var (
	_ vfs.FileSharedMemory       = (*diskFile)(nil)
	_ vfs.FileSizeHint           = (*diskFile)(nil)
	_ vfs.FilePersistWAL         = (*diskFile)(nil)
	_ vfs.FilePowersafeOverwrite = (*diskFile)(nil)
	_ vfs.FileHasMoved           = (*diskFile)(nil)
	_ vfs.FileLockState          = (*diskFile)(nil)
	_ vfs.FileUnwrap             = (*diskFile)(nil)
)

// WriteAt writes, and tells a full disk from other failures.
func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, fullError(err)
}

// Truncate cuts or extends the file.
func (f *diskFile) Truncate(size int64) error { return fullError(f.File.Truncate(size)) }

// Sync makes the file durable, and the first time its directory entry too.
func (f *diskFile) Sync(flags vfs.SyncFlag) error {
	if err := f.File.Sync(flags); err != nil {
		return fullError(err)
	}
	if f.unsyncedDir == "" {
		return nil
	}
	if err := syncDir(f.unsyncedDir); err != nil {
		return fullError(err)
	}
	f.unsyncedDir = ""
	return nil
}

// SizeHint takes room for a file that is about to grow.
func (f *diskFile) SizeHint(size int64) error {
	return fullError(f.File.(vfs.FileSizeHint).SizeHint(size))
}

// SharedMemory is the index of the write-ahead log, nil for other files.
func (f *diskFile) SharedMemory() vfs.SharedMemory {
	return f.File.(vfs.FileSharedMemory).SharedMemory()
}

// PersistWAL says whether the log's file stays when the database is closed.
func (f *diskFile) PersistWAL() bool { return f.File.(vfs.FilePersistWAL).PersistWAL() }

// SetPersistWAL sets that.
func (f *diskFile) SetPersistWAL(b bool) { f.File.(vfs.FilePersistWAL).SetPersistWAL(b) }

// PowersafeOverwrite says whether a write that is cut short leaves its neighbours alone.
func (f *diskFile) PowersafeOverwrite() bool {
	return f.File.(vfs.FilePowersafeOverwrite).PowersafeOverwrite()
}

// SetPowersafeOverwrite sets that.
func (f *diskFile) SetPowersafeOverwrite(b bool) {
	f.File.(vfs.FilePowersafeOverwrite).SetPowersafeOverwrite(b)
}

// HasMoved says whether the file is no longer what its name names.
func (f *diskFile) HasMoved() (bool, error) { return f.File.(vfs.FileHasMoved).HasMoved() }

// LockState is the lock held on the file.
func (f *diskFile) LockState() vfs.LockLevel { return f.File.(vfs.FileLockState).LockState() }

// Unwrap gives the driver's own file.
func (f *diskFile) Unwrap() vfs.File { return f.File }

// fullError gives an error that means "no room" the code SQLite has for that. The driver itself does not on Linux: it looks for a bare
// errno where Go wraps one in the path.
func fullError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || isQuota(err) {
		return vfs.SystemError(err, sqlite3.FULL)
	}
	return err
}

// syncDir makes the names in a directory durable. Systems that cannot sync a directory do so by themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}
