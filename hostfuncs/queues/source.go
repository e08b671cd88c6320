package queues

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/jetstream"
)

const (
	// consumerName is the name of the one consumer of each stream.
	consumerName = "pagesrun"
	// ackMargin is how much longer than an event may take JetStream waits for a sign of life before it delivers a message again.
	ackMargin = time.Minute
	// pullExpiry is how long a request for messages stands.
	pullExpiry = 30 * time.Second
	// pullHeartbeat is how often JetStream says that it does; two in a row that are missing mean that it is lost.
	pullHeartbeat = time.Second
	// prefetchParcels and prefetchBytes are how much is asked for ahead.
	prefetchParcels = 64
	prefetchBytes   = 2 << 20
	// setupTime is how long reading what is known of the messages in progress may take.
	setupTime = 10 * time.Second
	// setupRetry is the time between two attempts at it.
	setupRetry = 500 * time.Millisecond
	// complainEvery is how often it is said that the consumer cannot be made.
	complainEvery = 30 * time.Second
	// journalDir is where below the binding's directory the journals are.
	journalDir = "deliveries"
)

// source brings the batches of one queue to the function.
type source struct {
	Consumer
	store *jetstream.Store
	queue *queue
	dead  *queue // nil: what is delivered in vain is dropped
	now   func() time.Time
	log   *slog.Logger
	dir   string

	mu      sync.Mutex
	running *run
}

// run is the time between a start and a stop.
type run struct {
	*source
	dispatcher hostfuncs.Dispatcher
	journal    *journal // nil: JetStream counts attempts
	scale      *scale
	incoming   chan js.Msg
	added      chan struct{} // has an element after ready got one

	ctx     context.Context // ends when no more batches are to begin
	end     context.CancelFunc
	events  context.Context // ends when those that run are canceled
	cancel  context.CancelFunc
	loop    sync.WaitGroup
	batches sync.WaitGroup

	mu        sync.Mutex
	ready     []*delivered // in the order in which they became so
	parcels   map[uint64]*parcel
	partial   map[uint64]partial // of parcels of which something is done
	uncounted map[uint64]int     // deliveries that JetStream has counted and that reached no guest
}

// prepare reads what is known of the queue's messages. Every source is prepared before the first begins.
func (s *source) prepare(d hostfuncs.Dispatcher) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return errors.New("it is being consumed already")
	}
	most := d.Concurrency()
	if s.Concurrency > 0 {
		most = s.Concurrency
	}
	r := &run{
		source: s, dispatcher: d, scale: newScale(min(most, d.Concurrency(), ConcurrencyMax)), incoming: make(chan js.Msg), added: make(chan struct{}, 1),
		parcels: map[uint64]*parcel{}, partial: map[uint64]partial{}, uncounted: map[uint64]int{},
	}
	if !s.store.Shared() {
		var err error
		if r.journal, err = s.openJournal(); err != nil {
			return err
		}
	}
	r.ctx, r.end = context.WithCancel(context.Background())
	r.events, r.cancel = context.WithCancel(context.Background())
	s.running = r
	return nil
}

// begin begins to consume. It does not block.
func (s *source) begin() {
	r := s.running
	s.queue.watch(r.donePartly)
	r.loop.Go(r.consume)
	r.loop.Go(r.keepAlive)
}

func (s *source) openJournal() (*journal, error) {
	ctx, cancel := context.WithTimeout(context.Background(), setupTime)
	defer cancel()
	info, err := s.queue.stream.Info(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, journalDir)
	if err := datadir.Make(dir); err != nil {
		return nil, err
	}
	j, err := openJournal(filepath.Join(dir, s.Queue), info.State.FirstSeq, info.State.LastSeq)
	if err != nil || s.dead == nil {
		return j, err
	}
	if err := s.markBuried(ctx, j); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

// markBuried marks the messages that have had all their attempts without being done: they may have been stored in the dead letter queue just before the process
// ended. If they were, they are not delivered there before this queue is done with them, too.
func (s *source) markBuried(ctx context.Context, j *journal) error {
	for seq, parcel := range j.parcels {
		var raw *js.RawStreamMsg
		for at, e := range parcel {
			if e.done || int(e.attempts) <= s.Retries {
				continue
			}
			var err error
			if raw == nil {
				if raw, err = s.queue.stream.GetMsg(ctx, seq); errors.Is(err, js.ErrMsgNotFound) {
					break
				}
			}
			if err != nil {
				return err
			}
			if messages, err := unpack(raw.Data); err == nil && int(at) < len(messages) {
				s.dead.markBurying(messages[at].id, true)
			}
		}
	}
	return nil
}

// stop begins no more batches and waits for those that run until ctx ends; then it cancels them.
func (s *source) stop(ctx context.Context) {
	s.mu.Lock()
	r := s.running
	s.running = nil
	s.mu.Unlock()
	if r == nil {
		return
	}
	r.end()
	context.AfterFunc(ctx, r.cancel)
	r.loop.Wait()
	r.batches.Wait()
	r.cancel()
	if r.journal != nil {
		r.journal.close()
	}
}

// consume makes the consumer and delivers its messages, again and again when it is lost, until the end.
func (r *run) consume() {
	var said time.Time
	for r.ctx.Err() == nil {
		restarted := r.store.Restarted()
		consumer, err := r.consumer()
		if err == nil {
			err = r.pull(consumer, restarted)
		}
		if err == nil || r.ctx.Err() != nil {
			continue
		}
		if time.Since(said) > complainEvery {
			r.log.Warn("the queue cannot be consumed at the moment", "cause", err)
			said = time.Now()
		}
		select {
		case <-r.ctx.Done():
		case <-time.After(setupRetry):
		}
	}
}

// keepAlive tells JetStream, until no more batches are to begin, that the parcels at hand are being worked on.
func (r *run) keepAlive() {
	tick := time.NewTicker((r.Wall + ackMargin) / 3)
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
		for _, m := range r.atHand() {
			m.InProgress()
		}
	}
}

// atHand gives the deliveries of all parcels that are at hand.
func (r *run) atHand() (list []js.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.parcels {
		list = append(list, p.msg)
	}
	return list
}

// consumer makes the stream's consumer. The store of this process gets a new one, which delivers at once what the one before had not settled.
func (r *run) consumer() (js.Consumer, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.store.AnswerTime())
	defer cancel()
	c := js.ConsumerConfig{
		Durable: consumerName, AckPolicy: js.AckExplicitPolicy, AckWait: r.Wall + ackMargin, MaxAckPending: -1, MaxDeliver: -1,
		DeliverPolicy: js.DeliverAllPolicy, MaxWaiting: 16,
	}
	if r.journal == nil {
		return r.queue.stream.CreateOrUpdateConsumer(ctx, c)
	}
	c.MemoryStorage = true
	if err := r.queue.stream.DeleteConsumer(ctx, consumerName); err != nil && !errors.Is(err, js.ErrConsumerNotFound) {
		return nil, err
	}
	return r.queue.stream.CreateConsumer(ctx, c)
}

// pull delivers messages until the end, or until the consumer is lost.
func (r *run) pull(consumer js.Consumer, restarted <-chan struct{}) error {
	lost := make(chan error, 1)
	done := make(chan struct{})
	handler := func(m js.Msg) {
		select {
		case r.incoming <- m:
		case <-done:
			m.Nak()
		}
	}
	failed := func(_ js.ConsumeContext, err error) {
		if errors.Is(err, js.ErrConsumerDeleted) || errors.Is(err, js.ErrConsumerNotFound) || errors.Is(err, js.ErrNoHeartbeat) || errors.Is(err, nats.ErrNoResponders) {
			select {
			case lost <- err:
			default:
			}
		}
	}
	pulling, err := consumer.Consume(handler, js.PullMaxMessagesWithBytesLimit(prefetchParcels, prefetchBytes), js.PullExpiry(pullExpiry), js.PullHeartbeat(pullHeartbeat), js.ConsumeErrHandler(failed))
	if err != nil {
		return err
	}
	err = r.collect(lost, restarted)
	pulling.Stop()
	close(done)
	<-pulling.Closed()
	return err
}

// collect makes batches of what comes in, and delivers each when it is full or has waited long enough, and a turn is free.
func (r *run) collect(lost <-chan error, restarted <-chan struct{}) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		n, wait := r.next()
		if n > 0 && wait <= 0 && r.scale.take(n == r.BatchSize) {
			r.begin(r.dequeue(n))
			continue
		}
		if n > 0 && wait > 0 {
			timer.Reset(wait)
		}
		incoming := r.incoming
		if n == r.BatchSize {
			incoming = nil
		}
		select {
		case m := <-incoming:
			r.accept(m)
		case <-timer.C:
		case <-r.added:
		case <-r.scale.freed:
		case <-restarted:
			return errors.New("the store has begun anew")
		case err := <-lost:
			return err
		case <-r.ctx.Done():
			r.giveBack()
			return nil
		}
	}
}

// next says how many messages the next batch would have now, and how long it may still wait for more.
func (r *run) next() (n int, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n = min(len(r.ready), r.BatchSize); n == 0 || n == r.BatchSize {
		return n, 0
	}
	return n, time.Until(r.ready[0].readyAt.Add(r.BatchTimeout))
}

// dequeue takes the next messages out of those that are ready.
func (r *run) dequeue(n int) []*delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := append([]*delivered(nil), r.ready[:n]...)
	r.ready = append(r.ready[:0], r.ready[n:]...)
	return batch
}

// enqueue makes a message ready. The caller holds mu.
func (r *run) enqueue(d *delivered) {
	d.readyAt = time.Now()
	r.ready = append(r.ready, d)
	select {
	case r.added <- struct{}{}:
	default:
	}
}

// giveBack gives parcels back of which no batch has a message. A store of this process delivers all anew when it is consumed the next time.
func (r *run) giveBack() {
	if r.journal != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.ready {
		d.parcel.msg.Nak()
	}
}

// donePartly is how much is done of parcels that are still in the queue, up to the sequence number last.
func (r *run) donePartly(last uint64) (sum partial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq, p := range r.partial {
		if seq <= last {
			sum.messages, sum.bytes = sum.messages+p.messages, sum.bytes+p.bytes
		}
	}
	return sum
}
