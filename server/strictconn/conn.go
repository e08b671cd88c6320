package strictconn

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Limits bound what a request's head may have before the rest of the connection is dropped.
type Limits struct {
	// TargetBytesMax is the longest request target, in bytes. One byte more ends the stream with a request whose target is
	// over the limit, for the handler to answer with 414.
	TargetBytesMax int
	// FieldsMax is the most header lines, Host included. One more ends the stream with a request that has more lines
	// than that, for the handler to answer with 431.
	FieldsMax int
}

// How long and how much a refused client is listened to after the answer, so that closing does not destroy an answer still on its way.
const (
	lingerTime     = 500 * time.Millisecond
	lingerBytesMax = 1 << 20
)

// Conn is a connection whose incoming bytes are checked. Reads must not be concurrent with each other, as with net/http.
type Conn struct {
	net.Conn
	framer framer
	tail   string      // what remains of the end given to a refused stream
	ended  atomic.Bool // no byte of the client is passed on any more
}

// Wrap makes a Conn of c, which must be at its start and carry HTTP/1 or HTTP/2 with prior knowledge.
func Wrap(c net.Conn, limits Limits) *Conn {
	return &Conn{Conn: c, framer: framer{targetMax: limits.TargetBytesMax, fieldsMax: limits.FieldsMax}}
}

// WrapTLS is [Wrap] for a connection whose handshake is done and did not choose HTTP/2.
func WrapTLS(c *tls.Conn, limits Limits) net.Conn {
	return &tlsConn{Conn: Wrap(c, limits), state: c.ConnectionState()}
}

// tlsConn tells net/http that the connection is encrypted.
type tlsConn struct {
	*Conn
	state tls.ConnectionState
}

// ConnectionState gives the state after the handshake.
func (c *tlsConn) ConnectionState() tls.ConnectionState { return c.state }

// Read reads checked bytes into p.
func (c *Conn) Read(p []byte) (int, error) {
	if c.ended.Load() {
		return c.readTail(p)
	}
	n, err := c.Conn.Read(p)
	if n == 0 || c.framer.phase == through {
		return n, err
	}
	kept := c.framer.feed(p[:n])
	if c.framer.phase != over {
		return n, err
	}
	c.tail = c.framer.tail
	c.ended.Store(true)
	m, _ := c.readTail(p[kept:])
	return kept + m, nil
}

func (c *Conn) readTail(p []byte) (int, error) {
	if len(c.tail) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.tail)
	c.tail = c.tail[n:]
	return n, nil
}

// Cut makes every later Read return io.EOF. It is for a message whose rest will not be read: what follows must not be
// taken for a request.
func (c *Conn) Cut() { c.ended.Store(true) }

// CloseWrite ends the outgoing direction where the connection can do that alone.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection. One that was cut or refused is closed for writing at once and for reading a moment later, because
// unread bytes would make the kernel throw away the answer.
func (c *Conn) Close() error {
	if !c.ended.Load() {
		return c.Conn.Close()
	}
	if c.CloseWrite() != nil {
		return c.Conn.Close()
	}
	go c.linger()
	return nil
}

func (c *Conn) linger() {
	c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
	io.Copy(io.Discard, io.LimitReader(c.Conn, lingerBytesMax))
	c.Conn.Close()
}
