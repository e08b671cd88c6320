package cron

import (
	"context"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// lookEvery is how often the clock is looked at, at least: it may have been set.
const lookEvery = 5 * time.Second

// endTime is how long events that were told to end may take to do so.
const endTime = 2 * time.Second

// runner runs the ticks of all expressions from one Start to the next Stop.
type runner struct {
	events     context.Context // what running events end with
	endEvents  context.CancelFunc
	dispatcher hostfuncs.Dispatcher
	triggers   []*trigger
	cancel     context.CancelFunc
	running    sync.WaitGroup
	ended      chan struct{}
}

func startRunner(d hostfuncs.Dispatcher, triggers []*trigger) *runner {
	r := &runner{dispatcher: d, triggers: triggers, ended: make(chan struct{})}
	var ctx context.Context
	r.events, r.endEvents = context.WithCancel(context.Background())
	ctx, r.cancel = context.WithCancel(r.events)
	go func() {
		defer close(r.ended)
		r.loop(ctx)
		r.running.Wait()
	}()
	return r
}

// stop ends the loop and waits for the events that run until ctx ends. Then it ends them.
func (r *runner) stop(ctx context.Context) error {
	r.cancel()
	defer r.endEvents()
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
	}
	r.endEvents()
	select {
	case <-r.ended:
		return nil
	case <-time.After(endTime):
		return ctx.Err()
	}
}

func (r *runner) loop(ctx context.Context) {
	for _, t := range r.triggers {
		t.id = 0
	}
	for {
		wait := lookEvery
		for _, t := range r.triggers {
			wait = min(wait, r.look(ctx, t))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// look runs the tick of t that is due, if there is one, and says how long nothing will be due.
func (r *runner) look(ctx context.Context, t *trigger) time.Duration {
	first := t.id == 0
	if first {
		if err := t.enter(ctx); err != nil {
			if ctx.Err() == nil {
				t.log.Error("cannot tell which ticks have been run; will try again", "cron", t.Expression, "cause", err)
			}
			return retryEvery
		}
	}
	now := t.now()
	tick, missed := t.due(now)
	if missed > 0 {
		t.miss(missed, first)
	}
	if !tick.IsZero() {
		r.fire(ctx, t, tick)
	}
	next, ok := t.Schedule.Next(t.cursor)
	if !ok {
		return lookEvery
	}
	return max(next.Sub(now), time.Millisecond)
}

// miss counts ticks that are not run because nobody looked in time.
func (t *trigger) miss(count int, first bool) {
	t.metrics.missed.Add(float64(count))
	if first {
		t.log.Info("ticks were missed while pagesrun was not running", "cron", t.Expression, "count", count)
		return
	}
	t.log.Warn("ticks were missed: the clock was set forward, or the machine was asleep", "cron", t.Expression, "count", count)
}

// fire runs a tick in the background.
func (r *runner) fire(ctx context.Context, t *trigger, tick time.Time) {
	if t.running.Add(1) > RunningMax {
		t.running.Add(-1)
		t.metrics.missed.Inc()
		t.log.Warn("a tick was skipped: too many events of this expression are running", "cron", t.Expression, "tick", stamp(tick), "running", RunningMax)
		return
	}
	id := t.id
	r.running.Go(func() {
		defer t.running.Add(-1)
		t.fire(ctx, r.events, r.dispatcher, id, tick)
	})
}
