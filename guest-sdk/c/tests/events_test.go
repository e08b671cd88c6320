package tests

import (
	"context"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// batch is a queue event with these bodies.
func batch(queue string, bodies ...string) *abi.Event {
	q := &abi.QueueEvent{Queue: queue, Metrics: &abi.QueueMetrics{BacklogCount: uint64(len(bodies))}}
	for i, b := range bodies {
		q.Messages = append(q.Messages, abi.QueueMessage{ID: strings.Repeat("a", 32), TimestampMS: 5, Body: []byte(b), ContentType: "text", Attempts: uint32(i + 1)})
	}
	return &abi.Event{Kind: abi.EventQueue, ID: "e1", Queue: q}
}

// heard runs an event and gives what the guest has said and logged.
func (g *guest) heard(e *abi.Event) (said, logs string) {
	g.t.Helper()
	g.reset()
	if err := g.try(e); err != nil {
		g.t.Fatal(err)
	}
	return strings.Join(g.said, "\n") + "\n", strings.Join(g.logs, "\n") + "\n"
}

func TestABatchIsConsumed(t *testing.T) {
	everywhere(t, consumers, func(t *testing.T, g *guest) {
		said, logs := g.heard(batch("q", "ack", "retry", "later", "nothing", "ack all", "retry all", "beyond"))
		expect(t, said, "ack [0] false", "retry [1] false -", "retry [2] false 7", "ack [] true", "retry [] true 0")
		id := strings.Repeat("a", 32)
		expect(t, logs, "1 q "+id+" 5 ack text 1", "1 q "+id+" 5 retry text 2", "1 q "+id+" 5 later text 3", "1 q "+id+" 5 nothing text 4",
			"1 q "+id+" 5 ack all text 5", "1 q "+id+" 5 retry all text 6", "1 q "+id+" 5 beyond text 7", "1 invalid_argument", "1 7 wait")
		said, _ = g.heard(batch("q", "fail", "fail"))
		expect(t, said, "fail no", "fail no")
		g.reset()
		if err := g.try(batch("q", "ack", "trap")); err == nil || strings.Join(g.said, "") != "ack [0] false" {
			t.Errorf("a trap: %v, %q", err, g.said)
		}
	})
}

func TestMessagesAreSentAndPointsWritten(t *testing.T) {
	everywhere(t, consumers, func(t *testing.T, g *guest) {
		said, logs := g.heard(batch("produce"))
		expect(t, said, `analytics.write ["index"] ["one" "" "\xff"] [1 -0.5]`, "analytics.write [] [] []", `queues.send text "text" -`, `queues.send bytes "\x00" 0`)
		expect(t, logs, "1 unsupported: no v8")
	})
}

func TestATickIsHandled(t *testing.T) {
	everywhere(t, consumers, func(t *testing.T, g *guest) {
		tick := func(cron string) *abi.Event {
			return &abi.Event{Kind: abi.EventScheduled, ID: "e1", TimeMS: 9, Scheduled: &abi.ScheduledEvent{ScheduledTimeMS: 7, Cron: cron}}
		}
		_, logs := g.heard(tick("*/5 * * * *"))
		expect(t, logs, "1 */5 * * * * 7 e1 9")
		said, _ := g.heard(tick("fail"))
		expect(t, said, "fail not today")
		f := get("/")
		said, _ = g.heard(&abi.Event{Kind: abi.EventFetch, Fetch: &f})
		expect(t, said, "fail Handler does not export a fetch() function.")
	})
}

func TestAFunctionWithoutAHandlerDoesNotStart(t *testing.T) {
	wasm := buildGuest(t, "nohandler.c")
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	h := &host{}
	h.instantiate(t, ctx, r)
	_, err := r.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err == nil || !strings.Contains(strings.Join(h.logs, ""), "no handler: define pagesrun_fetch, pagesrun_scheduled or pagesrun_queue") {
		t.Errorf("error %v, logs %q", err, h.logs)
	}
}
