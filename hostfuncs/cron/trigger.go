package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// RunningMax is how many events of one expression may run or wait at once. A tick beyond is skipped.
const RunningMax = 16

// retryEvery is the pause before a tick that could not be written down or begun is tried again.
const retryEvery = time.Second

// trigger is one expression at work.
type trigger struct {
	*Resource
	ledger  *ledger
	log     *slog.Logger
	metrics metrics
	running atomic.Int32

	// The rest belongs to the runner's loop.

	// id is the expression's entry in the ledger; 0 until that is known.
	id int64
	// cursor is the time up to which ticks have been dealt with.
	cursor time.Time
}

// enter finds out where the ledger says that the expression has got to.
func (t *trigger) enter(ctx context.Context) error {
	now := t.now()
	e, err := t.ledger.enter(ctx, t.App, t.Expression, now)
	if err != nil {
		return err
	}
	t.id, t.cursor = e.id, e.since
	if e.last.After(t.cursor) {
		t.cursor = e.last
		t.metrics.last(e.last)
	}
	return nil
}

// due gives the tick to run now, the zero time when there is none, and how many others have gone by without being run.
func (t *trigger) due(now time.Time) (tick time.Time, missed int) {
	switch oldest := now.Add(-kept); {
	case now.Before(t.cursor): // the clock was set back: the ledger knows what of the current minute on has been run
		t.cursor = now.Truncate(time.Minute).Add(-time.Minute)
	case t.cursor.Before(oldest):
		t.cursor = oldest
	}
	for {
		next, ok := t.Schedule.Next(t.cursor)
		if !ok || next.After(now) {
			break
		}
		if !tick.IsZero() {
			missed++
		}
		tick, t.cursor = next, next
	}
	if !tick.IsZero() && t.late(tick, now) {
		return time.Time{}, missed + 1
	}
	return tick, missed
}

// late says whether it is too late to run a tick.
func (t *trigger) late(tick, now time.Time) bool { return now.Sub(tick) >= t.CatchUp }

// fire runs a tick: it writes it down, then has the event run. What no guest code has seen is tried again until it is too late or ctx
// ends. The event itself ends early with events only. id is the expression's entry in the ledger.
func (t *trigger) fire(ctx, events context.Context, d hostfuncs.Dispatcher, id int64, tick time.Time) {
	for {
		begun, err := t.attempt(events, d, id, tick)
		if begun {
			return
		}
		if t.late(tick, t.now()) {
			t.metrics.missed.Inc()
			t.log.Warn("a tick was missed", "cron", t.Expression, "tick", stamp(tick), "cause", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryEvery):
		}
	}
}

// attempt runs a tick unless it was or is being run, and says whether that is so now. Otherwise it has left no trace.
func (t *trigger) attempt(events context.Context, d hostfuncs.Dispatcher, id int64, tick time.Time) (begun bool, err error) {
	mine, err := t.ledger.claim(events, id, tick, t.now())
	if err != nil || !mine {
		return err == nil, err
	}
	t.metrics.last(tick)
	err = d.Dispatch(events, event(t.Expression, tick))
	switch {
	case errors.Is(err, hostfuncs.ErrNotStarted):
		if lost := t.ledger.giveBack(context.WithoutCancel(events), id, tick); lost != nil {
			t.log.Error("a tick is lost: it was not run and cannot be given back", "cron", t.Expression, "tick", stamp(tick), "cause", lost)
			return true, err
		}
		return false, err
	case err != nil:
		t.metrics.failed.Inc()
	default:
		t.metrics.ok.Inc()
	}
	return true, err
}

// event is what the guest gets.
func event(expression string, tick time.Time) *hostfuncs.Event {
	return &hostfuncs.Event{
		Message: abi.Event{
			Kind:      abi.EventScheduled,
			Scheduled: &abi.ScheduledEvent{ScheduledTimeMS: tick.UnixMilli(), Cron: expression},
		},
		Detail: fmt.Sprintf("cron %q, due %s", expression, stamp(tick)),
	}
}

// stamp is a tick for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
