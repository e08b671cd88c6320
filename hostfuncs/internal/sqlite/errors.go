package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// ErrClosed is returned when the file has been closed.
var ErrClosed = errors.New("the database is closed")

// Public turns an error of this package into what a guest may know, with the cause kept for the log: storage_full, canceled, timeout,
// unavailable (closed, or locked by another process for too long) or storage_failed, of which the log is told with the file's name. An error that is for the guest already stays as it is.
func (db *DB) Public(err error) error {
	var public *abi.Error
	switch {
	case err == nil || errors.As(err, &public):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return hostfuncs.Fail(abi.CodeTimeout, "the operation took too long", err)
	case errors.Is(err, context.Canceled), errors.Is(err, sqlite3.INTERRUPT):
		return hostfuncs.Fail(abi.CodeCanceled, "the operation was canceled", err)
	case errors.Is(err, ErrClosed):
		return hostfuncs.Fail(abi.CodeUnavailable, "the storage is closing", err)
	case errors.Is(err, sqlite3.BUSY):
		return hostfuncs.Fail(abi.CodeUnavailable, "the storage is locked by another process", err)
	case db.isFull(err):
		return hostfuncs.Fail(abi.CodeStorageFull, "the disk has no room; reads and deletes still work", err)
	}
	db.complain(err)
	return hostfuncs.Fail(abi.CodeStorageFailed, "the storage failed", err)
}

// fullBelow is the free space, in bytes, under which an I/O error is taken for a full disk.
const fullBelow = 256 << 10

// isFull recognises a full disk, also where SQLite only knows of an I/O error: growing its shared memory file fails that way.
func (db *DB) isFull(err error) bool {
	switch {
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC):
		return true
	case errors.Is(err, sqlite3.IOERR_SHMSIZE), errors.Is(err, sqlite3.IOERR_WRITE), errors.Is(err, sqlite3.IOERR_FSYNC):
		free, ok := diskFree(filepath.Dir(db.path))
		return ok && free < fullBelow
	}
	return false
}
