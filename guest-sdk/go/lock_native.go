//go:build !wasip1

package pagesrun

import "sync"

// lock is a mutex.
type lock = sync.Mutex
