package mount

import (
	"sync"
	"syscall"
)

// Operation is what can be made to fail.
type Operation string

// The operations.
const (
	Write    Operation = "write"
	Sync     Operation = "fsync"
	Truncate Operation = "truncate"
	Create   Operation = "create"
	Rename   Operation = "rename"
	Unlink   Operation = "unlink"
)

// Operations are all of them.
func Operations() []Operation { return []Operation{Write, Sync, Truncate, Create, Rename, Unlink} }

// Faults makes one operation fail, without effect, when it has been armed.
type Faults struct {
	mu    sync.Mutex
	op    Operation
	left  int
	errno syscall.Errno
	file  string
}

// Arm has the n-th operation of a kind from now on fail with errno.
func (f *Faults) Arm(op Operation, n int, errno syscall.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.op, f.left, f.errno, f.file = op, n, errno, ""
}

// Disarm has nothing fail any more, and gives the path of the file at which something has; empty when nothing did.
func (f *Faults) Disarm() (file string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
	return f.file
}

// strike is asked before an operation.
func (f *Faults) strike(op Operation, file func() string) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 || f.op != op {
		return 0
	}
	if f.left--; f.left > 0 {
		return 0
	}
	f.file = file()
	return f.errno
}
