package hostfuncs

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// wait blocks until one of the handles in s.waiting is ready and gives its index.
func (s *Session) wait(timeout time.Duration) (int, abi.Code) {
	if i, code := s.poll(); code != abi.CodeWouldBlock {
		return i, code
	}
	if s.runInline(timeout) {
		return 0, 0
	}
	s.Kick()
	var until time.Time
	if timeout >= 0 {
		until = time.Now().Add(timeout)
	}
	var index int
	var code abi.Code
	ready := func() bool {
		index, code = s.poll()
		return code != abi.CodeWouldBlock
	}
	if timeout == 0 || !s.blockUntil(ready, until) {
		return 0, abi.CodeTimeout
	}
	return index, code
}

// poll finds the first ready handle in s.waiting; would_block when there is none.
func (s *Session) poll() (int, abi.Code) {
	for i, h := range s.waiting {
		s.mu.Lock()
		e := s.at(h)
		var v entry
		if e != nil {
			v = *e
		}
		s.mu.Unlock()
		switch {
		case v.call != nil && v.call.done.Load(), v.readable != nil && v.readable.ready(), v.writable != nil && v.writable.writable():
			return i, 0
		case v == (entry{}):
			return i, abi.CodeBadHandle
		}
	}
	return 0, abi.CodeWouldBlock
}

// runInline runs the deferred operation on this goroutine when it is the only thing waited for, and brief or without a timeout.
func (s *Session) runInline(timeout time.Duration) bool {
	c := s.deferred
	if c == nil || timeout == 0 || timeout > 0 && !c.op.Brief || len(s.waiting) != 1 || !s.isCall(s.waiting[0], c) {
		return false
	}
	s.deferred = nil
	start := s.block()
	g := s.give(true)
	s.perform(g, c)
	g.ctx.cancel(context.Canceled)
	c.sole = true
	s.unblock(start)
	return true
}

// isCall says whether h is the handle of c.
func (s *Session) isCall(h uint32, c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.at(h)
	return e != nil && e.call == c
}

// clock is time.Now for half its price: it asks for one clock instead of two. The time of day in it does not follow when somebody sets that.
func (s *Session) clock() time.Time { return s.made.Add(time.Since(s.made)) }

// block hands over what the event holds while it waits in the host. Unless the guest has responded there is nothing to hand over.
func (s *Session) block() time.Time {
	start := s.clock()
	s.sched.Block()
	return start
}

func (s *Session) unblock(start time.Time) {
	now := s.clock()
	s.blocked += now.Sub(start)
	if err := s.Expired(now); err != nil {
		panic(&Stop{Cause: err})
	}
	s.sched.Unblock()
}

// blockUntil blocks until ready holds: true. Past until, when there is one, it gives false. When the event is over it panics with [*Stop].
func (s *Session) blockUntil(ready func() bool, until time.Time) bool {
	start := s.block()
	ok := s.sleepUntil(ready, until)
	s.unblock(start)
	return ok
}

func (s *Session) sleepUntil(ready func() bool, until time.Time) bool {
	expiry := s.startTimer(until)
	defer s.stopTimer()
	for !ready() {
		select {
		case <-s.notify:
		case <-s.canceled():
			return false
		case <-expiry:
			if ready() {
				return true
			}
			if !until.IsZero() && !time.Now().Before(until) {
				return false
			}
			if s.Expired(time.Now()) != nil {
				return false
			}
		}
	}
	return true
}

// canceled is closed when the client has gone away; nil once that no longer matters.
func (s *Session) canceled() <-chan struct{} {
	if s.cut {
		return nil
	}
	return s.parent.Done()
}

// startTimer arms the session's timer for the nearer of until and the event's deadline.
func (s *Session) startTimer(until time.Time) <-chan time.Time {
	at := s.deadline
	if !until.IsZero() && (at.IsZero() || until.Before(at)) {
		at = until
	}
	if at.IsZero() {
		return nil
	}
	d := time.Until(at) + time.Microsecond
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	return s.timer.C
}

func (s *Session) stopTimer() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Sleep blocks the event for d, as WASI's poll_oneoff does with a clock.
func (s *Session) Sleep(d time.Duration) {
	s.blockUntil(func() bool { return false }, time.Now().Add(d))
}

// result gives the message behind a handle: nil and a code when there is none.
func (s *Session) result(h uint32) ([]byte, abi.Code) {
	if h == uint32(abi.HandleEvent) {
		if s.event == nil {
			return nil, abi.CodeBadHandle
		}
		return s.event, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.at(h)
	switch {
	case e == nil || e.call == nil:
		return nil, abi.CodeBadHandle
	case !e.call.done.Load():
		return nil, abi.CodeWouldBlock
	}
	return e.call.reply, 0
}

// taken forgets a message the guest has received.
func (s *Session) taken(h uint32) {
	if h == uint32(abi.HandleEvent) {
		s.event = nil
		return
	}
	s.mu.Lock()
	e := &s.handles[h-1]
	c := e.call
	s.held -= c.held
	s.free(e)
	s.mu.Unlock()
	if c.sole && cap(c.reply) <= inlineBytesMax {
		s.spare = c
	}
}

// read takes bytes from a readable stream.
func (s *Session) read(h uint32, dst []byte) (int, abi.Code) {
	s.mu.Lock()
	e := s.at(h)
	if e == nil || e.readable == nil {
		s.mu.Unlock()
		return 0, abi.CodeBadHandle
	}
	r := e.readable
	s.mu.Unlock()
	if len(dst) == 0 {
		return 0, 0
	}
	n, err := r.poll(dst)
	switch {
	case n > 0 || err == io.EOF || err == nil:
		return n, 0
	case err == errWouldBlock:
		return 0, abi.CodeWouldBlock
	}
	return 0, abi.CodeStreamClosed
}

// write appends to a writable stream.
func (s *Session) write(h uint32, data []byte) (int, abi.Code) {
	s.mu.Lock()
	e := s.at(h)
	if e == nil || e.writable == nil {
		s.mu.Unlock()
		return 0, abi.CodeBadHandle
	}
	p := e.writable
	s.mu.Unlock()
	n, err := p.tryWrite(data)
	switch err {
	case nil:
		return n, 0
	case errWouldBlock:
		return 0, abi.CodeWouldBlock
	}
	return 0, abi.CodeStreamClosed
}

// close ends a handle.
func (s *Session) close(h, reason uint32) abi.Code {
	if reason > abi.CloseAbort {
		return abi.CodeInvalidArgument
	}
	s.mu.Lock()
	e := s.at(h)
	if e == nil {
		s.mu.Unlock()
		return abi.CodeBadHandle
	}
	v := *e
	s.free(e)
	if v.call != nil {
		v.call.closed = true
		s.held -= v.call.held
	}
	s.mu.Unlock()
	if v.call != nil && v.call == s.deferred {
		s.deferred = nil
		s.settle(v.call, 0)
	}
	end := error(errAborted)
	if reason == abi.CloseFinish {
		end = io.EOF
	}
	s.release(&v, end)
	return 0
}

// log writes one line in the guest's name.
func (s *Session) log(level uint32, text []byte) abi.Code {
	if level > abi.LogError {
		return abi.CodeInvalidArgument
	}
	if !s.ChargeLog(len(text)) {
		return abi.CodeLimitExceeded
	}
	s.logger(int(level), strings.ToValidUTF8(string(text), "\uFFFD"))
	return 0
}

// ChargeLog counts a line of n bytes against the event's log limit; false when that is over it.
func (s *Session) ChargeLog(n int) bool {
	if n+LogLineBytes > s.limits.LogBytes-s.logged {
		return false
	}
	s.logged += n + LogLineBytes
	return true
}
