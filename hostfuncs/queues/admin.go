package queues

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/jetstream"
)

// Options say where the queues are, for [Connect].
type Options struct {
	// Dir is the binding's data directory: [Kind] below the data directory of pagesrun.
	Dir string
	// Relaxed is the configured durability being "relaxed". It counts only where no other process has the queues open.
	Relaxed bool
	// Nats is [pagesrun] nats: the cluster that has the queues; empty for those in Dir.
	Nats string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Admin is a way to the queues for commands, beside a function that may be running. It is for any number of goroutines.
type Admin struct {
	store *jetstream.Store
	now   func() time.Time
}

// Info describes a queue.
type Info struct {
	// Name is the queue's name.
	Name string
	// Metrics is how many messages it has.
	Metrics abi.QueueMetrics
	// InFlight is how many of them are being delivered, or wait for their delay to end; 0 where nothing consumes the queue.
	InFlight int
	// Consumed says that a function consumes the queue at this moment.
	Consumed bool
	// Created is when the queue was made.
	Created time.Time
}

// Message is a message in a queue, for people to look at.
type Message struct {
	// ID is the message's id, 32 hexadecimal digits.
	ID string
	// Sent is when it was sent.
	Sent time.Time
	// NotBefore is when it is delivered at the earliest; zero means at once. The delays of retries are not in it.
	NotBefore time.Time
	// ContentType is "json", "text" or "bytes".
	ContentType string
	// Body is the message.
	Body []byte
}

// ErrNoQueue says that there is no queue of that name. A queue is made when a function that is configured with it starts, or by the first
// [Admin.Send].
var ErrNoQueue = errors.New("there is no such queue")

// Connect opens the queues: those of the process that has them open, such as "pagesrun serve", else the files themselves, else the cluster.
func Connect(ctx context.Context, o Options) (*Admin, error) {
	store, err := jetstream.Connect(ctx, jetstream.Options{Dir: filepath.Join(o.Dir, StoreDir), Relaxed: o.Relaxed, URL: o.Nats})
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Admin{store: store, now: o.Now}, nil
}

// Close ends the connection, and closes the files if it had opened them.
func (a *Admin) Close() error { return a.store.Close() }

// List describes all queues in the order of their names.
func (a *Admin) List(ctx context.Context) ([]Info, error) {
	var list []Info
	streams := a.store.JetStream().ListStreams(ctx, js.WithStreamListSubject(subjectPrefix+"*"))
	for info := range streams.Info() {
		if name, ours := strings.CutPrefix(info.Config.Name, streamPrefix); ours {
			list = append(list, a.info(ctx, name, info))
		}
	}
	slices.SortFunc(list, func(x, y Info) int { return strings.Compare(x.Name, y.Name) })
	return list, publicError(streams.Err())
}

// Info describes one queue. The error is [ErrNoQueue] when it is not there.
func (a *Admin) Info(ctx context.Context, name string) (Info, error) {
	stream, err := a.stream(ctx, name)
	if err != nil {
		return Info{}, err
	}
	return a.info(ctx, name, stream.CachedInfo()), nil
}

func (a *Admin) info(ctx context.Context, name string, s *js.StreamInfo) Info {
	i := Info{Name: name, Metrics: *backlog(&s.State, subjectPrefix+name), Created: s.Created}
	if c, err := a.store.JetStream().Consumer(ctx, streamPrefix+name, consumerName); err == nil {
		state := c.CachedInfo()
		i.Consumed, i.InFlight = state.NumWaiting > 0, state.NumAckPending
	}
	return i
}

func (a *Admin) stream(ctx context.Context, name string) (js.Stream, error) {
	if !queueName.MatchString(name) {
		return nil, invalid("a queue's name has 1 to 63 letters, digits, hyphens and underscores, unlike %q", name)
	}
	stream, err := a.store.JetStream().Stream(ctx, streamPrefix+name)
	if errors.Is(err, js.ErrStreamNotFound) {
		return nil, ErrNoQueue
	}
	return stream, publicError(err)
}

// Send stores messages, all or none, under the rules and limits of a producer's sendBatch. It makes the queue if it is not there.
func (a *Admin) Send(ctx context.Context, name string, q *abi.QueuesSendBatchRequest) error {
	batch, err := checkedBatch(q, 0)
	if err != nil {
		return err
	}
	if _, err := a.stream(ctx, name); err != nil && !errors.Is(err, ErrNoQueue) {
		return err
	}
	m, err := newMetrics(nowhere{})
	if err != nil {
		return err
	}
	queue, err := openQueue(ctx, a.store, name, a.now, m.queue(name))
	if err != nil {
		return publicError(err)
	}
	return queue.send(ctx, batch)
}

// Peek gives up to n messages from the front of a queue, those being delivered included, and leaves them there.
func (a *Admin) Peek(ctx context.Context, name string, n int) ([]Message, error) {
	stream, err := a.stream(ctx, name)
	if err != nil {
		return nil, err
	}
	var list []Message
	for seq := stream.CachedInfo().State.FirstSeq; len(list) < n; {
		raw, err := stream.GetMsg(ctx, seq, js.WithGetMsgSubject(subjectPrefix+name))
		if errors.Is(err, js.ErrMsgNotFound) {
			return list, nil
		}
		if err != nil {
			return list, publicError(err)
		}
		if m, err := peeked(raw.Header, raw.Data); err == nil {
			list = append(list, m)
		}
		seq = raw.Sequence + 1
	}
	return list, nil
}

func peeked(header nats.Header, body []byte) (Message, error) {
	s, err := parseHeader(header.Get(headerMessage))
	m := Message{ID: s.id, Sent: time.UnixMilli(s.sentMS), ContentType: s.contentType, Body: body}
	if s.notBeforeMS > 0 {
		m.NotBefore = time.UnixMilli(s.notBeforeMS)
	}
	return m, err
}

// Purge removes all messages of a queue, those being delivered included, and says how many there were.
func (a *Admin) Purge(ctx context.Context, name string) (uint64, error) {
	stream, err := a.stream(ctx, name)
	if err != nil {
		return 0, err
	}
	before := stream.CachedInfo().State.Msgs
	if err := stream.Purge(ctx); err != nil {
		return 0, publicError(err)
	}
	return before, nil
}
