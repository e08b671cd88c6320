package runtime

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Limits of what a CGI response may do before it streams.
const (
	// cgiHeaderBytesMax is the longest header block a command may write.
	cgiHeaderBytesMax = hostfuncs.ResponseHeaderBytesMax
	// cgiBufferBytesMax is how much body is collected before the response starts to stream. A shorter one is sent with its length.
	cgiBufferBytesMax = 64 << 10
	// cgiBufferTime is how long a response is collected before it starts to stream.
	cgiBufferTime = 10 * time.Millisecond
)

var (
	errCGINothing = errors.New("the command ended before it had written the header of a response and an empty line")
	errCGIHeader  = errors.New("the command's output does not begin with a CGI header (RFC 3875 section 6.2)")
	errCGILong    = errors.New("the header of the command's response is longer than 128 KiB, or has more than 256 fields")
	errCGIType    = errors.New("the command's response has a body but no Content-Type")
	errCGIEnd     = errors.New("nobody reads the response any more")
)

// cgiResponse turns what a command writes to standard output into a response.
type cgiResponse struct {
	session *hostfuncs.Session
	buf     []byte // the header while it is incomplete, the body's beginning after that
	line    int    // where the first line that is not complete begins in buf
	err     error  // why the output is no response
	head    *abi.RespondRequest
	typed   bool // head has a Content-Type
	local   string
	since   time.Time // when the head was complete
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
		c.err = c.parse()
	}
	if c.err == nil && c.head != nil && len(c.buf) > 0 && !c.typed {
		c.err = errCGIType
	}
	switch {
	case c.err != nil:
		c.buf = nil
	case c.head != nil && len(c.buf) > cgiBufferBytesMax:
		c.stream()
	}
	return c.err
}

// parse takes the header off the buffer once it is complete.
func (c *cgiResponse) parse() error {
	end, after := headerEnd(c.buf, &c.line)
	if max(end, 0) > cgiHeaderBytesMax || (end < 0 && len(c.buf) > cgiHeaderBytesMax) {
		return errCGILong
	}
	if end < 0 {
		return nil
	}
	block := string(c.buf[:end])
	c.buf, c.since = c.buf[after:], time.Now()
	return c.parseHeader(block)
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

// parseHeader reads the header fields of a CGI response: Status gives the status, Location without one means 302, or another path of this
// command when it is a path and nothing else is there.
func (c *cgiResponse) parseHeader(block string) error {
	r := &abi.RespondRequest{Status: 200}
	status, location := false, ""
	for line := range strings.Lines(block) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return errCGIHeader
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "status":
			code, _, _ := strings.Cut(value, " ")
			n, err := strconv.Atoi(code)
			if err != nil || n < 200 || n > 599 || len(code) != 3 {
				return errCGIHeader
			}
			r.Status, status = uint32(n), true
			continue
		case "location":
			location = value
		case "content-type":
			c.typed = true
		}
		r.Headers = append(r.Headers, abi.Header{Name: name, Value: abi.ByteString(value)})
	}
	switch {
	case len(r.Headers) > hostfuncs.ResponseHeadersMax:
		return errCGILong
	case !status && !c.typed && location == "":
		return errCGIHeader
	case location != "" && !status:
		r.Status = 302
		if strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") && len(r.Headers) == 1 {
			c.local = location
		}
	}
	c.head = r
	return nil
}

// stream starts the response while the command still writes.
func (c *cgiResponse) stream() {
	w, r := c.session.NewPipe()
	c.session.Respond(&hostfuncs.Response{Message: *c.head, Stream: r})
	c.pipe = w
	body := c.buf
	c.buf = nil
	w.Write(body) // there is room for it
}

// release starts the response of a command that is about to wait, so that its client does not wait with it.
func (c *cgiResponse) release() {
	if c != nil && c.head != nil && c.typed && c.pipe == nil && c.err == nil {
		c.stream()
	}
}

// age starts the response of a command that takes its time.
func (c *cgiResponse) age(now time.Time) {
	if c != nil && c.head != nil && now.Sub(c.since) > cgiBufferTime {
		c.release()
	}
}

// finish completes the response when the command has ended well.
func (c *cgiResponse) finish() error {
	switch {
	case c.pipe != nil:
		c.pipe.Finish()
		return nil
	case c.err != nil:
		return c.err
	case c.head == nil:
		return errCGINothing
	}
	c.head.Body = c.buf
	c.session.Respond(&hostfuncs.Response{Message: *c.head})
	return nil
}
