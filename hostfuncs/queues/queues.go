package queues

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/jetstream"
)

// Kind is the binding's name.
const Kind = "queues"

// New makes the binding.
func New() hostfuncs.Binding { return &binding{} }

type binding struct{}

// Kind is the binding's name.
func (*binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes.
func (*binding) Sections() []string { return []string{Section} }

// Stores says that the binding keeps files.
func (*binding) Stores() bool { return true }

// live are the opened queues.
type live struct {
	store     *jetstream.Store
	release   func() error
	shown     *stateCollector
	queues    map[string]*queue    // by name
	producers map[string]*producer // by binding name
	sources   []*source
}

// producer is a binding that sends.
type producer struct {
	queue  *queue
	delayS int64
}

// Open opens the store, unless this process has it open, and makes the queues that are not there yet.
func (*binding) Open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	o := storeOptions(host.DataDir, resources, host)
	store, release, err := hostfuncs.Acquire(host.Shared, o.Key(), func() (*jetstream.Store, error) { return jetstream.Open(ctx, o) })
	if err != nil {
		return nil, err
	}
	l := &live{store: store, release: release, queues: map[string]*queue{}, producers: map[string]*producer{}}
	if err := l.open(ctx, host, resources); err != nil {
		return nil, errors.Join(err, l.Close(ctx))
	}
	return l, nil
}

// StoreDir is where below the binding's directory the store is.
const StoreDir = "store"

func storeOptions(dir string, resources []hostfuncs.Resource, host hostfuncs.Host) jetstream.Options {
	var c storeConfig
	switch r := resources[0].(type) {
	case *Producer:
		c = r.store
	case *Consumer:
		c = r.store
	}
	return jetstream.Options{Dir: filepath.Join(dir, StoreDir), Relaxed: host.Durability == "relaxed", Listen: c.listen, URL: c.nats, Log: host.Log}
}

func (l *live) open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) error {
	m, err := newMetrics(host.Metrics)
	if err != nil {
		return err
	}
	open := func(name string) (*queue, error) {
		if q := l.queues[name]; q != nil {
			return q, nil
		}
		q, err := openQueue(ctx, l.store, name, host.Now, m.queue(name))
		if err == nil {
			l.queues[name] = q
		}
		return q, err
	}
	for _, r := range resources {
		switch r := r.(type) {
		case *Producer:
			q, err := open(r.Queue)
			if err != nil {
				return err
			}
			l.producers[r.Binding] = &producer{queue: q, delayS: r.DelayS}
		case *Consumer:
			s := &source{Consumer: *r, store: l.store, now: host.Now, log: host.Log.With("queue", r.Queue), dir: host.DataDir}
			if s.queue, err = open(r.Queue); err != nil {
				return err
			}
			if r.DeadLetterQueue != "" {
				if s.dead, err = open(r.DeadLetterQueue); err != nil {
					return err
				}
			}
			l.sources = append(l.sources, s)
		}
	}
	l.shown = m.state
	l.shown.show(nil, l)
	return nil
}

// Start has every consumer bring its batches. It implements [hostfuncs.Source].
func (l *live) Start(d hostfuncs.Dispatcher) error {
	for i, s := range l.sources {
		if err := s.prepare(d); err != nil {
			for _, prepared := range l.sources[:i] {
				prepared.stop(context.Background())
			}
			return fmt.Errorf("queue %q: %w", s.Queue, err)
		}
	}
	for _, s := range l.sources {
		s.begin()
	}
	return nil
}

// Stop has the consumers bring no more batches and waits for those that run until ctx ends, when they are canceled.
func (l *live) Stop(ctx context.Context) error {
	var all sync.WaitGroup
	for _, s := range l.sources {
		all.Go(func() { s.stop(ctx) })
	}
	all.Wait()
	return nil
}

// closeTime bounds how long closing waits for sends in progress.
const closeTime = 5 * time.Second

// Close lets go of the store, which closes when no reloaded function uses it.
func (l *live) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	l.Stop(ctx)
	if l.shown != nil {
		l.shown.show(l, nil)
	}
	return l.release()
}
