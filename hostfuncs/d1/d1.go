package d1

import (
	"context"
	"errors"
	"fmt"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Kind is the binding's name.
const Kind = "d1"

// New makes the binding.
func New() hostfuncs.Binding { return &binding{} }

type binding struct{}

// Kind is the binding's name.
func (*binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes.
func (*binding) Sections() []string { return []string{Section} }

// Stores says that the binding keeps files.
func (*binding) Stores() bool { return true }

// live are the opened databases.
type live struct {
	databases map[string]*Database // by binding name
	release   []func() error       // each database once
}

// Open opens the databases; bindings with the same id share one, and so do the application before and after a reload.
func (*binding) Open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	o := Options{Dir: host.DataDir, Relaxed: host.Durability == "relaxed", Now: host.Now, Log: host.Log}
	shared := host.Shared
	if shared == nil {
		shared = hostfuncs.NewShared()
	}
	l := &live{databases: map[string]*Database{}}
	for _, res := range resources {
		r := res.(*Resource)
		db, release, err := hostfuncs.Acquire(shared, Kind+"\x00"+host.DataDir+"\x00"+r.ID, func() (*Database, error) {
			return OpenDatabase(ctx, o, r.ID)
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("database %q: %w", r.ID, err), l.Close(ctx))
		}
		l.databases[r.Binding] = db
		l.release = append(l.release, release)
	}
	return l, nil
}

// Close closes the files that nobody else uses.
func (l *live) Close(context.Context) error {
	errs := make([]error, 0, len(l.release))
	for _, release := range l.release {
		errs = append(errs, release())
	}
	return errors.Join(errs...)
}

// Operations are what guests can ask for.
func (l *live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		{Name: abi.OpD1Query, Run: l.query},
		hostfuncs.Op(abi.OpD1Exec, l.exec),
		hostfuncs.Op(abi.OpD1Dump, l.dump),
	}
}

// database is the one that the call's target is bound to.
func (l *live) database(call *hostfuncs.Call) (*Database, error) {
	if db, ok := l.databases[call.Target]; ok {
		return db, nil
	}
	return nil, &abi.Error{Code: abi.CodeNotConfigured, Message: "no such D1 database"}
}

// query is the one operation that encodes its reply itself, as rows can be many.
func (l *live) query(ctx context.Context, call *hostfuncs.Call, msg, dst []byte) ([]byte, error) {
	db, err := l.database(call)
	if err != nil {
		return dst, err
	}
	q := db.takeQuery()
	defer db.recycle(q)
	if err := q.request.DecodeShared(msg); err != nil {
		return dst, &abi.Error{Code: abi.CodeBadMessage, Message: abi.OpD1Query + ": " + err.Error()}
	}
	if err := tally(call, len(q.request.Statements)); err != nil {
		return dst, err
	}
	return db.answer(ctx, &q.request, q, dst)
}

func (l *live) exec(ctx context.Context, call *hostfuncs.Call, q *abi.D1ExecRequest) (abi.D1ExecReply, error) {
	db, err := l.database(call)
	if err == nil {
		err = tally(call, max(1, len(lines(string(q.SQL)))))
	}
	if err != nil {
		return abi.D1ExecReply{}, err
	}
	return db.Exec(ctx, q)
}

// dump is refused, in the platform's words.
func (l *live) dump(context.Context, *hostfuncs.Call, *abi.D1DumpRequest) (abi.D1DumpReply, error) {
	return abi.D1DumpReply{}, &abi.Error{Code: abi.CodeUnsupported, Message: "D1_DUMP_ERROR: Status + 404"}
}

// tally counts the statements that an event asks for.
func tally(call *hostfuncs.Call, n int) error {
	if call.Tally(n) > abi.D1QueriesMax {
		return refuse(abi.CodeLimitExceeded, fmt.Sprintf("the event has asked for more than %d D1 queries", abi.D1QueriesMax))
	}
	return nil
}
