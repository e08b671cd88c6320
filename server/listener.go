package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pagesrun/pagesrun/server/strictconn"
)

// acceptGrace is how long a stopping listener waits for a further connection that the kernel has taken in already.
const acceptGrace = 20 * time.Millisecond

// listener takes connections in, each with a slot, and has them read strictly. Those over TLS, once their handshake is done, go to net/http, which takes
// them from Accept; the others go there when they have to.
type listener struct {
	net.Listener
	limits    strictconn.Limits
	slots     *slots
	clock     *clock
	idle      time.Duration
	tls       *tls.Config
	handshake time.Duration
	plain     func(*strictconn.Conn) // serves a connection without TLS

	stopping atomic.Bool
	start    sync.Once
	end      sync.Once
	ready    chan net.Conn // for net/http
	failed   chan error    // what accepting has failed with
	ended    chan struct{} // closed when no further connection is taken in
	done     chan struct{}
}

// Accept waits for the next connection for net/http. It goes on when no more connections are taken in, until Close.
func (l *listener) Accept() (net.Conn, error) {
	l.start.Do(func() { go l.acceptAll() })
	select {
	case c := <-l.ready:
		return c, nil
	case err := <-l.failed:
		return nil, err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// give gives a connection to net/http.
func (l *listener) give(c net.Conn) {
	select {
	case l.ready <- c:
	case <-l.done:
		c.Close()
	}
}

// next takes a slot and then a connection.
func (l *listener) next() (net.Conn, error) {
	if !l.slots.take() {
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		l.slots.give()
		if l.stopping.Load() {
			return nil, net.ErrClosed
		}
		return nil, err
	}
	return &conn{Conn: direct(c), clock: l.clock, idle: l.idle, release: l.slots.give}, nil
}

// acceptAll takes connections in until the listener stops.
func (l *listener) acceptAll() {
	defer close(l.ended)
	defer l.cut() // so that further clients are told at once
	for {
		c, err := l.next()
		switch {
		case err == nil && l.tls != nil:
			go l.shake(c) // beside, so that a slow handshake holds up nobody
		case err == nil:
			go l.plain(strictconn.Wrap(c, l.limits))
		case errors.Is(err, net.ErrClosed) || !l.tell(err):
			return
		}
	}
}

// tell gives an error to net/http, which waits a moment before the next Accept or gives up; false when nobody is there any more.
func (l *listener) tell(err error) bool {
	select {
	case l.failed <- err:
		return true
	case <-l.done:
		return false
	}
}

// shake does a connection's handshake. HTTP/2 goes to net/http as it is, HTTP/1 through the strict reader.
func (l *listener) shake(c net.Conn) {
	t := tls.Server(c, l.tls)
	c.SetDeadline(time.Now().Add(l.handshake))
	if err := t.Handshake(); err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	var ready net.Conn = t
	if t.ConnectionState().NegotiatedProtocol != "h2" {
		ready = strictconn.WrapTLS(t, l.limits)
	}
	l.give(ready)
}

// stop takes in the connections the kernel has accepted already and no others, and then no more.
func (l *listener) stop() {
	l.stopping.Store(true)
	if d, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		d.SetDeadline(time.Now().Add(acceptGrace))
	}
}

// cut stops listening at once.
func (l *listener) cut() error {
	l.stopping.Store(true)
	l.slots.close()
	return l.Listener.Close()
}

// Close also ends Accept.
func (l *listener) Close() error {
	l.end.Do(func() { close(l.done) })
	return l.cut()
}

// listen opens addr. Its errors are sentences for the person at the terminal.
func listen(addr, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	host, port, splitErr := net.SplitHostPort(addr)
	if splitErr != nil {
		return nil, fmt.Errorf("%q is no address to listen on: want host:port", addr)
	}
	switch {
	case portTaken(err):
		return nil, fmt.Errorf("port %s is in use; try %s: %w", port, fmt.Sprintf(flag, nextPort(host, port)), err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("no permission to listen on port %s; ports below 1024 need privileges: %w", port, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("this machine has no address %s: %w", host, err)
	}
	return nil, fmt.Errorf("listen on %s: %w", addr, err)
}

// portTaken reports whether listening failed because somebody else does. Windows has a number of its own for that.
func portTaken(err error) bool {
	const windowsAddressInUse = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsAddressInUse)
}

// nextPort is the next port above that is free now.
func nextPort(host, port string) string {
	n, _ := strconv.Atoi(port)
	for p := n + 1; p < min(n+20, 1<<16); p++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if err == nil {
			l.Close()
			return strconv.Itoa(p)
		}
	}
	return "0"
}

// tlsConfig loads the certificate.
func tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load the TLS certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}, nil
}
