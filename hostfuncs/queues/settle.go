package queues

import (
	"context"
	"fmt"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// wish is what a handler has said of a message or a batch.
type wish uint8

const (
	unsaid wish = iota
	acked
	retried
)

// call is how the wish is called in warnings.
func (w wish) call(all bool) string {
	name := [...]string{acked: "ack", retried: "retry"}[w]
	if all {
		return name + "All()"
	}
	return name + "()"
}

// settlement collects what a handler says of its batch. The first wish wins, for each message and for the batch; a message's own wins over
// the batch's when it came first. It runs on the event's goroutine.
type settlement struct {
	messages []said
	all      said
	warn     func(text string)
}

// said is a wish, and the delay it was said with.
type said struct {
	id     string
	wish   wish
	delayS *int64
}

func newSettlement(batch []*delivered, warn func(string)) *settlement {
	s := &settlement{messages: make([]said, len(batch)), warn: warn}
	for i, d := range batch {
		s.messages[i].id = d.name()
	}
	return s
}

// operations are what the guest can ask of the runtime during its event.
func (s *settlement) operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		hostfuncs.Op("ack", func(_ context.Context, _ *hostfuncs.Call, q *abi.AckRequest) (abi.AckReply, error) {
			return abi.AckReply{}, s.say(acked, q.Messages, q.All, nil)
		}),
		hostfuncs.Op("retry", func(_ context.Context, _ *hostfuncs.Call, q *abi.RetryRequest) (abi.RetryReply, error) {
			return abi.RetryReply{}, s.say(retried, q.Messages, q.All, q.DelayS)
		}),
	}
}

func (s *settlement) say(w wish, positions []uint32, all bool, delayS *int64) error {
	if err := checkDelay(delayS); err != nil {
		return err
	}
	for _, at := range positions {
		if int(at) >= len(s.messages) {
			return invalid("there is no message at position %d: the batch has %d", at, len(s.messages))
		}
	}
	for _, at := range positions {
		s.sayOne(w, &s.messages[at], delayS)
	}
	if all {
		s.sayAll(w, delayS)
	}
	return nil
}

// sayOne notes a wish for one message. Wishing for the same again may set another delay.
func (s *settlement) sayOne(w wish, m *said, delayS *int64) {
	before, all := m.wish, false
	if before == unsaid {
		before, all = s.all.wish, true
	}
	if before != unsaid && before != w {
		s.warn(fmt.Sprintf("Received a call to %s on message %s after %s was already called. Calling %s on a message after calling %s has no effect.",
			w.call(false), m.id, before.call(all), w.call(false), before.call(all)))
		return
	}
	m.wish = w
	if delayS != nil {
		m.delayS = delayS
	}
}

func (s *settlement) sayAll(w wish, delayS *int64) {
	if before := s.all.wish; before != unsaid && before != w {
		s.warn(fmt.Sprintf("Received a call to %s after %s was already called. Calling %s after calling %s has no effect.",
			w.call(true), before.call(true), w.call(true), before.call(true)))
		return
	}
	s.all.wish = w
	if delayS != nil {
		s.all.delayS = delayS
	}
}

// outcome says what becomes of a message, after its handler has succeeded or failed. The delay is nil where none was said.
func (s *settlement) outcome(at int, failed bool) (w wish, delayS *int64) {
	m := s.messages[at]
	switch {
	case m.wish == retried && m.delayS == nil && s.all.wish == retried:
		return retried, s.all.delayS
	case m.wish != unsaid:
		return m.wish, m.delayS
	case s.all.wish != unsaid:
		return s.all.wish, s.all.delayS
	case failed:
		return retried, nil
	}
	return acked, nil
}
