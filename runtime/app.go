package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime/wasi"
	"github.com/pagesrun/pagesrun/runtime/wasm"
)

// App is a loaded function: a module that has been checked, compiled and started, and its pool of instances.
type App struct {
	opts      Options
	info      *wasm.Module
	rewritten *wasm.Rewritten
	engine    *engine
	image     *image       // of the first instance
	mounts    *wasi.Mounts // nil when nothing is mounted
	pool      *pool
	gate      *gate
	entry     string // the export that runs an event
	command   bool   // a plain WASI command
	fresh     bool   // no image: every event gets a new instance

	ids        *EventIDs     // of events that are no requests
	background chan struct{} // one item per such event that runs
}

// Load makes a module ready to serve: it checks, rewrites, compiles and starts it and takes its image. What is wrong
// with the module comes back as a [*LoadError].
func Load(ctx context.Context, module []byte, opts Options) (*App, error) {
	opts = opts.withDefaults()
	info, err := wasm.Inspect(module, wasm.DefaultLimits())
	if err != nil {
		return nil, asLoadError("invalid_module", "the module is not valid", err)
	}
	a := &App{opts: opts, info: info, gate: newGate(), ids: NewEventIDs(time.Now())}
	a.background = make(chan struct{}, a.Concurrency())
	if err := a.chooseEntry(); err != nil {
		return nil, err
	}
	if err := a.checkMemory(); err != nil {
		return nil, err
	}
	a.opts.Env = ownEnviron(opts.Env, func(name string) {
		if a.command {
			opts.Log.Warn("a variable is named like one of CGI's, so the command does not get it", "name", name)
		}
	})
	a.rewritten, err = wasm.Rewrite(module, info, wasm.RewriteOptions{TableMaxEntries: tableEntriesMax})
	if err != nil {
		return nil, asLoadError("invalid_module", "the module cannot be prepared", err)
	}
	if a.engine, err = newEngine(ctx, a.rewritten.Binary, info, opts); err != nil {
		return nil, err
	}
	a.rewritten.Binary = nil
	if err := a.openMounts(); err != nil {
		return nil, errors.Join(err, a.engine.close(ctx))
	}
	if err := a.warm(ctx); err != nil {
		return nil, errors.Join(err, a.mounts.Close(), a.engine.close(ctx))
	}
	return a, nil
}

// openMounts opens the mounts.
func (a *App) openMounts() (err error) {
	if a.mounts, err = wasi.OpenMounts(a.opts.Mounts, a.command); err != nil {
		return &LoadError{Code: "mount_failed", Message: "a mount cannot be opened", Cause: err}
	}
	return nil
}

// suspends says whether the image is taken in the middle of a run.
func (a *App) suspends() bool { return a.command && a.opts.CommandImage != CommandImageOff }

// tableEntriesMax is the most entries a guest's table may grow to.
const tableEntriesMax = 1_000_000

// chooseEntry decides what kind of function the module is.
func (a *App) chooseEntry() error {
	noParams := func(name string) bool {
		e := a.info.Export(name)
		return e != nil && e.Kind == wasm.KindFunc && len(e.Func.Params) == 0 && len(e.Func.Results) == 0
	}
	switch {
	case a.info.Export(abi.ExportHandle) != nil && a.info.Export(abi.ExportStart) != nil:
		return &LoadError{
			Code:    "two_entries",
			Message: "the module exports both " + abi.ExportHandle + " (a function using an SDK) and " + abi.ExportStart + " (a WASI command)",
			Hint:    "build it as a reactor: Go with -buildmode=c-shared, C with -mexec-model=reactor",
		}
	case noParams(abi.ExportHandle):
		a.entry = abi.ExportHandle
	case a.info.Export(abi.ExportHandle) != nil:
		return &LoadError{Code: "bad_export", Message: abi.ExportHandle + " must be a function without parameters and results"}
	case noParams(abi.ExportStart):
		a.entry, a.command, a.opts.Isolation = abi.ExportStart, true, IsolationEvent
		if a.opts.CommandImage == CommandImageAuto && (a.imports(abi.Module) || a.info.HasStart) {
			a.opts.CommandImage = CommandImageOff // bindings, and start sections, may look at the world without being watched
		}
	default:
		return &LoadError{
			Code:    "no_entry",
			Message: "the module exports neither " + abi.ExportHandle + " (a function using an SDK) nor " + abi.ExportStart + " (a WASI command)",
			Hint:    "Go: build with -buildmode=c-shared and register a handler; C: link pagesrun.c with -mexec-model=reactor",
		}
	}
	for _, name := range []string{abi.ExportInitialize, abi.ExportWarm} {
		if a.info.Export(name) != nil && !noParams(name) {
			return &LoadError{Code: "bad_export", Message: name + " must be a function without parameters and results"}
		}
	}
	return nil
}

// imports says whether the guest imports anything from a module.
func (a *App) imports(module string) bool {
	return slices.ContainsFunc(a.info.Imports, func(i wasm.Import) bool { return i.Module == module })
}

func (a *App) checkMemory() error {
	limit := a.opts.Limits.MemoryBytes
	if m := a.info.Memory; m != nil && uint64(m.Min)<<16 > limit {
		return &LoadError{
			Code:    string(wasm.CodeMemory),
			Message: fmt.Sprintf("the module starts with %d MiB of memory, the limit is %d MiB", uint64(m.Min)>>4, limit>>20),
			Hint:    "raise memory_mb in [pagesrun.limits], or link the guest with a smaller initial memory",
		}
	}
	return nil
}

// warm starts the first instance and takes the image from it.
func (a *App) warm(ctx context.Context) error {
	in, err := a.warmInstance(ctx)
	if errors.Is(err, errUnsuspendable) && a.opts.CommandImage == CommandImageAuto {
		a.opts.CommandImage = CommandImageOff
		in, err = a.warmInstance(ctx)
	}
	if err != nil {
		return err
	}
	a.pool = newPool(a.opts.Limits, a.makeInstance)
	if in.isDirty() {
		a.fresh = true
		a.opts.Log.Info("the module changes its tables at start: every event gets a new instance")
		in.start()
		a.pool.adopt(in)
		return nil
	}
	if a.image, err = in.takeImage(); err != nil {
		return errors.Join(err, in.release())
	}
	if err := in.attach(a.image); err != nil {
		return errors.Join(err, in.release())
	}
	in.start()
	a.pool.adopt(in)
	return nil
}

// warmInstance makes an instance and runs its start-up.
func (a *App) warmInstance(ctx context.Context) (*instance, error) {
	in, err := a.newInstance(ctx)
	if err != nil {
		return nil, err
	}
	if err := in.warm(ctx); err != nil {
		return nil, errors.Join(err, in.release())
	}
	return in, nil
}

// makeInstance makes one more instance for the pool.
func (a *App) makeInstance() (*instance, error) {
	ctx := context.Background()
	in, err := a.newInstance(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case a.fresh:
		err = in.warm(ctx)
	case a.suspends():
		if err = in.warm(ctx); err == nil {
			err = in.settle(a.image)
		}
	default:
		err = in.attach(a.image)
	}
	if err != nil {
		return nil, errors.Join(err, in.release())
	}
	in.start()
	return in, nil
}

// Fetch runs one fetch event and gives its response as soon as there is one; the guest may go on after that. When ctx ends before the
// response the event is canceled. An event without a response is an [*EventError].
func (a *App) Fetch(ctx context.Context, req *Request) (*Response, error) {
	if !a.command {
		return a.fetch(ctx, req)
	}
	if bad := checkCommandPath(req); bad != nil {
		return nil, a.reject(req, bad)
	}
	return a.fetchCommand(req, func(r *Request) (*Response, error) { return a.fetch(ctx, r) })
}

// fetch runs one event.
func (a *App) fetch(ctx context.Context, req *Request) (*Response, error) {
	in, err := a.pool.take(ctx)
	if err != nil {
		return nil, a.refuse(req, err)
	}
	in.beginFetch(ctx, req)
	waited := in.started.Sub(req.Start)
	if st, _ := in.next(); st == stateDone {
		return in.finish(waited)
	}
	response := in.response()
	go func() {
		in.next()
		in.finish(waited)
	}()
	return response, nil
}

// refuse ends an event that got no instance.
func (a *App) refuse(req *Request, err error) error { return a.reject(req, refusal(err)) }

// reject ends an event that has not begun.
func (a *App) reject(req *Request, e *EventError) error {
	if req.Body != nil {
		req.Body.Close()
	}
	waited := time.Since(req.Start)
	a.opts.Observer.EventDone(&Report{ID: req.ID, Kind: abi.EventFetch, Start: req.Start, Request: req, Outcome: e.Outcome, Status: e.Status, Err: e, Duration: waited, PoolWait: waited})
	return e
}

// refusal says why an event got no instance.
func refusal(err error) *EventError {
	switch {
	case errors.Is(err, context.Canceled):
		return &EventError{Outcome: OutcomeCanceled, Status: 499, Message: "the client went away", Cause: err}
	case errors.Is(err, errPoolClosed):
		return &EventError{Outcome: OutcomeUnavailable, Status: 503, Message: "the function is shutting down", RetryAfter: time.Second, Cause: err}
	case errors.Is(err, errPoolFull), errors.Is(err, errPoolWait):
		return &EventError{Outcome: OutcomeOverloaded, Status: 503, Message: "the function is overloaded", RetryAfter: time.Second, Cause: err}
	}
	return &EventError{Outcome: OutcomeUnavailable, Status: 503, Message: "the function cannot be instantiated", Cause: err}
}

// beginFetch makes the event message and starts the session.
func (in *instance) beginFetch(ctx context.Context, req *Request) {
	in.wall = in.app.opts.Limits.Wall
	in.begin(ctx, hostfuncs.PhaseEvent, nil, req.Start.Add(in.wall))
	in.eventID, in.begun, in.request = req.ID, req.Start, req
	in.ctx.Name(req.ID)
	if req.Body != nil {
		req.Fetch.BodyStream = in.ctx.AddReadable(req.Body)
	}
	if in.app.command {
		in.process.beginCommand(req)
		return
	}
	event := abi.Event{Kind: abi.EventFetch, ID: req.ID, TimeMS: req.Start.UnixMilli(), Fetch: &req.Fetch}
	in.eventBuf = event.AppendCBOR(in.eventBuf[:0])
	in.ctx.SetEvent(in.eventBuf)
}

// response gives what the guest responded. It is called once per event: whoever gets the response gives its memory back.
func (in *instance) response() *Response {
	r := in.ctx.Response()
	in.status = int(r.Message.Status)
	local := ""
	if c := in.process.cgi; c != nil {
		local = c.local
	}
	return &Response{
		local: local, Status: int(r.Message.Status), Headers: r.Message.Headers, Body: r.Message.Body, Stream: r.Stream, origin: r,
	}
}

// finish ends an event whose guest is done: it reports, and makes the instance ready for the next one or throws it away.
func (in *instance) finish(waited time.Duration) (*Response, error) {
	in.process.flush()
	outcome, failure := in.verdict()
	report := in.report(outcome, waited)
	var response *Response
	if in.ctx.Response() != nil && !in.detached {
		response = in.response()
	}
	report.Status = in.status
	if failure != nil {
		report.Err = failure
		if in.ctx.Response() == nil {
			report.Status = failure.Status
		}
	}
	discarded := in.recycle()
	report.Discarded = discarded
	in.app.opts.Observer.EventDone(report) // before the instance goes: with the last one the App is closed, and nobody listens any more
	*report = Report{}
	reports.Put(report)
	in.handBack(discarded)
	if response == nil && failure != nil {
		return nil, failure
	}
	return response, nil
}

// reports are used again: an observer does not keep them.
var reports = sync.Pool{New: func() any { return new(Report) }}

// report says what the event was and what it took.
func (in *instance) report(outcome Outcome, waited time.Duration) *Report {
	now := time.Now()
	r := reports.Get().(*Report)
	*r = Report{
		ID: in.eventID, Kind: abi.EventFetch, Start: in.begun, Request: in.request, Outcome: outcome, Duration: now.Sub(in.begun),
		CPU: in.cpu(now), Fuel: in.fuelUsed(), PoolWait: waited, Reused: in.events > 0,
	}
	if in.background != nil {
		r.Kind, r.Detail = in.background.Message.Kind, in.background.Detail
	}
	if in.memory != nil {
		r.MemoryBytes = int64(in.memory.Size())
	}
	return r
}

// handBack gives the instance to the pool, or throws it away where there is a reason to.
func (in *instance) handBack(discarded string) {
	if discarded != "" {
		in.app.pool.discard(in)
		in.leaveGate()
		return
	}
	in.trimStack()
	in.leaveGate() // not before: cleaning up after a heavy event is heavy too
	in.app.pool.put(in)
}

// recycle makes the instance ready for the next event, or says why it must not have one.
func (in *instance) recycle() (discarded string) {
	in.events++
	reusable := in.ctx.End()
	if !reusable {
		in.renewSession()
	}
	switch {
	case in.broken, in.app.opts.Isolation == IsolationInstance && in.err != nil && !errors.Is(in.err, context.Canceled):
		discarded = "failed"
	case in.app.opts.Isolation == IsolationInstance && in.err != nil:
		discarded = "canceled"
	case in.app.opts.Isolation == IsolationInstance:
		if in.events >= in.app.opts.Limits.InstanceEvents {
			discarded = "retired"
		} else if in.mem != nil && in.mem.Refused() {
			discarded = "memory_full"
		}
	case in.app.fresh:
		discarded = "fresh"
	case in.isDirty():
		discarded = "tables_changed"
	default:
		if err := in.reset(in.image); err != nil {
			in.app.opts.Log.Warn("an instance could not be reset", "cause", err)
			discarded = "reset_failed"
		}
	}
	return discarded
}

// Module is what the preflight found.
func (a *App) Module() *wasm.Module { return a.info }

// Backend names the way instances are reset: "copy-on-write", "full-copy", or "fresh" when every event gets a new one.
func (a *App) Backend() string {
	if a.fresh {
		return "fresh"
	}
	return a.engine.backend.Name()
}

// Instances counts the instances, those of them that are idle, and the events waiting for one.
func (a *App) Instances() (total, idle, waiting int) { return a.pool.counts() }

// ImageBytes is the size of the image every event starts from.
func (a *App) ImageBytes() int {
	if a.image == nil {
		return 0
	}
	return a.image.memory.Len()
}

// ImageTouchedBytes is how much of the image takes of the machine's memory: with copy-on-write, its pages that are not all zero.
func (a *App) ImageTouchedBytes() int {
	if a.image == nil {
		return 0
	}
	return a.image.memory.TouchedBytes()
}

// Close refuses new events, waits for the running ones until ctx ends, and frees everything.
func (a *App) Close(ctx context.Context) error {
	err := a.pool.close(ctx)
	if err != nil {
		return err
	}
	if a.image != nil {
		a.image.files.Close()
		err = a.image.memory.Close()
	}
	return errors.Join(err, a.mounts.Close(), a.engine.close(ctx))
}
