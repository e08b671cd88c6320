package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/tetratelabs/wazero/api"
)

// noFuel makes the first fuel check call the host.
const noFuel = 1<<64 - 1

var errCPU = errors.New("the CPU time limit is used up")

// run is the part of an instance that belongs to the running event.
type run struct {
	yield      func(state) bool
	params     [1]uint64 // none: entries have no parameters, but the engine wants room
	eventBuf   []byte
	eventID    string
	begun      time.Time // the event, as its report tells
	request    *Request
	background *hostfuncs.Event // instead of request
	process    process

	started  time.Time
	cpuLimit time.Duration
	wall     time.Duration
	queued   time.Duration // waiting for a turn at the gate
	burned   int64         // fuel of finished quanta
	heavy    bool
	polite   bool // a start-up beside which events run: it takes turns as they do
	turnEnds time.Time
	detached bool
	status   int // of the response, once that was taken
	err      error
	broken   bool // a host function or the engine failed midway: the instance must not be used again
}

// begin makes everything ready for an event or for start-up.
func (in *instance) begin(ctx context.Context, phase hostfuncs.Phase, message []byte, deadline time.Time) {
	in.started = time.Now()
	in.cpuLimit = in.app.opts.Limits.CPU
	in.broken = false
	in.queued, in.burned, in.detached, in.status, in.err, in.eventID, in.request, in.background = 0, 0, false, 0, nil, "", nil, nil
	in.process.begin(phase)
	in.ctx.Begin(ctx, phase, message, deadline)
}

// cpu is the time spent in guest code so far.
func (in *instance) cpu(now time.Time) time.Duration {
	return now.Sub(in.started) - in.ctx.Blocked() - in.queued
}

// fuelUsed is how much the event has burned so far.
func (in *instance) fuelUsed() int64 { return in.burned + quantum - int64(in.fuel.Get()) }

// tick is the slow path of the guest's fuel checks: a host call every [quantum] units of guest code. It lets Go's scheduler and
// garbage collector in, which cannot interrupt guest code by themselves, and ends the event when a limit is reached.
func tick(ctx context.Context, _ api.Module, _ []uint64) {
	ctx.Value(instanceKey{}).(*instance).tick()
}

func (in *instance) tick() {
	if in.resuming {
		in.resume()
	}
	left := int64(in.fuel.Get())
	in.burned += quantum - left
	in.fuel.Set(quantum)
	in.check(ahead(left))
}

// ahead is how long the guest may compute before its next check. Bulk operations are charged before they run, so fuel that is overdrawn tells of work that is
// yet to come; perUnit is what a unit of it takes at the most, which is when each page is touched for the first time.
func ahead(left int64) time.Duration {
	const perUnit = 3 * time.Nanosecond
	return perUnit * time.Duration(max(-left, 0))
}

// check ends the event when it must not go on, hands the response over when there is one, and sees to it that heavy events take turns. Those are heavy that have
// computed for long, or are going to.
func (in *instance) check(ahead time.Duration) {
	now := time.Now()
	if err := in.ctx.Expired(now); err != nil {
		panic(&hostfuncs.Stop{Cause: err})
	}
	cpu := in.cpu(now)
	if cpu > in.cpuLimit {
		panic(&hostfuncs.Stop{Cause: errCPU})
	}
	in.ctx.Kick()
	in.process.cgi.age(now)
	if in.ctx.Response() != nil {
		in.detach()
	}
	if in.weighs(cpu+ahead) && (in.yield != nil || in.polite) {
		in.takeTurn(now)
	}
}

// weighs says whether an event that computes for so long is a heavy one. One that calls itself very deeply is, too: each time its stack grows it is copied, which
// takes far longer than the calls. A command's stack may be that large from its image on.
func (in *instance) weighs(cpu time.Duration) bool {
	return cpu > heavyAfter || in.suspension == nil && in.stack.IsValid() && in.stack.Len() > stackBytesKept
}

// takeTurn makes a heavy event wait for a slot of the gate, and pass it on when its turn is over.
func (in *instance) takeTurn(now time.Time) {
	g := in.app.gate
	if in.heavy {
		if now.Before(in.turnEnds) || !g.contended() {
			return
		}
		in.leaveGate()
	}
	deadline, _ := in.ctx.Deadline()
	var canceled <-chan struct{}
	if !in.detached {
		canceled = in.ctx.Parent().Done()
	}
	in.heavy = g.enter(deadline, canceled)
	after := time.Now()
	in.queued += after.Sub(now)
	in.turnEnds = after.Add(turn)
	if err := in.ctx.Expired(after); err != nil {
		panic(&hostfuncs.Stop{Cause: err})
	}
}

func (in *instance) leaveGate() {
	if in.heavy {
		in.heavy = false
		in.app.gate.leave()
	}
}

// Block implements [hostfuncs.Scheduler]: before the guest waits in the host its response goes out and its turn ends.
func (in *instance) Block() {
	in.leaveGate()
	in.process.cgi.release()
	if in.ctx.Response() != nil {
		in.detach()
	}
}

// Charge implements [hostfuncs.Scheduler]. The guest's next check sees it; when a whole quantum is overdrawn the check is made at once.
func (in *instance) Charge(units int) {
	left := int64(in.fuel.Get()) - int64(units)
	in.fuel.Set(uint64(left))
	if left < -quantum {
		in.tick()
	}
}

// Unblock implements [hostfuncs.Scheduler]. A heavy event takes its next turn at its next tick.
func (in *instance) Unblock() {}

// detach gives the response to whoever waits for it; the guest goes on without them.
func (in *instance) detach() {
	if in.detached || in.yield == nil {
		return
	}
	in.detached = true
	in.ctx.CutParent()
	if !in.yield(stateResponded) {
		panic(&hostfuncs.Stop{Cause: context.Canceled})
	}
}

// execute runs one event on the coroutine.
func (in *instance) execute() error {
	in.fuel.Set(quantum)
	if in.resuming = in.suspension != nil; in.resuming {
		in.fuel.Set(noFuel)
	}
	var err error
	if in.opening != nil {
		err = in.call(in.opening)
	}
	if err == nil {
		err = in.call(in.entry)
	}
	return in.finishCommand(err)
}

// verdict says how the event ended, and the client's status where there is no response.
func (in *instance) verdict() (Outcome, *EventError) {
	err := in.err
	if err == nil {
		if failure := in.ctx.Failure(); failure != nil {
			return OutcomeException, &EventError{Outcome: OutcomeException, Status: 500, Message: "the function failed", Cause: failure}
		}
		if in.ctx.Response() != nil || in.background != nil {
			return OutcomeOK, nil
		}
		return OutcomeNoResponse, &EventError{Outcome: OutcomeNoResponse, Status: 500, Message: "the function ended without a response"}
	}
	e := in.classify(err)
	e.Cause = err
	return e.Outcome, e
}

func (in *instance) classify(err error) *EventError {
	limits := in.app.opts.Limits
	switch {
	case errors.Is(err, errCPU):
		return &EventError{Outcome: OutcomeExceededCPU, Status: 503, Message: fmt.Sprintf("the function used more than %v of CPU time", in.cpuLimit)}
	case errors.Is(err, context.DeadlineExceeded):
		return &EventError{Outcome: OutcomeExceededWall, Status: 504, Message: fmt.Sprintf("the function took longer than %v", in.wall)}
	case errors.Is(err, context.Canceled) && in.background != nil:
		return &EventError{Outcome: OutcomeCanceled, Status: 499, Message: "the event was canceled"}
	case errors.Is(err, context.Canceled):
		return &EventError{Outcome: OutcomeCanceled, Status: 499, Message: "the client went away"}
	case in.mem != nil && in.mem.Refused():
		return &EventError{Outcome: OutcomeExceededMemory, Status: 503, Message: fmt.Sprintf("the function needed more than %d MiB of memory", limits.MemoryBytes>>20)}
	}
	return &EventError{Outcome: OutcomeException, Status: 500, Message: "the function failed"}
}

// startError says what went wrong before the first event.
func (in *instance) startError(export string, err error) error {
	var known *LoadError
	if errors.As(err, &known) {
		return known
	}
	e := &LoadError{Code: "startup_failed", Message: fmt.Sprintf("the module failed in %s", export), Cause: err}
	if errors.Is(err, errCPU) || errors.Is(err, context.DeadlineExceeded) {
		e.Code, e.Message = "startup_timeout", fmt.Sprintf("%s took longer than startup_ms (%v)", export, in.app.opts.Limits.Startup)
		e.Cause = nil
	}
	return e
}
