package sqlite

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// walIndex is the head of a write-ahead log's index, as all connections of all processes see it. It may be looked at for as long as the
// connection it was mapped for is open, because only then the file behind it is sure to stay.
type walIndex struct{ page []byte }

// mapWALIndex maps the index of the database at path, for a connection that has read from it. Nil means it cannot be had.
func mapWALIndex(path string) *walIndex {
	f, err := os.Open(path + "-shm")
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() < int64(os.Getpagesize()) {
		return nil
	}
	page, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil
	}
	return &walIndex{page}
}

// stamp reads the head: version, count of commits, size of the log, checksums (see "WAL-Index Header" of SQLite's wal-format).
func (x *walIndex) stamp() (s stamp) {
	for i := range s {
		s[i] = atomic.LoadUint64((*uint64)(unsafe.Pointer(&x.page[8*i])))
	}
	return s
}

func (x *walIndex) close() {
	if x != nil {
		unix.Munmap(x.page)
	}
}
