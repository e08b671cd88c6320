package runtime

import (
	"runtime"
	"sync/atomic"
	"time"
)

// heavyAfter is how much CPU time makes an event a heavy one, and turn how long a heavy event computes before the next one's turn.
const (
	heavyAfter = 5 * time.Millisecond
	turn       = 10 * time.Millisecond
)

// gate keeps heavy events from taking every processor: they share all processors but one (and at least one), so that there is
// always one for the many short events and for the server itself.
type gate struct {
	slots   chan struct{}
	waiting atomic.Int32
}

func newGate() *gate {
	n := max(1, runtime.GOMAXPROCS(0)-1)
	g := &gate{slots: make(chan struct{}, n)}
	for range n {
		g.slots <- struct{}{}
	}
	return g
}

// enter waits for a slot. It gives up when until passes or canceled closes; false then.
func (g *gate) enter(until time.Time, canceled <-chan struct{}) bool {
	select {
	case <-g.slots:
		return true
	default:
	}
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	var expiry <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		expiry = timer.C
	}
	select {
	case <-g.slots:
		return true
	case <-expiry:
		return false
	case <-canceled:
		return false
	}
}

// leave gives the slot back.
func (g *gate) leave() { g.slots <- struct{}{} }

// contended says that somebody waits for a slot.
func (g *gate) contended() bool { return g.waiting.Load() > 0 }
