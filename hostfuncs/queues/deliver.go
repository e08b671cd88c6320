package queues

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const (
	// notStartedDelay is after what time a batch is tried again that did not reach the guest.
	notStartedDelay = time.Second
	// failureDelay is after what time the host tries again what it could not do, such as storing a dead letter.
	failureDelay = time.Second
	// burials is how many messages of a batch are moved to the dead letter queue at once.
	burials = 16
)

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
	err := r.dispatcher.Dispatch(r.events, event)
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
	changes := make([]change, len(batch))
	for i, d := range batch {
		changes[i] = d.change(entry{attempts: d.attempts - less})
	}
	return r.journal.put(changes)
}

func (r *run) event(batch []*delivered) *hostfuncs.Event {
	q := &abi.QueueEvent{Queue: r.Queue, Messages: make([]abi.QueueMessage, len(batch)), Metrics: r.queue.recent(r.events)}
	for i, d := range batch {
		q.Messages[i] = abi.QueueMessage{ID: d.name(), TimestampMS: d.sentMS, Body: d.body, ContentType: d.contentType, Attempts: d.attempts}
	}
	detail := fmt.Sprintf("queue %s, %d messages", r.Queue, len(batch))
	if len(batch) == 1 {
		detail = fmt.Sprintf("queue %s, 1 message", r.Queue)
	}
	return &hostfuncs.Event{Message: abi.Event{Kind: abi.EventQueue, Queue: q}, Detail: detail}
}

// parcelsOf gives the parcels that messages are of, each once.
func parcelsOf(batch []*delivered) (list []*parcel) {
	seen := make(map[*parcel]bool, len(batch))
	for _, d := range batch {
		if !seen[d.parcel] {
			seen[d.parcel] = true
			list = append(list, d.parcel)
		}
	}
	return list
}

// notStarted gives a batch back that has not reached the guest; the delivery does not count.
func (r *run) notStarted(batch []*delivered) {
	if err := r.note(batch, 1); err != nil {
		r.log.Warn("a delivery that did not take place counts as an attempt", "cause", err)
	}
	r.mu.Lock()
	for _, d := range batch {
		d.attempts--
		r.uncount(d.parcel.seq)
	}
	r.mu.Unlock()
	r.postpone(batch, notStartedDelay)
}

// postpone has messages delivered again after a delay that is nobody's wish.
func (r *run) postpone(batch []*delivered, delay time.Duration) {
	for _, d := range batch {
		r.retry(d, delay)
	}
	r.giveBackParcels(parcelsOf(batch)...)
}

// retry has the message delivered again after a delay. Its parcel must be given back afterwards.
func (r *run) retry(d *delivered, delay time.Duration) {
	d.notBeforeMS = r.now().Add(delay).UnixMilli()
	d.again(delay)
}

// fate is what becomes of a delivered message: it is done, or it comes again after a delay.
type fate struct {
	again bool
	delay time.Duration
}

// apply carries out what becomes of each message of a batch. It is in the journal before anything else learns of it.
func (r *run) apply(batch []*delivered, outcome func(i int) (wish, time.Duration)) {
	fates := make([]fate, len(batch))
	var alive, dead []int
	for i, d := range batch {
		w, delay := outcome(i)
		switch {
		case w == acked:
			r.queue.metrics.acked.Inc()
		case int(d.attempts) <= r.Retries:
			r.queue.metrics.retried.Inc()
			fates[i] = fate{again: true, delay: delay}
		default:
			dead = append(dead, i)
			continue
		}
		alive = append(alive, i)
	}
	r.keep(batch, fates, alive...)
	r.buryAll(batch, fates, dead)
	r.carryOut(batch, fates)
}

// buryAll buries messages of a batch, some at a time. Each is in the journal as done before the other queue delivers it, so that the end of the process
// cannot have it stored there again after that queue has done with it.
func (r *run) buryAll(batch []*delivered, fates []fate, dead []int) {
	var all sync.WaitGroup
	turns := make(chan struct{}, burials)
	for _, i := range dead {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			if r.dead != nil {
				r.dead.markBurying(batch[i].id, true)
			}
			if !r.bury(batch[i]) {
				fates[i] = fate{again: true, delay: failureDelay}
			}
			r.keep(batch, fates, i)
			if r.dead != nil && !fates[i].again {
				r.dead.markBurying(batch[i].id, false)
			}
		})
	}
	all.Wait()
}

// keep writes what becomes of some of a batch into the journal.
func (r *run) keep(batch []*delivered, fates []fate, some ...int) {
	if r.journal == nil {
		return
	}
	changes := make([]change, len(some))
	for n, i := range some {
		e := entry{attempts: batch[i].attempts, done: !fates[i].again}
		if delay := fates[i].delay; delay > 0 {
			e.notBeforeMS = r.now().Add(delay).UnixMilli()
		}
		changes[n] = batch[i].change(e)
	}
	if err := r.journal.put(changes); err != nil {
		r.log.Warn("the journal of deliveries cannot be written; messages may come again", "cause", err)
	}
}

func (r *run) carryOut(batch []*delivered, fates []fate) {
	count, size := 0, 0
	for i, d := range batch {
		if fates[i].again {
			r.retry(d, fates[i].delay)
			continue
		}
		d.done()
		count, size = count+1, size+len(d.body)
	}
	r.queue.count(-count, -size)
	r.giveBackParcels(parcelsOf(batch)...)
}

// bury sends a message whose attempts are used up to the dead letter queue, or drops it. False means that it could not be stored there.
func (r *run) bury(d *delivered) bool {
	if r.dead == nil {
		r.log.Warn("a message is dropped: its attempts are used up and the queue has no dead letter queue", "message", d.name(), "attempts", d.attempts)
		r.queue.metrics.dropped.Inc()
		return true
	}
	ctx, cancel := context.WithTimeout(r.store.Working(), r.store.AnswerTime())
	defer cancel()
	if err := r.dead.bury(ctx, d); err != nil {
		r.log.Error("a message cannot be moved to the dead letter queue", "message", d.name(), "cause", err)
		return false
	}
	r.queue.metrics.deadLettered.Inc()
	return true
}

// bury stores a dead letter of another queue, once however often it is asked to. It keeps the message's id and time, not its delay.
func (q *queue) bury(ctx context.Context, d *delivered) error {
	if err := q.store.Room(len(d.body)); err != nil {
		return err
	}
	letter := d.stored
	letter.notBeforeMS = 0
	m := &nats.Msg{Subject: headedSubject(q.subject), Data: pack([]stored{letter}), Header: nats.Header{nats.MsgIdHdr: {d.name()}}}
	pad(m)
	ack, err := q.store.JetStream().PublishMsg(ctx, m)
	if err != nil {
		return q.store.Failed(err)
	}
	if !ack.Duplicate {
		q.count(1, len(d.body))
	}
	return nil
}

// giveBackParcels gives those back of which nothing is being worked on.
func (r *run) giveBackParcels(parcels ...*parcel) {
	var finished []*parcel
	for _, p := range parcels {
		free, done, delay := p.release()
		switch {
		case !free:
		case done:
			finished = append(finished, p)
		case delay > 0:
			p.msg.NakWithDelay(delay)
		default:
			p.msg.Nak()
		}
	}
	if len(finished) > 0 {
		r.finish(finished)
	}
}

// finish removes parcels from the queue.
func (r *run) finish(parcels []*parcel) {
	if err := r.acknowledge(parcels); err != nil {
		r.log.Warn("messages that are done may be delivered again", "cause", err)
		return
	}
	changes := make([]change, len(parcels))
	r.mu.Lock()
	for i, p := range parcels {
		changes[i] = change{seq: p.seq, at: wholeParcel}
		delete(r.uncounted, p.seq)
	}
	r.mu.Unlock()
	if r.journal == nil {
		return
	}
	if err := r.journal.put(changes); err != nil {
		r.log.Warn("the journal of deliveries cannot be written", "cause", err)
	}
}

// acknowledge tells JetStream to remove the parcels and waits until it has.
func (r *run) acknowledge(parcels []*parcel) error {
	conn := r.store.Conn()
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer answers.Unsubscribe()
	for _, p := range parcels {
		if err := conn.PublishRequest(p.msg.Reply(), inbox, []byte("+ACK")); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(r.store.Working(), r.store.AnswerTime())
	defer cancel()
	for range parcels {
		if _, err := answers.NextMsgWithContext(ctx); err != nil {
			return err
		}
	}
	return nil
}
