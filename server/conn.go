package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a client's connection: it holds one of the server's connection slots and cuts clients that stop reading.
type conn struct {
	net.Conn
	clock   *clock
	idle    time.Duration
	release func()
	closed  atomic.Bool
	reading readDeadline
	// armed is the clock's tick in which the write deadline was last moved. Writes are never concurrent.
	armed int64
}

// Read reads into p until the read deadline.
func (c *conn) Read(p []byte) (int, error) { return c.reading.read(c.Conn, p) }

// SetReadDeadline sets when reads fail; zero for never.
func (c *conn) SetReadDeadline(t time.Time) error { return c.reading.set(c.Conn, t) }

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Write writes p. It fails when the client has taken no byte for the idle time; a client that takes some goes on.
func (c *conn) Write(p []byte) (int, error) {
	c.arm()
	n, err := c.Conn.Write(p)
	for m := n; m > 0 && n < len(p) && errors.Is(err, os.ErrDeadlineExceeded); n += m {
		c.Conn.SetWriteDeadline(time.Now().Add(c.idle))
		m, err = c.Conn.Write(p[n:])
	}
	return n, err
}

// arm moves the write deadline, at most once per tick because moving it costs a noticeable part of a small answer.
func (c *conn) arm() {
	if now := c.clock.ticks.Load(); now != c.armed {
		c.armed = now
		c.Conn.SetWriteDeadline(time.Now().Add(c.idle))
	}
}

// SetWriteDeadline ignores net/http's clearing of the deadline after each request; Write looks after it.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	c.armed = 0
	return c.Conn.SetWriteDeadline(t)
}

// CloseWrite ends the outgoing direction.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection and gives its slot back, once.
func (c *conn) Close() error {
	err := c.Conn.Close()
	if !c.closed.Swap(true) {
		c.release()
	}
	return err
}

// clock counts ticks for those who need to know only roughly what time it is.
type clock struct {
	interval time.Duration
	ticks    atomic.Int64
}

// run counts until done is closed.
func (c *clock) run(done <-chan struct{}) {
	c.ticks.Store(1)
	tick := time.NewTicker(c.interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.ticks.Add(1)
		case <-done:
			return
		}
	}
}

// slots bounds how many connections are open.
type slots struct {
	mu     sync.Mutex
	freed  sync.Cond
	free   int
	open   int
	closed bool
}

func newSlots(n int) *slots {
	s := &slots{free: n}
	s.freed.L = &s.mu
	return s
}

// take waits for a slot; false once the slots are closed.
func (s *slots) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.free == 0 && !s.closed {
		s.freed.Wait()
	}
	if s.closed {
		return false
	}
	s.free--
	s.open++
	return true
}

func (s *slots) give() {
	s.mu.Lock()
	s.free++
	s.open--
	s.mu.Unlock()
	s.freed.Signal()
}

// close lets no further connection in.
func (s *slots) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.freed.Broadcast()
}

func (s *slots) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}
