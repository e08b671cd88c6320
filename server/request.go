package server

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
)

// event is a request on its way through a function. It is never reused, because the function may hold it after the response.
type event struct {
	runtime.Request
	body *body
}

// The names of the fields the server adds or asks for, in net/http's canonical form.
const (
	fieldHost         = "Host"
	fieldConnectingIP = "Cf-Connecting-Ip"
	fieldType         = "Content-Type"
)

// newEvent makes an event of a request that has passed [Server.check]. Its body is still to come.
func (s *Server) newEvent(r *http.Request, start time.Time) (*event, *refusal) {
	ev := &event{}
	ev.Start = start
	scheme, path := "http://", r.RequestURI
	if r.TLS != nil {
		scheme = "https://"
	}
	if path[0] != '/' {
		path = afterAuthority(path)
	}
	ev.ID, ev.Fetch.URL = s.name(scheme, r.Host, path)
	ev.Fetch.Method = r.Method
	ev.Fetch.Protocol = r.Proto
	ev.Fetch.RemoteAddr = ipOf(r.RemoteAddr)
	return ev, s.takeFields(ev, r)
}

// name gives the event's id and URL, in one allocation where the URL is not long.
func (s *Server) name(scheme, host, path string) (string, abi.ByteString) {
	var short [256]byte
	b := s.ids.AppendNext(short[:0])
	b = append(b, scheme...)
	b = append(b, host...)
	if path == "" || path[0] == '?' {
		b = append(b, '/')
	}
	b = append(b, path...)
	both := string(b)
	return both[:runtime.EventIDChars], abi.ByteString(both[runtime.EventIDChars:])
}

// afterAuthority is the path and query of an absolute-form target.
func afterAuthority(target string) string {
	_, rest, _ := strings.Cut(target, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return rest[i:]
	}
	return ""
}

// takeFields gives the event the request's fields in the order of their names, unless there are too many.
func (s *Server) takeFields(ev *event, r *http.Request) *refusal {
	lines, size := 1, len(r.Method)+len(r.RequestURI)+len(r.Host)+len("  HTTP/1.1\r\nHost: \r\n\r\n")
	fields := append(make([]abi.Header, 0, 2+len(r.Header)),
		abi.Header{Name: fieldConnectingIP, Value: abi.ByteString(ev.Fetch.RemoteAddr)},
		abi.Header{Name: fieldHost, Value: abi.ByteString(r.Host)})
	for name, values := range r.Header {
		lines += len(values)
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
			if name != fieldConnectingIP && name != fieldHost {
				fields = append(fields, abi.Header{Name: name, Value: abi.ByteString(value)})
			}
		}
	}
	if lines > s.opts.HeaderFieldsMax || size > s.opts.HeaderBytesMax {
		return refuseHeader
	}
	sortFields(fields)
	ev.Fetch.Headers = fields
	return nil
}

// ipOf is the address in "1.2.3.4:567" or "[::1%eth0]:567".
func ipOf(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i >= 0 {
		addr = addr[:i]
	}
	addr = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	addr, _, _ = strings.Cut(addr, "%")
	return addr
}

// refusal is why a request is not given to the function.
type refusal struct {
	status int
	// reason is the label of the refusal in metrics.
	reason string
	// message is for the client.
	message string
	// close says that the connection has to end with the answer.
	close bool
}

var (
	refuseURL       = &refusal{http.StatusRequestURITooLong, "url_too_long", "The URL is longer than this server takes.", true}
	refuseHeader    = &refusal{http.StatusRequestHeaderFieldsTooLarge, "header_too_large", "The request has more header fields than this server takes.", true}
	refuseBody      = &refusal{http.StatusRequestEntityTooLarge, "body_too_large", "The request body is longer than this server takes.", true}
	refuseSlow      = &refusal{http.StatusRequestTimeout, "body_timeout", "The request body did not arrive in time.", true}
	refuseBroken    = &refusal{http.StatusBadRequest, "body_malformed", "The request body is malformed or incomplete.", true}
	refuseHost      = &refusal{http.StatusBadRequest, "bad_host", "The request's host is not valid.", true}
	refuseTarget    = &refusal{http.StatusBadRequest, "bad_target", "The request's target is not valid.", true}
	refuseNoService = &refusal{http.StatusServiceUnavailable, "no_function", "There is no function to answer this request.", false}
)

// check says why a request is refused before anything is done with it; nil for one that is not.
func (s *Server) check(r *http.Request) *refusal {
	if len(r.RequestURI) > s.opts.URLBytesMax {
		return refuseURL
	}
	if !validTarget(r) {
		return refuseTarget
	}
	if r.Host == "" && !r.ProtoAtLeast(1, 1) {
		r.Host = r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
	}
	if !validHost(r.Host) {
		return refuseHost
	}
	if r.ContentLength > s.opts.BodyBytesMax {
		return refuseBody
	}
	return nil
}

// validTarget is about what strictconn does not see: HTTP/2, and the authority in a target.
func validTarget(r *http.Request) bool {
	if r.ProtoMajor != 1 && strings.ContainsAny(r.RequestURI, " #") || r.RequestURI == "" {
		return false
	}
	return r.RequestURI[0] == '/' || r.URL.Scheme != "" && r.URL.Host != "" && r.URL.User == nil
}

// validHost reports whether host is a name or address with an optional port, and so can stand in a URL without changing
// what the rest of it means.
func validHost(host string) bool {
	name, port := splitPort(host)
	if name == "" || len(host) > 512 {
		return false
	}
	for _, c := range []byte(port) {
		if c < '0' || c > '9' {
			return false
		}
	}
	if name[0] == '[' {
		return len(name) > 3 && name[len(name)-1] == ']' && strings.Trim(name[1:len(name)-1], "0123456789abcdefABCDEF:.") == ""
	}
	for _, c := range []byte(name) {
		if !hostByte[c] {
			return false
		}
	}
	return true
}

func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host, ""
	}
	return host[:i], host[i+1:]
}

// hostByte marks what a registered name may consist of (RFC 3986, without ',' and ';' which lists of hosts are split at).
var hostByte = byteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+=")

// byteSet marks the bytes of a string.
func byteSet(of string) (t [256]bool) {
	for i := range len(of) {
		t[of[i]] = true
	}
	return t
}
