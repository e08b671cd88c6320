package sqlite

import (
	"errors"
	"os"

	"github.com/ncruces/go-sqlite3"
	"golang.org/x/sys/unix"
)

// room takes disk space for the file before a transaction commits. A committed transaction lies in the write-ahead log first, and
// moving it into the file must not fail for want of space: the log could never begin anew, and then not even a delete would have a place
// to be written to.
type room struct{ file *os.File }

func openRoom(path string) (*room, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &room{file: f}, nil
}

func (r *room) close() { r.file.Close() }

// take takes the space for the file as it will be after the transaction open on c. Its error is sqlite3.FULL when there is none.
func (r *room) take(c *Conn) error {
	pages, err := c.Int(`PRAGMA page_count`)
	if err != nil {
		return err
	}
	size, err := c.Int(`PRAGMA page_size`)
	if err != nil {
		return err
	}
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	need := pages * size
	if have := info.Size(); need > have {
		err = allocate(r.file.Fd(), have, need-have)
	}
	if errors.Is(err, unix.ENOSPC) || isQuota(err) {
		return sqlite3.FULL
	}
	return err
}

// allocate takes disk space for a range of a file without changing its size. A file system that cannot do so is no error.
func allocate(fd uintptr, offset, length int64) error {
	for {
		err := unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, offset, length)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return nil
		}
		return err
	}
}

// isQuota says that a user's share of the disk is used up.
func isQuota(err error) bool { return errors.Is(err, unix.EDQUOT) }

// diskFree is the room left on the file system of dir, in bytes; false when it is not known.
func diskFree(dir string) (bytes uint64, ok bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return st.Bavail * uint64(st.Bsize), true
}
