package hostfuncs

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/prometheus/client_golang/prometheus"
)

// Binding is one kind of resource a function can be given. It lives through four moments: [Binding.Decode] (pure),
// [Binding.Open] (I/O, once per process), its operations (many goroutines at once) and [Live.Close] (drain).
type Binding interface {
	// Kind is the binding's name everywhere: folder, first part of its operations ("kv" in "kv.get"), metric label, SDK module, docs page.
	Kind() string
	// Sections are the top-level configuration keys the binding decodes, such as "kv_namespaces".
	Sections() []string
	// Decode reads the binding's section of the configuration. It does no I/O. What it finds wrong comes back with file,
	// line and key before any port opens.
	Decode(*config.Config) ([]Resource, config.Problems)
	// Open makes the decoded resources usable. It is called once for each time the function is loaded, and only when
	// there is at least one resource or the binding is [Permanent].
	Open(context.Context, Host, []Resource) (Live, error)
}

// Resource is one configured binding: an entry of kv_namespaces, one variable, ...
type Resource interface {
	// BindingName is the name guests use: the target of their calls. It is empty for what guests do not call, such as a queue's consumer.
	BindingName() string
	// Position is where it was configured.
	Position() config.Pos
	// Describe is one line for the table shown at start, such as "id 06779da6" or "(hidden)".
	Describe() string
}

// Live is an opened binding kind, shared by all events.
type Live interface {
	// Operations are what guests can ask for. It is called once.
	Operations() []Operation
	// Close finishes what is running and releases everything. No operation is started after it.
	Close(context.Context) error
}

// Host is what pagesrun gives a binding to work with.
type Host struct {
	// Log is already labelled with the binding's kind.
	Log *slog.Logger
	// DataDir is the directory under which the binding keeps its files; it exists.
	DataDir string
	// Now is the clock. Bindings use no other.
	Now func() time.Time
	// Metrics is where the binding registers its own metrics. Never nil.
	Metrics prometheus.Registerer
	// Durability is "sync" or "relaxed" (see the [pagesrun] table).
	Durability string
	// Shared keeps what the process may open only once while functions are reloaded. Never nil.
	Shared *Shared
}

// Call is one operation in progress.
type Call struct {
	// Target is the binding's name.
	Target  string
	kind    string
	streams Streams
	event   *Session
	tally   int
}

// NewCall is for tests of bindings and for commands that use a binding without a guest; streams may be nil where no message has any.
func NewCall(target string, streams Streams) *Call { return &Call{Target: target, streams: streams} }

// Tally adds n to a count that the event keeps per kind of binding, and returns the sum: for limits on what one event may do.
func (c *Call) Tally(n int) int {
	if c.event == nil {
		c.tally += n
		return c.tally
	}
	return c.event.tally(c.kind, n)
}

// EventID is the name that the event has in the log, for a line about it; empty outside an event.
func (c *Call) EventID() string {
	if c.event == nil {
		return ""
	}
	return c.event.id
}

// Streams moves byte streams between a guest and a binding.
type Streams interface {
	// TakeReadable takes a readable stream from the guest. The binding reads and closes it.
	TakeReadable(abi.Handle) (io.ReadCloser, error)
	// GiveReadable gives the guest a readable stream and returns the handle to put into the reply. The event closes r.
	GiveReadable(r io.ReadCloser) (abi.Handle, error)
}

// TakeReadable takes the stream behind a handle of the request from the guest. The operation must close it.
func (c *Call) TakeReadable(h abi.Handle) (io.ReadCloser, error) { return c.streams.TakeReadable(h) }

// GiveReadable turns r into a readable stream of the guest; its handle goes into the reply.
func (c *Call) GiveReadable(r io.ReadCloser) (abi.Handle, error) { return c.streams.GiveReadable(r) }

// Operation is one thing a binding can do, made with [Op].
type Operation struct {
	// Name is the operation's name, such as "kv.get".
	Name string
	// Run performs it: request message in, reply message appended to dst. msg is the operation's own; it may be kept, unless the operation
	// is Immediate.
	Run func(ctx context.Context, call *Call, msg, dst []byte) ([]byte, error)
	// Immediate says that Run takes a few microseconds at most: it neither blocks nor looks at ctx, has no streams, and keeps neither call nor
	// msg, which may be the guest's memory. Such an operation is done when the guest's call returns.
	Immediate bool
	// Brief says that Run mostly takes less than a millisecond: it looks something up. Such an operation runs on the event's own goroutine
	// also when the guest waits for it with a timeout, and the wait may then be longer by as much as the operation takes.
	Brief bool
}

// message is what a request or reply struct of package abi can do.
type message[T any] interface {
	*T
	AppendCBOR([]byte) []byte
	DecodeCBOR([]byte) error
}

// Op makes an operation of an ordinary method: it decodes the request, runs fn and encodes what fn returns. fn's error
// reaches the guest as it is when it is an [*abi.Error], and as "internal" with the cause in the log otherwise.
func Op[Q, R any, PQ message[Q], PR message[R]](name string, fn func(context.Context, *Call, *Q) (R, error)) Operation {
	return Operation{Name: name, Run: func(ctx context.Context, call *Call, msg, dst []byte) ([]byte, error) {
		var q Q
		if err := PQ(&q).DecodeCBOR(msg); err != nil {
			return dst, &abi.Error{Code: abi.CodeBadMessage, Message: name + ": " + err.Error()}
		}
		r, err := fn(ctx, call, &q)
		if err != nil {
			return dst, err
		}
		return PR(&r).AppendCBOR(dst), nil
	}}
}
