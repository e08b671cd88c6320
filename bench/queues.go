package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const queuesDefinition = `A C guest sends messages of 100 bytes one after the other in one event, each durable on this machine's disk (the default, "sync"). The peer
is Go code that publishes the same to a JetStream of its own in the same process, over an in-process connection, with SyncAlways
as well, waiting for each acknowledgement. A batch has 100 messages. End to end at "relaxed": four producers send batches while
the consumer takes batches of 100; from the first send until nothing waits any more. Elapsed time.`

const (
	// sends is how many messages a turn sends one by one, sendBatches how many batches.
	sends       = 40
	sendBatches = 4
	batchSize   = 100
	// endToEnd is how many messages go through the queue in a turn.
	endToEnd  = 40_000
	producers = 4
)

// measureQueues is the price of sending, and how fast messages go through.
func measureQueues(ctx context.Context, b *bench) ([]row, error) {
	rows, err := b.measureSends(ctx)
	if err != nil {
		return rows, err
	}
	more, err := b.measureEndToEnd(ctx)
	return append(rows, more...), err
}

func (b *bench) measureSends(ctx context.Context) ([]row, error) {
	w, err := b.newWorker(ctx, "queues", "sync", "")
	if err != nil {
		return nil, err
	}
	peer, err := newStreamPeer(filepath.Join(b.work, "peer"))
	if err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	results, err := warmed(b.rounds(15),
		w.times(ctx, 1, sends, "send", sends), w.times(ctx, 1, sendBatches*batchSize, "batch", sendBatches),
		func() (cost, error) { return timed(func() error { return peer.publish(ctx, sends) }) })
	if err = errors.Join(err, peer.close(), w.close(ctx)); err != nil {
		return nil, err
	}
	per := func(n float64) func(cost) float64 {
		return func(c cost) float64 { return microseconds(c.elapsed) / n }
	}
	single, batched, raw := pick(results[0], per(sends)), pick(results[1], per(sendBatches*batchSize)), pick(results[2], per(sends))
	return []row{
		newRow("queue send in a C guest over a JetStream publish", "×", single.over(raw), atMost(1.3)),
		newRow("messages per second, sendBatch of 100 over send", "×", single.over(batched), atLeast(20)),
		newRow("queue send in a C guest", "µs", single, nil),
		newRow("sendBatch of 100, each message", "µs", batched, nil),
		newRow("JetStream publish", "µs", raw, nil),
	}, nil
}

func (b *bench) measureEndToEnd(ctx context.Context) ([]row, error) {
	w, err := b.newWorker(ctx, "relaxed", "relaxed", workerConsumer)
	if err != nil {
		return nil, err
	}
	n := endToEnd
	if b.quick {
		n /= 5
	}
	side := func() (float64, error) { return w.through(ctx, n) }
	if _, err := side(); err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	results, err := interleave(b.rounds(7), side)
	if err = errors.Join(err, w.close(ctx)); err != nil {
		return nil, err
	}
	return []row{newRow("producer to consumer, relaxed", "/s", results[0], atLeast(10_000))}, nil
}

// throughTime is how long messages may take to go through the queue.
const throughTime = 2 * time.Minute

// through sends n messages, waits until all are consumed and gives how many that were per second.
func (w *worker) through(ctx context.Context, n int) (float64, error) {
	const each = 10 // batches per event; n is a multiple of what producers send in theirs
	errs := make([]error, producers)
	before, err := w.consumed()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	var all sync.WaitGroup
	for i := range producers {
		all.Go(func() {
			for range n / producers / (each * batchSize) {
				if errs[i] = w.must(ctx, each*batchSize, "batch", each); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	for {
		waiting, err := w.do(ctx, "backlog")
		switch {
		case err != nil:
			return 0, err
		case waiting == 0:
			took := time.Since(start)
			after, err := w.consumed()
			if err == nil && after-before != float64(n) {
				err = fmt.Errorf("%v of %d messages were consumed", after-before, n)
			}
			return float64(n) / took.Seconds(), err
		case time.Since(start) > throughTime:
			return 0, fmt.Errorf("%d of %d messages still wait after %v", waiting, n, throughTime)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// consumed is how many messages have been consumed so far.
func (w *worker) consumed() (n float64, err error) {
	families, err := w.metrics.Gather()
	for _, family := range families {
		if family.GetName() != "pagesrun_queue_deliveries_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			n += metric.GetCounter().GetValue()
		}
	}
	return n, err
}

// streamPeer is a JetStream that is used directly.
type streamPeer struct {
	server *natsserver.Server
	conn   *nats.Conn
	stream jetstream.JetStream
}

// newStreamPeer starts a server that syncs each message to the disk before it acknowledges it, as package queues has it.
func newStreamPeer(dir string) (*streamPeer, error) {
	srv, err := natsserver.NewServer(&natsserver.Options{ServerName: "peer", DontListen: true, NoSigs: true, JetStream: true, StoreDir: dir, SyncAlways: true, NoLog: true})
	if err != nil {
		return nil, err
	}
	srv.Start()
	p := &streamPeer{server: srv}
	if !srv.ReadyForConnections(10 * time.Second) {
		return nil, errors.Join(errors.New("the NATS server did not start"), p.close())
	}
	if p.conn, err = nats.Connect("", nats.InProcessServer(srv)); err == nil {
		p.stream, err = jetstream.New(p.conn)
	}
	if err == nil {
		_, err = p.stream.CreateStream(context.Background(), jetstream.StreamConfig{Name: "peer", Subjects: []string{"peer.*"}, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *streamPeer) publish(ctx context.Context, n int) error {
	body := []byte(strings.Repeat("m", 100))
	for range n {
		if _, err := p.stream.Publish(ctx, "peer.1", body); err != nil {
			return err
		}
	}
	return nil
}

func (p *streamPeer) close() error {
	if p.conn != nil {
		p.conn.Close()
	}
	p.server.Shutdown()
	p.server.WaitForShutdown()
	return nil
}
