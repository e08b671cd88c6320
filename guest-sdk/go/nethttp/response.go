package nethttp

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// bufferBytes is how much of a response is held back in the hope that it ends.
const bufferBytes = 32 << 10

// responseWriter collects a response and turns to streaming when it grows long or is flushed.
type responseWriter struct {
	ctx    *pagesrun.Context
	header http.Header

	status int              // 0 until the handler has decided
	fields pagesrun.Header  // header at that moment
	buf    []byte           // body not sent yet
	pipe   *pagesrun.Writer // the body's stream once there is one
	err    error            // why nothing can be sent any more
	cancel context.CancelCauseFunc
}

// Header returns the fields to send; changes after the first write or WriteHeader have no effect.
func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader decides the status. Informational ones are ignored, as are all after the first.
func (w *responseWriter) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic("nethttp: invalid status")
	}
	if status < 200 || w.status != 0 {
		return
	}
	w.status = status
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		if strings.HasPrefix(name, http.TrailerPrefix) || name == "Trailer" {
			continue
		}
		for _, value := range w.header[name] {
			w.fields.Add(name, value)
		}
	}
}

// Write adds to the body.
func (w *responseWriter) Write(b []byte) (int, error) {
	w.begin(b)
	switch {
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.err != nil:
		return 0, w.err
	case w.pipe != nil && len(w.buf) == 0 && len(b) >= bufferBytes:
		n, err := w.pipe.Write(b)
		w.fail(err)
		return n, err
	}
	w.buf = append(w.buf, b...)
	if len(w.buf) > bufferBytes {
		return len(b), w.FlushError()
	}
	return len(b), nil
}

// WriteString adds to the body.
func (w *responseWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// begin decides what the handler has left open; b is the beginning of the body.
func (w *responseWriter) begin(b []byte) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if len(w.buf) > 0 || w.pipe != nil || len(b) == 0 || !bodyAllowed(w.status) {
		return
	}
	if !w.fields.Has("Content-Type") && !w.fields.Has("Content-Encoding") && !w.fields.Has("Transfer-Encoding") {
		w.fields.Add("Content-Type", http.DetectContentType(b))
	}
}

// bodyAllowed reports whether a response of this status has a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// Flush sends what there is.
func (w *responseWriter) Flush() { w.FlushError() }

// FlushError sends what there is; from then on the response is a stream.
func (w *responseWriter) FlushError() error {
	w.begin(nil)
	if w.pipe == nil && w.err == nil {
		w.startStream()
	}
	if w.err == nil && len(w.buf) > 0 {
		_, err := w.pipe.Write(w.buf)
		w.fail(err)
		w.buf = w.buf[:0]
	}
	return w.err
}

// startStream sends the head with a stream for a body.
func (w *responseWriter) startStream() {
	body, pipe, err := pagesrun.Pipe()
	if err == nil {
		w.pipe = pipe
		err = w.ctx.Respond(&pagesrun.Response{Status: w.status, Header: w.fields, Stream: body})
	}
	w.fail(err)
}

// fail remembers why nothing can be sent any more, and cancels the request's context.
func (w *responseWriter) fail(err error) {
	if err != nil {
		w.err = err
		w.cancel(err)
	}
}

// finish sends what is left after the handler has returned.
func (w *responseWriter) finish() error {
	w.begin(nil)
	if w.pipe == nil {
		if w.err != nil {
			return nil
		}
		return w.ctx.Respond(&pagesrun.Response{Status: w.status, Header: w.fields, Body: w.buf})
	}
	if w.FlushError() != nil {
		w.pipe.Abort() // the client has gone: nobody to tell
		return nil
	}
	return w.pipe.Close()
}

// abort makes the client see that the response is incomplete.
func (w *responseWriter) abort() {
	if w.pipe != nil {
		w.pipe.Abort()
		return
	}
	w.startStream()
	if w.err == nil {
		w.pipe.Abort()
	}
}
