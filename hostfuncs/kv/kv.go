package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Kind is the binding's name.
const Kind = "kv"

// New makes the binding.
func New() hostfuncs.Binding { return &binding{} }

type binding struct{}

// Kind is the binding's name.
func (*binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes.
func (*binding) Sections() []string { return []string{Section} }

// Stores says that the binding keeps files.
func (*binding) Stores() bool { return true }

// live are the opened namespaces.
type live struct {
	namespaces map[string]*Namespace // by binding name
	opened     []*Namespace          // each once
	held       budget
	sweeper    *sweeper
}

// Open opens the namespaces; bindings with the same id share one.
func (*binding) Open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	o := Options{Dir: host.DataDir, Relaxed: host.Durability == "relaxed", Now: host.Now, Log: host.Log}
	l := &live{namespaces: map[string]*Namespace{}, held: budget{limit: HeldBytesMax}}
	byID := map[string]*Namespace{}
	for _, res := range resources {
		r := res.(*Resource)
		if byID[r.ID] == nil {
			n, err := OpenNamespace(ctx, o, r.ID)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("namespace %q: %w", r.ID, err), l.closeFiles())
			}
			byID[r.ID] = n
			l.opened = append(l.opened, n)
		}
		l.namespaces[r.Binding] = byID[r.ID]
	}
	l.sweeper = startSweeper(l.opened, host.Log)
	return l, nil
}

// Close ends the sweeper and closes the files.
func (l *live) Close(context.Context) error {
	l.sweeper.stop()
	return l.closeFiles()
}

func (l *live) closeFiles() error {
	errs := make([]error, 0, len(l.opened))
	for _, n := range l.opened {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}
