package server

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// socket is a TCP connection that reads and writes without telling Go's scheduler of each system call. They never block, as the socket does not, and take
// a few microseconds: on a machine with few processors, less than what the scheduler does when it notices one (it gives the processor's work to another
// thread, which has to be woken, and takes it back). Where there is nothing to read or no room to write it waits as any connection does.
type socket struct {
	net.Conn
	raw     syscall.RawConn
	in, out transfer
}

// transfer is one direction of a socket. Both have all they need for a read or write, so that neither allocates.
type transfer struct {
	mu    sync.Mutex
	step  func(fd uintptr) bool // reports false where it has to wait
	p     []byte
	n     int
	errno syscall.Errno
}

// direct makes a socket of a connection, or gives it back where it is none of TCP.
func direct(c net.Conn) net.Conn {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return c
	}
	s := &socket{Conn: c, raw: raw}
	s.in.step, s.out.step = s.in.receive, s.out.send
	return s
}

// Read reads what is there into p, and waits where nothing is.
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.begin(p)
	if err := s.raw.Read(s.in.step); err != nil {
		return 0, err
	}
	switch {
	case s.in.errno != 0:
		return 0, s.failed("read", s.in.errno)
	case s.in.n == 0:
		return 0, io.EOF
	}
	return s.in.n, nil
}

// Write writes all of p. With an error it says how much of it has gone.
func (s *socket) Write(p []byte) (int, error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.begin(p)
	err := s.raw.Write(s.out.step)
	if err == nil && s.out.errno != 0 {
		err = s.failed("write", s.out.errno)
	}
	return s.out.n, err
}

// CloseWrite ends the outgoing direction.
func (s *socket) CloseWrite() error { return s.Conn.(*net.TCPConn).CloseWrite() }

// failed is an error as package net gives it.
func (s *socket) failed(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}

func (t *transfer) begin(p []byte) { t.p, t.n, t.errno = p, 0, 0 }

// receive reads once.
func (t *transfer) receive(fd uintptr) bool {
	n, errno := t.call(syscall.SYS_RECVFROM, fd, 0)
	if errno == syscall.EAGAIN {
		return false
	}
	t.n, t.errno, t.p = n, errno, nil
	afterReceive(fd)
	return true
}

// send writes until nothing is left or there is no room.
func (t *transfer) send(fd uintptr) bool {
	beforeSend()
	for len(t.p) > 0 {
		n, errno := t.call(syscall.SYS_SENDTO, fd, syscall.MSG_NOSIGNAL)
		if errno == syscall.EAGAIN {
			return false
		}
		if t.errno = errno; errno != 0 {
			break
		}
		t.n, t.p = t.n+n, t.p[n:]
	}
	t.p = nil
	return true
}

// call makes the system call until no signal interrupts it.
func (t *transfer) call(trap, fd, flags uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)), flags, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
