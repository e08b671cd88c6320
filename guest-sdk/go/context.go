package pagesrun

import (
	"context"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// Context is one event. It is a [context.Context] without a deadline, canceled when the client has gone away (noticed at
// the next use of a binding, stream or wait) and when the event is over.
type Context struct {
	id     string
	timeMS int64

	mu        lock
	std       context.Context // made when somebody asks for Done, so that most events have none
	stop      context.CancelCauseFunc
	cause     error
	responded bool
	silent    bool // there is nobody to respond to
	after     []func()
}

// ID names the event in the host's logs and in the errors it shows to clients.
func (c *Context) ID() string { return c.id }

// Time is when the event began, as the host saw it.
func (c *Context) Time() time.Time { return time.UnixMilli(c.timeMS) }

// WaitUntil has f run after the response was sent. The event lasts until every f has returned; several of them run as goroutines, so their
// waits overlap. f may call WaitUntil itself, and [Context.Fail] where it fails. A goroutine that nobody waits for ends with the event.
func (c *Context) WaitUntil(f func()) {
	c.mu.Lock()
	c.after = append(c.after, f)
	c.mu.Unlock()
}

// Respond sends the response now instead of when the handler returns, body included, and waits until a body that the function produces itself has been
// written. The handler then returns a nil response. A second response is refused with [abi.CodeAlreadyResponded], one to an event
// that is no request with [abi.CodeInvalidArgument].
func (c *Context) Respond(r *Response) error {
	c.mu.Lock()
	again, silent := c.responded, c.silent
	c.responded = !silent
	c.mu.Unlock()
	switch {
	case silent:
		return &abi.Error{Code: abi.CodeInvalidArgument, Message: "respond: only a fetch event has a response"}
	case again:
		return &abi.Error{Code: abi.CodeAlreadyResponded, Message: "the event has been answered already"}
	}
	return r.send()
}

// Responded reports whether the response has been sent.
func (c *Context) Responded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.responded
}

// Deadline reports that there is none: the host's limits end an event without asking.
func (c *Context) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done is closed when the event is canceled or over.
func (c *Context) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.std == nil {
		c.std, c.stop = context.WithCancelCause(context.Background())
		if c.cause != nil {
			c.stop(c.cause)
		}
	}
	return c.std.Done()
}

// Err is nil while the event runs and [context.Canceled] afterwards; [context.Cause] says why then.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		return nil
	}
	return context.Canceled
}

// Value returns the Context itself for its own key; see [FromContext].
func (c *Context) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.std == nil {
		return nil
	}
	return c.std.Value(key) // lets derived contexts attach without a goroutine
}

type contextKey struct{}

// FromContext finds the event that ctx was derived from; nil when there is none.
func FromContext(ctx context.Context) *Context {
	c, _ := ctx.Value(contextKey{}).(*Context)
	return c
}

// Why a context ends.
var (
	errClientGone = &abi.Error{Code: abi.CodeCanceled, Message: "the event was canceled: the client has gone away"}
	errEventOver  = &abi.Error{Code: abi.CodeCanceled, Message: "the event is over"}
)

// cancel ends the context.
func (c *Context) cancel(why error) {
	c.mu.Lock()
	first := c.cause == nil
	if first {
		c.cause = why
	}
	stop := c.stop
	c.mu.Unlock()
	if first && stop != nil {
		stop(why)
	}
}

// cancelCurrent cancels the running event.
func cancelCurrent() {
	if c := instance.current.Load(); c != nil {
		c.cancel(errClientGone)
	}
}

// runAfter runs what WaitUntil has collected, until there is nothing left.
func (c *Context) runAfter() {
	for {
		c.mu.Lock()
		after := c.after
		c.after = nil
		c.mu.Unlock()
		if len(after) == 0 {
			return
		}
		runTogether(after)
	}
}

// runTogether runs the functions at the same time and returns when all have returned.
func runTogether(fs []func()) {
	var others sync.WaitGroup
	for _, f := range fs[1:] {
		others.Go(f)
	}
	fs[0]()
	others.Wait()
}

// respond sends a response message without waiting for its reply.
func respond(m *abi.RespondRequest) error {
	if n := host.Call("", abi.OpRespond, m.AppendCBOR(responseBuffer(len(m.Body)))); n < 0 {
		return hostError("call "+abi.OpRespond, n)
	}
	return nil
}
