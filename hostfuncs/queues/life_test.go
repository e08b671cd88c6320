package queues

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// TestThousandsOfDelayedMessages sends messages that wait, half of them in parcels of their own, and restarts the process's queues meanwhile.
func TestThousandsOfDelayedMessages(t *testing.T) {
	const count = 4000
	o := rigOptions{dir: t.TempDir(), relaxed: true}
	due := map[string]time.Time{}
	r := openRig(t, o, &Producer{Binding: "Q", Queue: "q"}, consumer("q", func(c *Consumer) { c.BatchSize = 100 }))
	r.start(&script{})
	for i := 0; i < count; {
		var q abi.QueuesSendBatchRequest
		now := time.Now()
		for n := 0; i < count && (i%2 == 0 || n < 50); n++ {
			delay := 3 + int64(i%2)
			q.Messages = append(q.Messages, abi.QueueSend{Body: fmt.Append(nil, i), DelayS: &delay})
			due[fmt.Sprint(i)] = now.Add(time.Duration(delay) * time.Second)
			i++
			if i%100 == 1 {
				break
			}
		}
		if err := r.sendBatch("Q", q); err != nil {
			t.Fatal(err)
		}
	}
	r.close()
	s := &script{concurrency: 4}
	r = openRig(t, o, &Producer{Binding: "Q", Queue: "q"}, consumer("q", func(c *Consumer) { c.BatchSize = 100 }))
	r.start(s)
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	seen := map[string]bool{}
	worst := time.Duration(0)
	for _, b := range s.seen() {
		for _, m := range b.Messages {
			off := b.at.Sub(due[string(m.Body)])
			if worst = max(worst, off); off < -10*time.Millisecond {
				t.Errorf("message %s came %v early", m.Body, -off)
			}
			if seen[string(m.Body)] || m.Attempts != 1 {
				t.Errorf("message %s came again, at attempt %d", m.Body, m.Attempts)
			}
			seen[string(m.Body)] = true
		}
	}
	t.Logf("the latest of %d messages came %v late", len(seen), worst)
	if len(seen) != count || worst > 1500*time.Millisecond {
		t.Errorf("%d of %d messages came, the latest %v late", len(seen), count, worst)
	}
}

func TestAReloadKeepsTheStoreOpen(t *testing.T) {
	resources := []hostfuncs.Resource{&Producer{Binding: "Q", Queue: "q"}, consumer("q", nil)}
	r := openRig(t, rigOptions{relaxed: true}, resources...)
	before := &script{}
	r.start(before)
	r.sendText("Q", "before")
	eventually(t, "a delivery", func() bool { return len(before.deliveries()) == 1 })

	next := *r
	host := hostfuncs.Host{DataDir: filepath.Dir(r.live.sources[0].dir + "/x"), Now: time.Now, Metrics: r.reg, Durability: "relaxed", Shared: r.shared, Log: r.live.sources[0].log}
	opened, err := New().Open(t.Context(), host, resources)
	if err != nil {
		t.Fatal(err)
	}
	next.live = opened.(*live)
	t.Cleanup(next.close)
	if next.live.store != r.live.store {
		t.Error("the store is another one")
	}
	r.live.Stop(t.Context())
	after := &script{}
	next.start(after)
	r.close()
	next.ops = map[string]hostfuncs.Operation{}
	for _, op := range next.live.Operations() {
		next.ops[op.Name] = op
	}
	next.sendText("Q", "after")
	eventually(t, "a delivery", func() bool { return len(after.deliveries()) == 1 })
	if got := fmt.Sprint(before.deliveries(), after.deliveries()); got != "[before#1] [after#1]" {
		t.Errorf("deliveries are %s", got)
	}
	if err := next.live.Start(after); err == nil {
		t.Error("it started twice")
	}
}

func TestCommandsGoThroughTheProcessThatServes(t *testing.T) {
	dir := t.TempDir()
	s := &script{}
	r := openRig(t, rigOptions{dir: dir}, &Producer{Binding: "Q", Queue: "q"}, consumer("q", nil))
	r.start(s)
	a, err := Connect(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Send(t.Context(), "q", &abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: []byte(`"hi"`)}}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a delivery", func() bool { return len(s.deliveries()) == 1 })
	if err := a.Send(t.Context(), "new", &abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: []byte("1")}}}); err != nil {
		t.Fatal(err)
	}
	r.close()
	alone, err := Connect(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	list, err := alone.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "new" || list[0].Metrics.BacklogCount != 1 || list[1].Name != "q" || list[1].Metrics.BacklogCount != 0 {
		t.Errorf("the queues are %+v, %v", list, err)
	}
}

func TestMetrics(t *testing.T) {
	s := &script{handle: func(b *batch) error {
		if b.Messages[0].Attempts == 1 {
			b.retry(0)
		}
		return nil
	}}
	r := openRig(t, rigOptions{relaxed: true}, &Producer{Binding: "Q", Queue: "q"}, consumer("q", nil), &Producer{Binding: "IDLE", Queue: "idle"})
	r.start(s)
	r.batch("Q", "a", "bc")
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	r.sendText("IDLE", "hello")
	time.Sleep(20 * time.Millisecond)
	for _, c := range []struct {
		name, label, value string
		want               float64
	}{
		{"pagesrun_queue_sent_messages_total", "queue", "q", 2},
		{"pagesrun_queue_sent_bytes_total", "queue", "q", 3},
		{"pagesrun_queue_deliveries_total", "outcome", "acked", 2},
		{"pagesrun_queue_deliveries_total", "outcome", "retried", 1},
		{"pagesrun_queue_deliveries_total", "outcome", "dropped", 0},
		{"pagesrun_queue_batch_messages", "queue", "q", 2},
		{"pagesrun_queue_backlog_messages", "queue", "q", 0},
		{"pagesrun_queue_backlog_messages", "queue", "idle", 1},
		{"pagesrun_queue_backlog_bytes", "queue", "idle", 5},
	} {
		if got := r.counter(c.name, c.label, c.value); got != c.want {
			t.Errorf("%s of %s is %v, want %v", c.name, c.value, got, c.want)
		}
	}
	if age := r.counter("pagesrun_queue_oldest_message_age_seconds", "queue", "idle"); age < 0.02 || age > 10 {
		t.Errorf("the oldest message is %v s old", age)
	}
}

// TestAClosedStoreIsNoStore: what comes after the end is refused.
func TestAfterTheEndNothingIsSent(t *testing.T) {
	r := openRig(t, rigOptions{relaxed: true}, &Producer{Binding: "Q", Queue: "q"})
	ops := r.ops
	r.close()
	_, err := ops["queues.send"].Run(context.Background(), hostfuncs.NewCall("Q", nil), (&abi.QueuesSendRequest{Body: []byte("1")}).AppendCBOR(nil), nil)
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("the error is %v", err)
	}
}

func TestAHeldStoreSaysWhoHasIt(t *testing.T) {
	dir := t.TempDir()
	openRig(t, rigOptions{dir: dir, relaxed: true}, &Producer{Binding: "Q", Queue: "q"})
	host := hostfuncs.Host{DataDir: dir, Now: time.Now, Metrics: prometheus.NewRegistry(), Shared: hostfuncs.NewShared()}
	_, err := New().Open(t.Context(), host, []hostfuncs.Resource{&Producer{Binding: "Q", Queue: "q"}})
	if err == nil || !strings.Contains(err.Error(), "the process with id ") {
		t.Errorf("the error is %v", err)
	}
}
