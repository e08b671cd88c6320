package queues

import (
	"context"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Operations are those of producers.
func (l *live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		hostfuncs.Op("queues.send", l.send),
		hostfuncs.Op("queues.send_batch", l.sendBatch),
		hostfuncs.Op("queues.metrics", l.metrics),
	}
}

func (l *live) send(ctx context.Context, call *hostfuncs.Call, q *abi.QueuesSendRequest) (abi.QueuesSendReply, error) {
	p := l.producers[call.Target]
	kind, err := checkMessage(q.Body, q.ContentType, q.DelayS)
	if err != nil {
		return abi.QueuesSendReply{}, err
	}
	one := outgoing{body: q.Body, contentType: kind, delayS: firstDelay(p.delayS, q.DelayS)}
	if err := p.queue.send(ctx, []outgoing{one}); err != nil {
		return abi.QueuesSendReply{}, err
	}
	return abi.QueuesSendReply{Metrics: p.queue.recent(ctx)}, nil
}

func (l *live) sendBatch(ctx context.Context, call *hostfuncs.Call, q *abi.QueuesSendBatchRequest) (abi.QueuesSendBatchReply, error) {
	p := l.producers[call.Target]
	batch, err := checkedBatch(q, p.delayS)
	if err == nil {
		err = p.queue.send(ctx, batch)
	}
	if err != nil {
		return abi.QueuesSendBatchReply{}, err
	}
	return abi.QueuesSendBatchReply{Metrics: p.queue.recent(ctx)}, nil
}

func checkedBatch(q *abi.QueuesSendBatchRequest, producerDelayS int64) ([]outgoing, error) {
	if err := checkBatch(q); err != nil {
		return nil, err
	}
	batch := make([]outgoing, len(q.Messages))
	for i := range q.Messages {
		m := &q.Messages[i]
		kind, err := checkMessage(m.Body, m.ContentType, m.DelayS)
		if err != nil {
			return nil, err
		}
		batch[i] = outgoing{body: m.Body, contentType: kind, delayS: firstDelay(producerDelayS, m.DelayS, q.DelayS)}
	}
	return batch, checkBatchBytes(q)
}

// firstDelay gives the first delay that was said, else the fallback. A delay of 0 has been said, too.
func firstDelay(fallback int64, said ...*int64) int64 {
	for _, d := range said {
		if d != nil {
			return *d
		}
	}
	return fallback
}

func (l *live) metrics(ctx context.Context, call *hostfuncs.Call, _ *abi.QueuesMetricsRequest) (abi.QueuesMetricsReply, error) {
	state, err := l.producers[call.Target].queue.state(ctx)
	return abi.QueuesMetricsReply{Metrics: state}, err
}
