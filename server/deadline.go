package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// readDeadline holds a connection's read deadline and tells the connection of it only where that changes something. net/http
// moves the deadline six times per request and mostly between two reads; each time told costs as much as a small system call.
//
// The connection's own deadline is never later than the one wanted. Where it is earlier, a read that it ends is begun again. So on
// a busy connection it is moved once per idle time, and reads still end when they should.
type readDeadline struct {
	mu     sync.Mutex
	wanted time.Time
	told   time.Time // the connection's own; zero for none
	reads  int       // in progress
}

// set makes t the deadline of the reads in progress and those to come; zero for none.
func (d *readDeadline) set(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.reads == 0 || d.soonEnough() {
		return nil
	}
	return d.tell(c)
}

// soonEnough reports whether the connection's own deadline is not later than the one wanted.
func (d *readDeadline) soonEnough() bool {
	return d.wanted.IsZero() || !d.told.IsZero() && !d.told.After(d.wanted)
}

func (d *readDeadline) tell(c net.Conn) error {
	d.told = d.wanted
	return c.SetReadDeadline(d.wanted)
}

// read reads from c until the deadline wanted.
func (d *readDeadline) read(c net.Conn, p []byte) (int, error) {
	if err := d.begin(c); err != nil {
		return 0, err
	}
	n, err := c.Read(p)
	for n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && d.extend(c) {
		n, err = c.Read(p)
	}
	d.mu.Lock()
	d.reads--
	d.mu.Unlock()
	return n, err
}

// begin notes a read. It fails where the deadline says that reading is to end at once, which is how net/http calls off the read
// it starts beside every handler: mostly before that has begun.
func (d *readDeadline) begin(c net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !d.wanted.After(longAgo) {
		return os.ErrDeadlineExceeded
	}
	if !d.soonEnough() {
		if err := d.tell(c); err != nil {
			return err
		}
	}
	d.reads++
	return nil
}

// extend gives a read that the connection's own deadline has ended the rest of its time; false when there is none.
func (d *readDeadline) extend(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !time.Now().Before(d.wanted) {
		return false
	}
	return d.tell(c) == nil
}
