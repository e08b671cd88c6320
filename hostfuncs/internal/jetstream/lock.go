package jetstream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// HeldError says that another process has the store open.
type HeldError struct {
	// Dir is the store's directory.
	Dir string
	// PID is the other process; 0 when it is not known.
	PID int
}

// Error names the process.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return "another process has the queues in " + e.Dir + " open"
	}
	return fmt.Sprintf("the process with id %d has the queues in %s open", e.PID, e.Dir)
}

// errHeld is what lockFile reports when another process has the lock.
var errHeld = errors.New("locked")

// lock keeps other processes from opening a store. It ends with the process, however that ends.
type lock struct{ file *os.File }

func takeLock(dir string) (*lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, &HeldError{Dir: dir, PID: readPID(f)}
		}
		return nil, err
	}
	writePID(f)
	return &lock{f}, nil
}

func readPID(f *os.File) int {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	return pid
}

// writePID says who holds the lock. That it may fail on a full disk must not keep the store closed.
func writePID(f *os.File) {
	if f.Truncate(0) == nil {
		f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	}
}

func (l *lock) release() error { return l.file.Close() }
