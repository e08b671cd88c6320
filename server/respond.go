package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"

	"github.com/pagesrun/pagesrun/runtime"
)

// Sizes of pieces of a response body, in bytes.
const (
	// pieceBytes is how much of a stream is read at once.
	pieceBytes = 32 << 10
	// shortBodyBytes is what net/http gathers before it decides on the framing; up to it, it sets Content-Length by itself.
	shortBodyBytes = 2 << 10
)

// connectionField reports whether a field belongs to the connection. A function cannot set it; it is dropped.
func connectionField(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// responder sends one response.
type responder struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	resp *runtime.Response
	// length is the function's Content-Length, empty when it gave none.
	length string
}

// respond sends a function's response. A failure before the first byte comes back as an error, for a 500; one afterwards
// cuts the connection by panicking with [http.ErrAbortHandler].
func (s *Server) respond(w http.ResponseWriter, r *http.Request, resp *runtime.Response) error {
	rs := responder{s: s, w: w, r: r, resp: resp}
	if err := rs.prepare(); err != nil {
		clear(w.Header())
		return err
	}
	if rs.bodiless() {
		rs.sendHead()
	} else if resp.Stream == nil {
		rs.sendWhole()
	} else {
		rs.sendStream()
	}
	return nil
}

// prepare checks the response and copies its fields.
func (rs *responder) prepare() error {
	if rs.resp.Status < 200 || rs.resp.Status > 599 {
		return fmt.Errorf("the response has the status %d, which is not within 200 to 599", rs.resp.Status)
	}
	if n, most := int64(len(rs.resp.Body)), rs.s.opts.ResponseBodyBytesMax; n > most {
		return fmt.Errorf("the response body has %d bytes, over the limit of %d", n, most)
	}
	return rs.setFields()
}

// setFields copies the function's fields, checked.
func (rs *responder) setFields() error {
	fields := rs.resp.Headers
	if len(fields) > rs.s.opts.ResponseHeaderFieldsMax {
		return fmt.Errorf("the response has %d header fields, over the limit of %d", len(fields), rs.s.opts.ResponseHeaderFieldsMax)
	}
	h := rs.w.Header()
	lines := make([]string, len(fields))
	size, typed := 0, false
	for i := range fields {
		name := canonical(fields[i].Name)
		typed = typed || name == fieldType
		value := trim(string(fields[i].Value))
		size += len(name) + len(value)
		if err := checkField(name, value); err != nil {
			return err
		}
		lines[i] = value
		rs.setField(h, name, lines[i:i+1:i+1])
	}
	if size > rs.s.opts.ResponseHeaderBytesMax {
		return fmt.Errorf("the response's header fields have %d bytes, over the limit of %d", size, rs.s.opts.ResponseHeaderBytesMax)
	}
	if !typed {
		h[fieldType] = nil // keeps net/http from guessing one
	}
	return nil
}

func (rs *responder) setField(h http.Header, name string, line []string) {
	switch {
	case name == "Content-Length":
		rs.length = line[0]
	case connectionField(name):
		rs.s.opts.Log.Debug("response field dropped: it belongs to the connection", "field", name)
	default:
		if before := h[name]; before != nil {
			line = append(before, line[0])
		}
		h[name] = line
	}
}

// canonical is [textproto.CanonicalMIMEHeaderKey], quicker for the one field nearly every response has.
func canonical(name string) string {
	if name == "content-type" {
		return fieldType
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// checkField says what is wrong with a field that HTTP does not allow. The value itself is not repeated: it may be secret.
func checkField(name, value string) error {
	if !validName(name) {
		return fmt.Errorf("the response has a header field with the invalid name %q", name)
	}
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("the response's header field %q has the byte 0x%02x in its value, which HTTP does not allow", name, c)
		}
	}
	return nil
}

// validName reports whether name is one or more of RFC 9110's tchar.
func validName(name string) bool {
	for i := 0; i < len(name); i++ {
		if !nameByte[name[i]] {
			return false
		}
	}
	return name != ""
}

// nameByte marks what a field's name may consist of.
var nameByte = byteSet("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

// trim takes off the white space around a value.
func trim(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return strings.Trim(s, " \t")
}

// bodiless reports whether the response goes without its body.
func (rs *responder) bodiless() bool {
	switch rs.resp.Status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return rs.r.Method == http.MethodHead
}

// sendHead sends a response without its body, with the length the body would have where that is known.
func (rs *responder) sendHead() {
	switch status := rs.resp.Status; {
	case status == http.StatusResetContent:
		rs.setLength("0")
	case status == http.StatusNoContent:
	case rs.resp.Stream == nil && status != http.StatusNotModified:
		rs.setLength(strconv.Itoa(len(rs.resp.Body)))
	}
	if rs.length != "" && rs.resp.Status != http.StatusNoContent && validLength(rs.length) {
		rs.w.Header()["Content-Length"] = []string{rs.length}
	}
	rs.w.WriteHeader(rs.resp.Status)
}

// setLength sets the length unless the function said it: only HEAD's own length can be truer than the body's.
func (rs *responder) setLength(length string) {
	if rs.length == "" || len(rs.resp.Body) > 0 || rs.resp.Status == http.StatusResetContent {
		rs.length = length
	}
}

func validLength(s string) bool {
	n, err := strconv.ParseUint(s, 10, 63)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// sendWhole sends a response whose body is all there.
func (rs *responder) sendWhole() {
	body := rs.resp.Body
	if len(body) > shortBodyBytes || rs.r.ProtoMajor != 1 {
		rs.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	rs.w.WriteHeader(rs.resp.Status)
	if rs.r.ProtoMajor == 1 {
		rs.w.Write(body)
		return
	}
	for len(body) > 0 {
		piece := body[:min(len(body), pieceBytes)]
		if _, err := rs.w.Write(piece); err != nil {
			return
		}
		body = body[len(piece):]
	}
}

var pieces = sync.Pool{New: func() any { return new([pieceBytes]byte) }}

// sendStream passes a stream on, each piece as soon as nothing more is there.
func (rs *responder) sendStream() {
	if validLength(rs.length) {
		rs.w.Header()["Content-Length"] = []string{rs.length}
	}
	rs.w.WriteHeader(rs.resp.Status)
	rs.flush() // a client may be waiting for the head before it sends what the stream is made of
	buf := pieces.Get().(*[pieceBytes]byte)
	defer pieces.Put(buf)
	rest := rs.s.opts.ResponseBodyBytesMax
	turn := streamTurn{turns: rs.s.turns}
	defer turn.pass()
	for {
		if !rs.more() {
			turn.pass() // the next piece may be long in coming
		}
		n, err := rs.resp.Stream.Read(buf[:])
		if rest -= int64(n); rest < 0 {
			rs.abort("the response body is over its limit", nil)
		}
		turn.take()
		if n > 0 {
			if _, err := rs.w.Write(buf[:n]); err != nil {
				panic(http.ErrAbortHandler) // the client is gone, or the function said a shorter Content-Length
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			rs.abort("the response stream failed", err)
		}
		rs.flush()
		turn.count(n)
	}
}

// flush sends what has been written unless the stream says that more is there already.
func (rs *responder) flush() {
	if rs.more() {
		return
	}
	if f, ok := rs.w.(http.Flusher); ok {
		f.Flush()
	}
}

// more reports whether the stream says that more of it is there already.
func (rs *responder) more() bool {
	more, ok := rs.resp.Stream.(interface{ Buffered() int })
	return ok && more.Buffered() > 0
}

// abort cuts the connection, so that the client sees that the response is incomplete.
func (rs *responder) abort(message string, cause error) {
	if rs.r.Context().Err() == nil {
		rs.s.opts.Log.Warn(message, "cause", cause)
	}
	panic(http.ErrAbortHandler)
}

// eventError makes what a function's Fetch failed with an EventError.
func eventError(err error) *runtime.EventError {
	var e *runtime.EventError
	if errors.As(err, &e) {
		return e
	}
	return &runtime.EventError{Outcome: runtime.OutcomeException, Status: http.StatusInternalServerError,
		Message: "The function failed.", Cause: err}
}
