package queues

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

var conformance = []struct {
	name string
	run  func(*testing.T, rigOptions)
}{
	{"what is sent is delivered", sentIsDelivered},
	{"a batch is full or has waited", batching},
	{"without a timeout nothing waits", noTimeout},
	{"attempts count from 1 and end in the dead letter queue", deadLetters},
	{"without a dead letter queue messages are dropped", dropped},
	{"delays are kept", delays},
	{"a retry waits for its delay", retryDelays},
	{"concurrency grows with the backlog", scaling},
	{"max_concurrency bounds it", boundedConcurrency},
	{"a poison message holds up nobody", poison},
	{"a batch that was not started does not count", notStarted},
	{"messages outlive their process's end", restart},
	{"attempts and delays outlive their process's end", restartKeepsAttempts},
	{"stopping waits for batches", stopping},
	{"many senders at once", manySenders},
	{"administration", administration},
	{"what others have stored is left alone", foreign},
}

// queueOf names the queue of a test: stores outlive tests.
func queueOf(t *testing.T) string {
	name := t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]
	return strings.Map(func(c rune) rune {
		if isQueueName(string(c)) {
			return c
		}
		return '-'
	}, name)
}

func producerOf(t *testing.T) *Producer { return &Producer{Binding: "Q", Queue: queueOf(t)} }

func sentIsDelivered(t *testing.T, o rigOptions) {
	s := &script{}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), nil))
	if got := r.metrics("Q"); got.BacklogCount != 0 || got.BacklogBytes != 0 || got.OldestMessageTimestampMS != nil {
		t.Errorf("an empty queue has %+v", got)
	}
	begin := time.Now()
	r.sendText("Q", "hello")
	list := []abi.QueueSend{{Body: []byte("1")}, {Body: []byte("[2]"), ContentType: "JSON"}, {Body: []byte{0, 0xff}, ContentType: "bytes"}}
	if err := r.sendBatch("Q", abi.QueuesSendBatchRequest{Messages: list}); err != nil {
		t.Fatal(err)
	}
	got := r.metrics("Q")
	if got.BacklogCount != 4 || got.BacklogBytes != 5+1+3+2 || got.OldestMessageTimestampMS == nil || *got.OldestMessageTimestampMS < begin.UnixMilli()-1 {
		t.Errorf("the queue has %+v", got)
	}
	r.start(s)
	eventually(t, "four deliveries", func() bool { return len(s.deliveries()) == 4 })
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	var kinds []string
	ids := map[string]bool{}
	for _, b := range s.seen() {
		if b.Queue != queueOf(t) || b.Metrics == nil {
			t.Errorf("the batch is of queue %q with metrics %v", b.Queue, b.Metrics)
		}
		for _, m := range b.Messages {
			kinds = append(kinds, fmt.Sprintf("%s %q #%d", m.ContentType, m.Body, m.Attempts))
			ids[m.ID] = true
			if len(m.ID) != 32 || strings.Trim(m.ID, "0123456789abcdef") != "" {
				t.Errorf("the id is %q", m.ID)
			}
			if sent := time.UnixMilli(m.TimestampMS); sent.Before(begin.Add(-time.Millisecond)) || sent.After(time.Now()) {
				t.Errorf("sent at %v", sent)
			}
		}
	}
	want := []string{`text "hello" #1`, `json "1" #1`, `json "[2]" #1`, `bytes "\x00\xff" #1`}
	if !slices.Equal(kinds, want) || len(ids) != 4 {
		t.Errorf("delivered are %v with %d ids", kinds, len(ids))
	}
}

func batching(t *testing.T, o rigOptions) {
	s := &script{}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.BatchSize, c.BatchTimeout = 5, time.Second }))
	r.start(s)
	for i := range 12 {
		r.sendText("Q", fmt.Sprint(i))
	}
	begin := time.Now()
	eventually(t, "all deliveries", func() bool { return len(s.deliveries()) == 12 })
	var sizes []int
	for _, b := range s.seen() {
		sizes = append(sizes, len(b.Messages))
	}
	if !slices.Equal(sizes, []int{5, 5, 2}) {
		t.Errorf("the batches have %v messages", sizes)
	}
	if waited := time.Since(begin); waited < 800*time.Millisecond || waited > 3*time.Second {
		t.Errorf("the batch that was not full waited %v", waited)
	}
}

func noTimeout(t *testing.T, o rigOptions) {
	s := &script{}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.BatchSize, c.BatchTimeout = 100, 0 }))
	r.start(s)
	begin := time.Now()
	r.sendText("Q", "now")
	eventually(t, "a delivery", func() bool { return len(s.seen()) == 1 })
	if waited := time.Since(begin); waited > time.Second {
		t.Errorf("it took %v", waited)
	}
}

func deadLetters(t *testing.T, o rigOptions) {
	dead := queueOf(t) + "-dead"
	s, mourner := &script{handle: func(*batch) error { return errThrown }}, &script{}
	both := &script{concurrency: 2, handle: func(b *batch) error {
		to := s
		if b.Queue == dead {
			to = mourner
		}
		return to.Dispatch(b.ctx, &hostfuncs.Event{Message: abi.Event{Kind: abi.EventQueue, Queue: b.QueueEvent}})
	}}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.Retries, c.DeadLetterQueue = 1, dead }), consumer(dead, nil))
	r.start(both)
	r.batch("Q", "a", "b")
	eventually(t, "dead letters", func() bool { return len(mourner.deliveries()) == 2 })
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	if got := s.deliveries(); !slices.Equal(sorted(got), []string{"a#1", "a#2", "b#1", "b#2"}) {
		t.Errorf("deliveries are %v", got)
	}
	if got := mourner.deliveries(); !slices.Equal(sorted(got), []string{"a#1", "b#1"}) {
		t.Errorf("dead letters are %v", got)
	}
	first := map[string]string{}
	look := func(b *batch) {
		for _, m := range b.Messages {
			identity := fmt.Sprint(m.ID, m.TimestampMS, m.ContentType)
			if before, ok := first[string(m.Body)]; ok && before != identity {
				t.Errorf("%s was %s and became %s", m.Body, before, identity)
			}
			first[string(m.Body)] = identity
		}
	}
	for _, b := range append(s.seen(), mourner.seen()...) {
		look(b)
	}
}

func sorted(list []string) []string {
	sort.Strings(list)
	return list
}

func dropped(t *testing.T, o rigOptions) {
	s := &script{handle: func(*batch) error { return errThrown }}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.Retries = 0 }))
	r.start(s)
	r.sendText("Q", "a")
	eventually(t, "a delivery", func() bool { return len(s.seen()) > 0 })
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	if got := s.deliveries(); !slices.Equal(got, []string{"a#1"}) {
		t.Errorf("deliveries are %v", got)
	}
	if got := r.counter("pagesrun_queue_deliveries_total", "outcome", "dropped"); got != 1 {
		t.Errorf("%v messages are counted as dropped", got)
	}
}

// counter reads the sum of a metric over the series with the label.
func (r *rig) counter(name, label, value string) (sum float64) {
	r.t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if f.GetName() == name && l.GetName() == label && l.GetValue() == value {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return sum
}

// late checks by how much a delivery came after its time.
func late(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if off := got - want; math.Abs(off.Seconds()) > 1 || off < -50*time.Millisecond {
		t.Errorf("%s came after %v, want %v", what, got, want)
	}
}

func delays(t *testing.T, o rigOptions) {
	s := &script{}
	p := producerOf(t)
	p.DelayS = 2
	r := openRig(t, o, p, consumer(queueOf(t), nil))
	r.start(s)
	begin := time.Now()
	list := []abi.QueueSend{{Body: []byte("1"), DelayS: number(1)}, {Body: []byte("3"), DelayS: number(3)}, {Body: []byte("0"), DelayS: number(0)}, {Body: []byte("2")}}
	if err := r.sendBatch("Q", abi.QueuesSendBatchRequest{Messages: list}); err != nil {
		t.Fatal(err)
	}
	if err := r.send("Q", abi.QueuesSendRequest{Body: []byte("1"), DelayS: number(1)}); err != nil {
		t.Fatal(err)
	}
	if got := r.metrics("Q").BacklogCount; got < 4 {
		t.Errorf("%d messages wait", got)
	}
	eventually(t, "all deliveries", func() bool { return len(s.deliveries()) == 5 })
	for _, b := range s.seen() {
		for _, m := range b.Messages {
			late(t, string(m.Body), b.at.Sub(begin), time.Duration(m.Body[0]-'0')*time.Second)
			if m.Attempts != 1 {
				t.Errorf("%s is at attempt %d", m.Body, m.Attempts)
			}
		}
	}
}

func retryDelays(t *testing.T, o rigOptions) {
	var begin time.Time
	s := &script{handle: func(b *batch) error {
		if b.Messages[0].Attempts > 1 {
			return nil
		}
		begin = time.Now()
		b.must(b.run("retry", &abi.RetryRequest{Messages: []uint32{0}, DelayS: number(1)}))
		b.must(b.run("retry", &abi.RetryRequest{Messages: []uint32{1}}))
		b.must(b.run("retry", &abi.RetryRequest{Messages: []uint32{2}, DelayS: number(0)}))
		return nil
	}}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.RetryDelay = 2 * time.Second }))
	r.batch("Q", "1", "2", "0")
	r.start(s)
	eventually(t, "all deliveries", func() bool { return len(s.deliveries()) == 6 })
	for _, b := range s.seen() {
		for _, m := range b.Messages {
			if m.Attempts == 2 {
				late(t, string(m.Body), b.at.Sub(begin), time.Duration(m.Body[0]-'0')*time.Second)
			}
		}
	}
}

func scaling(t *testing.T, o rigOptions) {
	s := &script{concurrency: 8, handle: func(*batch) error { time.Sleep(20 * time.Millisecond); return nil }}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.BatchSize = 2 }))
	for range 4 {
		r.batch("Q", strings.Fields(strings.Repeat("x ", 50))...)
	}
	r.start(s)
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	if s.most < 4 || s.most > 8 {
		t.Errorf("at most %d batches ran at once, want up to 8", s.most)
	}
}

func boundedConcurrency(t *testing.T, o rigOptions) {
	s := &script{concurrency: 8, handle: func(*batch) error { time.Sleep(5 * time.Millisecond); return nil }}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.BatchSize, c.Concurrency = 2, 2 }))
	r.batch("Q", strings.Fields(strings.Repeat("x ", 80))...)
	r.start(s)
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	if s.most != 2 {
		t.Errorf("at most %d batches ran at once, want 2", s.most)
	}
}

func poison(t *testing.T, o rigOptions) {
	s := &script{handle: func(b *batch) error {
		for _, m := range b.Messages {
			if string(m.Body) == "poison" {
				return errThrown
			}
		}
		return nil
	}}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.BatchSize, c.Retries, c.RetryDelay = 1, 100, time.Second }))
	r.batch("Q", "poison", "a", "b")
	r.start(s)
	r.sendText("Q", "c")
	eventually(t, "the others", func() bool {
		got := s.deliveries()
		return slices.Contains(got, "a#1") && slices.Contains(got, "b#1") && slices.Contains(got, "c#1")
	})
	eventually(t, "the poison alone", func() bool { return r.metrics("Q").BacklogCount == 1 })
	if got := r.metrics("Q"); got.BacklogBytes != uint64(len("poison")) {
		t.Errorf("the queue has %+v", got)
	}
}

func notStarted(t *testing.T, o rigOptions) {
	var tries atomic.Int32
	s := &script{handle: func(*batch) error {
		if tries.Add(1) == 1 {
			return fmt.Errorf("%w: full", hostfuncs.ErrNotStarted)
		}
		return nil
	}}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.Retries = 0 }))
	r.start(s)
	r.sendText("Q", "a")
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	if got := s.deliveries(); !slices.Equal(got, []string{"a#1", "a#1"}) {
		t.Errorf("deliveries are %v", got)
	}
}

func restart(t *testing.T, o rigOptions) {
	r := openRig(t, o, producerOf(t))
	r.batch("Q", "a", "b")
	r.sendText("Q", "c")
	r.close()
	s := &script{}
	r = openRig(t, o, producerOf(t), consumer(queueOf(t), nil))
	if got := r.metrics("Q"); got.BacklogCount != 3 || got.BacklogBytes != 3 {
		t.Errorf("the queue has %+v", got)
	}
	r.start(s)
	eventually(t, "all deliveries", func() bool { return len(s.deliveries()) == 3 })
	if got := s.deliveries(); !slices.Equal(got, []string{"a#1", "b#1", "c#1"}) {
		t.Errorf("deliveries are %v", got)
	}
}

func restartKeepsAttempts(t *testing.T, o rigOptions) {
	var begin time.Time
	s := &script{handle: func(b *batch) error {
		begin = time.Now()
		b.must(b.run("retry", &abi.RetryRequest{Messages: []uint32{0}, DelayS: number(2)}))
		return nil
	}}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), nil))
	r.batch("Q", "a", "b")
	r.start(s)
	eventually(t, "a delivery", func() bool { return len(s.seen()) == 1 && r.metrics("Q").BacklogCount == 1 })
	r.close()
	after := &script{}
	r = openRig(t, o, producerOf(t), consumer(queueOf(t), nil))
	r.start(after)
	eventually(t, "another delivery", func() bool { return len(after.seen()) == 1 })
	late(t, "a", after.seen()[0].at.Sub(begin), 2*time.Second)
	if got := after.deliveries(); !slices.Equal(got, []string{"a#2"}) {
		t.Errorf("deliveries are %v", got)
	}
}

func stopping(t *testing.T, o rigOptions) {
	begun, release := make(chan struct{}), make(chan struct{})
	s := &script{handle: func(*batch) error {
		begun <- struct{}{}
		<-release
		return nil
	}}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), func(c *Consumer) { c.BatchSize = 1 }))
	r.start(s)
	r.batch("Q", "a", "b")
	<-begun
	stopped := make(chan struct{})
	go func() {
		r.live.Stop(context.Background())
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Fatal("it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-stopped
	// In a cluster the consumer's leader has settled the message a moment before the stream's leader has removed it.
	eventually(t, "one message left", func() bool { return r.metrics("Q").BacklogCount == 1 })
	canceled := make(chan struct{})
	begun = make(chan struct{}, 1)
	hanging := &script{handle: func(b *batch) error {
		begun <- struct{}{}
		<-b.ctx.Done()
		close(canceled)
		return b.ctx.Err()
	}}
	r.start(hanging)
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r.live.Stop(ctx)
	<-canceled
	if got := r.metrics("Q").BacklogCount; got != 1 {
		t.Errorf("%d messages are left, want 1", got)
	}
}

func manySenders(t *testing.T, o rigOptions) {
	r := openRig(t, o, producerOf(t))
	errs := make(chan error, 64)
	for i := range cap(errs) {
		go func() {
			if i%4 == 0 {
				errs <- r.sendBatch("Q", abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: []byte("1")}, {Body: []byte("2")}}})
				return
			}
			errs <- r.send("Q", abi.QueuesSendRequest{Body: []byte("1")})
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := r.metrics("Q"); got.BacklogCount != 80 || got.BacklogBytes != 80 {
		t.Errorf("the queue has %+v", got)
	}
}

func administration(t *testing.T, o rigOptions) {
	queue := queueOf(t)
	gate := make(chan struct{})
	s := &script{handle: func(b *batch) error {
		if len(b.Messages) == 2 {
			b.ack(0)
		}
		b.must(b.run("retry", &abi.RetryRequest{All: true, DelayS: number(100)}))
		<-gate
		return nil
	}}
	r := openRig(t, o, producerOf(t), consumer(queue, func(c *Consumer) { c.BatchSize, c.BatchTimeout = 2, time.Minute }))
	a := &Admin{store: r.live.store, dir: o.dir, now: time.Now}
	if _, err := a.Info(t.Context(), "nobody"); err != ErrNoQueue {
		t.Errorf("a queue that is not there: %v", err)
	}
	send := &abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: []byte("a"), ContentType: "text"}, {Body: []byte("b"), ContentType: "bytes", DelayS: number(100)}, {Body: []byte("c"), ContentType: "text"}}}
	if err := a.Send(t.Context(), queue, send); err != nil {
		t.Fatal(err)
	}
	if err := a.Send(t.Context(), queue, &abi.QueuesSendBatchRequest{}); err == nil {
		t.Error("an empty batch was sent")
	}
	list, err := a.Peek(t.Context(), queue, 10)
	if err != nil || len(list) != 3 || string(list[1].Body) != "b" || list[1].ContentType != "bytes" || list[1].NotBefore.Sub(list[1].Sent) != 100*time.Second {
		t.Fatalf("the queue has %+v, %v", list, err)
	}
	if short, err := a.Peek(t.Context(), queue, 2); err != nil || len(short) != 2 {
		t.Errorf("of two messages %d were shown, %v", len(short), err)
	}
	infos, err := a.List(t.Context())
	at := slices.IndexFunc(infos, func(i Info) bool { return i.Name == queue })
	if err != nil || at < 0 || infos[at].Metrics.BacklogCount != 3 || infos[at].Metrics.BacklogBytes != 3 || infos[at].Consumed {
		t.Errorf("the queues are %+v, %v", infos, err)
	}
	r.start(s)
	eventually(t, "a consumer", func() bool { i, err := a.Info(t.Context(), queue); return err == nil && i.Consumed })
	close(gate)
	eventually(t, "one done", func() bool { i, err := a.Info(t.Context(), queue); return err == nil && i.Metrics.BacklogCount == 2 })
	r.live.Stop(t.Context())
	if n, err := a.Purge(t.Context(), queue); err != nil || n != 2 {
		t.Errorf("%d messages were removed, %v", n, err)
	}
	if got := r.metrics("Q"); got.BacklogCount != 0 || got.BacklogBytes != 0 {
		t.Errorf("afterwards the queue has %+v", got)
	}
}

func foreign(t *testing.T, o rigOptions) {
	s := &script{}
	r := openRig(t, o, producerOf(t), consumer(queueOf(t), nil))
	for _, data := range [][]byte{nil, []byte("hello"), {parcelVersion}, {parcelVersion + 1, 0}} {
		if _, err := r.live.store.JetStream().Publish(t.Context(), parcelSubject(subjectPrefix+queueOf(t), 1), data); err != nil {
			t.Fatal(err)
		}
	}
	r.sendText("Q", "ours")
	r.start(s)
	eventually(t, "our message", func() bool { return len(s.deliveries()) == 1 })
	eventually(t, "the others alone", func() bool { return r.metrics("Q").BacklogCount == 4 })
	a := &Admin{store: r.live.store, dir: o.dir, now: time.Now}
	if n, err := a.Purge(t.Context(), queueOf(t)); err != nil || n != 4 {
		t.Errorf("%d messages were removed, %v", n, err)
	}
}
