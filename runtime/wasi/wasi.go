package wasi

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/guestmem"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// ModuleName is the import module of WASI preview 1.
const ModuleName = "wasi_snapshot_preview1"

// Process is what a guest sees of the world during one event.
type Process interface {
	// Args are the command's arguments, the program's name first.
	Args() []string
	// Environ are the environment variables as NAME=VALUE.
	Environ() []string
	// ReadStdin reads standard input, blocking; io.EOF at the end.
	ReadStdin(p []byte) (int, error)
	// WriteOutput writes standard output (1) or standard error (2), blocking.
	WriteOutput(fd uint32, p []byte) error
	// Wall is the wall clock in nanoseconds since the Unix epoch, Monotonic a clock that never goes back.
	Wall() int64
	Monotonic() int64
	// Sleep blocks for d.
	Sleep(d time.Duration)
	// Random fills p with random bytes.
	Random(p []byte)
	// Exit ends the event; it does not return.
	Exit(code uint32)
	// Check lets the host in during long copies: it ends the event when a limit is reached.
	Check()
	// Charge counts work as if the guest had run that many units of its own code.
	Charge(units int)
	// Files are the guest's open files; nil when nothing is mounted.
	Files() *Files
	// Watched says that Look wants to be told of the guest's first look.
	Watched() bool
	// Look is called before a function does what it is asked for, while Watched. It returns when the guest is to go on. Otherwise it does not
	// return, and again does what was asked for, in this event or a later one, and gives the result for the guest.
	Look(ctx context.Context, what Look, again func() uint32)
}

// Key finds the [Process] in the context of a host call.
type Key struct{}

// stdioMax is the last standard stream.
const stdioMax = 2

// chunkBytes is how much is copied before the host looks at the event's limits again.
const chunkBytes = 1 << 20

// IovecsMax is the most buffers one fd_read or fd_write may name, and SubscriptionsMax the most events one poll_oneoff may wait for.
const (
	IovecsMax        = 1024
	SubscriptionsMax = 1024
)

// callUnits is what every call charges; bytes and other items charge a unit each, on the generous side.
const callUnits = 100

// processOf finds the process of the running event and charges it for a call.
func processOf(ctx context.Context) Process {
	p := ctx.Value(Key{}).(Process)
	p.Charge(callUnits)
	return p
}

const i32, i64 = api.ValueTypeI32, api.ValueTypeI64

// Instantiate makes WASI preview 1 importable by every module of r.
func Instantiate(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(ModuleName)
	for _, e := range []export{
		{"args_get", argsGet, nil, []api.ValueType{i32, i32}},
		{"args_sizes_get", argsSizesGet, nil, []api.ValueType{i32, i32}},
		{"environ_get", environGet, world, []api.ValueType{i32, i32}},
		{"environ_sizes_get", environSizesGet, world, []api.ValueType{i32, i32}},
		{"clock_res_get", clockResGet, nil, []api.ValueType{i32, i32}},
		{"clock_time_get", clockTimeGet, world, []api.ValueType{i32, i64, i32}},
		{"random_get", randomGet, world, []api.ValueType{i32, i32}},
		{"poll_oneoff", pollOneoff, world, []api.ValueType{i32, i32, i32, i32}},
		{"sched_yield", schedYield, nil, nil},
		{"proc_raise", procRaise, nil, []api.ValueType{i32}},
	} {
		e.add(b)
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(procExit), []api.ValueType{i32}, nil).Export("proc_exit")
	exportDescriptors(b)
	exportPaths(b)
	_, err := b.Instantiate(ctx)
	return err
}

func putStrings(p Process, mem api.Memory, list []string, offsets, data uint32) uint32 {
	for _, s := range list {
		p.Charge(callUnits + len(s))
		if !guestmem.WriteUint32(mem, offsets, data) || !guestmem.Write(mem, data, append([]byte(s), 0)) {
			return fault
		}
		offsets += 4
		data += uint32(len(s)) + 1
	}
	return success
}

func sizes(p Process, mem api.Memory, list []string, count, bytes uint32) uint32 {
	total := 0
	p.Charge(len(list))
	for _, s := range list {
		total += len(s) + 1
	}
	if !guestmem.WriteUint32(mem, count, uint32(len(list))) || !guestmem.WriteUint32(mem, bytes, uint32(total)) {
		return fault
	}
	return success
}

func argsGet(p Process, mem api.Memory, st []uint64) uint32 {
	return putStrings(p, mem, p.Args(), uint32(st[0]), uint32(st[1]))
}

func argsSizesGet(p Process, mem api.Memory, st []uint64) uint32 {
	return sizes(p, mem, p.Args(), uint32(st[0]), uint32(st[1]))
}

func environGet(p Process, mem api.Memory, st []uint64) uint32 {
	return putStrings(p, mem, p.Environ(), uint32(st[0]), uint32(st[1]))
}

func environSizesGet(p Process, mem api.Memory, st []uint64) uint32 {
	return sizes(p, mem, p.Environ(), uint32(st[0]), uint32(st[1]))
}

// Clock identifiers of WASI preview 1.
const (
	clockRealtime  = 0
	clockMonotonic = 1
	clockThreadCPU = 3
)

func clockResGet(_ Process, mem api.Memory, st []uint64) uint32 {
	if uint32(st[0]) > clockThreadCPU {
		return inval
	}
	if !guestmem.WriteUint64(mem, uint32(st[1]), 1000) {
		return fault
	}
	return success
}

func clockTimeGet(p Process, mem api.Memory, st []uint64) uint32 {
	var now int64
	switch id := uint32(st[0]); {
	case id == clockRealtime:
		now = p.Wall()
	case id <= clockThreadCPU:
		now = p.Monotonic()
	default:
		return inval
	}
	if !guestmem.WriteUint64(mem, uint32(st[2]), uint64(now)) {
		return fault
	}
	return success
}

func randomGet(p Process, mem api.Memory, st []uint64) uint32 {
	buf, ok := guestmem.View(mem, uint32(st[0]), uint32(st[1]))
	if !ok {
		return fault
	}
	for len(buf) > 0 {
		part := buf[:min(len(buf), chunkBytes)]
		buf = buf[len(part):]
		p.Charge(len(part))
		p.Random(part)
	}
	return success
}

func schedYield(p Process, _ api.Memory, st []uint64) uint32 {
	p.Check()
	return success
}

func procRaise(Process, api.Memory, []uint64) uint32 { return notSup }

func procExit(ctx context.Context, _ api.Module, st []uint64) {
	processOf(ctx).Exit(uint32(st[0]))
}

// Layout of subscriptions and events (WASI preview 1, "poll_oneoff").
const (
	subscriptionBytes = 48
	eventBytes        = 32
	eventClock        = 0
	flagAbsolute      = 1
)

// pollOneoff waits for clocks. Standard streams count as always ready: reading and writing them blocks by itself.
func pollOneoff(p Process, mem api.Memory, st []uint64) uint32 {
	in, out, n := uint32(st[0]), uint32(st[1]), uint32(st[2])
	if n == 0 {
		return inval
	}
	if n > SubscriptionsMax {
		return tooBig
	}
	view, ok1 := guestmem.View(mem, in, n*subscriptionBytes)
	_, ok2 := guestmem.View(mem, out, n*eventBytes)
	if !ok1 || !ok2 {
		return fault
	}
	p.Charge(len(view))
	subs := append([]byte(nil), view...)
	nearest, clocksOnly := nearestClock(p, subs)
	if clocksOnly && nearest > 0 {
		p.Sleep(nearest)
	}
	events := readyEvents(p, subs, nearest, clocksOnly)
	if !guestmem.Write(mem, out, events) || !guestmem.WriteUint32(mem, uint32(st[3]), uint32(len(events)/eventBytes)) {
		return fault
	}
	return success
}

// nearestClock gives how long until the first clock, and whether there is nothing but clocks.
func nearestClock(p Process, subs []byte) (nearest time.Duration, clocksOnly bool) {
	nearest, clocksOnly = 1<<62, true
	for ; len(subs) > 0; subs = subs[subscriptionBytes:] {
		if subs[8] != eventClock {
			clocksOnly = false
			continue
		}
		nearest = min(nearest, clockDelay(p, subs))
	}
	return nearest, clocksOnly
}

func clockDelay(p Process, sub []byte) time.Duration {
	id, timeout := binary.LittleEndian.Uint32(sub[16:]), int64(binary.LittleEndian.Uint64(sub[24:]))
	if timeout < 0 {
		timeout = 1<<63 - 1
	}
	if binary.LittleEndian.Uint16(sub[40:])&flagAbsolute == 0 {
		return time.Duration(timeout)
	}
	if id == clockRealtime {
		return time.Duration(timeout - p.Wall())
	}
	return time.Duration(timeout - p.Monotonic())
}

// readyEvents makes the event records: the streams where there are any, the clocks that have come otherwise.
func readyEvents(p Process, subs []byte, slept time.Duration, clocksOnly bool) []byte {
	var out []byte
	for ; len(subs) > 0; subs = subs[subscriptionBytes:] {
		kind := subs[8]
		if kind == eventClock && !clocksOnly {
			continue
		}
		absolute := kind == eventClock && binary.LittleEndian.Uint16(subs[40:])&flagAbsolute != 0
		if kind == eventClock && ((absolute && clockDelay(p, subs) > 0) || (!absolute && clockDelay(p, subs) > slept)) {
			continue
		}
		var ev [eventBytes]byte
		copy(ev[:8], subs[:8])
		ev[10] = kind
		if fd := binary.LittleEndian.Uint32(subs[16:]); kind != eventClock && fd > stdioMax && p.Files().at(fd) == nil {
			binary.LittleEndian.PutUint16(ev[8:], badf)
		}
		out = append(out, ev[:]...)
	}
	return out
}
