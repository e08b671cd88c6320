package pagesrun

import (
	"io"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// copyBytes is how much is moved at a time between a stream and a reader of the function's own.
const copyBytes = 32 << 10

// errStreamGiven is what a stream says after it was given away.
var errStreamGiven = &abi.Error{Code: abi.CodeBadHandle, Message: "the stream was given away and cannot be used any more"}

// Stream is a stream of bytes from the host: a request body, a stored value, the readable end of a [Pipe]. A Stream that is used unread as a
// response body or as a value to store is handed over whole: its bytes do not pass through the function.
//
// A Stream belongs to its event, and to one goroutine at a time.
type Stream struct {
	handle uint32 // 0 when all bytes are in rest
	rest   []byte // bytes to read before those of the handle
	err    error
}

// NewStream takes possession of a readable stream that a reply has named. It is for binding packages.
func NewStream(h abi.Handle) *Stream { return &Stream{handle: uint32(h)} }

// Read reads up to len(p) bytes, waiting for the first while other goroutines run. It returns [io.EOF] at the end; any other error
// means that the data is incomplete.
func (s *Stream) Read(p []byte) (int, error) {
	switch {
	case s.err != nil:
		return 0, s.err
	case len(p) == 0:
		return 0, nil
	case len(s.rest) > 0:
		n := copy(p, s.rest)
		s.rest = s.rest[n:]
		return n, nil
	case s.handle == 0:
		return 0, io.EOF
	}
	n, err := s.readHost(p)
	if err != nil {
		s.finish(err)
	}
	return n, err
}

// readHost reads from the host, waiting for the first byte.
func (s *Stream) readHost(p []byte) (int, error) {
	for {
		n := host.Read(s.handle, p)
		switch {
		case n > 0:
			return int(n), nil
		case n == 0:
			return 0, io.EOF
		case n != -int32(abi.CodeWouldBlock):
			return 0, hostError("read", n)
		}
		if err := await(s.handle); err != nil {
			return 0, err
		}
	}
}

// Len returns how many bytes are left, when that is known because all of them are in memory.
func (s *Stream) Len() (n int, known bool) { return len(s.rest), s.handle == 0 }

// ReadAll reads what is left. More than limit bytes are an error of code [abi.CodeTooLarge].
func (s *Stream) ReadAll(limit int) ([]byte, error) {
	b := make([]byte, 0, max(512, len(s.rest)+1))
	for {
		n, err := s.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return nil, &abi.Error{Code: abi.CodeTooLarge, Message: "the stream is longer than the limit"}
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// Close says that nobody will read the rest. Closing twice is no error.
func (s *Stream) Close() error {
	s.finish(errStreamClosed)
	return nil
}

var errStreamClosed = &abi.Error{Code: abi.CodeBadHandle, Message: "the stream is closed"}

// finish frees the handle; err is what later reads say.
func (s *Stream) finish(err error) {
	if s.handle != 0 {
		host.Close(s.handle, abi.CloseFinish)
	}
	if s.err == nil {
		s.err = err
	}
	s.handle, s.rest = 0, nil
}

// give hands the handle over to a message.
func (s *Stream) give() abi.Handle {
	h := abi.Handle(s.handle)
	s.handle, s.err = 0, errStreamGiven
	return h
}

// Writer is the writable end of a [Pipe]. It belongs to its event, and to one goroutine at a time.
type Writer struct {
	handle uint32
	err    error
}

// Write writes all of p, waiting while the reader is behind by more than the pipe holds (256 KiB). It fails with
// [abi.CodeStreamClosed] when nobody will read what is written.
func (w *Writer) Write(p []byte) (int, error) {
	total := 0
	for total < len(p) && w.err == nil {
		n := host.Write(w.handle, p[total:])
		switch {
		case n >= 0:
			total += int(n)
		case n == -int32(abi.CodeWouldBlock):
			w.err = await(w.handle)
		default:
			w.err = hostError("write", n)
		}
	}
	return total, w.err
}

// WriteString writes all of s.
func (w *Writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Close ends the stream: its reader gets the regular end. Closing twice is no error.
func (w *Writer) Close() error { return w.end(abi.CloseFinish) }

// Abort ends the stream so that its reader fails: what it got is incomplete.
func (w *Writer) Abort() { w.end(abi.CloseAbort) }

func (w *Writer) end(reason uint32) error {
	if w.handle == 0 {
		return nil
	}
	n := host.Close(w.handle, reason)
	w.handle = 0
	if w.err == nil {
		w.err = errStreamClosed
	}
	if n < 0 {
		return hostError("close", n)
	}
	return nil
}

// Pipe makes a stream: what is written to the [Writer] is read from the [Stream]. Give the Stream away (as a response body, as a value to store),
// then write; the function writing faster than the other side reads is held back.
func Pipe() (*Stream, *Writer, error) {
	p, err := Invoke[abi.PipeReply]("", abi.OpPipe, &abi.PipeRequest{})
	if err != nil {
		return nil, nil, err
	}
	return NewStream(p.Readable), &Writer{handle: uint32(p.Writable)}, nil
}

// Feed turns r into a stream that can be put into a message, and a function that moves r's bytes into it: put the handle into the
// message, start the operation, then call pump. For a [Stream] of the host there is nothing to move. It is for binding packages.
//
// pump returns the error of r, with which the operation fails too. That the other side did not want all bytes is not an error of pump.
func Feed(r io.Reader) (h abi.Handle, pump func() error, err error) {
	if s, ok := r.(*Stream); ok && s.err == nil && s.handle != 0 && len(s.rest) == 0 {
		return s.give(), func() error { return nil }, nil
	}
	s, w, err := Pipe()
	if err != nil {
		return 0, nil, err
	}
	return s.give(), func() error { return w.drain(r) }, nil
}

// drain copies r into w and ends w as r ended.
func (w *Writer) drain(r io.Reader) error {
	_, err := io.CopyBuffer(onlyWriter{w}, onlyReader{r}, make([]byte, copyBytes))
	switch {
	case err == nil:
		w.Close()
	case w.err != nil: // the other side is not interested: no fault of r's
		w.end(abi.CloseAbort)
		return nil
	default:
		w.Abort()
	}
	return err
}

// onlyWriter and onlyReader hide every method but one, so that the copy uses its own buffer.
type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)
