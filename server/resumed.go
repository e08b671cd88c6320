package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/server/strictconn"
)

// resumed is a connection that begins as a [plainConn] and goes on with net/http, which reads again what was read of it and not answered. An event that
// has run for the first request, but whose answer is not plain, is on it too; the handler goes on where that is.
type resumed struct {
	*strictconn.Conn
	plain  *plainConn
	unread []byte
	limit  time.Time // until when the connection's first head may take; zero when that is over
	event  atomic.Pointer[plainEvent]
}

// Read reads from the connection.
func (r *resumed) Read(p []byte) (int, error) {
	if len(r.unread) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.unread)
	if r.unread = r.unread[n:]; len(r.unread) == 0 {
		r.unread = nil // and the buffer behind it
	}
	return n, nil
}

// SetReadDeadline sets when reads fail. The first head gets no more time because net/http took over in the middle.
func (r *resumed) SetReadDeadline(t time.Time) error {
	switch {
	case r.limit.IsZero():
	case t.IsZero():
		r.limit = t
	case t.After(r.limit):
		t = r.limit
	}
	return r.Conn.SetReadDeadline(t)
}

// Close closes the connection.
func (r *resumed) Close() error {
	if ev := r.event.Swap(nil); ev != nil {
		ev.close()
	}
	r.plain.s.plains.remove(r.plain)
	return r.Conn.Close()
}

// resume answers a request whose event has run before net/http got to know of it; false when there is none.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) bool {
	c, ok := r.Context().Value(connKey{}).(*resumed)
	if !ok {
		return false
	}
	ev := c.event.Swap(nil)
	if ev == nil {
		return false
	}
	defer ev.close()
	defer context.AfterFunc(r.Context(), ev.client.end)()
	s.conclude(w, r, &ev.event, ev.resp, ev.err)
	return true
}

// tookOver is net/http's [http.Server.ConnState]: from now on it is net/http that counts and closes the connection.
func (s *Server) tookOver(c net.Conn, state http.ConnState) {
	if r, ok := c.(*resumed); ok && state == http.StateNew {
		s.plains.remove(r.plain)
	}
}

// plains are the connections that net/http does not know of.
type plains struct {
	mu    sync.Mutex
	conns map[*plainConn]*strictconn.Conn
}

func (p *plains) add(c *plainConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		p.conns = map[*plainConn]*strictconn.Conn{}
	}
	p.conns[c] = c.Conn
}

func (p *plains) remove(c *plainConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// newConnGrace is how long a connection without a byte of a request counts as one that is about to send it, as with net/http.
const newConnGrace = 5 * time.Second

// closeIdle closes the connections that are in no request and says how many others there are.
func (p *plains) closeIdle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, conn := range p.conns {
		if c.state.CompareAndSwap(connIdle, connClosed) || time.Since(c.opened) > newConnGrace && c.state.CompareAndSwap(connNew, connClosed) {
			delete(p.conns, c)
			conn.Close()
		}
	}
	return len(p.conns)
}

// close closes all connections; the clients of running events are gone then.
func (p *plains) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
}

// drain closes the connections as they become idle until there are none.
func (p *plains) drain(ctx context.Context) error {
	for p.closeIdle() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollTime):
		}
	}
	return nil
}
