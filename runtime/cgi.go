package runtime

import (
	"bytes"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Limits of what a CGI response may do before it streams.
const (
	// cgiHeaderBytesMax is the longest header block a command may write.
	cgiHeaderBytesMax = 128 << 10
	// cgiBufferBytesMax is how much body is collected before the response starts to stream. A shorter one is sent with its length.
	cgiBufferBytesMax = 64 << 10
)

var (
	errCGIHeader = errors.New("the command's output does not begin with a CGI header (RFC 3875 section 6.2)")
	errCGIEnd    = errors.New("nobody reads the response any more")
)

// beginCommand gives a WASI command its request in the way of CGI/1.1 (RFC 3875 section 4).
func (p *process) beginCommand(req *Request) {
	p.args = append([]string{"app"}, p.in.app.opts.Args...)
	p.env = cgiEnviron(&req.Fetch, p.startEnviron())
	p.stdin = req.Fetch.BodyStream
	if len(req.Fetch.Body) > 0 {
		p.stdin = p.in.ctx.AddReadable(hostfuncs.MemoryStream(req.Fetch.Body))
	}
	p.cgi = &cgiResponse{session: p.in.ctx.Session}
}

// beginStart gives a command what it has before its image: arguments, and the environment without any request.
func (p *process) beginStart() {
	p.watch = p.in.app.opts.CommandImage
	p.args = append([]string{"app"}, p.in.app.opts.Args...)
	p.env = p.startEnviron()
}

// startEnviron is the part of the environment that is the same in every event.
func (p *process) startEnviron() []string {
	return append([]string{"GATEWAY_INTERFACE=CGI/1.1", "SERVER_SOFTWARE=pagesrun"}, p.in.app.opts.Env...)
}

// cgiEnviron makes the request's meta-variables (RFC 3875 section 4.1). The field "Proxy" is left out, since programs would
// take HTTP_PROXY for their own configuration.
func cgiEnviron(ev *abi.FetchEvent, env []string) []string {
	u, err := url.Parse(string(ev.URL))
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
		if port == "" {
			port = "80"
		}
	}
	env = append(env,
		"SERVER_PROTOCOL="+ev.Protocol,
		"SERVER_NAME="+host, "SERVER_PORT="+port, "REQUEST_METHOD="+ev.Method, "REQUEST_URI="+u.RequestURI(),
		"SCRIPT_NAME=", "PATH_INFO="+u.Path, "QUERY_STRING="+u.RawQuery, "REMOTE_ADDR="+ev.RemoteAddr, "REMOTE_HOST="+ev.RemoteAddr,
	)
	if u.Scheme == "https" {
		env = append(env, "HTTPS=on")
	}
	return appendHeaderVariables(env, ev)
}

// appendHeaderVariables adds one HTTP_ variable per header field, repeated fields joined with a comma. A field with an underscore in its
// name is left out: it could not be told from the one with a hyphen, which the server may have set itself.
func appendHeaderVariables(env []string, ev *abi.FetchEvent) []string {
	at := map[string]int{}
	hasLength := false
	for _, h := range ev.Headers {
		if strings.Contains(h.Name, "_") {
			continue
		}
		name := strings.ToUpper(strings.ReplaceAll(h.Name, "-", "_"))
		switch name {
		case "PROXY":
			continue
		case "CONTENT_LENGTH":
			hasLength = true
		case "CONTENT_TYPE":
		default:
			name = "HTTP_" + name
		}
		value := strings.ReplaceAll(string(h.Value), "\x00", "")
		if i, ok := at[name]; ok {
			env[i] += ", " + value
			continue
		}
		at[name] = len(env)
		env = append(env, name+"="+value)
	}
	if !hasLength && len(ev.Body) > 0 {
		env = append(env, "CONTENT_LENGTH="+strconv.Itoa(len(ev.Body)))
	}
	return env
}

// cgiResponse turns what a command writes to standard output into a response.
type cgiResponse struct {
	session *hostfuncs.Session
	buf     []byte // the header while it is incomplete, the body's beginning after that
	line    int    // where the first line that is not complete begins in buf
	err     error  // why the output is no response
	head    *abi.RespondRequest
	pipe    *hostfuncs.PipeWriter
}

func (c *cgiResponse) write(data []byte) error {
	if c.pipe != nil {
		if _, err := c.pipe.Write(data); err != nil {
			return errCGIEnd
		}
		return nil
	}
	if c.err != nil {
		return c.err
	}
	c.buf = append(c.buf, data...)
	if c.head == nil {
		if c.err = c.parse(); c.err != nil {
			c.buf = nil
			return c.err
		}
	}
	if c.head == nil || len(c.buf) <= cgiBufferBytesMax {
		return nil
	}
	return c.stream()
}

// parse takes the header off the buffer once it is complete.
func (c *cgiResponse) parse() error {
	end, after := headerEnd(c.buf, &c.line)
	if max(end, 0) > cgiHeaderBytesMax || (end < 0 && len(c.buf) > cgiHeaderBytesMax) {
		return errCGIHeader
	}
	if end < 0 {
		return nil
	}
	head, err := parseCGIHeader(string(c.buf[:end]))
	if err != nil {
		return err
	}
	c.head, c.buf = head, c.buf[after:]
	return nil
}

// headerEnd finds the empty line: the header is before end, the body begins at after. end is -1 when there is none yet. It looks
// from the line on that at says, and moves at to the first incomplete one.
func headerEnd(b []byte, at *int) (end, after int) {
	for {
		i := bytes.IndexByte(b[*at:], '\n')
		if i < 0 {
			return -1, 0
		}
		line := bytes.TrimSuffix(b[*at:*at+i], []byte("\r"))
		if len(line) == 0 {
			return *at, *at + i + 1
		}
		*at += i + 1
	}
}

// parseCGIHeader reads the header fields of a CGI response: Status gives the status, Location without one means 302.
func parseCGIHeader(block string) (*abi.RespondRequest, error) {
	r := &abi.RespondRequest{Status: 200}
	hasStatus, hasLocation := false, false
	for line := range strings.Lines(block) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, errCGIHeader
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "status":
			code, _, _ := strings.Cut(value, " ")
			n, err := strconv.Atoi(code)
			if err != nil || n < 200 || n > 599 {
				return nil, errCGIHeader
			}
			r.Status, hasStatus = uint32(n), true
			continue
		case "location":
			hasLocation = true
		}
		r.Headers = append(r.Headers, abi.Header{Name: name, Value: abi.ByteString(value)})
	}
	if len(r.Headers) == 0 && !hasStatus {
		return nil, errCGIHeader
	}
	if hasLocation && !hasStatus {
		r.Status = 302
	}
	return r, nil
}

// stream starts the response while the command still writes.
func (c *cgiResponse) stream() error {
	w, r := c.session.NewPipe()
	c.session.Respond(&hostfuncs.Response{Message: *c.head, Stream: r})
	c.pipe = w
	body := c.buf
	c.buf = nil
	_, err := w.Write(body)
	return err
}

// finish completes the response when the command has ended well.
func (c *cgiResponse) finish() error {
	switch {
	case c.pipe != nil:
		c.pipe.Finish()
		return nil
	case c.head == nil:
		return errCGIHeader
	}
	c.head.Body = c.buf
	c.session.Respond(&hostfuncs.Response{Message: *c.head})
	return nil
}
