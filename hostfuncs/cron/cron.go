package cron

import (
	"context"
	"errors"
	"sync"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

// Kind is the binding's name.
const Kind = "cron"

// New makes the binding.
func New() hostfuncs.Binding { return &binding{} }

type binding struct{}

// Kind is the binding's name.
func (*binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes.
func (*binding) Sections() []string { return []string{Section} }

// Permanent says that the binding is opened also without expressions: scheduled events can be made by hand.
func (*binding) Permanent() bool { return true }

// live is the opened binding.
type live struct {
	host     hostfuncs.Host
	ledger   *ledger // nil without expressions
	triggers []*trigger

	mu         sync.Mutex
	dispatcher hostfuncs.Dispatcher // nil until the first start
	runners    []*runner            // one per start
}

// Open opens the ledger when there is something to write into it.
func (*binding) Open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	l := &live{host: host}
	if len(resources) == 0 {
		return l, nil
	}
	m, err := newMetrics(host.Metrics)
	if err != nil {
		return nil, err
	}
	if err := datadir.Make(host.DataDir); err != nil {
		return nil, err
	}
	l.ledger, err = openLedger(ctx, host.DataDir, host.Durability == "relaxed", host.Log)
	if err != nil {
		return nil, err
	}
	for _, res := range resources {
		r := res.(*Resource)
		r.now = host.Now
		l.triggers = append(l.triggers, &trigger{Resource: r, ledger: l.ledger, log: host.Log, metrics: m.of(r.Expression)})
	}
	return l, nil
}

// Operations are none: guests do not call triggers.
func (*live) Operations() []hostfuncs.Operation { return nil }

// Start begins to run ticks.
func (l *live) Start(d hostfuncs.Dispatcher) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatcher = d
	if len(l.triggers) > 0 {
		l.runners = append(l.runners, startRunner(d, l.triggers))
	}
	return nil
}

// Stop runs no more ticks, waits for the events that run until ctx ends, and ends them then.
func (l *live) Stop(ctx context.Context) error {
	l.mu.Lock()
	runners := l.runners
	l.mu.Unlock()
	var errs []error
	for _, r := range runners {
		errs = append(errs, r.stop(ctx))
	}
	return errors.Join(errs...)
}

// Close stops what still runs and closes the ledger.
func (l *live) Close(ctx context.Context) error {
	err := l.Stop(ctx)
	if l.ledger != nil {
		err = errors.Join(err, l.ledger.close())
	}
	return err
}
