package server

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
)

// buffers are for answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, plainBytes); return &b }}

// keepBuffer gives back a buffer that an unusual answer has not made large.
func keepBuffer(b *[]byte) {
	if cap(*b) <= 4*plainBytes {
		buffers.Put(b)
	}
}

// appendHead appends the head of a response that is all there, as net/http would write it; false when it would not just write it.
func (s *Server) appendHead(b []byte, resp *runtime.Response, now time.Time) ([]byte, bool) {
	reason := plainReason(resp.Status)
	if reason == "" || int64(len(resp.Body)) > s.opts.ResponseBodyBytesMax {
		return b, false
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(resp.Status), 10)
	b = append(b, ' ')
	b = append(b, reason...)
	b = append(b, "\r\n"...)
	b, dated, ok := s.appendFields(b, resp)
	if !dated {
		b = append(b, "Date: "...)
		b = append(b, s.dates.of(now)...)
		b = append(b, "\r\n"...)
	}
	if len(resp.Body) <= shortBodyBytes {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(resp.Body)), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...), ok
}

// plainReason is the text of a status whose responses have a body; empty for the others.
func plainReason(status int) string {
	switch status {
	case http.StatusOK:
		return "OK"
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return ""
	}
	if status < 200 || status > 599 {
		return ""
	}
	return http.StatusText(status)
}

// appendFields appends a response's fields and, as net/http does, the length of a body that is not short among them; dated when Date is one of them.
// It reports false where there is something to say about one.
func (s *Server) appendFields(b []byte, resp *runtime.Response) (_ []byte, dated, ok bool) {
	var room [8]abi.Header
	lines, size := room[:0], 0
	for _, f := range resp.Headers {
		name, value := canonical(f.Name), trim(string(f.Value))
		size += len(name) + len(value)
		if checkField(name, value) != nil || connectionField(name) {
			return b, false, false
		}
		dated = dated || name == "Date"
		if name != "Content-Length" {
			lines = append(lines, abi.Header{Name: name, Value: abi.ByteString(value)})
		}
	}
	if n := len(resp.Body); n > shortBodyBytes {
		lines = append(lines, abi.Header{Name: "Content-Length", Value: abi.ByteString(strconv.Itoa(n))})
	}
	sortFields(lines)
	for _, f := range lines {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	return b, dated, len(resp.Headers) <= s.opts.ResponseHeaderFieldsMax && size <= s.opts.ResponseHeaderBytesMax
}

// dates writes the field Date. It remembers the last second, because answers come many to a second.
type dates struct{ last atomic.Pointer[date] }

type date struct {
	unix int64
	text string
}

func (d *dates) of(now time.Time) string {
	unix := now.Unix()
	if l := d.last.Load(); l != nil && l.unix == unix {
		return l.text
	}
	fresh := &date{unix, now.UTC().Format(http.TimeFormat)}
	d.last.Store(fresh)
	return fresh.text
}
