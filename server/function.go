package server

import (
	"context"
	"sync/atomic"

	"github.com/pagesrun/pagesrun/runtime"
)

// Function answers events. [runtime.App] is one.
type Function interface {
	// Fetch runs the event and blocks until its response is available; the guest may keep working afterwards. ctx is canceled
	// when the client goes away or has been answered. Errors are [*runtime.EventError].
	Fetch(ctx context.Context, req *runtime.Request) (*runtime.Response, error)
}

// serving is a function and how many requests are in it.
type serving struct {
	fn      Function
	count   atomic.Int64 // requests in it; retired is added once it has been replaced
	drained chan struct{}
}

const retired = 1 << 40

// enter notes a request; false when the function has been replaced.
func (s *serving) enter() bool {
	if s.count.Add(1) <= retired {
		return true
	}
	s.leave()
	return false
}

// leave forgets a request.
func (s *serving) leave() {
	if s.count.Add(-1) == retired {
		s.closeDrained()
	}
}

func (s *serving) retire() {
	if s.count.Add(retired) == retired {
		s.closeDrained()
	}
}

// closeDrained tells that nothing is in the function. Late requests that only look in make the count reach zero again.
func (s *serving) closeDrained() {
	if s.count.CompareAndSwap(retired, 2*retired) {
		close(s.drained)
	}
}

// enter gives the function to use for a request, nil when there is none. The caller must leave it.
func (s *Server) enter() *serving {
	for {
		fn := s.function.Load()
		if fn == nil || fn.enter() {
			return fn
		}
	}
}

// Swap makes fn the function for all requests from now on; nil answers them with 503. Requests in the old function finish there:
// the returned channel is closed when the last has been answered, and the old function may be closed then.
func (s *Server) Swap(fn Function) <-chan struct{} {
	var next *serving
	if fn != nil {
		next = &serving{fn: fn, drained: make(chan struct{})}
	}
	old := s.function.Swap(next)
	if old == nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	old.retire()
	return old.drained
}
