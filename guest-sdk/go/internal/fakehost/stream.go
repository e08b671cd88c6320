package fakehost

import (
	"io"

	"github.com/pagesrun/pagesrun/abi"
)

// pipe is a byte stream between the guest and a binding, or the guest and itself.
type pipe struct {
	buf                        []byte
	ended, aborted, readerGone bool
}

type (
	readEnd  struct{ p *pipe }
	writeEnd struct{ p *pipe }
)

func (p *pipe) readable() bool          { return len(p.buf) > 0 || p.ended }
func (p *pipe) writable(limit int) bool { return len(p.buf) < limit || p.readerGone }

// Read is the ABI's read.
func (h *Host) Read(stream uint32, b []byte) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("read %d", stream)
	e, ok := h.handles[stream].(*readEnd)
	switch {
	case h.canceled:
		return code(abi.CodeCanceled)
	case !ok:
		return code(abi.CodeBadHandle)
	case !e.p.readable():
		return code(abi.CodeWouldBlock)
	case len(e.p.buf) == 0 && e.p.aborted:
		return code(abi.CodeStreamClosed)
	}
	n := copy(b, e.p.buf)
	e.p.buf = e.p.buf[n:]
	h.changed.Broadcast()
	return int32(n)
}

// Write is the ABI's write.
func (h *Host) Write(stream uint32, b []byte) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("write %d", stream)
	e, ok := h.handles[stream].(*writeEnd)
	switch {
	case h.canceled:
		return code(abi.CodeCanceled)
	case !ok:
		return code(abi.CodeBadHandle)
	case e.p.readerGone || h.hungUp:
		return code(abi.CodeStreamClosed)
	case !e.p.writable(h.config.PipeBytes):
		return code(abi.CodeWouldBlock)
	}
	n := min(len(b), h.config.PipeBytes-len(e.p.buf))
	e.p.buf = append(e.p.buf, b[:n]...)
	h.changed.Broadcast()
	return int32(n)
}

// BodyWriter fills a readable stream of the guest.
type BodyWriter struct {
	h *Host
	p *pipe
}

// Write appends bytes to the stream, without a limit.
func (w *BodyWriter) Write(b []byte) (int, error) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	w.p.buf = append(w.p.buf, b...)
	w.h.changed.Broadcast()
	return len(b), nil
}

// End ends the stream, regularly or not.
func (w *BodyWriter) End(aborted bool) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	w.p.ended, w.p.aborted = true, aborted
	w.h.changed.Broadcast()
}

// HangUp has nobody read what the guest writes from now on, as when the connection breaks.
func (h *Host) HangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hungUp = true
	for _, e := range h.handles {
		if w, ok := e.(*writeEnd); ok {
			w.p.readerGone, w.p.ended, w.p.aborted = true, true, true
		}
	}
	h.changed.Broadcast()
}

// take takes a readable stream from the guest.
func (h *Host) take(stream abi.Handle) (*reader, bool) {
	e, ok := h.handles[uint32(stream)].(*readEnd)
	if !ok {
		return nil, false
	}
	delete(h.handles, uint32(stream))
	return &reader{h, e.p}, true
}

// reader reads a stream that the guest gave away.
type reader struct {
	h *Host
	p *pipe
}

// Read blocks until there is something.
func (r *reader) Read(b []byte) (int, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	for !r.p.readable() {
		r.h.changed.Wait()
	}
	if len(r.p.buf) == 0 {
		if r.p.aborted {
			return 0, io.ErrUnexpectedEOF
		}
		return 0, io.EOF
	}
	n := copy(b, r.p.buf)
	r.p.buf = r.p.buf[n:]
	r.h.changed.Broadcast()
	return n, nil
}
