package jetstream

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockOffset is beyond what is written into the file, which others must be able to read.
const lockOffset = 1 << 20

func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{Offset: lockOffset})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}
