package queues

import (
	"errors"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Handler consumes a batch. When it returns nil, messages it has said nothing about are acknowledged; when it returns an error, or
// [pagesrun.Context.Fail] is called in what WaitUntil runs, they are delivered again, and so they are after a panic. What it has said of a message before stands.
type Handler func(ctx *pagesrun.Context, batch *Batch) error

// Handle makes h the consumer of all the queues that the configuration has consumers for; [Batch].Queue tells them apart. Call it once, in main or in an
// init function.
func Handle(h Handler) {
	if h == nil {
		panic("queues: Handle: nil handler")
	}
	pagesrun.HandleQueue(func(ctx *pagesrun.Context, ev *abi.QueueEvent) error { return h(ctx, newBatch(ctx, ev)) })
}

// Batch is 1 to 100 messages of a queue.
type Batch struct {
	// Queue is the name of the queue.
	Queue string
	// Messages are the messages. Their order is that of sending only as long as nothing is delayed, retried or consumed concurrently.
	Messages []*Message
	// Metrics is the queue's state when the batch was made.
	Metrics Metrics

	ctx *pagesrun.Context
}

// Message is one delivery of a message.
type Message struct {
	// ID names the message: 32 hexadecimal digits, the same at every delivery.
	ID string
	// Timestamp is when the message was sent.
	Timestamp time.Time
	// Body is the message. It lives as long as the event.
	Body []byte
	// ContentType says what Body is.
	ContentType ContentType
	// Attempts counts the deliveries of the message with this one: 1 at first.
	Attempts int

	ctx   *pagesrun.Context
	index uint32
}

// newBatch makes a batch of its message; bodies are not copied.
func newBatch(ctx *pagesrun.Context, ev *abi.QueueEvent) *Batch {
	b := &Batch{Queue: ev.Queue, Messages: make([]*Message, len(ev.Messages)), Metrics: metricsOf(ev.Metrics), ctx: ctx}
	all := make([]Message, len(ev.Messages))
	for i := range ev.Messages {
		m := &ev.Messages[i]
		all[i] = Message{
			ID: m.ID, Timestamp: time.UnixMilli(m.TimestampMS), Body: m.Body, ContentType: ContentType(m.ContentType), Attempts: int(m.Attempts),
			ctx: ctx, index: uint32(i),
		}
		b.Messages[i] = &all[i]
	}
	return b
}

// Text is the body as text.
func (m *Message) Text() string { return string(m.Body) }

// Ack acknowledges the message: it is not delivered again, even if the handler fails later. Of Ack and Retry the first counts; a later one is ignored
// with a warning in the log.
func (m *Message) Ack() {
	tell(m.ctx, abi.OpAck, &abi.AckRequest{Messages: []uint32{m.index}})
}

// Retry has the message delivered again, unless its attempts are used up: after the delay given, or the consumer's retry_delay. Of Ack and Retry the first counts; a
// later one is ignored with a warning in the log.
func (m *Message) Retry(after ...Delay) {
	tell(m.ctx, abi.OpRetry, &abi.RetryRequest{Messages: []uint32{m.index}, DelayS: delay(after)})
}

// AckAll acknowledges every message that nothing has been said of by itself. Of AckAll and RetryAll the first counts; what is said of single messages later is
// ignored with a warning in the log.
func (b *Batch) AckAll() { tell(b.ctx, abi.OpAck, &abi.AckRequest{All: true}) }

// RetryAll has every message that nothing has been said of by itself delivered again, after the delay given or the consumer's retry_delay. See
// [Batch.AckAll] for what counts.
func (b *Batch) RetryAll(after ...Delay) {
	tell(b.ctx, abi.OpRetry, &abi.RetryRequest{All: true, DelayS: delay(after)})
}

// delay is the last of the delays given, nil when there is none.
func delay(after []Delay) *int64 {
	if len(after) == 0 {
		return nil
	}
	return after[len(after)-1].seconds()
}

// tell passes a wish on to the host. Where the host does not take it the instance ends, so that a message to retry never passes for a message that is
// done; after the event it is too late for anything but a line in the log.
func tell(ctx *pagesrun.Context, op string, request pagesrun.Encoder) {
	err := ctx.Tell(op, request)
	switch {
	case err == nil:
	case errors.Is(err, abi.CodeCanceled):
		pagesrun.Log(pagesrun.LevelError, op+": "+err.Error())
	default:
		panic("queues: " + op + ": " + err.Error())
	}
}
