package queues

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// benchRig opens a producer Q of the queue q, and what else is wanted.
func benchRig(b *testing.B, relaxed bool, more ...hostfuncs.Resource) *rig {
	r := &rig{shared: hostfuncs.NewShared(), reg: prometheus.NewRegistry(), ops: map[string]hostfuncs.Operation{}}
	host := hostfuncs.Host{DataDir: b.TempDir(), Now: time.Now, Metrics: r.reg, Durability: "sync", Shared: r.shared, Log: slog.New(slog.DiscardHandler)}
	if relaxed {
		host.Durability = "relaxed"
	}
	opened, err := New().Open(b.Context(), host, append([]hostfuncs.Resource{&Producer{Binding: "Q", Queue: "q"}}, more...))
	if err != nil {
		b.Fatal(err)
	}
	r.live = opened.(*live)
	for _, op := range r.live.Operations() {
		r.ops[op.Name] = op
	}
	b.Cleanup(func() { r.live.Close(b.Context()) })
	return r
}

var durabilities = map[string]bool{"sync": false, "relaxed": true}

// BenchmarkRawPublish is what JetStream itself does, with the same sync policy.
func BenchmarkRawPublish(b *testing.B) {
	for name, relaxed := range durabilities {
		b.Run(name, func(b *testing.B) {
			r := benchRig(b, relaxed)
			body := make([]byte, 100)
			for b.Loop() {
				if _, err := r.live.store.JetStream().PublishMsg(b.Context(), &nats.Msg{Subject: subjectPrefix + "q.1", Data: body}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSend(b *testing.B) {
	for name, relaxed := range durabilities {
		b.Run(name, func(b *testing.B) {
			r := benchRig(b, relaxed)
			q := abi.QueuesSendRequest{Body: make([]byte, 100), ContentType: abi.QueueBytes}
			for b.Loop() {
				if err := r.send("Q", q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSendAgainstPublish sends and publishes in turns, on two queues of one store, so that what else the machine does meanwhile counts for both. "ratio" is
// how much longer a send takes, by the medians.
func BenchmarkSendAgainstPublish(b *testing.B) {
	for name, relaxed := range durabilities {
		b.Run(name, func(b *testing.B) {
			r := benchRig(b, relaxed, &Producer{Binding: "RAW", Queue: "raw"})
			q := abi.QueuesSendRequest{Body: make([]byte, 100), ContentType: abi.QueueBytes}
			raw := &nats.Msg{Subject: subjectPrefix + "raw.1", Data: q.Body}
			var sends, publishes []time.Duration
			took := func(list []time.Duration, fn func() error) []time.Duration {
				start := time.Now()
				if err := fn(); err != nil {
					b.Fatal(err)
				}
				return append(list, time.Since(start))
			}
			for b.Loop() {
				sends = took(sends, func() error { return r.send("Q", q) })
				publishes = took(publishes, func() error {
					_, err := r.live.store.JetStream().PublishMsg(b.Context(), raw)
					return err
				})
			}
			slices.Sort(sends)
			slices.Sort(publishes)
			b.ReportMetric(float64(sends[len(sends)/2])/float64(publishes[len(publishes)/2]), "ratio")
		})
	}
}

// BenchmarkSendConcurrently has 32 events send at once.
func BenchmarkSendConcurrently(b *testing.B) {
	for name, relaxed := range durabilities {
		b.Run(name, func(b *testing.B) {
			r := benchRig(b, relaxed)
			q := abi.QueuesSendRequest{Body: make([]byte, 100), ContentType: abi.QueueBytes}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						if err := r.send("Q", q); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// BenchmarkSendBatch sends batches of 100; the figure is that of one message.
func BenchmarkSendBatch(b *testing.B) {
	for name, relaxed := range durabilities {
		b.Run(name, func(b *testing.B) {
			r := benchRig(b, relaxed)
			var q abi.QueuesSendBatchRequest
			for range 100 {
				q.Messages = append(q.Messages, abi.QueueSend{Body: make([]byte, 100), ContentType: abi.QueueBytes})
			}
			for i := 0; i < b.N; i += 100 {
				if err := r.sendBatch("Q", q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEndToEnd sends in batches of 100 and consumes what is sent.
func BenchmarkEndToEnd(b *testing.B) {
	for name, relaxed := range durabilities {
		for _, size := range []int{10, 100} {
			b.Run(fmt.Sprintf("%s-%d", name, size), func(b *testing.B) {
				r := benchRig(b, relaxed, consumer("q", func(c *Consumer) { c.BatchSize = size }))
				var got atomic.Int64
				all := make(chan struct{})
				s := &script{concurrency: 4, handle: func(one *batch) error {
					if got.Add(int64(len(one.Messages))) >= int64(b.N) {
						close(all)
					}
					return nil
				}}
				if err := r.live.Start(s); err != nil {
					b.Fatal(err)
				}
				b.ResetTimer()
				for sent := 0; sent < b.N; {
					var q abi.QueuesSendBatchRequest
					for ; len(q.Messages) < 100 && sent < b.N; sent++ {
						q.Messages = append(q.Messages, abi.QueueSend{Body: make([]byte, 100), ContentType: abi.QueueBytes})
					}
					if err := r.sendBatch("Q", q); err != nil {
						b.Fatal(err)
					}
				}
				<-all
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}
