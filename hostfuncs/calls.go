package hostfuncs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// Stop is the panic value with which a host function ends the event it is called in: no guest code runs after it.
type Stop struct{ Cause error }

// Error gives the cause.
func (s *Stop) Error() string { return s.Cause.Error() }

// Unwrap gives the cause.
func (s *Stop) Unwrap() error { return s.Cause }

// inlineBytesMax is the longest request that may run on the event's own goroutine.
const inlineBytesMax = 4 << 10

// handleTag is how every handle in a message begins (CBOR tag, two bytes of argument).
var handleTag = []byte{0xd9, abi.TagHandle >> 8, abi.TagHandle & 0xff}

// call starts an operation. msg is borrowed: it is copied where it is needed longer.
//
// An operation does not start at once. Most guests wait for it right away, and then it runs on the event's own goroutine, which
// saves a goroutine and two switches. When the guest does anything else first (another call, a wait for something
// else, much computing) the operation is handed to a goroutine; see Kick.
func (s *Session) call(target, op, msg []byte) (abi.Handle, abi.Code) {
	s.Kick()
	answers := s.answers(target, op)
	if s.calls >= s.limits.Operations && !answers {
		return 0, abi.CodeLimitExceeded
	}
	s.calls++
	c := s.newCall(len(target) == 0)
	s.mu.Lock()
	h, code := s.add(entry{call: c}, answers)
	s.mu.Unlock()
	if code != 0 {
		return 0, code
	}
	if len(target) == 0 {
		s.runOwn(c, string(op), msg)
	} else {
		s.bind(c, target, op, msg)
	}
	return h, 0
}

// newCall makes a call. Operations of the runtime itself are done before call returns, so the memory of the first few is used by the
// next event again, and that of one that ran on the event's goroutine once its reply is taken; the others may outlive their event.
func (s *Session) newCall(own bool) *call {
	if c := s.spare; c != nil {
		s.spare = nil
		*c = call{reply: c.reply[:0]}
		return c
	}
	if !own || s.ownCalls == len(s.own) {
		return &call{}
	}
	c := &s.own[s.ownCalls]
	s.ownCalls++
	*c = call{}
	return c
}

// answers says that a call is the event's answer, for which there is always room: a guest that has used up its operations or handles can say so.
// Messages that a guest could not retry would count as acknowledged.
func (s *Session) answers(target, op []byte) bool {
	if len(target) > 0 {
		return false
	}
	switch string(op) {
	case abi.OpRespond:
		return s.response == nil
	case abi.OpFail, abi.OpAck, abi.OpRetry:
		return true
	}
	return false
}

// bind prepares a call to a binding.
func (s *Session) bind(c *call, target, op, msg []byte) {
	t, o, err := s.registry.find(target, op)
	if err != nil {
		level := slog.LevelWarn
		if string(op) == abi.OpVarsGet {
			level = slog.LevelDebug // asking for a variable that may be unset is ordinary
		}
		s.audit.Log(context.Background(), level, "call refused", "event", s.id, "operation", quote(string(op)), "code", err.Code.String(), "reason", err.Message, "configured", s.registry.names())
		s.fail(c, err)
		return
	}
	if s.phase == PhaseWarm && t.kind != "vars" && t.kind != "secrets" {
		s.fail(c, &abi.Error{Code: abi.CodeNotDuringWarm, Message: string(op) + " is not available before the first event"})
		return
	}
	if o.Immediate && len(msg) <= inlineBytesMax {
		s.performNow(c, t, o, msg)
		return
	}
	if !s.hold(len(msg)) {
		s.fail(c, errHeld())
		return
	}
	c.target, c.op, c.msg = t, o, bytes.Clone(msg)
	if len(msg) > inlineBytesMax || bytes.Contains(msg, handleTag) {
		s.spawn(c)
		return
	}
	s.deferred = c
}

// hold counts n bytes that the event keeps in the host; false when that is over the limit.
func (s *Session) hold(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > HeldBytesMax-s.held {
		return false
	}
	s.held += n
	return true
}

func errHeld() *abi.Error {
	return &abi.Error{Code: abi.CodeLimitExceeded, Message: "the event's open calls hold as many bytes as they may; take their replies first"}
}

// fail finishes a call with an error.
func (s *Session) fail(c *call, err *abi.Error) {
	c.reply = abi.AppendError(c.reply[:0], err)
	if c.op != nil {
		c.op.failed.WithLabelValues(err.Code.String()).Inc()
	}
	c.done.Store(true)
}

// perform runs an operation to its end.
func (s *Session) perform(g *given, c *call) {
	g.call = Call{Target: c.target.name, kind: c.target.kind, streams: s, event: s}
	reply, err := c.op.Run(&g.ctx, &g.call, c.msg, c.reply[:0])
	s.finish(c, reply, err)
}

// performNow runs an immediate operation to its end. Its request is neither copied nor held.
func (s *Session) performNow(c *call, t *target, o *boundOperation, msg []byte) {
	s.sched.Charge(immediateUnits)
	c.target, c.op, c.sole = t, o, true
	s.now = Call{Target: t.name, kind: t.kind, event: s}
	reply, err := o.Run(s, &s.now, msg, c.reply[:0])
	s.finish(c, reply, err)
}

// finish gives a call what its operation has returned.
func (s *Session) finish(c *call, reply []byte, err error) {
	if err != nil {
		reply = nil
	}
	if !s.settle(c, len(reply)) {
		err = errHeld()
	}
	if err != nil {
		s.fail(c, s.publicError(c, err))
		return
	}
	c.reply = reply
	c.op.ok.Inc()
	c.done.Store(true)
}

// settle lets go of a call's request and holds its reply, unless the guest has closed the call; false when that is over the limit.
func (s *Session) settle(c *call, reply int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= len(c.msg)
	c.msg = nil
	if c.closed {
		return true
	}
	if reply > HeldBytesMax-s.held {
		return false
	}
	s.held += reply
	c.held = reply
	return true
}

// Kick hands the operation that has not started yet, if there is one, to a goroutine.
func (s *Session) Kick() {
	if c := s.deferred; c != nil {
		s.deferred = nil
		s.spawn(c)
	}
}

func (s *Session) spawn(c *call) {
	g := s.give(false)
	c.ctx = &g.ctx
	s.running.Add(1)
	go func() {
		s.perform(g, c)
		g.ctx.cancel(context.Canceled)
		s.running.Add(-1)
		s.signal()
	}()
}

// runOwn performs an operation of the runtime itself: they never block.
func (s *Session) runOwn(c *call, op string, msg []byte) {
	var err *abi.Error
	switch op {
	case abi.OpRespond:
		err = s.respond(msg)
	case abi.OpPipe:
		if err = decode(op, msg, &abi.PipeRequest{}); err == nil {
			c.reply, err = s.pipe(c.reply)
		}
	case abi.OpFail:
		err = s.noteFailure(msg)
	case abi.OpBindings:
		if err = decode(op, msg, &abi.BindingsRequest{}); err == nil {
			c.reply = (&abi.BindingsReply{Bindings: s.registry.Bindings()}).AppendCBOR(c.reply)
		}
	default:
		err = s.runExtra(c, op, msg)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	if len(c.reply) == 0 {
		c.reply = emptyReply
	}
	c.done.Store(true)
}

// runExtra performs an operation that only this event has.
func (s *Session) runExtra(c *call, op string, msg []byte) *abi.Error {
	for _, extra := range s.extra {
		if extra.Name != op {
			continue
		}
		reply, err := extra.Run(s, &Call{streams: s, event: s}, msg, c.reply)
		if err != nil {
			return s.publicError(c, err)
		}
		c.reply = reply
		return nil
	}
	return &abi.Error{Code: abi.CodeUnknownOperation, Message: "the runtime has no operation " + quote(op) + " in this event"}
}

// failureBytesMax is how much of a handler's own words about its failure is kept, in bytes.
const failureBytesMax = 4 << 10

// noteFailure takes the handler's word that it has failed.
func (s *Session) noteFailure(msg []byte) *abi.Error {
	var q abi.FailRequest
	if err := decode(abi.OpFail, msg, &q); err != nil {
		return err
	}
	if s.failure == nil {
		s.failure = errors.New(strings.ToValidUTF8(q.Message[:min(len(q.Message), failureBytesMax)], "\uFFFD"))
	}
	return nil
}

// decode reads the request of an operation of the runtime.
func decode(op string, msg []byte, m interface{ DecodeCBOR([]byte) error }) *abi.Error {
	if err := m.DecodeCBOR(msg); err != nil {
		return &abi.Error{Code: abi.CodeBadMessage, Message: op + ": " + err.Error()}
	}
	return nil
}

// emptyReply is the empty map.
var emptyReply = []byte{0xa0}

func (s *Session) pipe(reply []byte) ([]byte, *abi.Error) {
	p := newPipe(s.signal)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open+2 > s.limits.Handles {
		return nil, &abi.Error{Code: abi.CodeTooManyHandles, Message: "the event has as many open handles as it may"}
	}
	r, _ := s.add(entry{readable: p}, false)
	w, _ := s.add(entry{writable: p}, false)
	s.pipes = append(s.pipes, p)
	return (&abi.PipeReply{Readable: r, Writable: w}).AppendCBOR(reply), nil
}

// responses holds the memory of responses between events.
var responses = sync.Pool{New: func() any { return new(Response) }}

// recycleBytesMax is the largest buffer worth keeping for the next response.
const recycleBytesMax = 1 << 20

// Recycle gives a response's memory back. Nothing of the response may be used afterwards but its strings.
func (r *Response) Recycle() {
	if cap(r.Buffer) <= recycleBytesMax {
		*r = Response{Buffer: r.Buffer[:0]}
		responses.Put(r)
	}
}

// respond takes the guest's answer to a fetch event.
func (s *Session) respond(msg []byte) *abi.Error {
	if s.phase == PhaseWarm {
		return &abi.Error{Code: abi.CodeNotDuringWarm, Message: "there is nothing to respond to before the first event"}
	}
	if s.silent {
		return &abi.Error{Code: abi.CodeInvalidArgument, Message: "respond: only a fetch event has a response"}
	}
	if s.response != nil {
		return &abi.Error{Code: abi.CodeAlreadyResponded, Message: "the event has its response already"}
	}
	r := responses.Get().(*Response)
	r.Buffer = append(r.Buffer[:0], msg...)
	if err := s.decodeResponse(r); err != nil {
		r.Recycle()
		return err
	}
	s.response = r
	return nil
}

func (s *Session) decodeResponse(r *Response) *abi.Error {
	if err := decode(abi.OpRespond, r.Buffer, &r.Message); err != nil {
		return err
	}
	if r.Message.Status == 0 {
		r.Message.Status = 200
	}
	if r.Message.Status < 200 || r.Message.Status > 599 {
		return &abi.Error{Code: abi.CodeInvalidArgument, Message: "respond: the status must be within 200 to 599"}
	}
	if len(r.Message.Headers) > ResponseHeadersMax || headerBytes(r.Message.Headers) > ResponseHeaderBytesMax {
		return &abi.Error{Code: abi.CodeLimitExceeded, Message: "respond: more than 256 header fields or 128 KiB of them"}
	}
	if r.Message.Stream == 0 {
		return nil
	}
	stream, err := s.TakeReadable(r.Message.Stream)
	if err != nil {
		return err.(*abi.Error)
	}
	r.Stream = stream
	return nil
}

func headerBytes(headers []abi.Header) (n int) {
	for _, h := range headers {
		n += len(h.Name) + len(h.Value)
	}
	return n
}

// Respond gives the response of a guest that does not speak the ABI (CGI). It reports false when there was one already.
func (s *Session) Respond(r *Response) bool {
	if s.response != nil {
		return false
	}
	s.response = r
	return true
}

// NewPipe makes a stream whose writer is the runtime itself on the event's goroutine. It ends with the event.
func (s *Session) NewPipe() (*PipeWriter, io.ReadCloser) {
	p := newPipe(s.signal)
	s.mu.Lock()
	s.pipes = append(s.pipes, p)
	s.mu.Unlock()
	return &PipeWriter{p: p, s: s}, p.detach()
}

// PipeWriter is the writable end of [Session.NewPipe].
type PipeWriter struct {
	p *pipe
	s *Session
}

// Write appends all of data, blocking while the reader is behind. It panics with [*Stop] when the event is over.
func (w *PipeWriter) Write(data []byte) (int, error) {
	total := 0
	for {
		n, err := w.p.tryWrite(data)
		total += n
		data = data[n:]
		if err != nil && err != errWouldBlock {
			return total, err
		}
		if len(data) == 0 {
			return total, nil
		}
		w.s.blockUntil(w.p.writable, time.Time{})
	}
}

// Finish marks the regular end.
func (w *PipeWriter) Finish() { w.p.finish(io.EOF) }

// ReadBlocking reads from a stream of the event on its own goroutine, blocking in the event's name. It panics with [*Stop] when the event is over.
func (s *Session) ReadBlocking(h abi.Handle, dst []byte) (int, error) {
	e := s.at(uint32(h))
	if e == nil || e.readable == nil {
		return 0, io.EOF
	}
	for {
		n, err := e.readable.poll(dst)
		if err != errWouldBlock || len(dst) == 0 {
			return n, err
		}
		s.blockUntil(e.readable.ready, time.Time{})
	}
}
