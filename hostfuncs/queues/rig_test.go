package queues

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// rig runs the binding for a scripted function.
type rig struct {
	t      *testing.T
	live   *live
	shared *hostfuncs.Shared
	reg    *prometheus.Registry
	ops    map[string]hostfuncs.Operation
}

// rigOptions are what tests may choose.
type rigOptions struct {
	dir     string
	nats    string
	relaxed bool
	log     *slog.Logger
}

// openRig opens producers named like their queues in capitals, and consumers.
func openRig(t *testing.T, o rigOptions, resources ...hostfuncs.Resource) *rig {
	t.Helper()
	r, err := tryRig(t, o, resources...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryRig(t *testing.T, o rigOptions, resources ...hostfuncs.Resource) (*rig, error) {
	t.Helper()
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	r := &rig{t: t, shared: hostfuncs.NewShared(), reg: prometheus.NewRegistry(), ops: map[string]hostfuncs.Operation{}}
	host := hostfuncs.Host{DataDir: o.dir, Now: time.Now, Metrics: r.reg, Durability: "sync", Shared: r.shared, Log: o.log}
	if o.relaxed {
		host.Durability = "relaxed"
	}
	for _, res := range resources {
		switch res := res.(type) {
		case *Producer:
			res.store = storeConfig{nats: o.nats}
		case *Consumer:
			res.store = storeConfig{nats: o.nats}
		}
	}
	opened, err := New().Open(t.Context(), host, resources)
	if err != nil {
		return nil, err
	}
	r.live = opened.(*live)
	for _, op := range r.live.Operations() {
		r.ops[op.Name] = op
	}
	t.Cleanup(r.close)
	return r, nil
}

func (r *rig) close() {
	if r.live == nil {
		return
	}
	if err := r.live.Close(context.Background()); err != nil {
		r.t.Error(err)
	}
	r.live = nil
}

// call runs an operation as a guest's call does.
func call[R any, PR interface {
	*R
	DecodeCBOR([]byte) error
}](r *rig, target, op string, q interface{ AppendCBOR([]byte) []byte }) (reply R, err error) {
	out, err := r.ops[op].Run(context.Background(), hostfuncs.NewCall(target, nil), q.AppendCBOR(nil), nil)
	if err == nil {
		err = PR(&reply).DecodeCBOR(out)
	}
	return reply, err
}

func (r *rig) send(target string, q abi.QueuesSendRequest) error {
	_, err := call[abi.QueuesSendReply](r, target, "queues.send", &q)
	return err
}

func (r *rig) sendText(target, text string) {
	r.t.Helper()
	if err := r.send(target, abi.QueuesSendRequest{Body: []byte(text), ContentType: "text"}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) sendBatch(target string, q abi.QueuesSendBatchRequest) error {
	_, err := call[abi.QueuesSendBatchReply](r, target, "queues.send_batch", &q)
	return err
}

func (r *rig) metrics(target string) abi.QueueMetrics {
	r.t.Helper()
	reply, err := call[abi.QueuesMetricsReply](r, target, "queues.metrics", &abi.QueuesMetricsRequest{})
	if err != nil {
		r.t.Fatal(err)
	}
	return *reply.Metrics
}

func (r *rig) start(d hostfuncs.Dispatcher) {
	r.t.Helper()
	if err := r.live.Start(d); err != nil {
		r.t.Fatal(err)
	}
}

func number(n int64) *int64 { return &n }

// script is a function's queue handler, as a dispatcher.
type script struct {
	handle      func(*batch) error
	concurrency int

	mu      sync.Mutex
	batches []*batch
	running int
	most    int // the most that ran at once
}

// batch is one event of a script.
type batch struct {
	*abi.QueueEvent
	at    time.Time
	ops   map[string]hostfuncs.Operation
	ctx   context.Context
	mu    sync.Mutex
	warns []string
}

// Dispatch runs the script's handler.
func (s *script) Dispatch(ctx context.Context, e *hostfuncs.Event) error {
	// What the guest gets has passed through its message.
	var message abi.Event
	if err := message.DecodeCBOR(e.Message.AppendCBOR(nil)); err != nil {
		return err
	}
	b := &batch{QueueEvent: message.Queue, at: time.Now(), ops: map[string]hostfuncs.Operation{}, ctx: ctx}
	for _, op := range e.Operations {
		b.ops[op.Name] = op
	}
	e.Log = func(level int, text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if level != abi.LogWarn {
			text = fmt.Sprintf("level %d: %s", level, text)
		}
		b.warns = append(b.warns, text)
	}
	s.mu.Lock()
	s.batches = append(s.batches, b)
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	if s.handle == nil {
		return nil
	}
	return s.handle(b)
}

// Concurrency is the script's.
func (s *script) Concurrency() int { return max(1, s.concurrency) }

// seen gives the batches so far.
func (s *script) seen() []*batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*batch(nil), s.batches...)
}

// deliveries gives "body#attempts" of all messages so far.
func (s *script) deliveries() []string {
	var list []string
	for _, b := range s.seen() {
		for _, m := range b.Messages {
			list = append(list, fmt.Sprintf("%s#%d", m.Body, m.Attempts))
		}
	}
	return list
}

func (b *batch) run(op string, q interface{ AppendCBOR([]byte) []byte }) error {
	_, err := b.ops[op].Run(context.Background(), hostfuncs.NewCall("", nil), q.AppendCBOR(nil), nil)
	return err
}

func (b *batch) ack(at ...uint32)   { b.must(b.run("ack", &abi.AckRequest{Messages: at})) }
func (b *batch) retry(at ...uint32) { b.must(b.run("retry", &abi.RetryRequest{Messages: at})) }
func (b *batch) ackAll()            { b.must(b.run("ack", &abi.AckRequest{All: true})) }
func (b *batch) retryAll()          { b.must(b.run("retry", &abi.RetryRequest{All: true})) }

func (b *batch) must(err error) {
	if err != nil {
		panic(err)
	}
}

var errThrown = errors.New("the handler threw")

// consumer makes one with short times, that tests change.
func consumer(queue string, change func(*Consumer)) *Consumer {
	c := &Consumer{Queue: queue, BatchSize: 10, BatchTimeout: 50 * time.Millisecond, Retries: 3, Wall: time.Minute, Pos: config.Pos{}}
	if change != nil {
		change(c)
	}
	return c
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, 10*time.Second, what, ok)
}

func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain waited for: " + what)
		}
	}
}

// batch sends texts in one step.
func (r *rig) batch(target string, texts ...string) {
	r.t.Helper()
	var q abi.QueuesSendBatchRequest
	for _, text := range texts {
		q.Messages = append(q.Messages, abi.QueueSend{Body: []byte(text), ContentType: "text"})
	}
	if err := r.sendBatch(target, q); err != nil {
		r.t.Fatal(err)
	}
}
