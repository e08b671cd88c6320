package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// clientContext is the context of a plain request's event. It is canceled when the client goes away or has been answered. Most events never ask
// for Done, so what package context makes for it is made when somebody does.
type clientContext struct {
	ended atomic.Bool
	mu    sync.Mutex
	std   context.Context
	stop  context.CancelFunc
}

// Deadline implements context.Context: there is none.
func (c *clientContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Err implements context.Context.
func (c *clientContext) Err() error {
	if c.ended.Load() {
		return context.Canceled
	}
	return nil
}

// Done implements context.Context.
func (c *clientContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.std == nil {
		c.std, c.stop = context.WithCancel(context.Background())
		if c.ended.Load() {
			c.stop()
		}
	}
	return c.std.Done()
}

// Value implements context.Context. What there is to find lets package context attach other contexts without a goroutine.
func (c *clientContext) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.std == nil {
		return nil
	}
	return c.std.Value(key)
}

// end cancels the context.
func (c *clientContext) end() {
	if c.ended.Swap(true) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		c.stop()
	}
}

// watchEvery is how often the watcher looks. A client that goes away is noticed after twice that at the latest; most events are over by then.
const watchEvery = 5 * time.Millisecond

// watcher reads from the clients of plain requests while their events run, as net/http does, to notice when they go away. It begins only with events that
// have run for a while, so that short ones do not pay for it.
type watcher struct {
	mu      sync.Mutex
	running []*plainConn
	timer   *time.Timer // runs look; nil until it is needed
	ticking bool
}

// watchers share the connections, so that events do not wait for each other at one lock.
type watchers struct {
	turn atomic.Uint32
	all  [16]struct {
		watcher
		_ [64]byte // each is on a cache line of its own
	}
}

// next gives a connection its watcher.
func (w *watchers) next() *watcher { return &w.all[w.turn.Add(1)%uint32(len(w.all))].watcher }

// clientWatch is the watcher's part of a connection.
type clientWatch struct {
	index  int           // in running
	seen   bool          // by the last look
	ending bool          // the event is over
	done   chan struct{} // closed when the client is not read from any more; nil unless it is
}

// begin is called before a connection's event.
func (w *watcher) begin(c *plainConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.watch = clientWatch{index: len(w.running)}
	w.running = append(w.running, c)
	if w.ticking {
		return
	}
	w.ticking = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchEvery, w.look)
	} else {
		w.timer.Reset(watchEvery)
	}
}

// end is called after it. The connection is the caller's to read from again.
func (w *watcher) end(c *plainConn) {
	w.mu.Lock()
	last := len(w.running) - 1
	moved := w.running[last]
	w.running[c.watch.index], moved.watch.index = moved, c.watch.index
	w.running[last] = nil
	w.running = w.running[:last]
	c.watch.ending = true
	done := c.watch.done
	w.mu.Unlock()
	if done != nil {
		c.SetReadDeadline(longAgo)
		<-done
		c.SetReadDeadline(time.Time{})
	}
}

// look begins to watch the clients of events that were there at the last look.
func (w *watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.running {
		if c.watch.seen && c.watch.done == nil && c.end < len(c.buf) {
			c.watch.done = make(chan struct{})
			c.SetReadDeadline(time.Time{})
			go w.watch(c, &c.ev.client, c.watch.done)
		}
		c.watch.seen = true
	}
	if w.ticking = len(w.running) > 0; w.ticking {
		w.timer.Reset(watchEvery)
	}
}

// watch reads from a client until something comes, which is a further request, or the event ends.
func (w *watcher) watch(c *plainConn, client *clientContext, done chan struct{}) {
	defer close(done)
	n, err := c.Read(c.buf[c.end:])
	c.end += n
	if err != nil && !w.calledOff(c, err) {
		client.end()
	}
}

// calledOff reports whether a read has failed because the event is over.
func (w *watcher) calledOff(c *plainConn, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var timeout net.Error
	return c.watch.ending && errors.As(err, &timeout) && timeout.Timeout()
}
