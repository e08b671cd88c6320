package queues

import (
	"time"

	js "github.com/nats-io/nats.go/jetstream"
)

// buryingDelayMS is after what time a dead letter is looked at again that came while it was being moved, in milliseconds.
const buryingDelayMS = 20

// foreignDelay is after what time a message is looked at again that this version of pagesrun did not store: it may be a newer one's.
const foreignDelay = time.Hour

// accept opens a parcel that has come in, and makes those of its messages ready whose time has come.
func (r *run) accept(m js.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return
	}
	seq := meta.Sequence.Stream
	if r.known(seq, m) {
		return
	}
	messages, err := unpack(m.Data())
	if err != nil {
		r.log.Warn("a message is left where it is", "sequence", seq, "cause", err)
		m.NakWithDelay(foreignDelay)
		return
	}
	p := &parcel{run: r, msg: m, seq: seq, size: len(messages), waiting: map[*delivered]*time.Timer{}, laterMS: never}
	if dead := r.open(p, messages, meta.NumDelivered); len(dead) > 0 {
		r.apply(dead, func(int) (wish, time.Duration) { return retried, 0 })
		return
	}
	r.giveBackParcels(p)
}

// known says whether the parcel is at hand already: it is then delivered anew because the consumer is, or because it has taken long.
func (r *run) known(seq uint64, m js.Msg) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.parcels[seq]
	if p == nil {
		return false
	}
	p.msg = m
	return true
}

// open makes the messages of a parcel ready that are due, and gives those whose attempts are used up.
func (r *run) open(p *parcel, messages []stored, deliveries uint64) (dead []*delivered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parcels[p.seq] = p
	now := r.now().UnixMilli()
	for i, s := range messages {
		d := &delivered{stored: s, parcel: p, at: uint32(i)}
		e := r.before(d, deliveries)
		due := max(e.notBeforeMS, s.notBeforeMS)
		switch {
		case e.done:
			p.finish(len(s.body))
		case due > now:
			p.laterMS = min(p.laterMS, due)
		case r.queue.isBurying(s.id):
			p.laterMS = min(p.laterMS, now+buryingDelayMS)
		case int(e.attempts) > r.Retries:
			p.busy++
			d.attempts = e.attempts
			dead = append(dead, d)
		default:
			p.busy++
			d.attempts = e.attempts + 1
			r.enqueue(d)
		}
	}
	if p.busy == 0 {
		r.uncount(p.seq)
	}
	return dead
}

// before gives what is known of a message from deliveries before this one. The caller holds mu.
func (r *run) before(d *delivered, deliveries uint64) entry {
	seq := d.parcel.seq
	if r.journal != nil {
		return r.journal.get(seq, d.at)
	}
	counted := int(deliveries) - 1
	if uncounted, seen := r.uncounted[seq]; seen {
		counted -= uncounted
	} else if d.notBeforeMS > 0 {
		counted-- // the delivery before its time, to whichever process
	}
	return entry{attempts: uint32(max(0, counted))}
}

// uncount notes that JetStream counts a delivery that reaches no guest. The caller holds mu.
func (r *run) uncount(seq uint64) {
	if r.journal == nil {
		r.uncounted[seq]++
	}
}
