package hostfuncs

import (
	"io"
	"sync"
)

// Shared keeps what a process may open only once, such as the server behind the queues, while the bindings of a reloaded function come and
// go. Whoever opens first opens; the last to release closes.
type Shared struct {
	mu      sync.Mutex
	entries map[string]*sharedEntry
}

type sharedEntry struct {
	value io.Closer
	users int
}

// NewShared makes an empty one.
func NewShared() *Shared { return &Shared{entries: map[string]*sharedEntry{}} }

// Acquire gives what is open under the key, or opens it. Every successful Acquire needs one call of release. Opening and closing
// exclude each other, so that what is closing has closed before it is opened again.
func Acquire[T io.Closer](s *Shared, key string, open func() (T, error)) (value T, release func() error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		value, err = open()
		if err != nil {
			return value, nil, err
		}
		e = &sharedEntry{value: value}
		s.entries[key] = e
	}
	e.users++
	return e.value.(T), sync.OnceValue(func() error { return s.release(key, e) }), nil
}

func (s *Shared) release(key string, e *sharedEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.users--; e.users > 0 {
		return nil
	}
	delete(s.entries, key)
	return e.value.Close()
}
