package queues

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/jetstream"
)

const (
	// roundMessages is the most messages that are stored in one step; JetStream's limit is 1,000.
	roundMessages = 500
	// roundBytes is the most bytes that are stored in one step, unless one sender has more.
	roundBytes = 4 << 20
	// sendTime is how long storing may take.
	sendTime = 30 * time.Second
)

// sender stores messages in rounds: while one round is being synced to disk whoever else wants to send waits for the next, which has all of them. So
// there is one sync for many, and no wait where nobody else sends.
type sender struct {
	store   *jetstream.Store
	subject string
	ids     string

	mu      sync.Mutex
	waiting []*sending
	running bool
	rounds  int
}

// sending is what one caller wants stored, all or none.
type sending struct {
	msgs []*nats.Msg
	size int
	done chan error
}

func newSender(store *jetstream.Store, subject string) *sender {
	return &sender{store: store, subject: subject, ids: newID()[:12]}
}

// send stores the messages, all or none. When ctx ends before it is known whether they are stored, they may be.
func (s *sender) send(ctx context.Context, msgs []*nats.Msg) error {
	one := &sending{msgs: msgs, done: make(chan error, 1)}
	for _, m := range msgs {
		one.size += len(m.Data) + headerBytes
	}
	if err := s.store.Room(one.size); err != nil {
		return err
	}
	s.mu.Lock()
	s.waiting = append(s.waiting, one)
	first := !s.running
	s.running = true
	s.mu.Unlock()
	if first {
		s.round()
	}
	select {
	case err := <-one.done:
		return err
	default:
	}
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// round stores what waits, and leaves what came meanwhile to a goroutine.
func (s *sender) round() {
	s.mu.Lock()
	s.rounds++
	group, id := s.next(), s.ids+strconv.FormatInt(int64(s.rounds), 36)
	s.mu.Unlock()
	var msgs []*nats.Msg
	for _, one := range group {
		msgs = append(msgs, one.msgs...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTime)
	err := s.publish(ctx, id, msgs)
	cancel()
	if err != nil {
		err = s.store.Failed(err)
	}
	for _, one := range group {
		one.done <- err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running = len(s.waiting) > 0; s.running {
		go s.round()
	}
}

// next takes the senders of the next round. The caller holds mu.
func (s *sender) next() (group []*sending) {
	messages, size := 0, 0
	for i, one := range s.waiting {
		messages, size = messages+len(one.msgs), size+one.size
		if i > 0 && (messages > roundMessages || size > roundBytes) {
			break
		}
		group = s.waiting[:i+1]
	}
	s.waiting = append([]*sending(nil), s.waiting[len(group):]...)
	return group
}

// publish stores the messages in one step.
func (s *sender) publish(ctx context.Context, id string, msgs []*nats.Msg) error {
	if len(msgs) == 1 {
		pad(msgs[0])
		_, err := s.store.JetStream().PublishMsg(ctx, msgs[0])
		return err
	}
	conn := s.store.Conn()
	for i, m := range msgs {
		m.Header["Nats-Batch-Id"] = []string{id}
		m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
		if i < len(msgs)-1 {
			pad(m)
			if err := conn.PublishMsg(m); err != nil {
				return err
			}
		}
	}
	last := msgs[len(msgs)-1]
	last.Header["Nats-Batch-Commit"] = []string{"1"}
	pad(last)
	reply, err := conn.RequestMsgWithContext(ctx, last)
	if err != nil {
		return err
	}
	return readAck(reply.Data, len(msgs))
}

// readAck reads JetStream's answer to a batch.
func readAck(data []byte, want int) error {
	var ack struct {
		Error *js.APIError `json:"error"`
		Count int          `json:"count"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return fmt.Errorf("the answer to a batch: %w", err)
	}
	if ack.Error != nil {
		return ack.Error
	}
	if ack.Count != want {
		return fmt.Errorf("%d of %d messages of a batch were acknowledged", ack.Count, want)
	}
	return nil
}
