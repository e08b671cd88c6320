package runtime

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime/linear"
	"github.com/pagesrun/pagesrun/runtime/wasi"
)

// Isolation says what an event may find of the events before it.
type Isolation string

// The isolation modes.
const (
	// IsolationEvent: every event finds the instance exactly as it was after start-up. The default.
	IsolationEvent Isolation = "event"
	// IsolationInstance: state survives between the events of one instance, as in a Workers isolate. WASI commands cannot have it: they run from
	// start to end in every event.
	IsolationInstance Isolation = "instance"
)

// Limits bound what a function may use. Zero fields take the value of [DefaultLimits].
type Limits struct {
	// CPU is the time one event may spend in guest code; over it the outcome is exceeded_cpu.
	CPU time.Duration
	// Wall is the time one event may take in all, waiting included; over it the outcome is exceeded_wall.
	Wall time.Duration
	// Background is what Wall is for requests, for every other event.
	Background time.Duration
	// Startup is the time _initialize and pagesrun_warm may take together.
	Startup time.Duration
	// Compile is the time compiling the module may take. How much work that is is bounded before it begins; this bounds what a busy machine makes of it:
	// the largest guests, such as CRuby, take 15 seconds of two processors.
	Compile time.Duration
	// MemoryBytes is the largest linear memory of one instance; memory.grow beyond it gives -1.
	MemoryBytes uint64
	// Handles, Operations and LogBytes bound one event; see [hostfuncs.Limits].
	Handles, Operations, LogBytes int
	// Instances is how many events run at once.
	Instances int
	// Queue is how many events may wait for an instance, QueueWait for how long; beyond either the outcome is overloaded.
	Queue     int
	QueueWait time.Duration
	// InstanceEvents is how many events an instance serves before it is replaced, with [IsolationInstance].
	InstanceEvents int
	// ResidentBytes is how much memory of its own an idle instance keeps.
	ResidentBytes int
	// OpenFiles is how many mounted files and directories an instance may have open at once; one more gives EMFILE.
	OpenFiles int
}

// DefaultLimits are the limits without configuration.
func DefaultLimits() Limits {
	return Limits{
		CPU: 10 * time.Second, Wall: 30 * time.Second, Background: 15 * time.Minute, Startup: 10 * time.Second, Compile: 3 * time.Minute,
		MemoryBytes: 128 << 20, Handles: 256, Operations: 1000, LogBytes: 256 << 10,
		Instances: 64, Queue: 1024, QueueWait: 10 * time.Second, InstanceEvents: 10_000, ResidentBytes: 4 << 20, OpenFiles: wasi.OpenFilesMax,
	}
}

// Options say how to run a module.
type Options struct {
	// Registry has the bindings guests can call. The caller closes it after the App.
	Registry *hostfuncs.Registry
	// Limits bound the function; the zero value means [DefaultLimits].
	Limits Limits
	// Isolation is the isolation mode; empty means [IsolationEvent].
	Isolation Isolation
	// CacheDir keeps compiled modules between starts; empty for none.
	CacheDir string
	// PortableReset uses the reset that works on every system even where a faster one is available.
	PortableReset bool
	// Args are the arguments of a WASI command after its name.
	Args []string
	// Env are environment variables of a WASI command, as NAME=VALUE, beside those that tell of the request.
	Env []string
	// CommandImage is where in a WASI command's run its image is taken; empty means [CommandImageAuto].
	CommandImage CommandImage
	// Mounts are what guests of every kind can read of the host's files.
	Mounts []wasi.Mount
	// Observer is told about events; nil for nobody.
	Observer Observer
	// Log is for the runtime's own messages.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Limits = o.Limits.withDefaults()
	if o.Isolation == "" {
		o.Isolation = IsolationEvent
	}
	if o.CommandImage == "" {
		o.CommandImage = CommandImageAuto
	}
	if o.Observer == nil {
		o.Observer = silent{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// memoryBytesMax is the largest memory a 32-bit guest can have whose size still fits in 32 bits.
const memoryBytesMax = 1<<32 - linear.WasmPageBytes

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		CPU: cmp.Or(l.CPU, d.CPU), Wall: cmp.Or(l.Wall, d.Wall), Background: cmp.Or(l.Background, d.Background), Startup: cmp.Or(l.Startup, d.Startup), Compile: cmp.Or(l.Compile, d.Compile),
		MemoryBytes: min(cmp.Or(l.MemoryBytes, d.MemoryBytes), memoryBytesMax),
		Handles:     cmp.Or(l.Handles, d.Handles), Operations: cmp.Or(l.Operations, d.Operations), LogBytes: cmp.Or(l.LogBytes, d.LogBytes),
		Instances: cmp.Or(l.Instances, d.Instances), Queue: cmp.Or(l.Queue, d.Queue), QueueWait: cmp.Or(l.QueueWait, d.QueueWait),
		InstanceEvents: cmp.Or(l.InstanceEvents, d.InstanceEvents), ResidentBytes: cmp.Or(l.ResidentBytes, d.ResidentBytes), OpenFiles: cmp.Or(l.OpenFiles, d.OpenFiles),
	}
}

// silent is the observer nobody asked for.
type silent struct{}

func (silent) EventDone(*Report)                    {}
func (silent) GuestLog(string, string, int, string) {}
