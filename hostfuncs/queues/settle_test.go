package queues

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestWhatAHandlerSays is the table of what wins, for two messages A and B of which A is named first in each sequence.
func TestWhatAHandlerSays(t *testing.T) {
	warning := func(call, before string) string {
		return fmt.Sprintf("Received a call to %s on message ID after %s was already called. Calling %s on a message after calling %s has no effect.", call, before, call, before)
	}
	warningAll := func(call, before string) string {
		return fmt.Sprintf("Received a call to %s after %s was already called. Calling %s after calling %s has no effect.", call, before, call, before)
	}
	for _, c := range []struct {
		says     string
		throws   bool
		again    string // the messages that come again
		warnings []string
	}{
		{says: ""},
		{says: "", throws: true, again: "AB"},
		{says: "A.ack", again: ""},
		{says: "A.ack", throws: true, again: "B"},
		{says: "A.retry", again: "A"},
		{says: "A.retry", throws: true, again: "AB"},
		{says: "A.ack A.ack"},
		{says: "A.retry A.retry", again: "A"},
		{says: "A.ack A.retry", warnings: []string{warning("retry()", "ack()")}},
		{says: "A.retry A.ack", again: "A", warnings: []string{warning("ack()", "retry()")}},
		{says: "ackAll"},
		{says: "ackAll", throws: true},
		{says: "ackAll ackAll"},
		{says: "ackAll A.ack"},
		{says: "ackAll A.retry", warnings: []string{warning("retry()", "ackAll()")}},
		{says: "ackAll retryAll", warnings: []string{warningAll("retryAll()", "ackAll()")}},
		{says: "retryAll", again: "AB"},
		{says: "retryAll retryAll", again: "AB"},
		{says: "retryAll A.retry", again: "AB"},
		{says: "retryAll A.ack", again: "AB", warnings: []string{warning("ack()", "retryAll()")}},
		{says: "retryAll ackAll", again: "AB", warnings: []string{warningAll("ackAll()", "retryAll()")}},
		{says: "A.retry ackAll", again: "A"},
		{says: "A.retry ackAll", throws: true, again: "A"},
		{says: "A.ack retryAll", again: "B"},
		{says: "A.ack retryAll", throws: true, again: "B"},
		{says: "A.ack B.retry ackAll retryAll", again: "B", warnings: []string{warningAll("retryAll()", "ackAll()")}},
	} {
		t.Run(fmt.Sprintf("%s throws %v", c.says, c.throws), func(t *testing.T) {
			first := true
			s := &script{handle: func(b *batch) error {
				if !first {
					return nil
				}
				first = false
				for _, word := range strings.Fields(c.says) {
					map[string]func(){
						"A.ack": func() { b.ack(0) }, "A.retry": func() { b.retry(0) }, "B.retry": func() { b.retry(1) }, "ackAll": b.ackAll, "retryAll": b.retryAll,
					}[word]()
				}
				if c.throws {
					return errThrown
				}
				return nil
			}}
			r := openRig(t, rigOptions{relaxed: true}, &Producer{Binding: "Q", Queue: "q"}, consumer("q", nil))
			r.batch("Q", "A", "B")
			r.start(s)
			eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
			want := []string{"A#1", "B#1"}
			for _, name := range c.again {
				want = append(want, string(name)+"#2")
			}
			if got := s.deliveries(); !slices.Equal(got, want) {
				t.Errorf("deliveries are %v, want %v", got, want)
			}
			b := s.seen()[0]
			for i, text := range b.warns {
				b.warns[i] = strings.ReplaceAll(text, b.Messages[0].ID, "ID")
			}
			if !slices.Equal(b.warns, c.warnings) {
				t.Errorf("warnings are %q, want %q", b.warns, c.warnings)
			}
		})
	}
}
