package simulator

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// retriesMost is max_retries of the consumer.
const retriesMost = 2

// queue is what is known of the messages of a queue. The consumer runs beside the world, so it has a lock.
type queue struct {
	mu       sync.Mutex
	sent     map[string]bool // ids; false where the send was cancelled
	attempts map[string]int  // the last seen
	acked    map[string]bool
	dead     map[string]bool
	wrong    error
}

func newQueue() *queue {
	return &queue{sent: map[string]bool{}, attempts: map[string]int{}, acked: map[string]bool{}, dead: map[string]bool{}}
}

// failures says how often the handling of a message fails: less than the attempts there are, or always.
func failures(id string) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % (retriesMost + 2))
}

// queueAction sends one message or several.
func (w *world) queueAction() *action {
	ids := make([]string, 1+w.random.IntN(4))
	var messages []abi.QueueSend
	for i := range ids {
		w.sends++
		ids[i] = fmt.Sprintf("%x-%d", w.seed, w.sends)
		messages = append(messages, abi.QueueSend{Body: []byte(ids[i]), ContentType: "text"})
	}
	a := &action{what: fmt.Sprintf("queue.send_batch %v", ids), target: "Q", op: abi.OpQueuesSendBatch, message: (&abi.QueuesSendBatchRequest{Messages: messages}).AppendCBOR(nil)}
	a.begin = func() { w.queue.note(ids, false) } // they may be delivered before the reply is taken
	a.failed = func() {}
	a.done = func(reply []byte, refused *abi.Error) error {
		w.queue.note(ids, true)
		return taken(reply, refused, &abi.QueuesSendBatchReply{})
	}
	return a
}

func (q *queue) note(ids []string, surely bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.sent[id] = surely
	}
}

// Dispatch is the consumer's handler.
func (q *queue) Dispatch(_ context.Context, e *hostfuncs.Event) error {
	var message abi.Event
	if err := message.DecodeCBOR(e.Message.AppendCBOR(nil)); err != nil {
		return err
	}
	var again []uint32
	q.mu.Lock()
	for i, m := range message.Queue.Messages {
		if q.deliver(message.Queue.Queue, string(m.Body), int(m.Attempts)) {
			again = append(again, uint32(i))
		}
	}
	q.mu.Unlock()
	for _, op := range e.Operations {
		if op.Name == "retry" && len(again) > 0 {
			_, err := op.Run(context.Background(), hostfuncs.NewCall("", nil), (&abi.RetryRequest{Messages: again}).AppendCBOR(nil), nil)
			return err
		}
	}
	return nil
}

// deliver notes a delivery and says whether it fails.
func (q *queue) deliver(name, id string, attempt int) (fails bool) {
	_, known := q.sent[id]
	switch {
	case !known:
		q.wrong = fmt.Errorf("message %q was delivered, which nobody sent", id)
	case name == "dead":
		if q.dead[id] || failures(id) <= retriesMost {
			q.wrong = fmt.Errorf("message %s is dead again (%v) or should not be, it fails %d times", id, q.dead[id], failures(id))
		}
		q.dead[id] = true
		return false
	case q.acked[id] || q.dead[id]:
		q.wrong = fmt.Errorf("message %s was delivered after its end", id)
	case attempt != q.attempts[id]+1:
		q.wrong = fmt.Errorf("message %s has attempt %d after %d", id, attempt, q.attempts[id])
	}
	q.attempts[id] = attempt
	if fails = attempt <= failures(id); !fails {
		q.acked[id] = true
	}
	return fails
}

// Concurrency is how many batches may run at once.
func (q *queue) Concurrency() int { return 2 }

// drainTime is how long all messages may take to be delivered.
const drainTime = 30 * time.Second

// drained waits until every message that was sent has come to its end.
func (q *queue) drained() error {
	for end := time.Now().Add(drainTime); ; time.Sleep(time.Millisecond) {
		left, err := q.left()
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("messages were not delivered: %v", left)
		}
	}
}

// left gives the messages that have not come to their end.
func (q *queue) left() (list []string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(q.sent)) {
		if q.sent[id] && !q.acked[id] && !q.dead[id] {
			list = append(list, id)
		}
	}
	return list, errors.Join(q.wrong)
}
