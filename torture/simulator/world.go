package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/prometheus/client_golang/prometheus"
)

// How much is done in a world, how many calls are under way at once, and every how many worlds there are queues, which take long to open.
const (
	steps      = 60
	burst      = 4
	queueEvery = 4
)

// action is a call, and what it means to the models.
type action struct {
	what, target, op string
	message          []byte
	// done takes the reply of a call that has returned; errAgain has it called again, with another message.
	done func(reply []byte) error
	// perhaps notes that the call was cancelled; nil where nothing can come of it.
	perhaps func()
}

// errAgain asks for another call of the same action.
var errAgain = errors.New("there is more")

// world is one simulated machine.
type world struct {
	seed     uint64
	random   *rand.Rand
	dir      string
	ticked   atomic.Int64 // the clock, in seconds
	cfg      *config.Config
	registry *hostfuncs.Registry
	guest    *guest
	kv       *namespace
	d1       *database
	queue    *queue // nil in worlds without
	sends    int
	trail    []string
}

const toml = `name = "world"
compatibility_date = "2026-11-01"

[[kv_namespaces]]
binding = "KV"
id = "kv"

[[d1_databases]]
binding = "DB"
database_name = "db"
database_id = "db"
`

const queuesToml = `
[[queues.producers]]
binding = "Q"
queue = "work"

[[queues.consumers]]
queue = "work"
max_batch_size = 3
max_batch_timeout = 0
max_retries = 2
dead_letter_queue = "dead"

[[queues.consumers]]
queue = "dead"
max_batch_timeout = 0
`

// live runs the world of a seed in a directory. The error says what differs from the models, after all that was done.
func live(ctx context.Context, seed uint64, dir string, g *guest) error {
	w := &world{seed: seed, random: rand.New(rand.NewPCG(seed, seed>>1)), dir: dir, guest: g, kv: newNamespace(), d1: newDatabase()}
	w.ticked.Store(1_800_000_000)
	text := toml
	if seed%queueEvery == 0 {
		text, w.queue = text+queuesToml, newQueue()
	}
	err := w.configure(text)
	if err == nil {
		err = w.open(ctx)
	}
	if err == nil {
		err = errors.Join(w.run(ctx), w.close(ctx))
	}
	if err != nil {
		err = fmt.Errorf("seed %d: %w\n%s", seed, err, strings.Join(w.trail, "\n"))
	}
	return err
}

func (w *world) configure(text string) error {
	if err := os.WriteFile(filepath.Join(w.dir, "wrangler.toml"), []byte(text), 0o600); err != nil {
		return err
	}
	cfg, problems := config.Load(config.Options{Dir: w.dir})
	if cfg == nil {
		return fmt.Errorf("the configuration: %v", problems)
	}
	w.cfg = cfg
	return nil
}

// open opens all bindings, as a process does that starts.
func (w *world) open(ctx context.Context) error {
	resources, problems := hostfuncs.Decode(bindings.All(), w.cfg)
	if len(problems) > 0 {
		return fmt.Errorf("the configuration: %v", problems)
	}
	host := hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: filepath.Join(w.dir, "data"), Now: func() time.Time { return time.Unix(w.seconds(), 0) }, Metrics: prometheus.NewRegistry(), Durability: "relaxed",
	}
	if w.queue != nil {
		host.Now = time.Now // queues keep time by JetStream's clock
		w.ticked.Store(time.Now().Unix())
	}
	var err error
	if w.registry, err = hostfuncs.Open(ctx, bindings.All(), resources, host); err != nil {
		return err
	}
	if w.queue != nil {
		if err := w.registry.Start(ctx, w.queue); err != nil {
			return err
		}
	}
	w.guest.open(ctx, w.registry)
	return w.together(createTable())
}

// close ends the event and closes all bindings, after which no call is at work any more.
func (w *world) close(ctx context.Context) error {
	w.guest.End()
	err := errors.Join(w.registry.Stop(ctx), w.registry.Close(ctx))
	w.kv.settled()
	w.d1.settled()
	return err
}

func (w *world) seconds() int64 { return w.ticked.Load() }

func (w *world) run(ctx context.Context) error {
	for range steps {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	if err := w.together(w.kvList()); err != nil {
		return err
	}
	if err := w.together(w.d1All()); err != nil || w.queue == nil {
		return err
	}
	return w.queue.drained()
}

// step does one thing, or several at once.
func (w *world) step(ctx context.Context) error {
	switch w.random.IntN(24) {
	case 0:
		w.trail = append(w.trail, "everything is closed and opened")
		return errors.Join(w.close(ctx), w.open(ctx))
	case 1, 2:
		if w.queue == nil {
			w.ticked.Add(w.random.Int64N(100))
			w.trail = append(w.trail, fmt.Sprintf("it is %d", w.seconds()))
		}
		return nil
	}
	others := map[string]bool{}
	var actions []*action
	for range 1 + w.random.IntN(burst) {
		if a := w.draw(others); a != nil {
			actions = append(actions, a)
		}
		if len(others) == 0 {
			break // it must be alone
		}
	}
	return w.together(actions...)
}

func (w *world) draw(others map[string]bool) *action {
	switch n := w.random.IntN(5); {
	case n < 2:
		return w.kvAction(others)
	case n < 4:
		return w.d1Action(others)
	case w.queue == nil:
		return nil
	}
	others["a message"] = true
	return w.queueAction()
}

// cancelOneIn is how rarely a call is cancelled.
const cancelOneIn = 12

// together begins the calls, cancels some, and takes the replies of the others as they come.
func (w *world) together(actions ...*action) error {
	handles := make([]int32, 0, len(actions))
	var waiting []*action
	for _, a := range actions {
		h, err := w.guest.start(a)
		if err != nil {
			return err
		}
		if len(actions) > 1 && w.random.IntN(cancelOneIn) == 0 {
			w.trail = append(w.trail, "cancelled: "+a.what)
			if err := w.guest.cancel(h); err != nil {
				return err
			}
			if a.perhaps != nil {
				a.perhaps()
			}
			continue
		}
		w.trail = append(w.trail, a.what)
		handles, waiting = append(handles, h), append(waiting, a)
	}
	for len(handles) > 0 {
		i, err := w.guest.any(handles)
		if err != nil {
			return err
		}
		h, err := w.finish(waiting[i], handles[i])
		if err != nil {
			return fmt.Errorf("%s: %w", waiting[i].what, err)
		}
		if handles[i] = h; h == 0 {
			handles, waiting = append(handles[:i], handles[i+1:]...), append(waiting[:i], waiting[i+1:]...)
		}
	}
	return nil
}

// finish takes the reply of a call; where the action goes on, it gives the handle of the next call.
func (w *world) finish(a *action, h int32) (next int32, err error) {
	reply, err := w.guest.take(h)
	if err != nil {
		return 0, err
	}
	if err = a.done(reply); !errors.Is(err, errAgain) {
		return 0, err
	}
	return w.guest.start(a)
}
