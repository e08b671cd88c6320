package jetstream

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
)

// bridge lets other processes of the same user reach the server through a Unix socket.
type bridge struct {
	listener *socketListener
	server   *embedded
	log      *slog.Logger

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	done  sync.WaitGroup
}

// listenSocket makes the socket. The lock on dir is held, so what is there is a leftover.
func listenSocket(dir string, e *embedded, log *slog.Logger) (*bridge, error) {
	path := socketPath(dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := listenUnix(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	b := &bridge{listener: l, server: e, log: log, conns: map[net.Conn]struct{}{}}
	b.done.Go(b.accept)
	return b, nil
}

func (b *bridge) accept() {
	for {
		outside, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.done.Go(func() { b.carry(outside) })
	}
}

// carry connects one client to the server until either side ends.
func (b *bridge) carry(outside net.Conn) {
	inside, err := b.server.InProcessConn()
	if err != nil {
		b.log.Warn("a process could not be connected to the queues", "cause", err)
		outside.Close()
		return
	}
	if !b.track(outside, inside) {
		return
	}
	var once sync.Once
	end := func() { once.Do(func() { b.forget(outside, inside) }) }
	var both sync.WaitGroup
	both.Go(func() { io.Copy(inside, outside); end() })
	both.Go(func() { io.Copy(outside, inside); end() })
	both.Wait()
}

func (b *bridge) track(conns ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		if b.conns == nil {
			c.Close()
			continue
		}
		b.conns[c] = struct{}{}
	}
	return b.conns != nil
}

func (b *bridge) forget(conns ...net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		delete(b.conns, c)
		c.Close()
	}
}

// close removes the socket and ends what goes through it.
func (b *bridge) close() error {
	err := b.listener.Close()
	b.mu.Lock()
	for c := range b.conns {
		c.Close()
	}
	b.conns = nil
	b.mu.Unlock()
	b.done.Wait()
	return err
}

// socketDialer reaches the server of the process that has the store in the directory open.
type socketDialer string

// Dial implements [nats.CustomDialer].
func (d socketDialer) Dial(string, string) (net.Conn, error) { return dialUnix(string(d)) }
