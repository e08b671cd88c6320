package queues

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/jetstream"
)

const (
	// roundMessages is the most messages that are stored in one step, unless one sender has more.
	roundMessages = 500
	// roundBytes is the same in bytes. A NATS server takes messages of up to 1 MiB.
	roundBytes = 768 << 10
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
	rounds  int64
}

// sending is what one caller wants stored, all or none.
type sending struct {
	messages []stored
	size     int
	done     chan error
}

func newSender(store *jetstream.Store, subject string) *sender {
	id := newID()
	return &sender{store: store, subject: subject, ids: hex.EncodeToString(id[:8])}
}

// send stores the messages, all or none. When ctx ends before it is known whether they are stored, they may be.
func (s *sender) send(ctx context.Context, messages []stored) error {
	one := &sending{messages: messages, done: make(chan error, 1)}
	for i := range messages {
		one.size += messageHead + len(messages[i].body)
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
	group, id := s.next(), s.ids+strconv.FormatInt(s.rounds, 36)
	s.mu.Unlock()
	messages := group[0].messages
	for _, one := range group[1:] {
		messages = append(messages[:len(messages):len(messages)], one.messages...)
	}
	err := s.publish(id, messages)
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
		messages, size = messages+len(one.messages), size+one.size
		if i > 0 && (messages > roundMessages || size > roundBytes) {
			break
		}
		group = s.waiting[:i+1]
	}
	s.waiting = append([]*sending(nil), s.waiting[len(group):]...)
	return group
}

// publish stores the messages in one step: as one parcel where one process consumes them, else as a batch of parcels of one message each, which
// JetStream stores all or none, so that several processes can share the work.
func (s *sender) publish(id string, messages []stored) error {
	if len(messages) > 1 && s.store.Shared() {
		return s.publishAgain(id, messages)
	}
	_, err := s.store.JetStream().PublishMsg(s.store.Working(), &nats.Msg{Subject: parcelSubject(s.subject, len(messages)), Data: pack(messages)})
	return err
}

// Nobody listens to a stream's subject for a moment while its servers choose a leader: a batch of which nobody has heard is sent again so often, after such a time.
const (
	unheardMost = 4
	unheardWait = 250 * time.Millisecond
)

func (s *sender) publishAgain(id string, messages []stored) (err error) {
	for i := range unheardMost {
		err = s.publishEach(id+"."+strconv.Itoa(i), messages)
		if !errors.Is(err, nats.ErrNoResponders) {
			return err
		}
		time.Sleep(unheardWait)
	}
	return err
}

func (s *sender) publishEach(id string, messages []stored) error {
	conn, last := s.store.Conn(), len(messages)-1
	part := func(i int) *nats.Msg {
		header := nats.Header{"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(i + 1)}}
		if i == last {
			header["Nats-Batch-Commit"] = []string{"1"}
		}
		m := &nats.Msg{Subject: headedSubject(s.subject), Header: header, Data: pack(messages[i : i+1])}
		pad(m)
		return m
	}
	for i := range last {
		if err := conn.PublishMsg(part(i)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(s.store.Working(), s.store.AnswerTime())
	defer cancel()
	reply, err := conn.RequestMsgWithContext(ctx, part(last))
	if err != nil {
		return err
	}
	return readAck(reply.Data, len(messages))
}

// parcelSubject is the subject of parcels of n messages without headers, headedSubject that of parcels of one message with headers of headerBytes.
func parcelSubject(subject string, n int) string { return subject + "." + strconv.Itoa(n) }
func headedSubject(subject string) string        { return subject + ".1.h" }

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
