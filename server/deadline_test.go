package server

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a connection as the server has it, and the client's end. The inner one counts what it is told.
func pair(t *testing.T) (server *conn, inner *countedDeadlines, client net.Conn) {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	client = must(net.Dial("tcp", l.Addr().String()))
	inner = &countedDeadlines{Conn: must(l.Accept())}
	server = &conn{Conn: inner, clock: &clock{}, idle: time.Second, release: func() {}}
	t.Cleanup(func() { client.Close(); server.Close() })
	return server, inner, client
}

type countedDeadlines struct {
	net.Conn
	n int
}

func (c *countedDeadlines) SetReadDeadline(t time.Time) error {
	c.n++
	return c.Conn.SetReadDeadline(t)
}

const short = 40 * time.Millisecond

// expectTimeout reads and wants it to fail after about d.
func expectTimeout(t *testing.T, what string, c net.Conn, d time.Duration) {
	t.Helper()
	start := time.Now()
	n, err := c.Read(make([]byte, 1))
	took := time.Since(start)
	if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: %d bytes, %v", what, n, err)
	}
	if took < d-time.Millisecond || took > d+5*time.Second {
		t.Errorf("%s: after %v, want %v", what, took, d)
	}
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("%s: net/http would not know %#v for a timeout", what, err)
	}
}

func TestReadsEndAtTheDeadlineSetLast(t *testing.T) {
	for _, c := range []struct {
		name string
		set  []time.Duration // from now; 0 clears
		want time.Duration
	}{
		{"one", []time.Duration{short}, short},
		{"an earlier one after a late one", []time.Duration{time.Hour, short}, short},
		{"a later one after an early one", []time.Duration{short / 4, short}, short},
		{"one after it was cleared", []time.Duration{short / 4, 0, short}, short},
		{"one that is over", []time.Duration{-time.Second}, 0},
	} {
		s, _, _ := pair(t)
		for _, d := range c.set {
			at := time.Now().Add(d)
			if d == 0 {
				at = time.Time{}
			}
			s.SetReadDeadline(at)
		}
		expectTimeout(t, c.name, s, c.want)
		s.SetReadDeadline(time.Now().Add(short))
		expectTimeout(t, c.name+", and again", s, short)
	}
}

func TestAReadGoesOnWhenItsDeadlineIsMovedOrCleared(t *testing.T) {
	for name, at := range map[string]time.Time{"cleared": {}, "moved": time.Now().Add(time.Hour)} {
		s, _, client := pair(t)
		s.SetReadDeadline(time.Now().Add(short))
		go func() {
			time.Sleep(short / 4)
			s.SetReadDeadline(at)
			time.Sleep(2 * short)
			client.Write([]byte("x"))
		}()
		if n, err := s.Read(make([]byte, 8)); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func TestAReadInProgressEndsWhenItIsCalledOff(t *testing.T) {
	for name, at := range map[string]time.Time{"at once": longAgo, "soon": time.Now().Add(short)} {
		s, _, client := pair(t)
		s.SetReadDeadline(time.Now().Add(time.Hour))
		go func() {
			time.Sleep(short / 4)
			s.SetReadDeadline(at)
		}()
		expectTimeout(t, name, s, 0)
		s.SetReadDeadline(time.Time{})
		client.Write([]byte("x"))
		if n, err := s.Read(make([]byte, 8)); n != 1 || err != nil {
			t.Errorf("%s, the read after it: %d, %v", name, n, err)
		}
	}
}

func TestABusyConnectionIsToldItsDeadlineOnce(t *testing.T) {
	s, inner, client := pair(t)
	for range 100 { // as net/http does it per request
		s.SetReadDeadline(time.Now().Add(time.Hour))
		client.Write([]byte("request"))
		if n, err := s.Read(make([]byte, 8)); n != 7 || err != nil {
			t.Fatal(n, err)
		}
		s.SetReadDeadline(time.Now().Add(time.Minute))
		s.SetReadDeadline(time.Time{})
		s.SetReadDeadline(longAgo)
		expectTimeout(t, "called off", s, 0)
		s.SetReadDeadline(time.Time{})
	}
	if inner.n != 1 {
		t.Errorf("told %d times", inner.n)
	}
}
