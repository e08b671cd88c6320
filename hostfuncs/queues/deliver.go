package queues

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const (
	// settleTime is how long JetStream may take to note what became of a batch.
	settleTime = 30 * time.Second
	// notStartedDelay is after what time a batch is tried again that did not reach the guest.
	notStartedDelay = time.Second
	// failureDelay is after what time the host tries again what it could not do, such as storing a dead letter.
	failureDelay = time.Second
)

// delivered is one delivery of a message.
type delivered struct {
	stored
	msg      js.Msg
	seq      uint64
	attempts uint32 // with this one
}

// accept reads a message that has come in. It gives nil when the message is not for a batch now: its time has not come, its attempts are used
// up, or it is none of ours.
func (r *run) accept(m js.Msg) *delivered {
	meta, err := m.Metadata()
	if err != nil {
		return nil
	}
	d := &delivered{msg: m, seq: meta.Sequence.Stream}
	if d.stored, err = parseHeader(m.Headers().Get(headerMessage)); err != nil {
		r.log.Warn("a message that pagesrun did not store is dropped", "sequence", d.seq, "cause", err)
		r.queue.metrics.dropped.Inc()
		m.Ack()
		return nil
	}
	known := r.before(d, meta)
	if wait := max(known.notBeforeMS, d.notBeforeMS) - r.now().UnixMilli(); wait > 0 {
		r.uncount(d.seq)
		m.NakWithDelay(time.Duration(wait) * time.Millisecond)
		return nil
	}
	d.attempts = known.attempts + 1
	if int(known.attempts) > r.Retries {
		d.attempts = known.attempts
		r.apply([]*delivered{d}, func(int) (wish, time.Duration) { return retried, 0 })
		return nil
	}
	return d
}

// before gives what is known of the deliveries before this one.
func (r *run) before(d *delivered, meta *js.MsgMetadata) entry {
	if r.journal != nil {
		return r.journal.get(d.seq)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	counted := int(meta.NumDelivered) - 1 - r.uncounted[d.seq]
	if _, seen := r.uncounted[d.seq]; !seen && d.notBeforeMS > 0 {
		counted-- // the delivery before its time
	}
	return entry{attempts: uint32(max(0, counted))}
}

// uncount notes that JetStream counts a delivery that reaches no guest.
func (r *run) uncount(seq uint64) {
	if r.journal != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uncounted[seq]++
}

// begin runs a batch on a goroutine of its own. The turn for it has been taken.
func (r *run) begin(batch []*delivered) {
	r.batches.Go(func() { r.scale.give(r.deliver(batch)) })
}

// deliver runs the function with a batch and applies what becomes of each message.
func (r *run) deliver(batch []*delivered) (succeeded bool) {
	if err := r.note(batch, 0); err != nil {
		r.log.Error("a batch cannot be delivered", "cause", err)
		r.postpone(batch, failureDelay)
		return false
	}
	event := r.event(batch)
	settled := newSettlement(batch, func(text string) {
		if event.Log != nil {
			event.Log(abi.LogWarn, text)
		}
	})
	event.Operations = settled.operations()
	stop := r.keepAlive(batch)
	err := r.dispatcher.Dispatch(r.events, event)
	stop()
	if errors.Is(err, hostfuncs.ErrNotStarted) {
		r.notStarted(batch)
		return false
	}
	r.queue.metrics.batch.Observe(float64(len(batch)))
	r.apply(batch, func(i int) (wish, time.Duration) {
		w, delayS := settled.outcome(i, err != nil)
		delay := r.RetryDelay
		if delayS != nil {
			delay = time.Duration(*delayS) * time.Second
		}
		return w, delay
	})
	return err == nil
}

// note writes the attempts of a batch into the journal, less so many.
func (r *run) note(batch []*delivered, less uint32) error {
	if r.journal == nil {
		return nil
	}
	changes := make(map[uint64]entry, len(batch))
	for _, d := range batch {
		changes[d.seq] = entry{attempts: d.attempts - less}
	}
	return r.journal.put(changes)
}

func (r *run) event(batch []*delivered) *hostfuncs.Event {
	q := &abi.QueueEvent{Queue: r.Queue, Messages: make([]abi.QueueMessage, len(batch)), Metrics: r.queue.recent(r.events)}
	for i, d := range batch {
		q.Messages[i] = abi.QueueMessage{ID: d.id, TimestampMS: d.sentMS, Body: d.msg.Data(), ContentType: d.contentType, Attempts: d.attempts}
	}
	detail := fmt.Sprintf("queue %s, %d messages", r.Queue, len(batch))
	if len(batch) == 1 {
		detail = fmt.Sprintf("queue %s, 1 message", r.Queue)
	}
	return &hostfuncs.Event{Message: abi.Event{Kind: abi.EventQueue, Queue: q}, Detail: detail}
}

// keepAlive tells JetStream that the messages are being worked on, until stop.
func (r *run) keepAlive(batch []*delivered) (stop func()) {
	tick := time.NewTicker((r.Wall + ackMargin) / 3)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				for _, d := range batch {
					d.msg.InProgress()
				}
			}
		}
	}()
	return func() { tick.Stop(); close(done) }
}

// notStarted gives a batch back that has not reached the guest; the delivery does not count.
func (r *run) notStarted(batch []*delivered) {
	if err := r.note(batch, 1); err != nil {
		r.log.Warn("a delivery that did not take place counts as an attempt", "cause", err)
	}
	delay := notStartedDelay
	if r.ctx.Err() != nil {
		delay = 0
	}
	for _, d := range batch {
		r.uncount(d.seq)
	}
	r.postpone(batch, delay)
}

func (r *run) postpone(batch []*delivered, delay time.Duration) {
	for _, d := range batch {
		d.nak(delay)
	}
}

func (d *delivered) nak(delay time.Duration) {
	if delay <= 0 {
		d.msg.Nak()
		return
	}
	d.msg.NakWithDelay(delay)
}

// apply carries out what becomes of each message of a batch.
func (r *run) apply(batch []*delivered, outcome func(i int) (wish, time.Duration)) {
	var done, again []*delivered
	var delays []time.Duration
	for i, d := range batch {
		w, delay := outcome(i)
		switch {
		case w == acked:
			r.queue.metrics.acked.Inc()
			done = append(done, d)
		case int(d.attempts) <= r.Retries:
			r.queue.metrics.retried.Inc()
			again, delays = append(again, d), append(delays, delay)
		case r.bury(d):
			done = append(done, d)
		default:
			again, delays = append(again, d), append(delays, failureDelay)
		}
	}
	r.retry(again, delays)
	r.finish(done)
}

// retry has messages delivered again, each after its delay.
func (r *run) retry(batch []*delivered, delays []time.Duration) {
	if r.journal != nil {
		changes := make(map[uint64]entry, len(batch))
		for i, d := range batch {
			e := entry{attempts: d.attempts}
			if delays[i] > 0 {
				e.notBeforeMS = r.now().Add(delays[i]).UnixMilli()
			}
			changes[d.seq] = e
		}
		if err := r.journal.put(changes); err != nil {
			r.log.Warn("the delay of a retry may end early", "cause", err)
		}
	}
	for i, d := range batch {
		d.nak(delays[i])
	}
}

// bury sends a message whose attempts are used up to the dead letter queue, or drops it. False means that it could not be stored there.
func (r *run) bury(d *delivered) bool {
	if r.dead == nil {
		r.log.Warn("a message is dropped: its attempts are used up and the queue has no dead letter queue", "message", d.id, "attempts", d.attempts)
		r.queue.metrics.dropped.Inc()
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := r.dead.bury(ctx, d); err != nil {
		r.log.Error("a message cannot be moved to the dead letter queue", "message", d.id, "cause", err)
		return false
	}
	r.queue.metrics.deadLettered.Inc()
	return true
}

// bury stores a dead letter of another queue, once however often it is asked to. It keeps the message's id and time, not its delay.
func (q *queue) bury(ctx context.Context, d *delivered) error {
	if err := q.store.Room(len(d.msg.Data())); err != nil {
		return err
	}
	letter := d.stored
	letter.notBeforeMS = 0
	m := letter.message(q.subject, d.msg.Data())
	m.Header[nats.MsgIdHdr] = []string{letter.id}
	pad(m)
	ack, err := q.store.JetStream().PublishMsg(ctx, m)
	if err != nil {
		return q.store.Failed(err)
	}
	if !ack.Duplicate {
		q.count(1, len(m.Data))
	}
	return nil
}

// finish removes messages from the queue.
func (r *run) finish(batch []*delivered) {
	if len(batch) == 0 {
		return
	}
	if err := r.acknowledge(batch); err != nil {
		r.log.Warn("messages that are done may be delivered again", "cause", err)
		return
	}
	changes, size := make(map[uint64]entry, len(batch)), 0
	for _, d := range batch {
		changes[d.seq] = entry{}
		size += len(d.msg.Data())
	}
	r.queue.count(-len(batch), -size)
	if r.journal == nil {
		r.forget(batch)
		return
	}
	if err := r.journal.put(changes); err != nil {
		r.log.Warn("the journal of deliveries cannot be written", "cause", err)
	}
}

func (r *run) forget(batch []*delivered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range batch {
		delete(r.uncounted, d.seq)
	}
}

// acknowledge tells JetStream to remove the messages and waits until it has.
func (r *run) acknowledge(batch []*delivered) error {
	conn := r.store.Conn()
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer answers.Unsubscribe()
	for _, d := range batch {
		if err := conn.PublishRequest(d.msg.Reply(), inbox, []byte("+ACK")); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	for range batch {
		if _, err := answers.NextMsgWithContext(ctx); err != nil {
			return err
		}
	}
	return nil
}
