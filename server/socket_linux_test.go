package server

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// socketPair is both ends of a connection: the server's as a socket, and the client's.
func socketPair(t *testing.T) (server net.Conn, client *net.TCPConn) {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	client = must(net.Dial("tcp", l.Addr().String())).(*net.TCPConn)
	server = direct(must(l.Accept()))
	if _, ok := server.(*socket); !ok {
		t.Fatalf("a TCP connection became a %T", server)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// TestASocketMovesEveryByte has more go both ways than the kernel takes at once.
func TestASocketMovesEveryByte(t *testing.T) {
	server, client := socketPair(t)
	sent := make([]byte, 16<<20)
	rand.Read(sent)
	echoed := make(chan error, 1)
	go func() {
		_, err := io.Copy(client, client)
		echoed <- errors.Join(err, client.CloseWrite())
	}()
	wrote := make(chan error, 1)
	go func() {
		n, err := server.Write(sent)
		if n != len(sent) {
			err = errors.Join(err, io.ErrShortWrite)
		}
		wrote <- errors.Join(err, server.(*socket).CloseWrite())
	}()
	got, err := io.ReadAll(server)
	if err := errors.Join(err, <-wrote, <-echoed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, not the %d sent", len(got), len(sent))
	}
}

func TestASocketFailsAsConnectionsDo(t *testing.T) {
	buf := make([]byte, 16)
	read := func(c net.Conn) error { _, err := c.Read(buf); return err }
	for _, c := range []struct {
		name string
		do   func(server net.Conn, client *net.TCPConn) error
		want error
	}{
		{"the client ends its side", func(s net.Conn, c *net.TCPConn) error { c.CloseWrite(); return read(s) }, io.EOF},
		{"the client resets the connection", func(s net.Conn, c *net.TCPConn) error { c.SetLinger(0); c.Close(); return read(s) }, syscall.ECONNRESET},
		{"the deadline has passed", func(s net.Conn, _ *net.TCPConn) error { s.SetReadDeadline(longAgo); return read(s) }, os.ErrDeadlineExceeded},
		{"the deadline passes", func(s net.Conn, _ *net.TCPConn) error {
			s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			return read(s)
		}, os.ErrDeadlineExceeded},
		{"the connection is closed before", func(s net.Conn, _ *net.TCPConn) error { s.Close(); return read(s) }, net.ErrClosed},
		{"the connection is closed meanwhile", func(s net.Conn, _ *net.TCPConn) error {
			time.AfterFunc(10*time.Millisecond, func() { s.Close() })
			return read(s)
		}, net.ErrClosed},
		{"nothing is asked for", func(s net.Conn, _ *net.TCPConn) error { _, err := s.Read(nil); return err }, nil},
		{"writing to a closed connection", func(s net.Conn, _ *net.TCPConn) error { s.Close(); _, err := s.Write(buf); return err }, net.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, client := socketPair(t)
			if err := c.do(server, client); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestASocketSaysHowMuchHasGone has a client that does not read.
func TestASocketSaysHowMuchHasGone(t *testing.T) {
	server, client := socketPair(t)
	first := make([]byte, 1)
	go func() {
		io.ReadFull(client, first)
		server.SetWriteDeadline(longAgo)
	}()
	n, err := server.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 64<<20 {
		t.Fatalf("%d bytes gone, %v", n, err)
	}
	server.Close()
	if got, err := io.Copy(io.Discard, client); err != nil || got+1 != int64(n) {
		t.Errorf("%d bytes came, %v; %d were said to have gone", got+1, err, n)
	}
}

func TestASocketDoesNotAllocate(t *testing.T) {
	server, client := socketPair(t)
	buf := make([]byte, 16)
	if each := testing.AllocsPerRun(1000, func() {
		server.Write(buf)
		io.ReadFull(client, buf)
		client.Write(buf)
		io.ReadFull(server, buf)
	}); each > 0 {
		t.Errorf("%v allocations for a message there and back", each)
	}
}
