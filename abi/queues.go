package abi

// Content types of queue messages. They compare without regard to case.
const (
	// QueueJSON is a JSON document. The default.
	QueueJSON = "json"
	// QueueText is UTF-8 text.
	QueueText = "text"
	// QueueBytes is any bytes.
	QueueBytes = "bytes"
	// QueueV8 is JavaScript's structured clone; guests in other languages cannot send it.
	QueueV8 = "v8"
)

// Limits of Queues, the platform's numbers.
const (
	// QueueMessageBytesMax is the longest message body, in bytes.
	QueueMessageBytesMax = 128_000
	// QueueBatchMessagesMax is the most messages of one sendBatch and of one delivered batch.
	QueueBatchMessagesMax = 100
	// QueueBatchBytesMax is the most the bodies of one sendBatch may have together, in bytes.
	QueueBatchBytesMax = 256_000
	// QueueDelaySMax is the longest delay of a message, in seconds: 12 hours.
	QueueDelaySMax = 43_200
)

// QueuesSendRequest sends one message. The reply comes when the message is durable.
//
//pagesrun:op queues.send
//pagesrun:errors invalid_argument too_large unsupported storage_full storage_failed unavailable
type QueuesSendRequest struct {
	// Body is the message, up to 128,000 bytes.
	Body []byte `cbor:"1"`
	// ContentType is "json" (also when empty), "text" or "bytes".
	ContentType string `cbor:"2"`
	// DelayS is after how many seconds the message is delivered at the earliest, 0 to 43,200; absent means the producer's delivery_delay.
	DelayS *int64 `cbor:"3"`
}

// QueuesSendReply says that the message is stored.
type QueuesSendReply struct {
	// Metrics is the queue's state right after.
	Metrics *QueueMetrics `cbor:"1"`
}

// QueuesSendBatchRequest sends up to 100 messages of together up to 256,000 bytes: all of them are stored, or none.
//
//pagesrun:op queues.send_batch
//pagesrun:errors invalid_argument too_large unsupported storage_full storage_failed unavailable
type QueuesSendBatchRequest struct {
	// Messages are the messages in order.
	Messages []QueueSend `cbor:"1"`
	// DelayS is the delay of messages that have none of their own.
	DelayS *int64 `cbor:"2"`
}

// QueueSend is one message of a batch to send.
type QueueSend struct {
	// Body is the message, up to 128,000 bytes.
	Body []byte `cbor:"1"`
	// ContentType is "json" (also when empty), "text" or "bytes".
	ContentType string `cbor:"2"`
	// DelayS is after how many seconds the message is delivered at the earliest; absent means the batch's.
	DelayS *int64 `cbor:"3"`
}

// QueuesSendBatchReply says that the messages are stored.
type QueuesSendBatchReply struct {
	// Metrics is the queue's state right after.
	Metrics *QueueMetrics `cbor:"1"`
}

// QueuesMetricsRequest asks for a queue's state.
//
//pagesrun:op queues.metrics
//pagesrun:errors storage_failed unavailable
type QueuesMetricsRequest struct{}

// QueuesMetricsReply is a queue's state.
type QueuesMetricsReply struct {
	// Metrics is the state.
	Metrics *QueueMetrics `cbor:"1"`
}

// QueueMetrics is the state of a queue.
type QueueMetrics struct {
	// BacklogCount is how many messages wait, those being delivered or delayed included.
	BacklogCount uint64 `cbor:"1"`
	// BacklogBytes is how many bytes their bodies have.
	BacklogBytes uint64 `cbor:"2"`
	// OldestMessageTimestampMS is when the oldest of them was sent, in milliseconds since the Unix epoch; absent when none waits.
	OldestMessageTimestampMS *int64 `cbor:"3"`
}

// QueueEvent is a batch of messages of a queue. Messages neither acknowledged nor retried when the handler returns are acknowledged; when it
// fails they are retried.
type QueueEvent struct {
	// Queue is the name of the queue.
	Queue string `cbor:"1"`
	// Messages are 1 to 100 messages.
	Messages []QueueMessage `cbor:"2"`
	// Metrics is the queue's state when the batch was made.
	Metrics *QueueMetrics `cbor:"3"`
}

// QueueMessage is one delivery of a message.
type QueueMessage struct {
	// ID names the message: 32 hexadecimal digits, the same at every delivery.
	ID string `cbor:"1"`
	// TimestampMS is when the message was sent, in milliseconds since the Unix epoch.
	TimestampMS int64 `cbor:"2"`
	// Body is the message.
	Body []byte `cbor:"3"`
	// ContentType is "json", "text", "bytes" or "v8".
	ContentType string `cbor:"4"`
	// Attempts counts the deliveries of the message with this one: 1 at first.
	Attempts uint32 `cbor:"5"`
}

// AckRequest acknowledges messages of the batch that is the event: they are not delivered again, even if the handler fails later. The first of ack
// and retry wins for each message; what a call asks for messages settled before is ignored with a warning in the log. The target is
// the empty string; only a queue event has the operation.
//
//pagesrun:op ack
//pagesrun:errors invalid_argument unknown_operation
type AckRequest struct {
	// Messages are positions in the batch, from 0.
	Messages []uint32 `cbor:"1"`
	// All is every message that nothing has been said of by itself.
	All bool `cbor:"2"`
}

// AckReply says that the wish has been noted.
type AckReply struct{}

// RetryRequest has messages of the batch that is the event delivered again, unless their attempts are used up. See [AckRequest] for what wins. The
// target is the empty string; only a queue event has the operation.
//
//pagesrun:op retry
//pagesrun:errors invalid_argument unknown_operation
type RetryRequest struct {
	// Messages are positions in the batch, from 0.
	Messages []uint32 `cbor:"1"`
	// All is every message that nothing has been said of by itself.
	All bool `cbor:"2"`
	// DelayS is after how many seconds, 0 to 43,200; absent means the consumer's retry_delay.
	DelayS *int64 `cbor:"3"`
}

// RetryReply says that the wish has been noted.
type RetryReply struct{}
