package hostfuncs

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// Event is something for the function to do that is no request: a cron tick, a batch of a queue.
type Event struct {
	// Message is what the guest gets. The runtime fills in ID and TimeMS.
	Message abi.Event
	// Detail is one short phrase for the log, such as "queue orders, 10 messages".
	Detail string
	// Wall is how long the event may take; 0 means the limit of background events.
	Wall time.Duration
	// Operations are what the guest can ask of the runtime (the empty target) during this event only. They must not block; they run on
	// the event's goroutine, one at a time.
	Operations []Operation
	// Log receives a line of the host's about this event, as if the guest had logged it. The runtime sets it before the event begins.
	Log func(level int, text string)
}

// Dispatcher runs events. The runtime is one.
type Dispatcher interface {
	// Dispatch runs the event in an instance of the function and returns when its handler, and all it does afterwards, is done: nil when it
	// succeeded. The end of ctx cancels it. An error for which errors.Is(err, [ErrNotStarted]) holds means that no guest code
	// ran; trying again later may work.
	Dispatch(ctx context.Context, e *Event) error
	// Concurrency is how many events of all sources may run at once; more wait in Dispatch.
	Concurrency() int
}

// ErrNotStarted marks the failure of an event that has not reached the guest: the host is shutting down or overloaded.
var ErrNotStarted = errors.New("the event was not started")

// Source is a [Live] that brings events by itself. It brings none before Start and none after Stop.
type Source interface {
	// Start begins to bring events, once the function is ready to run them. It does not block.
	Start(Dispatcher) error
	// Stop brings no more events and waits for those that run until ctx ends; then it may end them. It may be called
	// without Start and more than once, and Start may be called again afterwards.
	Stop(ctx context.Context) error
}

// Routes is a [Live] that answers HTTP requests of people and tools, beside the function.
type Routes interface {
	// Routes are what it answers. It is called once.
	Routes() []Route
}

// Listener says where a [Route] is served.
type Listener int

// The listeners.
const (
	// ListenerAdmin is the admin listener.
	ListenerAdmin Listener = iota
	// ListenerDev is the function's own listener while "pagesrun dev" runs. Its routes begin with "/cdn-cgi/".
	ListenerDev
)

// Route is a handler at a pattern of [http.ServeMux].
type Route struct {
	Listener Listener
	Pattern  string
	Handler  http.Handler
}

// Start has every source bring its events to d.
func (r *Registry) Start(ctx context.Context, d Dispatcher) error {
	for _, live := range r.lives {
		if s, ok := live.(Source); ok {
			if err := s.Start(d); err != nil {
				return errors.Join(err, r.Stop(ctx))
			}
		}
	}
	return nil
}

// Stop has every source end: no event begins after it, and those that run are waited for until ctx ends.
func (r *Registry) Stop(ctx context.Context) error {
	var errs []error
	for _, live := range r.lives {
		if s, ok := live.(Source); ok {
			errs = append(errs, s.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}

// Routes are those of all bindings for a listener.
func (r *Registry) Routes(l Listener) []Route {
	var routes []Route
	for _, live := range r.lives {
		if with, ok := live.(Routes); ok {
			for _, route := range with.Routes() {
				if route.Listener == l {
					routes = append(routes, route)
				}
			}
		}
	}
	return routes
}
