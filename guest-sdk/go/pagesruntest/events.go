package pagesruntest

import (
	"errors"
	"fmt"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

// Scheduled runs the function's handler for cron triggers. The error is the handler's.
func (f *Function) Scheduled(cron string, due time.Time) error {
	f.t.Helper()
	f.host.Begin(&abi.Event{
		Kind: abi.EventScheduled, ID: "test", TimeMS: due.UnixMilli(), Scheduled: &abi.ScheduledEvent{ScheduledTimeMS: due.UnixMilli(), Cron: cron},
	})
	return f.handle()
}

// Settled is what becomes of a message of a batch.
type Settled struct {
	// Retried says that the message is delivered again; otherwise it is acknowledged.
	Retried bool
	// Delay is after what time, where the handler has said; -1 where it has not.
	Delay time.Duration
}

// Queue has the function consume a batch of a queue and says what becomes of each message. Messages without an ID, a content type, a time or a count of attempts get the
// ones of a first delivery. The error is the handler's.
func (f *Function) Queue(queue string, messages ...abi.QueueMessage) ([]Settled, error) {
	f.t.Helper()
	ev := &abi.QueueEvent{Queue: queue, Messages: append([]abi.QueueMessage(nil), messages...)}
	for i := range ev.Messages {
		complete(&ev.Messages[i], i)
	}
	f.host.Begin(&abi.Event{Kind: abi.EventQueue, ID: "test", TimeMS: eventTimeMS, Queue: ev})
	err := f.handle()
	var settled []Settled
	for _, s := range f.host.Settlements() {
		r := Settled{Retried: s.Said == "retry", Delay: -1}
		if s.DelayS != nil {
			r.Delay = time.Duration(*s.DelayS) * time.Second
		}
		settled = append(settled, r)
	}
	return settled, err
}

// complete fills in what a test does not care about.
func complete(m *abi.QueueMessage, i int) {
	if m.ID == "" {
		m.ID = fmt.Sprintf("%032x", i+1)
	}
	if m.ContentType == "" {
		m.ContentType = abi.QueueJSON
	}
	if m.TimestampMS == 0 {
		m.TimestampMS = eventTimeMS
	}
	if m.Attempts == 0 {
		m.Attempts = 1
	}
}

// handle runs the event and gives the error it failed with.
func (f *Function) handle() error {
	pagesrun.Native().Handle()
	if text, failed := f.host.Failure(); failed {
		return errors.New(text)
	}
	return nil
}

// Log is what the function has logged in the last event, a line each.
func (f *Function) Log() []string {
	var lines []string
	for _, line := range f.host.Logs() {
		lines = append(lines, line.Text)
	}
	return lines
}

// Sent are the messages that the function has sent to a producer's binding so far. They are not delivered; see [Function.Queue].
func (f *Function) Sent(binding string) []queues.Outgoing { return f.host.Sent(binding) }

// Points are the data points that the function has written to a dataset so far.
func (f *Function) Points(binding string) []analytics.Point {
	var points []analytics.Point
	for _, q := range f.host.Points(binding) {
		p := analytics.Point{Doubles: q.Doubles}
		if len(q.Indexes) > 0 {
			p.Index = string(q.Indexes[0])
		}
		for _, b := range q.Blobs {
			p.Blobs = append(p.Blobs, string(b))
		}
		points = append(points, p)
	}
	return points
}
