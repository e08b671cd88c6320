package queues

import (
	"fmt"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Section is the key of the configuration that this binding decodes.
const Section = "queues"

// The platform's defaults and bounds of a consumer.
const (
	// DefaultBatchSize is how many messages a batch has at most.
	DefaultBatchSize = 10
	// DefaultBatchTimeoutS is how long a batch waits to become full, in seconds.
	DefaultBatchTimeoutS = 5
	// DefaultRetries is how often a message is delivered again after its first delivery.
	DefaultRetries = 3
	// BatchTimeoutSMax is the most a batch may wait, in seconds.
	BatchTimeoutSMax = 60
	// RetriesMax is the most retries.
	RetriesMax = 100
	// ConcurrencyMax is the most batches of one queue that run at once.
	ConcurrencyMax = 250
)

// Producer is one entry of queues.producers.
type Producer struct {
	// Binding is the name guests use.
	Binding string
	// Queue is the name of the queue.
	Queue string
	// DelayS is delivery_delay: the delay of messages sent without one, in seconds.
	DelayS int64
	// Pos is where the entry was written.
	Pos config.Pos

	store storeConfig
}

// BindingName is the name guests use.
func (p *Producer) BindingName() string { return p.Binding }

// Position is where the entry was written.
func (p *Producer) Position() config.Pos { return p.Pos }

// Describe names the queue in the table shown at start.
func (p *Producer) Describe() string { return "sends to " + p.Queue }

// Consumer is one entry of queues.consumers.
type Consumer struct {
	// Queue is the name of the queue.
	Queue string
	// BatchSize is max_batch_size.
	BatchSize int
	// BatchTimeout is max_batch_timeout; 0 means that batches do not wait.
	BatchTimeout time.Duration
	// Retries is max_retries: a message is delivered at most once more than that.
	Retries int
	// DeadLetterQueue is the queue that gets what was delivered in vain; empty means that such messages are dropped.
	DeadLetterQueue string
	// Concurrency is max_concurrency; 0 means as many as there is work and room for.
	Concurrency int
	// RetryDelay is retry_delay: the delay of retries that have none of their own.
	RetryDelay time.Duration
	// Wall is the time limit of an event, [pagesrun.limits] background_wall_ms.
	Wall time.Duration
	// Pos is where the entry was written.
	Pos config.Pos

	store storeConfig
}

// BindingName is empty: guests do not call a consumer.
func (c *Consumer) BindingName() string { return "" }

// Position is where the entry was written.
func (c *Consumer) Position() config.Pos { return c.Pos }

// Describe names the queue in the table shown at start.
func (c *Consumer) Describe() string {
	text := fmt.Sprintf("consumes %s in batches of %d or after %v", c.Queue, c.BatchSize, c.BatchTimeout)
	if c.DeadLetterQueue != "" {
		text += ", dead letters to " + c.DeadLetterQueue
	}
	return text
}

// storeConfig is what the table "pagesrun" says about the store.
type storeConfig struct{ nats, listen string }

// isQueueName says whether a queue can have the name: what the platform allows, and capitals and underscores besides.
func isQueueName(name string) bool {
	for _, c := range []byte(name) {
		if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 63
}

// Resources reads the section: the producers and the consumers.
func Resources(c *config.Config) ([]*Producer, []*Consumer, config.Problems) {
	var problems config.Problems
	var producers []*Producer
	var consumers []*Consumer
	t := config.NewTable(c.Section(Section), c.Key(Section), &problems)
	store := storeConfig{nats: c.Pagesrun.Nats, listen: c.Pagesrun.NatsListen}
	config.EachTable(t.Node("producers"), t.Path("producers"), &problems, func(t *config.Table) {
		p := decodeProducer(t)
		p.store = store
		producers = append(producers, p)
	})
	taken := map[string]config.Pos{}
	config.EachTable(t.Node("consumers"), t.Path("consumers"), &problems, func(t *config.Table) {
		one := decodeConsumer(t)
		one.store, one.Wall = store, time.Duration(c.Pagesrun.Limits.BackgroundWallMS)*time.Millisecond
		if first, double := taken[one.Queue]; double && one.Queue != "" {
			t.Fail("queue", "queue %q has a consumer already, in line %d: a queue has one consumer", one.Queue, first.Line)
		}
		taken[one.Queue] = one.Pos
		consumers = append(consumers, one)
	})
	t.RejectUnknown()
	return producers, consumers, problems
}

func decodeProducer(t *config.Table) *Producer {
	p := &Producer{Binding: t.String("binding", config.Required), Queue: readQueueName(t, "queue", config.Required), Pos: t.Pos()}
	if len(p.Binding) > abi.TargetBytesMax {
		t.Fail("binding", "must have at most %d bytes, not %d", abi.TargetBytesMax, len(p.Binding))
	}
	p.DelayS = t.Int("delivery_delay", 0, 0, abi.QueueDelaySMax)
	if t.Bool("remote", false) {
		t.Warn("remote", "is not supported: pagesrun keeps all data on this machine")
	}
	t.RejectUnknown()
	return p
}

func decodeConsumer(t *config.Table) *Consumer {
	seconds := func(key string, fallback, most int64) time.Duration {
		return time.Duration(t.Int(key, fallback, 0, most)) * time.Second
	}
	c := &Consumer{Queue: readQueueName(t, "queue", config.Required), Pos: t.Pos()}
	if kind := t.String("type", config.Optional); t.Has("type") && kind != "worker" {
		t.Fail("type", "must be \"worker\", not %q: pagesrun delivers messages to the function", kind)
	}
	c.BatchSize = int(t.Int("max_batch_size", DefaultBatchSize, 1, abi.QueueBatchMessagesMax))
	c.BatchTimeout = seconds("max_batch_timeout", DefaultBatchTimeoutS, BatchTimeoutSMax)
	c.Retries = int(t.Int("max_retries", DefaultRetries, 0, RetriesMax))
	c.Concurrency = int(t.Int("max_concurrency", 0, 1, ConcurrencyMax))
	c.RetryDelay = seconds("retry_delay", 0, abi.QueueDelaySMax)
	c.DeadLetterQueue = readQueueName(t, "dead_letter_queue", config.Optional)
	if c.DeadLetterQueue != "" && c.DeadLetterQueue == c.Queue {
		t.Fail("dead_letter_queue", "Dead letter queue for queue %q cannot be itself", c.Queue)
	}
	if t.Has("visibility_timeout_ms") {
		t.Warn("visibility_timeout_ms", "has no effect: it is for consumers that pull")
	}
	t.RejectUnknown()
	return c
}

func readQueueName(t *config.Table, key string, presence config.Presence) string {
	name := t.String(key, presence)
	if name != "" && !isQueueName(name) {
		t.Fail(key, "must be 1 to 63 letters, digits, hyphens and underscores, not %q", name)
	}
	return name
}

// Decode reads the section as resources.
func (*binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	producers, consumers, problems := Resources(c)
	var resources []hostfuncs.Resource
	for _, p := range producers {
		resources = append(resources, p)
	}
	for _, c := range consumers {
		resources = append(resources, c)
	}
	return resources, problems
}
