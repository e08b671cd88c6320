package pagesrun

import "runtime"

// lock is a mutex for a machine with one thread, on which goroutines switch only where they block: finding it free and taking it cannot
// be interrupted. It is a fraction of a sync.Mutex. Its zero value is free.
type lock struct{ held bool }

// Lock takes the lock, letting other goroutines run until it is free.
func (l *lock) Lock() {
	if l.held {
		l.wait()
	}
	l.held = true
}

// wait returns when the lock is free. It is kept out of Lock, which is cheap because it is small.
//
//go:noinline
func (l *lock) wait() {
	for l.held {
		runtime.Gosched()
	}
}

// Unlock gives the lock back.
func (l *lock) Unlock() { l.held = false }
