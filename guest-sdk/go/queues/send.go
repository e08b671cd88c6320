package queues

import (
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Queue is the name of a queue's producer binding in the configuration.
type Queue string

// ContentType says what the body of a message is. It is a [SendOption].
type ContentType string

// The content types.
const (
	// JSON is a JSON document, and what a message is that does not say.
	JSON ContentType = abi.QueueJSON
	// Text is UTF-8 text.
	Text ContentType = abi.QueueText
	// Bytes is any bytes.
	Bytes ContentType = abi.QueueBytes
	// V8 is JavaScript's structured clone. Messages from other programs can have it; sending it is refused with [abi.CodeUnsupported].
	V8 ContentType = abi.QueueV8
)

// Delay has a message delivered no earlier than after that time, at most 12 hours; fractions of a second are cut. It is a [SendOption], and says the same of a message
// that is retried. A delay of 0 overrides the delay of the configuration.
type Delay time.Duration

// SendOption changes how messages are sent: a [ContentType] or a [Delay].
type SendOption interface{ apply(*abi.QueueSend) }

func (t ContentType) apply(m *abi.QueueSend) { m.ContentType = string(t) }
func (d Delay) apply(m *abi.QueueSend)       { m.DelayS = d.seconds() }

func (d Delay) seconds() *int64 {
	s := int64(time.Duration(d) / time.Second)
	return &s
}

// Outgoing is a message to send.
type Outgoing = abi.QueueSend

// NewMessage makes a message of a batch to send; its options win over the batch's.
func NewMessage(body []byte, options ...SendOption) Outgoing {
	m := Outgoing{Body: body}
	for _, o := range options {
		o.apply(&m)
	}
	return m
}

// Metrics is the state of a queue.
type Metrics struct {
	// BacklogCount is how many messages wait, those being delivered or delayed included.
	BacklogCount uint64
	// BacklogBytes is how many bytes their bodies have.
	BacklogBytes uint64
	// Oldest is when the oldest of them was sent; zero when none waits.
	Oldest time.Time
}

func metricsOf(m *abi.QueueMetrics) Metrics {
	if m == nil {
		return Metrics{}
	}
	metrics := Metrics{BacklogCount: m.BacklogCount, BacklogBytes: m.BacklogBytes}
	if m.OldestMessageTimestampMS != nil {
		metrics.Oldest = time.UnixMilli(*m.OldestMessageTimestampMS)
	}
	return metrics
}

// Send sends a message of at most 128,000 bytes, as JSON unless an option says otherwise. When Send returns nil the message is durable.
func (q Queue) Send(body []byte, options ...SendOption) error {
	_, err := q.SendAsync(body, options...).Await()
	return err
}

// SendJSON sends a JSON document. queuesjson.Send makes one of a Go value.
func (q Queue) SendJSON(document string, options ...SendOption) error {
	return q.Send([]byte(document), with(JSON, options)...)
}

// SendText sends text.
func (q Queue) SendText(text string, options ...SendOption) error {
	return q.Send([]byte(text), with(Text, options)...)
}

// SendBytes sends any bytes.
func (q Queue) SendBytes(b []byte, options ...SendOption) error {
	return q.Send(b, with(Bytes, options)...)
}

// with adds a content type that the other options do not override.
func with(t ContentType, options []SendOption) []SendOption {
	return append(options[:len(options):len(options)], t)
}

// SendFuture is the sending of messages in progress.
type SendFuture struct {
	await func() (*abi.QueueMetrics, error)
}

// Await waits until the messages are durable and returns the state of the queue right after.
func (f SendFuture) Await() (Metrics, error) {
	m, err := f.await()
	return metricsOf(m), err
}

// SendAsync starts sending a message; it is copied before SendAsync returns.
func (q Queue) SendAsync(body []byte, options ...SendOption) SendFuture {
	m := NewMessage(body, options...)
	f := pagesrun.Start[abi.QueuesSendReply](string(q), abi.OpQueuesSend, &abi.QueuesSendRequest{Body: m.Body, ContentType: m.ContentType, DelayS: m.DelayS})
	return SendFuture{func() (*abi.QueueMetrics, error) {
		r, err := f.Await()
		return r.Metrics, err
	}}
}

// SendBatch sends 1 to 100 messages of together at most 256,000 bytes: all of them are stored, or none. Options hold for those that have none
// of their own.
//
//	err := orders.SendBatch([]queues.Outgoing{queues.NewMessage(a), queues.NewMessage(b, queues.Text)}, queues.Delay(time.Minute))
func (q Queue) SendBatch(messages []Outgoing, options ...SendOption) error {
	_, err := q.SendBatchAsync(messages, options...).Await()
	return err
}

// SendBatchAsync starts sending a batch; the messages are copied before it returns.
func (q Queue) SendBatchAsync(messages []Outgoing, options ...SendOption) SendFuture {
	f := pagesrun.Start[abi.QueuesSendBatchReply](string(q), abi.OpQueuesSendBatch, batch(messages, options))
	return SendFuture{func() (*abi.QueueMetrics, error) {
		r, err := f.Await()
		return r.Metrics, err
	}}
}

// batch makes the message of a sendBatch. A content type among the options is given to the messages themselves: the operation has none.
func batch(messages []Outgoing, options []SendOption) *abi.QueuesSendBatchRequest {
	common := NewMessage(nil, options...)
	q := &abi.QueuesSendBatchRequest{Messages: messages, DelayS: common.DelayS}
	if common.ContentType == "" {
		return q
	}
	q.Messages = append([]Outgoing(nil), messages...)
	for i := range q.Messages {
		if q.Messages[i].ContentType == "" {
			q.Messages[i].ContentType = common.ContentType
		}
	}
	return q
}

// Metrics asks for the state of the queue.
func (q Queue) Metrics() (Metrics, error) {
	r, err := pagesrun.Invoke[abi.QueuesMetricsReply](string(q), abi.OpQueuesMetrics, &abi.QueuesMetricsRequest{})
	return metricsOf(r.Metrics), err
}
