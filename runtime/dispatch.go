package runtime

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Concurrency is how many events other than requests run at once: half of the instances, so that requests find the other half whatever a
// queue brings.
func (a *App) Concurrency() int { return max(1, a.opts.Limits.Instances/2) }

// Dispatch implements [hostfuncs.Dispatcher]: it runs an event that is no request. Its failure is an [*EventError].
func (a *App) Dispatch(ctx context.Context, e *hostfuncs.Event) error {
	start := time.Now()
	id := string(a.ids.AppendNext(nil))
	in, err := a.takeBackground(ctx)
	if err != nil {
		return a.refuseBackground(e, id, start, err)
	}
	defer func() { <-a.background }()
	in.beginBackground(ctx, e, id, start)
	waited := in.started.Sub(start)
	in.next()
	if _, err := in.finish(waited); err != nil {
		return err
	}
	return nil
}

// takeBackground waits for a turn among the background events, and for an instance.
func (a *App) takeBackground(ctx context.Context) (*instance, error) {
	if a.command {
		return nil, fmt.Errorf("a WASI command answers requests only")
	}
	select {
	case a.background <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Canceled
	}
	in, err := a.pool.take(ctx)
	if err != nil {
		<-a.background
	}
	return in, err
}

// refuseBackground ends an event that got no instance.
func (a *App) refuseBackground(e *hostfuncs.Event, id string, start time.Time, cause error) error {
	failure := refusal(cause)
	if failure.Outcome == OutcomeCanceled {
		failure.Message = "the event was canceled"
	}
	failure.Cause = fmt.Errorf("%w: %w", hostfuncs.ErrNotStarted, cause)
	waited := time.Since(start)
	a.opts.Observer.EventDone(&Report{
		ID: id, Kind: e.Message.Kind, Start: start, Detail: e.Detail, Outcome: failure.Outcome, Err: failure, Duration: waited, PoolWait: waited,
	})
	return failure
}

// beginBackground makes the event message and starts the session.
func (in *instance) beginBackground(ctx context.Context, e *hostfuncs.Event, id string, start time.Time) {
	in.wall = cmp.Or(e.Wall, in.app.opts.Limits.Background)
	in.begin(ctx, hostfuncs.PhaseEvent, nil, time.Now().Add(in.wall))
	in.eventID, in.begun, in.background = id, start, e
	in.ctx.Name(id)
	in.ctx.Background(e.Operations)
	e.Log = func(level int, text string) { in.app.opts.Observer.GuestLog(id, "host", level, text) }
	e.Message.ID, e.Message.TimeMS = id, start.UnixMilli()
	in.eventBuf = e.Message.AppendCBOR(in.eventBuf[:0])
	in.ctx.SetEvent(in.eventBuf)
}
