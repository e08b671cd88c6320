package pagesrun

import (
	"io"

	"github.com/pagesrun/pagesrun/abi"
)

// bodyBytesMax is the longest body sent in one message; a longer one goes through a pipe.
const bodyBytesMax = abi.MessageBytesMax - 1<<20

// Response is the answer to a [Request].
type Response struct {
	// Status is the HTTP status, 200 to 599; 0 means 200.
	Status int
	// Header has the header fields to send.
	Header Header
	// Body is the whole body, where Stream is nil.
	Body []byte
	// Stream is the body otherwise. A [*Stream] of the host is handed over; any other reader is read, in the event's own time, after the head has
	// been sent. It is closed at the end if it can be. An error from it cuts the connection, so the client knows.
	Stream io.Reader

	produce func(*Writer) error
}

// Text makes a response of plain text.
func Text(status int, body string) *Response {
	return Bytes(status, "text/plain; charset=utf-8", bodyOf(body))
}

// HTML makes a response of an HTML document.
func HTML(status int, body string) *Response {
	return Bytes(status, "text/html; charset=utf-8", bodyOf(body))
}

// JSON makes a response of a JSON document.
func JSON(status int, document []byte) *Response { return Bytes(status, "application/json", document) }

// Bytes makes a response of any content type.
func Bytes(status int, contentType string, body []byte) *Response {
	r := newResponse(status, "Content-Type", contentType)
	r.Body = body
	return r
}

// Redirect sends the client to another URL. Status is 301, 302, 303, 307 or 308.
func Redirect(status int, url string) *Response {
	return newResponse(status, "Location", url)
}

// StreamFunc makes a response whose body is what write writes, each Write going out at once. write runs after the head has been sent; the
// event lasts until it returns. An error from it cuts the connection, so the client knows that the body is incomplete.
func StreamFunc(status int, contentType string, write func(w *Writer) error) *Response {
	r := newResponse(status, "Content-Type", contentType)
	r.produce = write
	return r
}

// responseRoom is a response with room for a few header fields.
type responseRoom struct {
	Response
	fields [2]abi.Header
}

// newResponse makes a response with one header field and room for another, in one allocation at most.
func newResponse(status int, name, value string) *Response {
	r := newResponseRoom()
	r.Status = status
	r.Header.fields = r.fields[:0]
	r.Header.Add(name, value)
	return &r.Response
}

// send sends the response and everything its body reads from.
func (r *Response) send() error {
	if len(r.Body) > bodyBytesMax && r.Stream == nil && r.produce == nil {
		r.produce = func(w *Writer) error { _, err := w.Write(r.Body); return err }
	}
	if r.produce != nil {
		return r.sendProduced()
	}
	if s, ok := r.Stream.(*Stream); ok && s.err == nil && s.handle == 0 {
		r.Body, r.Stream = s.rest, nil
	}
	if r.Stream == nil {
		return r.head(r.Body, 0)
	}
	return r.sendStream()
}

// sendStream sends a body that a reader has.
func (r *Response) sendStream() error {
	h, pump, err := Feed(r.Stream)
	if err != nil {
		return err
	}
	if c, ok := r.Stream.(io.Closer); ok {
		defer c.Close()
	}
	if err := r.head(nil, h); err != nil {
		return err
	}
	return pump()
}

// sendProduced sends a body that a function writes.
func (r *Response) sendProduced() error {
	s, w, err := Pipe()
	if err != nil {
		return err
	}
	if err := r.head(nil, s.give()); err != nil {
		return err
	}
	if err := r.produce(w); err != nil {
		w.Abort()
		return err
	}
	return w.Close()
}

// head sends everything but what a stream still has to bring. Nobody waits for the reply: it could only say what the
// event's outcome says anyway.
func (r *Response) head(body []byte, stream abi.Handle) error {
	m := abi.RespondRequest{Status: uint32(r.Status), Headers: r.Header.fields, Body: body, Stream: stream}
	return respond(&m)
}
