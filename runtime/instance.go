package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/guestmem"
	"github.com/pagesrun/pagesrun/runtime/linear"
	"github.com/pagesrun/pagesrun/runtime/wasi"
	"github.com/pagesrun/pagesrun/runtime/wasm"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// quantum is how many units of fuel a guest runs on before it looks in at the host: well under a millisecond of ordinary code.
const quantum = 500_000

// state is where an event stands when its coroutine hands over.
type state int

const (
	// stateDone: the guest is finished with the event.
	stateDone state = iota
	// stateResponded: the guest has responded and wants to go on.
	stateResponded
)

// instance is one instantiated module and everything that runs events in it. One event at a time has it.
//
// Guest code runs on a coroutine of its own (iter.Pull): switching to it costs a fraction of a goroutine switch, and when the
// guest goes on after it has responded, whoever waits for the response gets it and another goroutine takes the
// coroutine over.
type instance struct {
	app     *App
	mod     api.Module
	mem     linear.Memory
	memory  api.Memory
	buffer  reflect.Value // the field of memory that holds its bytes
	fuel    api.MutableGlobal
	dirty   api.MutableGlobal
	globals []api.MutableGlobal
	entry   api.Function
	opening api.Function  // of a command without an image: what each event runs before the entry; may be nil
	stack   reflect.Value // the field of entry that holds its stack
	events  int
	ctx     *eventContext
	callCtx context.Context // ctx, for the engine

	image      *image // what events start from; nil without one
	own        *image // image, where it belongs to this instance alone
	files      *wasi.Files
	opened     *wasi.FilesImage // of files, where it belongs to this instance alone
	suspension *suspension      // of a command that has one
	resuming   bool             // the entry has been called to resume there

	next func() (state, bool)
	stop func()

	run
}

// eventContext is the context of host calls: the session's, which also finds the instance.
type eventContext struct {
	*hostfuncs.Session
	in *instance
}

type instanceKey struct{}

// Value implements context.Context.
func (c *eventContext) Value(key any) any {
	switch key.(type) {
	case instanceKey:
		return c.in
	case wasiKey:
		return &c.in.process
	}
	return c.Session.Value(key)
}

// newInstance instantiates the module and finds its way around in it.
func (a *App) newInstance(ctx context.Context) (*instance, error) {
	in := &instance{app: a, files: wasi.NewFiles(a.mounts, a.opts.Limits.OpenFiles)}
	in.process.in = in
	in.renewSession()
	in.begin(ctx, hostfuncs.PhaseWarm, nil, time.Now().Add(a.opts.Limits.Startup))
	mod, mem, err := a.engine.instantiate(in.ctx)
	if err != nil {
		return nil, asLoadError("instantiate_failed", "the module cannot be instantiated", err)
	}
	in.mod, in.mem = mod, mem
	if mem != nil {
		in.memory = mod.Memory()
		in.buffer = reflect.ValueOf(in.memory).Elem().FieldByName("Buffer")
	}
	in.fuel = mod.ExportedGlobal(wasm.FuelExport).(api.MutableGlobal)
	if a.rewritten.HasDirty {
		in.dirty = mod.ExportedGlobal(wasm.DirtyExport).(api.MutableGlobal)
	}
	for _, g := range a.rewritten.Globals {
		in.globals = append(in.globals, mod.ExportedGlobal(g.Name).(api.MutableGlobal))
	}
	in.makeEntry()
	if a.command && !a.suspends() {
		in.opening = mod.ExportedFunction(wasm.StartExport)
	}
	return in, nil
}

// makeEntry gives the instance a stack to run events on.
func (in *instance) makeEntry() {
	in.entry = in.mod.ExportedFunction(in.app.entry)
	in.stack = reflect.ValueOf(in.entry).Elem().FieldByName("stack")
}

// stackBytesKept is the largest stack an idle instance keeps. Stacks grow with the depth of calls, up to 50 MB, and never shrink.
const stackBytesKept = 1 << 20

// trimStack replaces a stack that has become large.
func (in *instance) trimStack() {
	if in.suspension != nil {
		in.rewind()
		return
	}
	if in.stack.IsValid() && in.stack.Len() > stackBytesKept {
		in.makeEntry()
	}
}

func (in *instance) renewSession() {
	l := in.app.opts.Limits
	limits := hostfuncs.Limits{Handles: l.Handles, Operations: l.Operations, LogBytes: l.LogBytes}
	session := hostfuncs.NewSession(in.app.opts.Registry, limits, in, in.guestLog, in.app.opts.Log)
	in.ctx = &eventContext{Session: session, in: in}
	in.callCtx = in.ctx
	if in.app.suspends() {
		in.callCtx = experimental.WithSnapshotter(in.ctx)
	}
}

// isDirty says that the guest has done something that a reset cannot undo.
func (in *instance) isDirty() bool { return in.dirty != nil && in.dirty.Get() != 0 }

// start makes the coroutine that runs this instance's events.
func (in *instance) start() {
	in.next, in.stop = iter.Pull(func(yield func(state) bool) {
		in.yield = yield
		for {
			in.err = in.execute()
			if !yield(stateDone) {
				return
			}
		}
	})
}

// call runs an exported function to its end; a trap, a limit or an exit is its error.
func (in *instance) call(fn api.Function) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err, in.broken = fmt.Errorf("the engine failed: %v", r), true
		}
	}()
	if err = fn.CallWithStack(in.callCtx, in.params[:]); err == nil {
		return nil
	}
	err = guestError(err)
	in.broken = in.broken || !orderly(err)
	return err
}

// orderly says that a guest was stopped where the engine and the host expect that: by a trap, a limit or an exit. What the event has left behind is then what any
// other event leaves. Anything else is a panic in the midst of a host function.
func orderly(err error) bool {
	var stop *hostfuncs.Stop
	var exit *exitError
	return errors.As(err, &stop) || errors.As(err, &exit) || isTrap(err)
}

// isTrap says that the engine itself stopped the guest. The type of its traps is not public.
func isTrap(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if reflect.TypeOf(err).String() == "*wasmruntime.Error" {
			return true
		}
	}
	return false
}

// guestError takes the engine's words off an error: what stopped the guest on purpose needs no trace of its stack, and a trap is told with it.
func guestError(err error) error {
	if err == nil {
		return nil
	}
	var stop *hostfuncs.Stop
	var exit *exitError
	switch {
	case errors.As(err, &stop):
		return stop
	case errors.As(err, &exit):
		return exit
	}
	return err
}

// close ends the coroutine and frees the instance.
func (in *instance) close() {
	if in.stop != nil {
		in.stop()
	}
	in.release()
}

// release frees what an instance holds whose coroutine has ended, or has never begun.
func (in *instance) release() error {
	err := in.mod.Close(context.Background())
	in.files.Close()
	in.opened.Close()
	if in.own != nil {
		err = errors.Join(err, in.own.memory.Close())
	}
	return err
}

// image is what every event of an isolated function starts from.
type image struct {
	memory  linear.Image
	globals []uint64
	files   *wasi.FilesImage // nil in commands: each of their instances has its own
}

// takeImage captures an instance after start-up.
func (in *instance) takeImage() (*image, error) {
	img := &image{}
	memory, err := in.app.engine.backend.NewImage(in.bytes())
	if err != nil {
		return nil, err
	}
	img.memory = memory
	for _, g := range in.globals {
		img.globals = append(img.globals, g.Get())
	}
	if !in.app.command {
		img.files, in.opened = in.opened, nil
	}
	return img, nil
}

// bytes are the instance's memory.
func (in *instance) bytes() []byte {
	if in.memory == nil {
		return nil
	}
	data, _ := guestmem.View(in.memory, 0, in.memory.Size())
	return data
}

// attach makes a new instance an exact copy of the image.
func (in *instance) attach(img *image) error {
	if size := img.memory.Len(); size > 0 {
		if have := int(in.memory.Size()); have < size {
			if _, ok := in.memory.Grow(uint32((size - have) / linear.WasmPageBytes)); !ok {
				return fmt.Errorf("grow the memory to the image's %d bytes", size)
			}
		}
		if err := img.memory.Attach(in.mem); err != nil {
			return err
		}
	}
	in.restoreGlobals(img)
	if img.files != nil {
		in.files.Attach(img.files)
	}
	in.image = img
	return nil
}

func (in *instance) restoreGlobals(img *image) {
	for i, g := range in.globals {
		g.Set(img.globals[i])
	}
}

// reset puts the instance back to the image.
func (in *instance) reset(img *image) error {
	in.restoreGlobals(img)
	in.files.Reset()
	if img.memory.Len() == 0 && (in.memory == nil || in.memory.Size() == 0) {
		return nil
	}
	size := int(in.memory.Size())
	if _, err := img.memory.Reset(in.mem, size); err != nil {
		return err
	}
	if size == img.memory.Len() {
		return nil
	}
	return in.shrink(img.memory.Len())
}

// shrink makes a memory that grew as small as it was. The engine has no call for that, but it does take up the length of its buffer
// when the memory grows: so the buffer is cut to one page less and grown by one.
func (in *instance) shrink(size int) error {
	if size < linear.WasmPageBytes {
		return fmt.Errorf("a memory that started empty cannot be emptied again")
	}
	short := in.mem.Reallocate(uint64(size - linear.WasmPageBytes))
	in.buffer.SetBytes(short)
	if _, ok := in.memory.Grow(1); !ok || int(in.memory.Size()) != size {
		return fmt.Errorf("shrink the memory to %d bytes", size)
	}
	return nil
}

// guestLog is called for each line the guest logs.
func (in *instance) guestLog(level int, text string) {
	in.app.opts.Observer.GuestLog(in.eventID, "log", level, text)
}

// politePatience is how many times longer a start-up may take that gives way to events.
const politePatience = 10

// warm runs what a module wants to run before its image is taken.
func (in *instance) warm(ctx context.Context) error {
	limits := in.app.opts.Limits
	patience := limits.Startup
	if in.polite = in.app.pool != nil; in.polite {
		patience *= politePatience
	}
	in.begin(ctx, hostfuncs.PhaseWarm, nil, time.Now().Add(patience))
	in.cpuLimit = limits.Startup
	defer in.ctx.End()
	defer in.leaveGate()
	in.fuel.Set(quantum)
	for _, name := range []string{wasm.StartExport, abi.ExportInitialize, abi.ExportWarm} {
		fn := in.mod.ExportedFunction(name)
		if fn == nil || (in.app.command && (name != wasm.StartExport || !in.app.suspends())) {
			continue
		}
		if err := in.call(fn); err != nil {
			in.process.flush()
			return in.startError(name, err)
		}
	}
	if in.app.suspends() {
		if err := in.warmCommand(); err != nil {
			in.process.flush()
			return in.startError(abi.ExportStart, err)
		}
	}
	in.process.flush()
	if in.suspension != nil && in.dirty != nil {
		in.dirty.Set(0) // what a reset could not undo was done in this very instance, so events may find it
	}
	in.opened = in.files.Keep()
	return nil
}
