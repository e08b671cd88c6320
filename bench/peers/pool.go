package main

import (
	"context"
	"errors"
	"sync"

	"github.com/pagesrun/pagesrun/abi"
)

// engine makes instances of a compiled guest. It may be used by several goroutines at once.
type engine interface {
	instance(context.Context) (instance, error)
}

// instance runs one event at a time.
type instance interface {
	handle(context.Context, *abi.FetchEvent) (abi.RespondRequest, error)
	close(context.Context) error
}

// pool gives each event an instance.
type pool struct {
	engine engine
	kept   bool

	mu   sync.Mutex
	free []instance
}

// handle runs an event. An instance that failed is not used again.
func (p *pool) handle(ctx context.Context, ev *abi.FetchEvent) (abi.RespondRequest, error) {
	in, err := p.take(ctx)
	if err != nil {
		return abi.RespondRequest{}, err
	}
	resp, err := in.handle(ctx, ev)
	if err != nil || !p.kept {
		return resp, errors.Join(err, in.close(ctx))
	}
	p.mu.Lock()
	p.free = append(p.free, in)
	p.mu.Unlock()
	return resp, nil
}

// take gives the instance that was used last, or a new one.
func (p *pool) take(ctx context.Context) (instance, error) {
	if in := p.idle(); in != nil {
		return in, nil
	}
	return p.engine.instance(ctx)
}

func (p *pool) idle() instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return nil
	}
	in := p.free[n-1]
	p.free = p.free[:n-1]
	return in
}
