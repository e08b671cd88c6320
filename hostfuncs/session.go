package hostfuncs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// Limits bound what one event may hold and do. Each is documented in docs/limits.md.
type Limits struct {
	// Handles is how many calls and streams may be open at once.
	Handles int
	// Operations is how many calls one event may make.
	Operations int
	// LogBytes is how much one event may log, stdout and stderr included. Each line counts [LogLineBytes] more than its text.
	LogBytes int
}

// Limits that are the same for every event.
const (
	// LogLineBytes is what a log line counts besides its text, for what is stored around it.
	LogLineBytes = 64
	// HeldBytesMax is how much the requests under way and the replies not yet taken of one event may have together.
	HeldBytesMax = 64 << 20
	// ResponseHeadersMax and ResponseHeaderBytesMax bound the header fields of one response, names and values counted.
	ResponseHeadersMax     = 256
	ResponseHeaderBytesMax = 128 << 10
)

// Scheduler is told what an event does in the host: when its goroutine is about to block, so that it can hand the processor
// and the client's connection to others, and what it works in the guest's name.
type Scheduler interface {
	// Charge counts work of a host function as if the guest had run that many units of its own code. Without it a guest that
	// only calls expensive host functions would get by its limit.
	Charge(units int)
	// Block is called before, Unblock after. Unblock may itself wait for its turn.
	Block()
	Unblock()
}

// Phase says what a guest may do now.
type Phase int

// The phases of an instance.
const (
	// PhaseWarm is start-up, before the image: only variables, secrets and logs.
	PhaseWarm Phase = iota
	// PhaseEvent is one event.
	PhaseEvent
)

// Response is what a guest responded.
type Response struct {
	// Message holds the decoded response; its Body aliases Buffer.
	Message abi.RespondRequest
	// Stream is the body, when it is a stream.
	Stream io.ReadCloser
	// Buffer is the memory behind Message. [Response.Recycle] gives it back when the response has been sent.
	Buffer []byte
}

// Session is the host side of one event: its handles, streams, calls and response. Except for [Streams], its methods are
// called by the event's goroutine only.
type Session struct {
	registry *Registry
	limits   Limits
	sched    Scheduler
	logger   func(level int, text string)
	audit    *slog.Logger
	phase    Phase

	parent   context.Context
	deadline time.Time
	event    []byte
	id       string // of the event, for the log

	response *Response
	logged   int
	calls    int
	own      [4]call // of the runtime's operations
	ownCalls int
	spare    *call // of an operation on the event's goroutine whose reply was taken
	now      Call  // of the immediate operation that runs
	deferred *call
	blocked  time.Duration
	timer    *time.Timer
	waiting  []uint32
	made     time.Time // of the session: what clock counts from
	cut      bool      // parent no longer cancels
	silent   bool      // the event has no response
	extra    []Operation
	failure  error // what the handler has said of itself

	mu      sync.Mutex
	handles []entry
	open    int
	held    int // bytes of requests under way and replies not taken
	pipes   []*pipe
	ended   bool // End was called
	tallies []tally

	running atomic.Int32
	notify  chan struct{}
}

// entry is one handle: exactly one field is set while it is open.
type entry struct {
	call     *call
	readable readable
	writable *pipe
}

// call is one operation a guest has asked for.
type call struct {
	target *target
	op     *boundOperation
	msg    []byte
	reply  []byte
	done   atomic.Bool
	ctx    *opContext // of an operation that a goroutine runs
	closed bool       // by the guest; like held guarded by the session's mu
	held   int        // bytes of the reply that count as held

	sole bool // nobody but the handle has the call: the operation has ended on the event's goroutine
}

// targetName and opName are for the log; an operation of the runtime itself has neither.
func (c *call) targetName() string {
	if c.target == nil {
		return ""
	}
	return c.target.name
}

func (c *call) opName() string {
	if c.op == nil {
		return ""
	}
	return c.op.Name
}

// NewSession makes a session that serves events one after the other.
func NewSession(registry *Registry, limits Limits, sched Scheduler, logger func(level int, text string), audit *slog.Logger) *Session {
	return &Session{
		registry: registry, limits: limits, sched: sched, logger: logger, audit: audit,
		notify: make(chan struct{}, 1), made: time.Now(),
	}
}

// Begin starts an event. message is what result(0) gives; it must stay unchanged until End. A zero deadline means none.
func (s *Session) Begin(parent context.Context, phase Phase, message []byte, deadline time.Time) {
	s.parent, s.phase, s.event, s.deadline, s.id = parent, phase, message, deadline, ""
	s.response, s.logged, s.calls, s.ownCalls, s.deferred, s.blocked, s.cut = nil, 0, 0, 0, nil, 0, false
	s.handles, s.open, s.held, s.pipes = s.handles[:0], 0, 0, s.pipes[:0]
	s.ended, s.silent, s.extra, s.failure = false, false, nil, nil
	s.tallies = s.tallies[:0]
}

// AddReadable gives the guest a readable stream before the event begins (its request body) and returns the handle for the event's message.
func (s *Session) AddReadable(r io.ReadCloser) abi.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, _ := s.add(entry{readable: newReadable(r, s.signal)}, false)
	return h
}

// SetEvent replaces the event message of a session that has begun.
func (s *Session) SetEvent(message []byte) { s.event = message }

// Background makes the event of a session that has begun one without a response, and gives it operations of its own.
func (s *Session) Background(operations []Operation) { s.silent, s.extra = true, operations }

// Failure is what the handler has said about its failure; nil when it has not.
func (s *Session) Failure() error { return s.failure }

// tally is what the operations of one kind of binding have counted.
type tally struct {
	kind string
	n    int
}

// tally adds to one of the event's counts.
func (s *Session) tally(kind string, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.tallies { // there are few kinds
		if t := &s.tallies[i]; t.kind == kind {
			t.n += n
			return t.n
		}
	}
	s.tallies = append(s.tallies, tally{kind, n})
	return n
}

// Name gives the event of a session that has begun the name it has in the log.
func (s *Session) Name(id string) { s.id = id }

// End closes everything the event left open and cancels what still runs. It reports whether the session may be used
// again: not while an operation has yet to return.
func (s *Session) End() (reusable bool) {
	s.mu.Lock()
	s.ended = true
	handles, pipes := s.handles, s.pipes
	s.mu.Unlock()
	for i := range handles {
		s.release(&handles[i], errAborted)
	}
	for _, p := range pipes {
		p.finish(errAborted)
	}
	clear(s.handles)
	clear(s.pipes)
	s.deferred, s.event = nil, nil
	return s.running.Load() == 0
}

// release closes what an entry holds.
func (s *Session) release(e *entry, reason error) {
	switch {
	case e.call != nil && e.call.ctx != nil:
		e.call.ctx.cancel(context.Canceled)
	case e.readable != nil:
		e.readable.discard()
	case e.writable != nil:
		e.writable.finish(reason)
	}
	*e = entry{}
}

// Response is what the guest has responded so far; nil before.
func (s *Session) Response() *Response { return s.response }

// Blocked is how long the event has been waiting in the host.
func (s *Session) Blocked() time.Duration { return s.blocked }

// Parent is the context of whoever wants the event's answer.
func (s *Session) Parent() context.Context { return s.parent }

// CutParent makes the event independent of its client: from now on only its own limits end it.
func (s *Session) CutParent() { s.cut = true }

// Expired says why the event must not go on: the client is gone or the time is over. Nil while it may.
func (s *Session) Expired(now time.Time) error {
	if !s.cut && s.parent.Err() != nil {
		return context.Canceled
	}
	if !s.deadline.IsZero() && now.After(s.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// signal wakes the event's goroutine. It never blocks and may be called from anywhere.
func (s *Session) signal() {
	select {
	case s.notify <- struct{}{}:
	default:
	}
}

// answerHandles is how many handles an event may have open beyond its limit, for calls that answer. SDKs leave that of the response open and close the others at once.
const answerHandles = 8

// add makes a handle. The caller holds mu.
func (s *Session) add(e entry, answers bool) (abi.Handle, abi.Code) {
	limit := s.limits.Handles
	if answers {
		limit += answerHandles
	}
	if s.open >= limit {
		return 0, abi.CodeTooManyHandles
	}
	s.open++
	s.handles = append(s.handles, e)
	return abi.Handle(len(s.handles)), 0
}

// at gives the open entry of a handle, nil when there is none.
func (s *Session) at(h uint32) *entry {
	if h == 0 || uint64(h) > uint64(len(s.handles)) {
		return nil
	}
	e := &s.handles[h-1]
	if *e == (entry{}) {
		return nil
	}
	return e
}

// free forgets a handle whose resources have moved on. The caller holds mu.
func (s *Session) free(e *entry) {
	*e = entry{}
	s.open--
}

// TakeReadable implements [Streams].
func (s *Session) TakeReadable(h abi.Handle) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.at(uint32(h))
	if s.ended || e == nil || e.readable == nil {
		return nil, &abi.Error{Code: abi.CodeBadHandle, Message: "the message names a handle that is not an open readable stream"}
	}
	r := e.readable.detach()
	s.free(e)
	return r, nil
}

// GiveReadable implements [Streams].
func (s *Session) GiveReadable(r io.ReadCloser) (abi.Handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		r.Close()
		return 0, &abi.Error{Code: abi.CodeCanceled, Message: "the event has ended"}
	}
	h, code := s.add(entry{readable: newReadable(r, s.signal)}, false)
	if code != 0 {
		r.Close()
		return 0, &abi.Error{Code: code, Message: "the event has as many open handles as it may"}
	}
	return h, nil
}

// Deadline implements context.Context.
func (s *Session) Deadline() (time.Time, bool) { return s.deadline, !s.deadline.IsZero() }

// Value implements context.Context; it has the session itself.
func (s *Session) Value(key any) any {
	if key == (sessionKey{}) {
		return s
	}
	if s.parent == nil {
		return nil
	}
	return s.parent.Value(key)
}

// Done implements context.Context: a session never ends. It is the context of host calls, which are given an end by other means;
// operations have contexts of their own.
func (s *Session) Done() <-chan struct{} { return nil }

// Err implements context.Context.
func (s *Session) Err() error { return nil }

type sessionKey struct{}

// FromContext gives the session whose event is running in ctx, nil outside of one.
func FromContext(ctx context.Context) *Session {
	if s, ok := ctx.(*Session); ok {
		return s
	}
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}

// publicError gives what a guest may know of err, and logs the rest.
func (s *Session) publicError(c *call, err error) *abi.Error {
	var public *abi.Error
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		s.audit.Error("operation failed", "event", s.id, "binding", c.targetName(), "operation", c.opName(), "code", failure.Public.Code.String(), "cause", failure.Cause)
		return &failure.Public
	case errors.As(err, &public):
		return public
	case errors.Is(err, context.Canceled):
		return &abi.Error{Code: abi.CodeCanceled, Message: "the operation was canceled"}
	case errors.Is(err, context.DeadlineExceeded):
		return &abi.Error{Code: abi.CodeTimeout, Message: "the operation ran out of time"}
	}
	s.audit.Error("operation failed", "event", s.id, "binding", c.targetName(), "operation", c.opName(), "code", "internal", "cause", err)
	return &abi.Error{Code: abi.CodeInternal, Message: "internal error"}
}
