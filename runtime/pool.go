package runtime

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

var (
	errPoolFull   = errors.New("as many events are waiting for an instance as may")
	errPoolWait   = errors.New("no instance became free in time")
	errPoolClosed = errors.New("the function is shutting down")
)

// pool hands out instances. Idle ones are reused last in, first out, so that few instances stay hot; when none is idle
// events queue, in order, and new instances are made in the background up to the limit.
type pool struct {
	limits Limits
	create func() (*instance, error)

	mu       sync.Mutex
	idle     []*instance
	waiters  []*waiter
	total    int // instances, being made included
	creating int
	spare    int  // the fewest idle instances since they were last looked at
	trimming bool // they will be looked at again
	closed   bool
	drained  chan struct{} // closed when closed and total is 0
}

// waiter is an event in the queue.
type waiter struct {
	got chan delivery
}

// delivery is an instance, or why there will be none.
type delivery struct {
	in  *instance
	err error
}

func newPool(limits Limits, create func() (*instance, error)) *pool {
	return &pool{limits: limits, create: create, drained: make(chan struct{})}
}

// take gives an idle instance, or waits for one.
func (p *pool) take(ctx context.Context) (*instance, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 && !p.closed {
		in := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.spare = min(p.spare, n-1)
		p.mu.Unlock()
		return in, nil
	}
	if p.closed || len(p.waiters) >= p.limits.Queue {
		defer p.mu.Unlock()
		if p.closed {
			return nil, errPoolClosed
		}
		return nil, errPoolFull
	}
	w := &waiter{got: make(chan delivery, 1)}
	p.waiters = append(p.waiters, w)
	p.spawnLocked()
	p.mu.Unlock()
	return p.wait(ctx, w)
}

func (p *pool) wait(ctx context.Context, w *waiter) (*instance, error) {
	timer := time.NewTimer(p.limits.QueueWait)
	defer timer.Stop()
	select {
	case d := <-w.got:
		return d.in, d.err
	case <-ctx.Done():
		return p.giveUp(w, context.Canceled)
	case <-timer.C:
		return p.giveUp(w, errPoolWait)
	}
}

// giveUp leaves the queue. An instance that was delivered in the meantime is used after all.
func (p *pool) giveUp(w *waiter, err error) (*instance, error) {
	p.mu.Lock()
	for i, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.mu.Unlock()
			return nil, err
		}
	}
	p.mu.Unlock()
	d := <-w.got
	return d.in, d.err
}

// put returns an instance that is fit for the next event.
func (p *pool) put(in *instance) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.discard(in)
		return
	}
	if len(p.waiters) > 0 {
		p.deliverLocked(delivery{in: in})
	} else {
		p.idle = append(p.idle, in)
	}
	p.watchLocked()
	p.mu.Unlock()
}

// trimEvery is how often instances that nobody has needed are looked for, and burstInstances how many of them are the remains of a burst, after which Go's heap
// is given back too: the collector might not run for minutes.
const (
	trimEvery      = 10 * time.Second
	burstInstances = 8
)

// watchLocked sees to it that idle instances are looked at while there is more than one, whether or not further events come.
func (p *pool) watchLocked() {
	if !p.trimming && len(p.idle) > 1 && !p.closed {
		p.trimming, p.spare = true, len(p.idle)
		time.AfterFunc(trimEvery, p.trim)
	}
}

// trim throws away what has been idle throughout the last while: a burst that is over should not cost memory for ever.
func (p *pool) trim() {
	p.mu.Lock()
	p.trimming = false
	surplus := p.surplusLocked()
	p.watchLocked()
	p.mu.Unlock()
	for _, old := range surplus {
		p.discard(old)
	}
	if len(surplus) >= burstInstances {
		debug.FreeOSMemory()
	}
}

// surplusLocked takes out of the pool what has not been needed since the last look, but never the last one.
func (p *pool) surplusLocked() (surplus []*instance) {
	if n := min(p.spare, len(p.idle)-1); n > 0 {
		surplus = append(surplus, p.idle[:n]...)
		p.idle = append(p.idle[:0], p.idle[n:]...)
	}
	return surplus
}

// discard throws an instance away and sees to a successor, so that the pool always recovers.
func (p *pool) discard(in *instance) {
	in.close()
	p.mu.Lock()
	p.total--
	if len(p.idle) == 0 {
		p.spawnLocked()
	}
	p.checkDrainedLocked()
	p.mu.Unlock()
}

func (p *pool) deliverLocked(d delivery) {
	w := p.waiters[0]
	p.waiters = p.waiters[1:]
	w.got <- d
}

// spawnLocked starts making an instance when somebody waits, or none is left, and neither the limit nor the processors say no.
func (p *pool) spawnLocked() {
	wanted := len(p.waiters)
	if p.total == 0 {
		wanted = max(wanted, 1)
	}
	if p.closed || p.creating >= wanted || p.total >= p.limits.Instances || p.creating >= runtime.GOMAXPROCS(0) {
		return
	}
	p.total++
	p.creating++
	go p.grow()
}

// grow makes one instance. When that fails and there is no other to wait for, whoever waits is told.
func (p *pool) grow() {
	in, err := p.create()
	p.mu.Lock()
	p.creating--
	if err != nil {
		p.total--
		for p.total == 0 && len(p.waiters) > 0 {
			p.deliverLocked(delivery{err: err})
		}
		p.checkDrainedLocked()
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.put(in)
	p.mu.Lock()
	if len(p.waiters) > 0 {
		p.spawnLocked()
	}
	p.mu.Unlock()
}

// adopt adds an instance made elsewhere.
func (p *pool) adopt(in *instance) {
	p.mu.Lock()
	p.total++
	p.mu.Unlock()
	p.put(in)
}

// close refuses new events, waits until the running ones are done or ctx ends, and closes every idle instance.
func (p *pool) close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	for len(p.waiters) > 0 {
		p.deliverLocked(delivery{err: errPoolClosed})
	}
	p.checkDrainedLocked()
	p.mu.Unlock()
	for _, in := range idle {
		p.discard(in)
	}
	select {
	case <-p.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) checkDrainedLocked() {
	if p.closed && p.total == 0 {
		select {
		case <-p.drained:
		default:
			close(p.drained)
		}
	}
}

// counts gives the instances that exist and those that are idle, and the events waiting.
func (p *pool) counts() (total, idle, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total, len(p.idle), len(p.waiters)
}
