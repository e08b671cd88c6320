package server

import (
	"net/http"
	goruntime "runtime"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/server/strictconn"
)

// plainConn serves the plain requests of one connection: GETs without a body whose responses are all there. That is most of what a
// server is asked, and for a small function net/http's part of it costs more than the event.
//
// Everything else net/http does. At the first request or response that is not plain the connection becomes net/http's for good, with all
// that has been read of it (see resumed). So nothing is refused here and nothing is said about what is wrong: where
// there is a doubt, net/http has it.
type plainConn struct {
	*strictconn.Conn
	s      *Server
	ip     string // the client's address
	opened time.Time
	limit  time.Time // until when the first head may take
	state  atomic.Int32

	buf        []byte
	begin, end int         // buf[begin:end] has been read and not been answered
	ev         *plainEvent // the event of the request at begin
	answered   time.Time   // when the last response was made
	watcher    *watcher
	watch      clientWatch
}

// plainBytes is how much of a connection is read at once, and so the longest plain head.
const plainBytes = 4 << 10

// States of a plainConn.
const (
	connNew    = iota // no byte has come
	connIdle          // between two requests
	connActive        // in a request, or on its way to net/http
	connClosed
)

// plainEvent is an event and what became of it.
type plainEvent struct {
	event
	client clientContext
	fn     *serving
	resp   *runtime.Response
	err    error
	fields [plainFieldsRoom]abi.Header // the request's, where these are enough: one piece of memory less
}

// plainFieldsRoom is how many fields a request has that comes from a program and not from a browser, with the one of the client's address.
const plainFieldsRoom = 4

// close lets go of everything once the client has been answered.
func (ev *plainEvent) close() {
	if ev.resp != nil {
		ev.resp.Close()
	}
	ev.client.end()
	ev.fn.leave()
}

// servePlain serves a connection until it ends or net/http takes it.
func (s *Server) servePlain(conn *strictconn.Conn) {
	now := time.Now()
	c := &plainConn{Conn: conn, s: s, ip: ipOf(conn.RemoteAddr().String()), opened: now, limit: now.Add(s.opts.HeaderTimeout), buf: make([]byte, plainBytes)}
	c.watcher = s.watchers.next()
	s.plains.add(c)
	defer c.over()
	c.SetReadDeadline(c.limit)
	for c.fill() {
		if !c.answer() {
			return
		}
	}
}

// over ends the connection unless net/http has it. Like there, a panic ends the connection and not the process.
func (c *plainConn) over() {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		buf := make([]byte, 64<<10)
		c.s.http.ErrorLog.Printf("http: panic serving %v: %v\n%s", c.RemoteAddr(), v, buf[:goruntime.Stack(buf, false)])
	}
	if c.ev != nil {
		c.ev.close()
	}
	if c.Conn != nil {
		c.s.plains.remove(c)
		c.Close()
	}
}

// fill sees to it that something of the next request is there; false at the end of the connection.
func (c *plainConn) fill() bool {
	if c.begin < c.end {
		return true
	}
	if c.state.Load() == connActive {
		c.SetReadDeadline(c.answered.Add(c.s.opts.IdleTimeout))
		c.state.Store(connIdle)
	}
	n, _ := c.Read(c.buf)
	c.begin, c.end = 0, n
	return n > 0 && (c.state.CompareAndSwap(connIdle, connActive) || c.state.CompareAndSwap(connNew, connActive))
}

// answer answers the request at the beginning of what was read; false when that ends the connection or gives it away.
func (c *plainConn) answer() bool {
	start := time.Now()
	ev, n := c.s.plainEvent(c.buf[c.begin:c.end], c.ip)
	if ev == nil || !c.s.takesPlain() {
		return c.handOver(nil)
	}
	if ev.fn = c.s.enter(); ev.fn == nil {
		return c.handOver(nil)
	}
	c.ev, ev.Start = ev, start
	c.fetch()
	out := buffers.Get().(*[]byte)
	defer keepBuffer(out)
	rest, plain := c.compose(out)
	if !plain {
		return c.handOver(ev)
	}
	c.begin += n
	return c.send(*out, rest)
}

// takesPlain reports whether a plain request goes to the function and nothing is to be added to its answer.
func (s *Server) takesPlain() bool { return s.opts.DevRoutes == nil && !s.closing.Load() }

// fetch runs the event, with an eye on the client where that takes long.
func (c *plainConn) fetch() {
	ev := c.ev
	c.watcher.begin(c)
	defer c.watcher.end(c)
	ev.resp, ev.err = ev.fn.fn.Fetch(&ev.client, &ev.Request)
}

// compose makes the beginning of the answer, which mostly is all of it, and gives what of the body is not in it. It reports false when the answer is
// net/http's to make.
func (c *plainConn) compose(out *[]byte) (rest []byte, plain bool) {
	resp := c.ev.resp
	if c.ev.err != nil || resp.Stream != nil {
		return nil, false
	}
	c.answered = time.Now()
	*out, plain = c.s.appendHead((*out)[:0], resp, c.answered)
	joined := min(len(resp.Body), max(plainBytes-len(*out), 0))
	*out = append(*out, resp.Body[:joined]...)
	return resp.Body[joined:], plain
}

// send sends the answer; false when that ends the connection.
func (c *plainConn) send(first, rest []byte) bool {
	ev := c.ev
	c.ev = nil
	defer ev.close()
	_, err := c.Write(first)
	if err == nil && len(rest) > 0 {
		_, err = c.Write(rest)
		c.answered = time.Now()
	}
	return err == nil
}

// handOver gives the connection to net/http, with everything that has been read and not been answered, and with the event of the first request
// where that has run already. It always gives false.
func (c *plainConn) handOver(ev *plainEvent) bool {
	r := &resumed{Conn: c.Conn, plain: c, unread: c.buf[c.begin:c.end]}
	if ev == nil && c.answered.IsZero() {
		r.limit = c.limit
	}
	if ev != nil {
		r.event.Store(ev)
	}
	c.Conn, c.ev, c.buf = nil, nil, nil
	c.s.listener.give(r)
	return false
}
