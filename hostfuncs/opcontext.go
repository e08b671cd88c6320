package hostfuncs

import (
	"context"
	"sync"
	"time"
)

// opContext is the context of one operation. Sessions are reused from event to event; operations, and what they derive
// from their context, may outlive their event by a little and must not see the next one. So each has a context of its own.
type opContext struct {
	parent   context.Context // values, and for watching contexts the client
	deadline time.Time
	// watches says that the context itself looks after the client and the deadline once somebody asks for Done. Others rely on the event's goroutine,
	// which ends every open operation with the event.
	watches bool
	cut     bool // the client no longer matters

	mu     sync.Mutex
	done   chan struct{} // made when somebody asks
	err    error
	stop   func() bool
	expiry *time.Timer
}

// given is what an operation gets beside its request. It may be kept longer than the event lasts, so it is never used again.
type given struct {
	ctx  opContext
	call Call
}

// give makes what an operation gets.
func (s *Session) give(watches bool) *given {
	return &given{ctx: opContext{parent: s.parent, deadline: s.deadline, watches: watches, cut: s.cut}}
}

// Deadline implements context.Context.
func (c *opContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Value implements context.Context.
func (c *opContext) Value(key any) any { return c.parent.Value(key) }

// Err implements context.Context.
func (c *opContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done implements context.Context.
func (c *opContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		return c.done
	}
	c.done = make(chan struct{})
	switch {
	case c.err != nil:
		close(c.done)
	case c.watches:
		c.watch()
	}
	return c.done
}

// watch arranges for the end of the context with its client or its time. The caller holds mu.
func (c *opContext) watch() {
	if !c.cut {
		c.stop = context.AfterFunc(c.parent, func() { c.cancel(context.Canceled) })
	}
	if !c.deadline.IsZero() {
		c.expiry = time.AfterFunc(time.Until(c.deadline), func() { c.cancel(context.DeadlineExceeded) })
	}
}

// cancel ends the context; only the first cause counts.
func (c *opContext) cancel(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = cause
	if c.done != nil {
		close(c.done)
	}
	if c.stop != nil {
		c.stop()
	}
	if c.expiry != nil {
		c.expiry.Stop()
	}
}
