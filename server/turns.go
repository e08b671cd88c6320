package server

import (
	goruntime "runtime"
	"sync"
	"time"
)

// turns keep long streams from taking every processor: those that have sent turnBytes share all processors but one (and at least one), in turns of turnBytes, so that
// there is always one for short answers. A function that writes and a connection that reads wake each other up, and Go's scheduler takes the two for one
// goroutine: by itself it would let each such pair have a processor for 10 ms at a time.
type turns struct {
	limit   time.Duration // turnTimeMax, but for tests
	mu      sync.Mutex
	free    int
	waiting []*streamTurn // in order
}

const (
	// turnBytes is how much of a stream is sent in one turn, and how much is sent before it needs any.
	turnBytes = 256 << 10
	// turnTimeMax is how long a turn may take. Where it takes longer the client is what is slow: the turn passes on, and the stream goes without turns for
	// the next turnsWithout.
	turnTimeMax  = 5 * time.Millisecond
	turnsWithout = 16
)

func newTurns() *turns { return &turns{limit: turnTimeMax, free: max(1, goruntime.GOMAXPROCS(0)-1)} }

// streamTurn is a stream that takes turns. It is used by one goroutine.
type streamTurn struct {
	turns   *turns
	granted chan struct{}
	overdue *time.Timer
	sent    int  // in this turn, or of what needs none
	bulk    bool // it has sent so much that it needs turns

	// turns.mu guards these.
	held    bool
	without int // how many turns it does not need
}

// take waits for a turn, unless the stream has one or needs none.
func (t *streamTurn) take() {
	if !t.bulk {
		return
	}
	t.turns.mu.Lock()
	if t.held || t.without > 0 {
		t.turns.mu.Unlock()
		return
	}
	if t.granted == nil {
		t.granted = make(chan struct{}, 1)
	}
	if t.turns.free > 0 {
		t.turns.free--
		t.grantLocked()
	} else {
		t.turns.waiting = append(t.turns.waiting, t)
	}
	t.turns.mu.Unlock()
	<-t.granted
}

// grantLocked begins a turn.
func (t *streamTurn) grantLocked() {
	t.held = true
	t.granted <- struct{}{}
	if t.overdue == nil {
		t.overdue = time.AfterFunc(t.turns.limit, t.lose)
	} else {
		t.overdue.Reset(t.turns.limit)
	}
}

// lose ends a turn that takes too long.
func (t *streamTurn) lose() {
	t.turns.mu.Lock()
	defer t.turns.mu.Unlock()
	if t.held {
		t.without = turnsWithout
		t.passLocked()
	}
}

// passLocked ends a turn and begins that of the next one who waits.
func (t *streamTurn) passLocked() {
	t.held = false
	if len(t.turns.waiting) == 0 {
		t.turns.free++
		return
	}
	next := t.turns.waiting[0]
	t.turns.waiting = t.turns.waiting[1:]
	next.grantLocked()
}

// pass ends the turn, where the stream has one.
func (t *streamTurn) pass() {
	if !t.bulk {
		return
	}
	t.turns.mu.Lock()
	defer t.turns.mu.Unlock()
	if t.held {
		t.overdue.Stop()
		t.passLocked()
	}
}

// count takes in that n bytes were sent, and ends the turn when they are enough.
func (t *streamTurn) count(n int) {
	if t.sent += n; t.sent < turnBytes {
		return
	}
	t.pass()
	t.sent, t.bulk = 0, true
	t.turns.mu.Lock()
	t.without = max(t.without-1, 0)
	t.turns.mu.Unlock()
	goruntime.Gosched()
}
