package queues

import "sync"

// scale says how many batches may run at once. It doubles when a batch has succeeded and another, full one was waiting for its turn, and halves
// when a batch has failed.
type scale struct {
	mu      sync.Mutex
	limit   int
	most    int
	running int
	waited  bool          // a batch has waited since the limit changed
	freed   chan struct{} // has an element after a turn may have become free
}

func newScale(most int) *scale { return &scale{limit: 1, most: most, freed: make(chan struct{}, 1)} }

// take takes a turn for a batch, if one is free. behind says that more messages wait behind the batch.
func (s *scale) take(behind bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running >= s.limit {
		s.waited = s.waited || behind
		return false
	}
	s.running++
	return true
}

// give gives a turn back.
func (s *scale) give(succeeded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	switch {
	case !succeeded:
		s.limit = max(1, s.limit/2)
	case s.waited:
		s.limit = min(s.most, 2*s.limit)
	}
	s.waited = false
	select {
	case s.freed <- struct{}{}:
	default:
	}
}
