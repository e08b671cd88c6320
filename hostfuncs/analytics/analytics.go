package analytics

import (
	"context"
	"errors"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Kind is the binding's name.
const Kind = "analytics"

// New makes the binding.
func New() hostfuncs.Binding { return &binding{} }

type binding struct{}

// Kind is the binding's name.
func (*binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes.
func (*binding) Sections() []string { return []string{Section} }

// Stores says that the binding keeps files.
func (*binding) Stores() bool { return true }

// live are the datasets of one function.
type live struct {
	api      *api
	release  func() error
	datasets map[string]*dataset // by binding name
}

// Open opens the datasets. A process has each of them open once, also while a function is reloaded.
func (*binding) Open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	e, release, err := hostfuncs.Acquire(host.Shared, Kind+" "+host.DataDir, func() (*engine, error) { return newEngine(host) })
	if err != nil {
		return nil, err
	}
	l := &live{api: e.api, release: release, datasets: map[string]*dataset{}}
	for _, res := range resources {
		r := res.(*Resource)
		if l.datasets[r.Binding], err = e.dataset(ctx, r); err != nil {
			return nil, errors.Join(err, release())
		}
	}
	return l, nil
}

// Operations are what guests can ask for.
func (l *live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{{Name: abi.OpAnalyticsWrite, Run: l.write, Immediate: true}}
}

// write takes a data point. It decodes and encodes itself, as it is called more often than anything else.
func (l *live) write(_ context.Context, call *hostfuncs.Call, msg, dst []byte) ([]byte, error) {
	d, ok := l.datasets[call.Target]
	if !ok {
		return dst, &abi.Error{Code: abi.CodeNotConfigured, Message: "no such Analytics Engine dataset"}
	}
	if err := d.write(call, msg); err != nil {
		return dst, err
	}
	return new(abi.AnalyticsWriteReply).AppendCBOR(dst), nil
}

// Close stores what waits and closes the files, unless another function of the process uses them.
func (l *live) Close(context.Context) error { return l.release() }
