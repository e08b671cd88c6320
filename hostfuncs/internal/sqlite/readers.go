package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// readers is a pool of reading connections. The one used last is lent first, because its page cache is warm.
type readers struct {
	opts  Options
	limit int

	mu      sync.Mutex
	ticking bool // releaseUnused will run
	idle    []*Conn
	open    int
	waiting []chan *Conn
	closed  bool
	drained chan struct{}
}

func newReaders(o Options) *readers {
	return &readers{opts: o, limit: o.readers(), drained: make(chan struct{})}
}

// get lends a connection, which must be put back. It waits while all are lent out.
func (p *readers) get(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if c.broken {
			c.abandon()
			p.lost()
			return p.get(ctx)
		}
		return c, nil
	}
	if p.open < p.limit {
		p.open++
		p.mu.Unlock()
		return p.dial(ctx)
	}
	ready := make(chan *Conn, 1)
	p.waiting = append(p.waiting, ready)
	p.mu.Unlock()
	return p.wait(ctx, ready)
}

// wait waits for a connection, or for leave to open one, which is a nil.
func (p *readers) wait(ctx context.Context, ready chan *Conn) (*Conn, error) {
	select {
	case c := <-ready:
		return p.accept(ctx, c)
	case <-ctx.Done():
	}
	if !p.leave(ready) {
		// The connection came at the same moment.
		if c := <-ready; c != nil {
			p.put(c)
		} else {
			p.lost()
		}
	}
	return nil, ctx.Err()
}

func (p *readers) accept(ctx context.Context, c *Conn) (*Conn, error) {
	if c == nil {
		return p.dial(ctx)
	}
	return c, nil
}

// leave takes ready out of the queue; false when it has been served.
func (p *readers) leave(ready chan *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiting {
		if w == ready {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// dial opens a connection that get has already counted.
func (p *readers) dial(ctx context.Context) (*Conn, error) {
	c, err := open(ctx, p.opts, fmt.Sprintf(`PRAGMA busy_timeout=%d; PRAGMA cache_size=-%d; PRAGMA query_only=ON;`,
		readerBusyTimeout.Milliseconds(), cacheKiB))
	if err != nil {
		p.lost()
		return nil, err
	}
	if err := c.protect(openLog); err != nil {
		c.abandon()
		p.lost()
		return nil, err
	}
	c.index = mapWALIndex(p.opts.Path)
	return c, nil
}

// openLog reads, which is when SQLite opens the write-ahead log.
func openLog(c *Conn) error {
	_, err := c.Int(`PRAGMA schema_version`)
	return err
}

// put takes a connection back and gives it to who has waited longest. A broken one is closed instead.
func (p *readers) put(c *Conn) {
	if c.broken {
		c.abandon()
		p.lost()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		p.waiting[0] <- c
		p.waiting = p.waiting[1:]
		return
	}
	p.idle = append(p.idle, c)
	if c.held && !p.ticking && !p.closed {
		p.ticking = true
		time.AfterFunc(holdUnused, p.releaseUnused)
	}
	p.signalDrained()
}

// holdUnused is about how long an idle connection holds its transaction.
const holdUnused = 100 * time.Millisecond

// releaseUnused ends the transactions of connections that were idle since it ran last, and comes back while there are others.
func (p *readers) releaseUnused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := false
	for _, c := range p.idle {
		if !c.used {
			c.release()
		}
		held = held || c.held
		c.used = false
	}
	p.ticking = held && !p.closed
	if p.ticking {
		time.AfterFunc(holdUnused, p.releaseUnused)
	}
}

// releaseIdle ends the transactions of all idle connections.
func (p *readers) releaseIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.release()
	}
}

// lost says that a counted connection is gone; who has waited longest may open another.
func (p *readers) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		p.waiting[0] <- nil
		p.waiting = p.waiting[1:]
		return
	}
	p.open--
	p.signalDrained()
}

// signalDrained tells close that all connections are back. The caller holds mu.
func (p *readers) signalDrained() {
	if p.closed && len(p.idle) == p.open {
		select {
		case <-p.drained:
		default:
			close(p.drained)
		}
	}
}

// close waits until all connections are back and closes them.
func (p *readers) close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.closed = true
	p.signalDrained()
	p.mu.Unlock()
	<-p.drained
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.shut())
	}
	p.idle = nil
	return errors.Join(errs...)
}
