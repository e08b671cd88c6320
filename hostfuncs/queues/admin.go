package queues

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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
	dir   string
	now   func() time.Time
}

// Info describes a queue.
type Info struct {
	// Name is the queue's name.
	Name string
	// Metrics is how many messages it has.
	Metrics abi.QueueMetrics
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
	return &Admin{store: store, dir: o.Dir, now: o.Now}, nil
}

// Close ends the connection, and closes the files if it had opened them.
func (a *Admin) Close() error { return a.store.Close() }

// List describes all queues in the order of their names.
func (a *Admin) List(ctx context.Context) ([]Info, error) {
	var list []Info
	names := a.store.JetStream().StreamNames(ctx, js.WithStreamListSubject(subjectPrefix+">"))
	for stream := range names.Name() {
		name, ours := strings.CutPrefix(stream, streamPrefix)
		if !ours {
			continue
		}
		info, err := a.Info(ctx, name)
		if errors.Is(err, ErrNoQueue) {
			continue // it has gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	slices.SortFunc(list, func(x, y Info) int { return strings.Compare(x.Name, y.Name) })
	return list, publicError(names.Err())
}

// Info describes one queue. The error is [ErrNoQueue] when it is not there.
func (a *Admin) Info(ctx context.Context, name string) (Info, error) {
	stream, err := a.stream(ctx, name)
	if err != nil {
		return Info{}, err
	}
	s, err := stream.Info(ctx, js.WithSubjectFilter(subjectPrefix+name+".>"))
	if err != nil {
		return Info{}, publicError(err)
	}
	i := Info{Name: name, Metrics: *backlog(&s.State, a.done(name).partial()), Created: s.Created}
	if c, err := a.store.JetStream().Consumer(ctx, streamPrefix+name, consumerName); err == nil {
		i.Consumed = c.CachedInfo().NumWaiting > 0
	}
	return i, nil
}

// done reads from the journal of the process that consumes the queue what is done of its parcels.
func (a *Admin) done(name string) doneMessages {
	done := doneMessages{}
	if a.store.Shared() {
		return done
	}
	data, err := os.ReadFile(filepath.Join(a.dir, journalDir, name))
	if err != nil {
		return done
	}
	readRecords(data, func(c change) {
		switch {
		case c.at == wholeParcel:
			delete(done, c.seq)
		case c.done && done[c.seq] == nil:
			done[c.seq] = map[uint32]bool{c.at: true}
		case c.done:
			done[c.seq][c.at] = true
		}
	})
	return done
}

// doneMessages are positions in parcels by sequence number.
type doneMessages map[uint64]map[uint32]bool

// partial counts them. Their bytes are not known.
func (d doneMessages) partial() (sum partial) {
	for _, parcel := range d {
		sum.messages += len(parcel)
	}
	return sum
}

func (a *Admin) stream(ctx context.Context, name string) (js.Stream, error) {
	if !isQueueName(name) {
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
	done := a.done(name)
	for seq := stream.CachedInfo().State.FirstSeq; len(list) < n; {
		raw, err := stream.GetMsg(ctx, seq, js.WithGetMsgSubject(subjectPrefix+name+".>"))
		if errors.Is(err, js.ErrMsgNotFound) {
			return list, nil
		}
		if err != nil {
			return list, publicError(err)
		}
		messages, err := unpack(raw.Data)
		if err != nil {
			return list, fmt.Errorf("message %d cannot be read: %w", raw.Sequence, err)
		}
		for i := range messages {
			if len(list) < n && !done[raw.Sequence][uint32(i)] {
				list = append(list, peeked(&messages[i]))
			}
		}
		seq = raw.Sequence + 1
	}
	return list, nil
}

func peeked(s *stored) Message {
	m := Message{ID: s.name(), Sent: time.UnixMilli(s.sentMS), ContentType: s.contentType, Body: s.body}
	if s.notBeforeMS > 0 {
		m.NotBefore = time.UnixMilli(s.notBeforeMS)
	}
	return m
}

// Purge removes all messages of a queue, those being delivered included, and says how many there were.
func (a *Admin) Purge(ctx context.Context, name string) (uint64, error) {
	stream, err := a.stream(ctx, name)
	if err != nil {
		return 0, err
	}
	before, err := a.Info(ctx, name)
	if err != nil {
		return 0, err
	}
	if err := stream.Purge(ctx); err != nil {
		return 0, publicError(err)
	}
	return before.Metrics.BacklogCount, nil
}
