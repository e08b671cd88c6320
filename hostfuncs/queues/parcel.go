package queues

import (
	"math"
	"time"

	js "github.com/nats-io/nats.go/jetstream"
)

// parcel is a parcel that JetStream has delivered and that is not given back yet. It is given back when none of its messages is being worked on: with an
// acknowledgement when all are done, else until the next of them is due. Its fields belong to run.mu.
type parcel struct {
	run  *run
	msg  js.Msg // the latest delivery
	seq  uint64
	size int // messages

	busy     int                        // messages that are ready or in a batch
	waiting  map[*delivered]*time.Timer // messages to be tried again that are at hand because others are busy
	laterMS  int64                      // when the first message is due that is neither done nor busy nor waiting
	finished partial
}

// partial is how much of a parcel is done.
type partial struct{ messages, bytes int }

// delivered is a message of a parcel on its way to a batch, and in it.
type delivered struct {
	stored
	parcel   *parcel
	at       uint32
	attempts uint32 // with this one
	readyAt  time.Time
}

func (d *delivered) change(e entry) change { return change{d.parcel.seq, d.at, e} }

// done notes that the message is done.
func (d *delivered) done() {
	p := d.parcel
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	p.busy--
	p.finish(len(d.body))
}

// finish counts a message of so many bytes as done.
func (p *parcel) finish(bytes int) {
	p.finished.messages++
	p.finished.bytes += bytes
	p.run.partial[p.seq] = p.finished
}

// again notes that the message is to be delivered again after a delay. It stays at hand for as long as others of its parcel are busy.
func (d *delivered) again(delay time.Duration) {
	p := d.parcel
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	p.busy--
	p.waiting[d] = time.AfterFunc(delay, d.due)
}

// due makes a message that was waiting ready.
func (d *delivered) due() {
	p := d.parcel
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	if _, ok := p.waiting[d]; !ok {
		return // it has been given back
	}
	delete(p.waiting, d)
	p.busy++
	d.attempts++
	p.run.enqueue(d)
}

// release takes the parcel out of those at hand when nothing of it is busy, and says whether all of it is done, and else after what time JetStream is to
// deliver it again.
func (p *parcel) release() (free, done bool, delay time.Duration) {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	if p.busy > 0 || p.run.parcels[p.seq] != p {
		return false, false, 0
	}
	delete(p.run.parcels, p.seq)
	if p.finished.messages == p.size {
		delete(p.run.partial, p.seq) // before it goes, so that nobody counts it out twice
		return true, true, 0
	}
	due := p.laterMS
	for d, timer := range p.waiting {
		timer.Stop()
		due = min(due, d.notBeforeMS)
	}
	clear(p.waiting)
	return true, false, max(0, time.UnixMilli(due).Sub(p.run.now()))
}

// never is when a message is due that there is not.
const never = math.MaxInt64 / int64(time.Millisecond)
