package pagesrun

import (
	"runtime"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

const (
	// yieldsBeforeWait is how often a goroutine lets the others run before it blocks the instance in the host: once so that they run, twice
	// more for those they wake.
	yieldsBeforeWait = 3
	// The host's wait stops the whole instance, Go's timers included. It is therefore asked for in slices that double from the
	// first to the last: a timer is late by at most as long as the wait has lasted, and never by more than the last slice.
	waitSliceFirst = time.Millisecond
	waitSliceLast  = 16 * time.Millisecond
)

// ticket is one goroutine waiting for one handle.
type ticket struct {
	handle uint32
	ready  bool
	err    error
	wake   chan struct{}
}

// waiter lets any number of goroutines wait for handles although only one host wait can run at a time: whoever finds nobody in the host waits there
// for all of them.
//
// An instance runs one event at a time, so there is one waiter per instance, like the imports it drives.
type waiter struct {
	mu       lock
	waiting  []*ticket
	polling  bool
	baseline int // goroutines there were when the event began
}

// await blocks the calling goroutine until h is ready. Other goroutines run meanwhile, and their waits overlap with this one.
func await(h uint32) error {
	if instance.waits.alone() {
		return awaitAlone(h)
	}
	return instance.waits.await(h)
}

// alone reports whether the calling goroutine is the only one of its event.
func (w *waiter) alone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting) == 0 && !w.polling && runtime.NumGoroutine() <= w.baseline
}

// awaitAlone waits in the host directly. Goroutines that appear meanwhile, from a timer say, run between slices.
func awaitAlone(h uint32) error {
	handles := [1]uint32{h}
	for slice := waitSliceFirst; ; slice = nextSlice(slice) {
		n := host.Wait(handles[:], int64(slice))
		if n >= 0 {
			return nil
		}
		if n != -int32(abi.CodeTimeout) {
			return hostError("wait", n)
		}
		runtime.Gosched()
		if !instance.waits.alone() {
			return instance.waits.await(h)
		}
	}
}

// nextSlice is the slice after this one.
func nextSlice(slice time.Duration) time.Duration { return min(2*slice, waitSliceLast) }

// await registers h and takes turns in the host with the other waiting goroutines.
func (w *waiter) await(h uint32) error {
	t := &ticket{handle: h, wake: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, t)
	slice := waitSliceFirst
	for {
		w.yield()
		switch {
		case t.ready:
			w.handOver()
			return t.err
		case w.polling:
			w.unlocked(func() { <-t.wake })
		case w.poll(slice):
			slice = waitSliceFirst
		default:
			slice = nextSlice(slice)
		}
	}
}

// unlocked runs f without the lock.
func (w *waiter) unlocked(f func()) {
	w.mu.Unlock()
	defer w.mu.Lock()
	f()
}

// yield lets the goroutines that can run do so, so that the calls they make are under way before the instance blocks.
func (w *waiter) yield() {
	w.unlocked(func() {
		for range yieldsBeforeWait {
			runtime.Gosched()
		}
	})
}

// poll waits in the host for one slice, for all registered handles, and settles what came of it. It reports whether
// anything did.
func (w *waiter) poll(slice time.Duration) bool {
	w.polling = true
	handles := make([]uint32, min(len(w.waiting), abi.WaitHandlesMax))
	for i := range handles {
		handles[i] = w.waiting[i].handle
	}
	var n int32
	w.unlocked(func() { n = host.Wait(handles, int64(slice)) })
	w.polling = false
	switch {
	case n >= 0:
		w.settle(handles[n], nil)
	case n == -int32(abi.CodeTimeout):
		return false
	case n == -int32(abi.CodeBadHandle):
		w.settleBad(handles)
	default:
		w.settleAll(hostError("wait", n))
	}
	return true
}

// settle ends the wait of everyone who waits for h.
func (w *waiter) settle(h uint32, err error) {
	kept := w.waiting[:0]
	for _, t := range w.waiting {
		if t.handle != h {
			kept = append(kept, t)
			continue
		}
		t.ready, t.err = true, err
		t.signal()
	}
	clear(w.waiting[len(kept):])
	w.waiting = kept
}

// settleBad finds the handles that are not valid any more, such as one another goroutine has closed, and fails only those.
func (w *waiter) settleBad(handles []uint32) {
	for i, h := range handles {
		if n := host.Wait(handles[i:i+1], 0); n == -int32(abi.CodeBadHandle) {
			w.settle(h, hostError("wait", n))
		}
	}
}

// settleAll ends every wait.
func (w *waiter) settleAll(err error) {
	for _, t := range w.waiting {
		t.ready, t.err = true, err
		t.signal()
	}
	clear(w.waiting)
	w.waiting = w.waiting[:0]
}

// handOver wakes one goroutine to wait in the host, when nobody does.
func (w *waiter) handOver() {
	if !w.polling && len(w.waiting) > 0 {
		w.waiting[0].signal()
	}
}

// signal wakes the ticket's goroutine where it sleeps, and keeps it from sleeping once where it does not.
func (t *ticket) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// beginEvent starts a new event. Goroutines an earlier one left behind wait for handles that mean nothing any more, so they are told.
func (w *waiter) beginEvent() {
	w.mu.Lock()
	w.baseline = runtime.NumGoroutine()
	w.polling = false
	if len(w.waiting) > 0 {
		w.settleAll(errEventOver)
	}
	w.mu.Unlock()
}
