package queues

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	js "github.com/nats-io/nats.go/jetstream"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/jetstream"
)

const (
	// Retention is how long a queue keeps a message that nobody takes.
	Retention = 4 * 24 * time.Hour
	// BacklogBytesMax is the most a queue holds, in bytes. In a cluster it is the cluster's own limits that count.
	BacklogBytesMax = 25_000_000_000
	// doublesWindow is how long after it was moved a dead letter is recognised when it is moved again.
	doublesWindow = 10 * time.Minute
	streamPrefix  = "PAGESRUN_QUEUE_"
	subjectPrefix = "pagesrun.queue."
	// stateAge is how old what a send says of the queue may be. It counts what this process does meanwhile.
	stateAge = time.Second
)

// queue is one queue: its stream.
type queue struct {
	name    string
	subject string
	store   *jetstream.Store
	stream  js.Stream
	sender  *sender
	now     func() time.Time
	metrics *queueMetrics

	mu      sync.Mutex
	backlog abi.QueueMetrics
	fresh   time.Time
	partly  func(last uint64) partial // what is done of parcels that are there as a whole
	burying map[[16]byte]bool         // dead letters that are stored here while where they come from does not know yet
}

func streamConfig(name string, shared bool) js.StreamConfig {
	c := js.StreamConfig{
		Name: streamPrefix + name, Subjects: []string{subjectPrefix + name + ".>"}, Description: "queue " + name + " of pagesrun",
		Retention: js.WorkQueuePolicy, Discard: js.DiscardNew, MaxAge: Retention, MaxBytes: BacklogBytesMax, Storage: js.FileStorage,
		Duplicates: doublesWindow, AllowDirect: true, AllowAtomicPublish: true,
	}
	if shared {
		c.MaxBytes = -1 // a cluster would set that much aside for each queue
	}
	return c
}

func openQueue(ctx context.Context, store *jetstream.Store, name string, now func() time.Time, m *queueMetrics) (*queue, error) {
	stream, err := store.CreateStream(ctx, streamConfig(name, store.Shared()))
	if err != nil {
		return nil, err
	}
	q := &queue{name: name, subject: subjectPrefix + name, store: store, stream: stream, now: now, metrics: m, burying: map[[16]byte]bool{}}
	q.sender = newSender(store, q.subject)
	return q, nil
}

// outgoing is a checked message to send.
type outgoing struct {
	body        []byte
	contentType string
	delayS      int64
}

// send stores the messages, all or none.
func (q *queue) send(ctx context.Context, batch []outgoing) error {
	now := q.now().UnixMilli()
	messages := make([]stored, len(batch))
	size := 0
	for i, o := range batch {
		messages[i] = stored{id: newID(), sentMS: now, contentType: o.contentType, body: o.body}
		if o.delayS > 0 {
			messages[i].notBeforeMS = now + o.delayS*1000
		}
		size += len(o.body)
	}
	if err := q.sender.send(ctx, messages); err != nil {
		q.metrics.sendFailed(len(messages))
		return publicError(err)
	}
	q.metrics.sent(len(messages), size)
	q.count(len(messages), size)
	return nil
}

// count notes messages added, or removed where the numbers are negative.
func (q *queue) count(messages, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := &q.backlog
	b.BacklogCount = uint64(max(0, int64(b.BacklogCount)+int64(messages)))
	b.BacklogBytes = uint64(max(0, int64(b.BacklogBytes)+int64(size)))
	switch {
	case b.BacklogCount == 0:
		b.BacklogBytes, b.OldestMessageTimestampMS = 0, nil
	case b.OldestMessageTimestampMS == nil:
		now := q.now().UnixMilli()
		b.OldestMessageTimestampMS = &now
	case messages < 0:
		q.fresh = time.Time{}.Add(1) // the oldest may be gone
	}
}

// recent is the queue's state as far as it is known without asking, unless that is long ago.
func (q *queue) recent(ctx context.Context) *abi.QueueMetrics {
	q.mu.Lock()
	state, age := q.backlog, q.now().Sub(q.fresh)
	q.mu.Unlock()
	if age < stateAge {
		return &state
	}
	if asked, err := q.state(ctx); err == nil {
		return asked
	}
	return &state
}

// markBurying marks a dead letter as on its way, until the mark is taken away. Meanwhile it is not delivered: if it were, and done with, and then the process ended, it
// would be stored here again.
func (q *queue) markBurying(id [16]byte, on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if on {
		q.burying[id] = true
	} else {
		delete(q.burying, id)
	}
}

func (q *queue) isBurying(id [16]byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.burying[id]
}

// watch has f asked for how much of the stored parcels is done.
func (q *queue) watch(f func(last uint64) partial) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.partly = f
}

// state asks for the queue's state.
func (q *queue) state(ctx context.Context) (*abi.QueueMetrics, error) {
	info, err := q.stream.Info(ctx, js.WithSubjectFilter(q.subject+".>"))
	if err != nil {
		return nil, publicError(err)
	}
	q.mu.Lock()
	partly := q.partly
	q.mu.Unlock()
	var done partial
	if partly != nil {
		done = partly(info.State.LastSeq)
	}
	state := backlog(&info.State, done)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.backlog, q.fresh = *state, q.now()
	return state, nil
}

// backlog tells a queue's state from its stream's, which has the number of parcels of each subject, and from what is done of them.
func backlog(s *js.StreamState, done partial) *abi.QueueMetrics {
	b := &abi.QueueMetrics{}
	around := uint64(done.bytes)
	for subject, parcels := range s.Subjects {
		n, each := subjectShape(subject)
		b.BacklogCount += n * parcels
		around += parcels * each
	}
	b.BacklogCount -= min(b.BacklogCount, uint64(done.messages))
	if b.BacklogCount == 0 {
		return b
	}
	b.BacklogBytes = s.Bytes - min(s.Bytes, around)
	oldest := s.FirstTime.UnixMilli()
	b.OldestMessageTimestampMS = &oldest
	return b
}

// subjectShape tells how many messages a parcel of the subject has, and how many bytes are stored for it beside the bodies.
func subjectShape(subject string) (messages, around uint64) {
	shape, headed := strings.CutSuffix(subject, ".h")
	messages, _ = strconv.ParseUint(shape[strings.LastIndexByte(shape, '.')+1:], 10, 32)
	around = uint64(recordBytes+len(subject)+parcelHead) + messages*messageHead
	if headed {
		around += headerBytes + 4
	}
	return messages, around
}

// JetStream's errors that say that there is no room.
const (
	insufficientResources js.ErrorCode = 10023
	storageExceeded       js.ErrorCode = 10047
	streamStoreFailed     js.ErrorCode = 10077
	accountExceeded       js.ErrorCode = 10002
)

// publicError is what a guest may know of an error of the store.
func publicError(err error) error {
	var public *abi.Error
	var api *js.APIError
	switch {
	case err == nil || errors.As(err, &public):
		return err
	case errors.Is(err, context.Canceled):
		return hostfuncs.Fail(abi.CodeCanceled, "the operation was canceled", err)
	case errors.Is(err, jetstream.ErrFull):
		return hostfuncs.Fail(abi.CodeStorageFull, "the disk has no room; messages can still be consumed", err)
	case errors.As(err, &api) && (api.ErrorCode == insufficientResources || api.ErrorCode == storageExceeded || api.ErrorCode == accountExceeded):
		return hostfuncs.Fail(abi.CodeStorageFull, "Storage Limit Exceeded", err)
	case errors.As(err, &api) && api.ErrorCode == streamStoreFailed && api.Description == "maximum bytes exceeded":
		return hostfuncs.Fail(abi.CodeStorageFull, "Storage Limit Exceeded", err)
	case errors.As(err, &api), errors.Is(err, jetstream.ErrBroken):
		return hostfuncs.Fail(abi.CodeStorageFailed, "the storage failed; the messages may have been stored or not", err)
	}
	return hostfuncs.Fail(abi.CodeUnavailable, "the queue cannot be reached; the messages may have been stored or not", err)
}
