package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/pagesrun/pagesrun/runtime/wasi"
	"github.com/tetratelabs/wazero/experimental"
)

// A WASI command is one run of a program from beginning to end, so an image of it has to be taken in the middle of that run: where the program first looks at
// what may differ from run to run (see [CommandImage]). Everything before is done once per instance, everything after in each event.
//
// Four things make the state at that point. Memory and globals are put back as in any instance, open files by package wasi, and tables are
// watched as ever. The fourth is the program's stack, which the engine can copy in a host call and go back to in another one of
// the same call of a function; the copy is what runs then. So its bytes are kept, and put back before it is gone to again. A new event calls the program's
// entry, whose very first instruction is a fuel check that has no fuel: its host call does what the program had asked for when the image was taken,
// and goes to the copy with the result.
//
// The stack holds addresses of its instance, so each instance takes a copy of its own, in a run of its own. Such runs are repeatable, and where
// their memories turn out the same they share one image.

// CommandImage says where in a WASI command's run its image is taken.
type CommandImage string

const (
	// CommandImageAuto: before the program first looks at anything that may differ from run to run: its environment, standard input, a clock, randomness,
	// a mounted file; or before it first writes. What such a program answers is what it would answer if it were started anew for each event. The default.
	CommandImageAuto CommandImage = "auto"
	// CommandImageRequest: before the program first reads standard input or [wasi.EnvironPath], or first writes to standard output. Until then clocks and
	// randomness are those of start-up, the same every time, and the environment has nothing of a request. For programs that are made for it.
	CommandImageRequest CommandImage = "request"
	// CommandImageOff: before the program begins.
	CommandImageOff CommandImage = "off"
)

// looks says whether the image is taken at such a look.
func (c CommandImage) looks(l wasi.Look) bool {
	return l == wasi.LookRequest || l == wasi.LookEnviron || (l == wasi.LookWorld && c == CommandImageAuto)
}

// errSuspended ends a run of a command at the point of its image.
var errSuspended = errors.New("the image has been taken")

// suspendedStackBytesMax is the most stack a command may have in use at the point of its image: each instance keeps two copies, and each event begins with
// copying one.
const suspendedStackBytesMax = 4 << 20

// errUnsuspendable is a command that cannot have an image in the middle of its run.
var errUnsuspendable = &LoadError{
	Code: "deep_stack", Message: fmt.Sprintf("the command has more than %d MiB of stack in use where its image is to be taken", suspendedStackBytesMax>>20),
	Hint: "let it read its request outside of deep recursion, or set cgi_image = \"off\" in [pagesrun]",
}

// suspension is the point of a command's run that its events begin at.
type suspension struct {
	snapshot experimental.Snapshot
	again    func() uint32 // does what the program asked for there
	live     []byte        // the used part of the snapshot's stack
	kept     []byte        // what it held when it was taken
	stack    []byte        // all of the snapshot's stack
	top      uintptr       // its end, as the engine aligns it
	result   [1]uint64
}

// suspend takes the image's copy of the stack and ends the run.
func (in *instance) suspend(ctx context.Context, again func() uint32) {
	s := &suspension{snapshot: experimental.GetSnapshotter(ctx).Snapshot(), again: again}
	if !s.keep() {
		panic(errUnsuspendable)
	}
	in.suspension = s
	panic(errSuspended)
}

// keep copies the used part of the snapshot's stack: from the stack pointer up to the top. It is false where that is too much, or the engine keeps its
// stacks in another way than the one that is known.
func (s *suspension) keep() bool {
	v := reflect.ValueOf(s.snapshot).Elem()
	stack, sp, top := v.FieldByName("stack"), v.FieldByName("sp"), v.FieldByName("top")
	if stack.Kind() != reflect.Slice || sp.Kind() != reflect.Uintptr || top.Kind() != reflect.Uintptr {
		return false
	}
	base := stack.Pointer()
	low, high := uintptr(sp.Uint())-base, uintptr(top.Uint())-base
	s.stack, s.top = stack.Bytes(), uintptr(top.Uint())
	if low > high || high > uintptr(len(s.stack)) || high-low > suspendedStackBytesMax {
		return false
	}
	s.live = s.stack[low:high]
	s.kept = append([]byte(nil), s.live...)
	return true
}

// resume goes on at the image. It is called in the first fuel check of the entry, and does not return.
func (in *instance) resume() {
	s := in.suspension
	in.resuming = false
	in.fuel.Set(quantum)
	s.result[0] = uint64(s.again()) // may end the event: until then the stack must stay as it is
	copy(s.live, s.kept)
	s.snapshot.Restore(s.result[:])
}

// rewind gives the entry the suspension's stack again when an event's has grown beyond it: the engine replaces stacks that grow, and never makes
// one smaller.
func (in *instance) rewind() {
	s := in.suspension
	if in.stack.Pointer() == reflect.ValueOf(s.stack).Pointer() {
		return
	}
	entry := reflect.ValueOf(in.entry).Elem()
	settable(entry.FieldByName("stack")).SetBytes(s.stack)
	settable(entry.FieldByName("stackTop")).SetUint(uint64(s.top))
	settable(entry.FieldByName("execCtx").FieldByName("stackBottomPtr")).Set(reflect.ValueOf(&s.stack[0]))
}

// settable is a field of the engine's that may be written to.
func settable(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
}

// warmCommand runs a command up to the point of its image.
func (in *instance) warmCommand() error {
	in.process.beginStart()
	err := in.call(in.entry)
	in.process.watch = ""
	switch {
	case errors.Is(err, errSuspended):
		return nil
	case err == nil, errors.As(err, new(*exitError)):
		return &LoadError{
			Code: "command_ended", Message: "the command ended without reading its request or writing a response", Cause: err,
			Hint: "a CGI program reads its request from the environment and standard input, and writes a response to standard output",
		}
	}
	return err
}

// settle gives an instance that has run up to its image the common one where that is the same, and an image of its own otherwise.
func (in *instance) settle(common *image) error {
	if in.matches(common) {
		return in.attach(common)
	}
	own, err := in.takeImage()
	if err != nil {
		return err
	}
	in.own = own
	in.app.opts.Log.Info("the start-up of an instance has come to another state than that of the first one: it keeps an image of its own")
	return in.attach(own)
}

// matches says whether the instance's memory and globals are the image's.
func (in *instance) matches(img *image) bool {
	if img == nil {
		return false
	}
	for i, g := range in.globals {
		if g.Get() != img.globals[i] {
			return false
		}
	}
	return img.memory.Equal(in.bytes())
}
