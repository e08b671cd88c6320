package queues

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How deliveries end, the values of the label "outcome".
const (
	outcomeAcked        = "acked"
	outcomeRetried      = "retried"
	outcomeDeadLettered = "dead_lettered"
	outcomeDropped      = "dropped"
)

// metrics are those of all queues.
type metrics struct {
	sentMessages, sentBytes, failed *prometheus.CounterVec
	settled                         *prometheus.CounterVec
	batch                           *prometheus.HistogramVec
	state                           *stateCollector
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"queue"}, labels...))
	}
	var errs [6]error
	m := &metrics{}
	m.sentMessages, errs[0] = register(reg, counter("pagesrun_queue_sent_messages_total", "Messages stored for producers."))
	m.sentBytes, errs[1] = register(reg, counter("pagesrun_queue_sent_bytes_total", "Bytes of the bodies of messages stored for producers."))
	m.failed, errs[2] = register(reg, counter("pagesrun_queue_send_failures_total", "Messages that could not be stored, or of which it is not known."))
	m.settled, errs[3] = register(reg, counter("pagesrun_queue_deliveries_total", "Deliveries of messages by what became of them.", "outcome"))
	m.batch, errs[4] = register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "pagesrun_queue_batch_messages", Help: "Messages of delivered batches.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
	}, []string{"queue"}))
	m.state, errs[5] = register(reg, newStateCollector())
	return m, errors.Join(errs[:]...)
}

// register registers a collector, or gives the one registered before a reload.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		return already.ExistingCollector.(C), nil
	}
	return c, err
}

// queueMetrics are those of one queue.
type queueMetrics struct {
	sentMessages, sentBytes, failed       prometheus.Counter
	acked, retried, deadLettered, dropped prometheus.Counter
	batch                                 prometheus.Observer
}

func (m *metrics) queue(name string) *queueMetrics {
	return &queueMetrics{
		sentMessages: m.sentMessages.WithLabelValues(name), sentBytes: m.sentBytes.WithLabelValues(name), failed: m.failed.WithLabelValues(name),
		acked: m.settled.WithLabelValues(name, outcomeAcked), retried: m.settled.WithLabelValues(name, outcomeRetried),
		deadLettered: m.settled.WithLabelValues(name, outcomeDeadLettered), dropped: m.settled.WithLabelValues(name, outcomeDropped),
		batch: m.batch.WithLabelValues(name),
	}
}

func (m *queueMetrics) sent(messages, bytes int) {
	m.sentMessages.Add(float64(messages))
	m.sentBytes.Add(float64(bytes))
}

func (m *queueMetrics) sendFailed(messages int) { m.failed.Add(float64(messages)) }

// stateCollector asks the queues for their state when the metrics are read.
type stateCollector struct {
	messages, bytes, age *prometheus.Desc

	mu   sync.Mutex
	live *live
}

func newStateCollector() *stateCollector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"queue"}, nil)
	}
	return &stateCollector{
		messages: desc("pagesrun_queue_backlog_messages", "Messages in the queue, those being delivered or delayed included."),
		bytes:    desc("pagesrun_queue_backlog_bytes", "Bytes of the bodies of the messages in the queue."),
		age:      desc("pagesrun_queue_oldest_message_age_seconds", "Age of the oldest message in the queue; 0 when there is none."),
	}
}

// show has the state of these queues shown from now on, where that of the ones before was, or nothing's (nil).
func (c *stateCollector) show(before, l *live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before == nil || c.live == before {
		c.live = l
	}
}

// Describe implements [prometheus.Collector].
func (c *stateCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.messages
	out <- c.bytes
	out <- c.age
}

// scrapeTime bounds how long the queues may take to tell their state.
const scrapeTime = 2 * time.Second

// Collect implements [prometheus.Collector].
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	for name, q := range c.live.queues {
		state, err := q.state(ctx)
		if err != nil {
			continue
		}
		age := 0.0
		if oldest := state.OldestMessageTimestampMS; oldest != nil {
			age = max(0, q.now().Sub(time.UnixMilli(*oldest)).Seconds())
		}
		out <- prometheus.MustNewConstMetric(c.messages, prometheus.GaugeValue, float64(state.BacklogCount), name)
		out <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(state.BacklogBytes), name)
		out <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, age, name)
	}
}

// nowhere is where the metrics of commands go.
type nowhere struct{}

func (nowhere) Register(prometheus.Collector) error  { return nil }
func (nowhere) MustRegister(...prometheus.Collector) {}
func (nowhere) Unregister(prometheus.Collector) bool { return true }
