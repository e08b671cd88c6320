package fakehost

import (
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
)

// background is what the guest has said during an event that is no request.
type background struct {
	failed  *string
	batch   []Settlement // one per message of the batch
	all     Settlement
	isBatch bool
}

// Settlement is what becomes of a message.
type Settlement struct {
	// Said is what the guest has said of it: "ack", "retry", or "" for nothing.
	Said string
	// DelayS is the delay of a retry; nil when the guest has not given one.
	DelayS *int64
}

// Failure is the text the guest has failed with; failed says whether it has.
func (h *Host) Failure() (text string, failed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.said.failed == nil {
		return "", false
	}
	return *h.said.failed, true
}

// Settlements says what becomes of each message of the batch after the event: what was said of it, of all, or what the outcome of the event says.
func (h *Host) Settlements() []Settlement {
	h.mu.Lock()
	defer h.mu.Unlock()
	rest := h.said.all
	switch {
	case rest.Said != "":
	case h.said.failed != nil:
		rest.Said = "retry"
	default:
		rest.Said = "ack"
	}
	settled := slices.Clone(h.said.batch)
	for i := range settled {
		if settled[i].Said == "" {
			settled[i] = rest
		}
	}
	return settled
}

// Sent are the messages that were sent to a producer's binding, since the host was made.
func (h *Host) Sent(binding string) []abi.QueueSend {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sent[binding])
}

// Points are the data points that were written to a dataset's binding, since the host was made.
func (h *Host) Points(binding string) []abi.AnalyticsWriteRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.points[binding])
}

// note notes a wish; the first counts, and may get another delay.
func (s *Settlement) note(said string, delayS *int64) {
	switch {
	case s.Said == "":
		s.Said, s.DelayS = said, delayS
	case s.Said == said && delayS != nil:
		s.DelayS = delayS
	}
}

// settle notes a wish for messages of the batch, for all of it, or both.
func (h *Host) settle(said string, messages []uint32, all bool, delayS *int64) *abi.Error {
	b := &h.said
	if !b.isBatch {
		return &abi.Error{Code: abi.CodeUnknownOperation, Message: "the event has no operation " + said}
	}
	for _, i := range messages {
		if int(i) >= len(b.batch) {
			return invalid(0, "there is no message %d", i)
		}
		if b.batch[i].Said != "" || b.all.Said == "" || b.all.Said == said {
			b.batch[i].note(said, delayS)
		}
	}
	if all {
		b.all.note(said, delayS)
	}
	return nil
}

// operateEvents runs an operation of events, queues or datasets; false where it is none.
func (h *Host) operateEvents(c *call, target, op string, msg []byte) bool {
	switch op {
	case abi.OpFail:
		serve(h, c, msg, func(q *abi.FailRequest) (abi.FailReply, *abi.Error) {
			if h.said.failed == nil {
				h.said.failed = &q.Message
			}
			return abi.FailReply{}, nil
		})
	case abi.OpAck:
		serve(h, c, msg, func(q *abi.AckRequest) (abi.AckReply, *abi.Error) {
			return abi.AckReply{}, h.settle("ack", q.Messages, q.All, nil)
		})
	case abi.OpRetry:
		serve(h, c, msg, func(q *abi.RetryRequest) (abi.RetryReply, *abi.Error) {
			return abi.RetryReply{}, h.settle("retry", q.Messages, q.All, q.DelayS)
		})
	case abi.OpAnalyticsWrite:
		serve(h, c, msg, func(q *abi.AnalyticsWriteRequest) (abi.AnalyticsWriteReply, *abi.Error) {
			if !slices.Contains(h.config.Datasets, target) {
				return abi.AnalyticsWriteReply{}, notConfigured(target)
			}
			h.points[target] = append(h.points[target], *q)
			return abi.AnalyticsWriteReply{}, nil
		})
	default:
		return h.operateQueue(c, target, op, msg)
	}
	return true
}

func (h *Host) operateQueue(c *call, target, op string, msg []byte) bool {
	switch op {
	case abi.OpQueuesSend:
		serve(h, c, msg, func(q *abi.QueuesSendRequest) (abi.QueuesSendReply, *abi.Error) {
			m, err := h.send(target, nil, abi.QueueSend{Body: q.Body, ContentType: q.ContentType, DelayS: q.DelayS})
			return abi.QueuesSendReply{Metrics: m}, err
		})
	case abi.OpQueuesSendBatch:
		serve(h, c, msg, func(q *abi.QueuesSendBatchRequest) (abi.QueuesSendBatchReply, *abi.Error) {
			m, err := h.send(target, q.DelayS, q.Messages...)
			return abi.QueuesSendBatchReply{Metrics: m}, err
		})
	case abi.OpQueuesMetrics:
		serve(h, c, msg, func(*abi.QueuesMetricsRequest) (abi.QueuesMetricsReply, *abi.Error) {
			m, err := h.queueMetrics(target)
			return abi.QueuesMetricsReply{Metrics: m}, err
		})
	default:
		return false
	}
	return true
}

// send keeps the messages, or none of them.
func (h *Host) send(target string, delayS *int64, messages ...abi.QueueSend) (*abi.QueueMetrics, *abi.Error) {
	if len(messages) == 0 {
		return nil, invalid(0, "sendBatch() requires at least one message")
	}
	for i := range messages {
		m := &messages[i]
		switch m.ContentType = strings.ToLower(m.ContentType); {
		case m.ContentType == "":
			m.ContentType = abi.QueueJSON
		case m.ContentType == abi.QueueV8:
			return nil, &abi.Error{Code: abi.CodeUnsupported, Message: "content type v8 is JavaScript's own"}
		}
		if m.DelayS == nil {
			m.DelayS = delayS
		}
		if len(m.Body) > abi.QueueMessageBytesMax {
			return nil, invalid(413, "message length of %d bytes exceeds limit of %d", len(m.Body), abi.QueueMessageBytesMax)
		}
	}
	if slices.Contains(h.config.Queues, target) {
		h.sent[target] = append(h.sent[target], messages...)
	}
	return h.queueMetrics(target)
}

// queueMetrics counts what was sent; nothing in this host consumes it.
func (h *Host) queueMetrics(target string) (*abi.QueueMetrics, *abi.Error) {
	if !slices.Contains(h.config.Queues, target) {
		return nil, notConfigured(target)
	}
	m := &abi.QueueMetrics{BacklogCount: uint64(len(h.sent[target]))}
	for _, s := range h.sent[target] {
		m.BacklogBytes += uint64(len(s.Body))
	}
	return m, nil
}
