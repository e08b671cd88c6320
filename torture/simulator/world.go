package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/prometheus/client_golang/prometheus"
)

// How much is done in a world, how many calls are under way at once, every how many worlds there are queues, which take long to open, and how many calls may
// be left behind by events that go on.
const (
	steps      = 60
	burst      = 4
	queueEvery = 16
	leftMost   = 4
)

// message is what is sent or received.
type message interface{ DecodeCBOR([]byte) error }

// action is a call, and what it means to the models.
type action struct {
	what, target, op string
	message          []byte
	// begin notes that the call has begun. After it comes one of done, failed, or neither when its outcome is never heard of.
	begin func()
	// done takes the reply of a call that has returned, or what refuses it; errAgain has it called again, with another message.
	done func(reply []byte, refused *abi.Error) error
	// failed notes that it has returned and that nobody knows what it did.
	failed func()
}

// errAgain asks for another call of the same action.
var errAgain = errors.New("there is more")

// taken decodes a reply into a message; what was refused is an error.
func taken(reply []byte, refused *abi.Error, into message) error {
	if refused != nil {
		return refused
	}
	return into.DecodeCBOR(reply)
}

// world is one simulated machine.
type world struct {
	seed     uint64
	random   *rand.Rand
	dir      string
	disk     *disk
	ticked   atomic.Int64 // the clock, in seconds
	cfg      *config.Config
	relaxed  bool
	registry *hostfuncs.Registry
	guest    *guest
	keys     []string
	kv       namespace
	d1       *object[rows]
	queue    *queue // nil in worlds without
	puts     int
	sends    int
	left     int // calls whose outcome nobody will hear, since all was quiet
	excuse   []abi.Code
	seen     Seen
	trail    []string
	// tamper changes calls before they are made, and garble replies, in controls.
	tamper func(*action)
	garble func(*action, []byte) []byte
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

// live runs a world. The error says what differs from the models, after all that was done.
func (w *world) live(ctx context.Context) error {
	text := toml
	if w.queue != nil {
		text += queuesToml
	}
	err := w.configure(text)
	if err == nil {
		err = w.open(ctx)
	}
	if err == nil {
		err = errors.Join(w.run(ctx), w.close(ctx))
	}
	if err != nil {
		err = fmt.Errorf("seed %d: %w\n%s", w.seed, err, strings.Join(w.trail, "\n"))
	}
	return err
}

// newWorld makes the world of a seed, on a disk of its own.
func newWorld(seed uint64, d *disk, g *guest) *world {
	w := &world{seed: seed, random: rand.New(rand.NewPCG(seed, seed>>1)), dir: d.dir, disk: d, guest: g, d1: newObject(rows{})}
	w.ticked.Store(1_800_000_000)
	for _, i := range w.random.Perm(len(keyNames))[:1+w.random.IntN(len(keyNames))] {
		w.keys = append(w.keys, keyNames[i])
	}
	w.kv = newNamespace(w.keys)
	w.relaxed = w.random.IntN(4) == 0
	if seed%queueEvery == 0 {
		w.queue = newQueue()
	}
	return w
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
		Log: slog.New(slog.DiscardHandler), DataDir: filepath.Join(w.dir, "data"), Now: func() time.Time { return time.Unix(w.seconds(), 0) }, Metrics: prometheus.NewRegistry(), Durability: "sync",
	}
	if w.relaxed {
		host.Durability = "relaxed"
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
	w.guest.open(ctx, w.registry, eventTime)
	return w.together(w.createTable())
}

// close ends the event and closes all bindings, after which no call is at work any more.
func (w *world) close(ctx context.Context) error {
	if w.registry == nil {
		return nil // it could not be opened
	}
	w.guest.End()
	err := errors.Join(w.registry.Stop(ctx), w.registry.Close(ctx))
	w.registry = nil
	w.settle()
	return err
}

// settle notes that no call is at work any more.
func (w *world) settle() {
	w.kv.settle()
	w.d1.settle()
	w.left = 0
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
	if w.left > leftMost {
		return w.nextEvent(ctx, eventTime)
	}
	switch n := w.random.IntN(80); {
	case n < 1:
		w.note("everything is closed and opened")
		return errors.Join(w.close(ctx), w.open(ctx))
	case n < 3:
		return w.stop(ctx)
	case n < 6:
		return w.tick(ctx)
	case n < 12:
		return w.withFault()
	case n < 14:
		return w.hurry(ctx)
	}
	return w.together(w.draw()...)
}

// draw draws what to do at once.
func (w *world) draw() (actions []*action) {
	for range 1 + w.random.IntN(burst) {
		switch n := w.random.IntN(9); {
		case n < 4:
			actions = append(actions, w.kvAction())
		case n < 8:
			actions = append(actions, w.d1Action())
		case w.queue != nil:
			actions = append(actions, w.queueAction())
		}
	}
	return actions
}

// nextEvent ends the event and begins another one, which may take so long.
func (w *world) nextEvent(ctx context.Context, most time.Duration) error {
	if err := w.guest.end(); err != nil {
		return err
	}
	w.settle()
	w.guest.open(ctx, w.registry, most)
	return nil
}

// tick moves the clock, while no call is at work.
func (w *world) tick(ctx context.Context) error {
	if w.queue != nil {
		return nil
	}
	err := w.nextEvent(ctx, eventTime)
	w.ticked.Add(w.random.Int64N(100))
	w.note("it is %d", w.seconds())
	return err
}

func (w *world) note(format string, args ...any) {
	w.trail = append(w.trail, fmt.Sprintf(format, args...))
}

// cancelOneIn is how rarely a call is cancelled.
const cancelOneIn = 12

// together begins the calls, cancels some, and takes the replies of the others as they come.
func (w *world) together(actions ...*action) error {
	handles := make([]int32, 0, len(actions))
	var waiting []*action
	for _, a := range actions {
		a.begin()
		if w.tamper != nil {
			w.tamper(a)
		}
		h, err := w.guest.start(a)
		if err != nil {
			return err
		}
		if len(actions) > 1 && w.random.IntN(cancelOneIn) == 0 {
			w.note("cancelled: %s", a.what)
			w.left++
			if err := w.guest.cancel(h); err != nil {
				return err
			}
			continue
		}
		w.note("%s", a.what)
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
	if w.garble != nil {
		reply = w.garble(a, reply)
	}
	w.seen.Calls++
	var refused *abi.Error
	if err := abi.DecodeReply(reply, ignored{}); err != nil && !errors.As(err, &refused) {
		return 0, err
	}
	if refused != nil && slices.Contains(w.excuse, refused.Code) {
		w.note("failed with %s: %s", refused.Code, a.what)
		w.seen.Failed++
		a.failed()
		return 0, nil
	}
	if err = a.done(reply, refused); !errors.Is(err, errAgain) {
		return 0, err
	}
	return w.guest.start(a)
}

// ignored takes any message.
type ignored struct{}

// DecodeCBOR does nothing.
func (ignored) DecodeCBOR([]byte) error { return nil }
