package queues

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// decode decodes the text of a wrangler.toml.
func decode(t testing.TB, text string) ([]hostfuncs.Resource, config.Problems) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrangler.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(config.Options{File: path, Sections: New().Sections()})
	lists, more := hostfuncs.Decode([]hostfuncs.Binding{New()}, cfg)
	return lists[0], append(problems, more...)
}

func TestDefaultsAreProductions(t *testing.T) {
	resources, problems := decode(t, "queues.consumers = [{queue = \"q\"}]\nqueues.producers = [{binding = \"Q\", queue = \"q\"}]\n")
	if err := problems.Err(); err != nil || len(resources) != 2 {
		t.Fatal(resources, problems)
	}
	p, c := resources[0].(*Producer), resources[1].(*Consumer)
	if p.Binding != "Q" || p.Queue != "q" || p.DelayS != 0 {
		t.Errorf("%+v", p)
	}
	if c.BatchSize != 10 || c.BatchTimeout != 5*time.Second || c.Retries != 3 || c.DeadLetterQueue != "" || c.Concurrency != 0 || c.RetryDelay != 0 || c.Wall != 15*time.Minute {
		t.Errorf("%+v", c)
	}
	if p.Describe() != "sends to q" || c.Describe() != "consumes q in batches of 10 or after 5s" || c.BindingName() != "" {
		t.Errorf("%q, %q, %q", p.Describe(), c.Describe(), c.BindingName())
	}
}

func TestEverythingCanBeSet(t *testing.T) {
	resources, problems := decode(t, `
[[queues.producers]]
binding = "Q"
queue = "my-Queue_1"
delivery_delay = 43200
[[queues.consumers]]
queue = "my-Queue_1"
type = "worker"
max_batch_size = 100
max_batch_timeout = 0
max_retries = 100
dead_letter_queue = "dead"
max_concurrency = 250
retry_delay = 43200
[pagesrun]
nats = "nats://a,nats://b"
limits.background_wall_ms = 1000
`)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	p, c := resources[0].(*Producer), resources[1].(*Consumer)
	if p.DelayS != 43_200 || p.store.nats != "nats://a,nats://b" {
		t.Errorf("%+v", p)
	}
	want := Consumer{Queue: "my-Queue_1", BatchSize: 100, Retries: 100, DeadLetterQueue: "dead", Concurrency: 250, RetryDelay: 12 * time.Hour, Wall: time.Second, Pos: c.Pos, store: p.store}
	if *c != want {
		t.Errorf("%+v, want %+v", *c, want)
	}
	if got := c.Describe(); got != "consumes my-Queue_1 in batches of 100 or after 0s, dead letters to dead" {
		t.Error(got)
	}
}

func TestWhatCannotBeConfigured(t *testing.T) {
	const consumer = "[[queues.consumers]]\nqueue = \"q\"\n"
	const producer = "[[queues.producers]]\nbinding = \"Q\"\nqueue = \"q\"\n"
	for _, c := range []struct{ name, text, want string }{
		{"a second consumer", consumer + consumer, `wrangler.toml:4: queues.consumers[1].queue: queue "q" has a consumer already, in line 1: a queue has one consumer`},
		{"another type", consumer + `type = "http_pull"`, `:3: queues.consumers[0].type: must be "worker", not "http_pull"`},
		{"its own dead letters", consumer + `dead_letter_queue = "q"`, `:3: queues.consumers[0].dead_letter_queue: Dead letter queue for queue "q" cannot be itself`},
		{"a batch of none", consumer + "max_batch_size = 0", "max_batch_size: must be between 1 and 100, not 0"},
		{"a batch too large", consumer + "max_batch_size = 101", "max_batch_size: must be between 1 and 100, not 101"},
		{"a negative timeout", consumer + "max_batch_timeout = -1", "max_batch_timeout: must be between 0 and 60, not -1"},
		{"a timeout too long", consumer + "max_batch_timeout = 61", "max_batch_timeout: must be between 0 and 60, not 61"},
		{"too many retries", consumer + "max_retries = 101", "max_retries: must be between 0 and 100, not 101"},
		{"no concurrency", consumer + "max_concurrency = 0", "max_concurrency: must be between 1 and 250, not 0"},
		{"too much concurrency", consumer + "max_concurrency = 251", "max_concurrency: must be between 1 and 250, not 251"},
		{"a retry too late", consumer + "retry_delay = 43201", "retry_delay: must be between 0 and 43200, not 43201"},
		{"a delivery too late", producer + "delivery_delay = 43201", "delivery_delay: must be between 0 and 43200, not 43201"},
		{"an unknown key", consumer + "max_batch = 1", `Unexpected fields found in queues.consumers[0] field: "max_batch"`},
		{"an unknown key of a producer", producer + "delay = 1", `Unexpected fields found in queues.producers[0] field: "delay"`},
		{"an unknown list", "[queues]\nproducer = []", `Unexpected fields found in queues field: "producer". Did you mean "producers"?`},
		{"no queue", "[[queues.consumers]]", "queues.consumers[0].queue: is required and must be a string"},
		{"no binding", "[[queues.producers]]\nqueue = \"q\"", "queues.producers[0].binding: is required and must be a string"},
		{"a name with a dot", "[[queues.consumers]]\nqueue = \"a.b\"", `queue: must be 1 to 63 letters, digits, hyphens and underscores, not "a.b"`},
		{"a name too long", "[[queues.consumers]]\nqueue = \"" + strings.Repeat("q", 64) + "\"", "queue: must be 1 to 63 letters"},
		{"two producers of one name", producer + producer, `Q assigned to multiple queues bindings`},
		{"a Pages project that consumes", "name = \"p\"\npages_build_output_dir = \"x\"\n" + consumer, `Configuration file for Pages projects does not support "queues.consumers"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := decode(t, c.text)
			if err := problems.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the problems are %v, want %s", err, c.want)
			}
		})
	}
}

func TestWhatHasNoEffectIsSaid(t *testing.T) {
	_, problems := decode(t, "[[queues.producers]]\nbinding = \"Q\"\nqueue = \"q\"\nremote = true\n[[queues.consumers]]\nqueue = \"q\"\nvisibility_timeout_ms = 5\n")
	if problems.Err() != nil || len(problems) != 2 || !strings.Contains(problems[0].Error(), "remote") || !strings.Contains(problems[1].Error(), "visibility_timeout_ms") {
		t.Error(problems)
	}
}
