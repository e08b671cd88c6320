package server

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
)

// plainFieldsMax is the most fields of a plain request.
const plainFieldsMax = 48

// plainHead is a plain request's head.
type plainHead struct {
	n      int // its length
	target int // length of the target
	host   plainField
	lines  int // fields, Host included
	size   int // as takeFields counts it
	fields [plainFieldsMax]plainField
	kept   int // of fields: those the function gets
}

// plainField is a field's place in the head.
type plainField struct{ name, nameEnd, value, valueEnd uint16 }

// plainEvent makes an event of the request that b begins with, and gives the length of its head. It is nil unless the request is there to its end and plain.
// b has passed [strictconn.Conn]; field names in it are made canonical.
func (s *Server) plainEvent(b []byte, ip string) (*plainEvent, int) {
	var h plainHead
	if !h.read(b) || h.target > s.opts.URLBytesMax || h.lines > s.opts.HeaderFieldsMax || h.size > s.opts.HeaderBytesMax {
		return nil, 0
	}
	head := string(b[:h.n])
	host := head[h.host.value:h.host.valueEnd]
	if !validHost(host) {
		return nil, 0
	}
	ev := &plainEvent{}
	ev.ID, ev.Fetch.URL = s.name("http://", host, head[len(plainStart):][:h.target])
	ev.Fetch.Method, ev.Fetch.Protocol, ev.Fetch.RemoteAddr = http.MethodGet, "HTTP/1.1", ip
	ev.Fetch.Headers = h.headers(ev.fields[:0], head, ip, host)
	return ev, h.n
}

// headers appends the fields as takeFields does: sorted, with the client's address.
func (h *plainHead) headers(fields []abi.Header, head, ip, host string) []abi.Header {
	fields = append(slices.Grow(fields, 2+h.kept),
		abi.Header{Name: fieldConnectingIP, Value: abi.ByteString(ip)},
		abi.Header{Name: fieldHost, Value: abi.ByteString(host)})
	for _, f := range h.fields[:h.kept] {
		fields = append(fields, abi.Header{Name: head[f.name:f.nameEnd], Value: abi.ByteString(head[f.value:f.valueEnd])})
	}
	sortFields(fields)
	return fields
}

const (
	plainStart = "GET "
	plainEnd   = " HTTP/1.1\r"
)

// read reads a head; false unless it is all there and plain.
func (h *plainHead) read(b []byte) bool {
	end := bytes.IndexByte(b, '\n')
	if end < len(plainStart+plainEnd) || string(b[:len(plainStart)]) != plainStart || string(b[end-len(plainEnd):end]) != plainEnd {
		return false
	}
	target := b[len(plainStart) : end-len(plainEnd)]
	if !plainTarget(target) {
		return false
	}
	h.target = len(target)
	for at := end + 1; ; at = end + 1 {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 1 || b[at+n-1] != '\r' {
			return false
		}
		end = at + n
		if n == 1 {
			break
		}
		if !h.line(b[:end-1], at) {
			return false
		}
	}
	h.n = end + 1
	h.size += len(plainStart) + h.target + int(h.host.valueEnd-h.host.value) + len("HTTP/1.1\r\nHost: \r\n\r\n")
	return h.host.name > 0
}

// plainTarget reports whether net/http is certain to accept a target.
func plainTarget(t []byte) bool {
	if len(t) == 0 || t[0] != '/' || len(t) > 1 && t[1] == '/' {
		return false
	}
	for i, c := range t {
		if c <= ' ' || c >= 0x7f || c == '#' || c == '%' && !escapeAt(t[i:]) {
			return false
		}
	}
	return true
}

// escapeAt reports whether b begins with a whole percent escape.
func escapeAt(b []byte) bool {
	return len(b) >= 3 && isHexDigit(b[1]) && isHexDigit(b[2])
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// line takes the field at the end of b, from at on.
func (h *plainHead) line(b []byte, at int) bool {
	n := bytes.IndexByte(b[at:], ':')
	if n < 1 || !canonicalize(b[at:at+n]) {
		return false
	}
	from, to := at+n+1, len(b)
	for from < to && (b[from] == ' ' || b[from] == '\t') {
		from++
	}
	for from < to && (b[to-1] == ' ' || b[to-1] == '\t') {
		to--
	}
	h.lines++
	return h.field(b[at:at+n], b[from:to], plainField{uint16(at), uint16(at + n), uint16(from), uint16(to)})
}

// field takes one field; false for those that make net/http do something.
func (h *plainHead) field(name, value []byte, f plainField) bool {
	switch string(name) {
	case fieldHost:
		again := h.host.name > 0
		h.host = f
		return !again
	case "Content-Length", "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Pragma", "Http2-Settings":
		return false
	case "Connection":
		if !strings.EqualFold(string(value), "keep-alive") {
			return false
		}
	}
	h.size += len(name) + len(value) + len(": \r\n")
	if string(name) == fieldConnectingIP {
		return true
	}
	if h.kept == plainFieldsMax {
		return false
	}
	h.fields[h.kept] = f
	h.kept++
	return true
}

// canonicalize gives a name the form of [http.CanonicalHeaderKey]; false when it is no name.
func canonicalize(name []byte) bool {
	first := true
	for i, c := range name {
		switch {
		case !nameByte[c]:
			return false
		case first && 'a' <= c && c <= 'z', !first && 'A' <= c && c <= 'Z':
			name[i] = c ^ 0x20
		}
		first = c == '-'
	}
	return true
}

// sortFields sorts fields by name; those of one name keep their order.
func sortFields(fields []abi.Header) {
	if len(fields) > 1 {
		slices.SortStableFunc(fields, func(a, b abi.Header) int { return strings.Compare(a.Name, b.Name) })
	}
}
