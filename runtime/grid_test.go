package runtime_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	gort "runtime"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
	"github.com/pagesrun/pagesrun/runtime/wasi"
	"github.com/tetratelabs/wazero"
)

// gridFunction is a host function whose every pointer and length is tried. Its parameters are written one letter each: "p" a pointer, "n"
// the length in bytes of the pointer before it, "c" a count of items of the pointer before it, "h" a handle, "i" another i32, "I" an i64, "r" a pointer
// to a result of a fixed size.
type gridFunction struct {
	module, name, params string
	// good are arguments with which the function neither fails on a pointer nor blocks; pointers in them are below half of the memory.
	good []uint64
	// limit is the documented limit of each "n" or "c"; item the size of what "c" counts, fixed that of each "r".
	limit, item uint64
	fixed       map[int]uint64
}

const (
	gridMemory = 2 << 16
	abiModule  = abi.Module
	wasiModule = "wasi_snapshot_preview1"
	noLimit    = 0
)

var gridFunctions = []gridFunction{
	{module: abiModule, name: "call", params: "pnpnpn", good: []uint64{0, 0, 0, 0, 0, 0}, limit: abi.MessageBytesMax},
	{module: abiModule, name: "wait", params: "pcI", good: []uint64{1000, 0, 0}, limit: abi.WaitHandlesMax, item: 4},
	{module: abiModule, name: "result", params: "hpn", good: []uint64{99, 1000, 0}},
	{module: abiModule, name: "read", params: "hpn", good: []uint64{99, 1000, 0}},
	{module: abiModule, name: "write", params: "hpn", good: []uint64{99, 1000, 0}},
	{module: abiModule, name: "close", params: "hi", good: []uint64{99, 0}},
	{module: abiModule, name: "log", params: "ipn", good: []uint64{1, 1000, 0}, limit: 256 << 10},
	{module: wasiModule, name: "args_get", params: "ii", good: []uint64{1000, 2000}},
	{module: wasiModule, name: "args_sizes_get", params: "rr", good: []uint64{1000, 2000}, fixed: map[int]uint64{0: 4, 1: 4}},
	{module: wasiModule, name: "environ_get", params: "ii", good: []uint64{1000, 2000}},
	{module: wasiModule, name: "environ_sizes_get", params: "rr", good: []uint64{1000, 2000}, fixed: map[int]uint64{0: 4, 1: 4}},
	{module: wasiModule, name: "clock_res_get", params: "ir", good: []uint64{0, 1000}, fixed: map[int]uint64{1: 8}},
	{module: wasiModule, name: "clock_time_get", params: "iIr", good: []uint64{0, 0, 1000}, fixed: map[int]uint64{2: 8}},
	{module: wasiModule, name: "random_get", params: "pn", good: []uint64{1000, 0}},
	{module: wasiModule, name: "fd_read", params: "hpcr", good: []uint64{0, 1000, 0, 2000}, limit: 1024, item: 8, fixed: map[int]uint64{3: 4}},
	{module: wasiModule, name: "fd_write", params: "hpcr", good: []uint64{2, 1000, 0, 2000}, limit: 1024, item: 8, fixed: map[int]uint64{3: 4}},
	{module: wasiModule, name: "fd_fdstat_get", params: "hr", good: []uint64{1, 1000}, fixed: map[int]uint64{1: 24}},
	{module: wasiModule, name: "fd_filestat_get", params: "hr", good: []uint64{1, 1000}, fixed: map[int]uint64{1: 64}},
	{module: wasiModule, name: "poll_oneoff", params: "rrir", good: []uint64{1000, 2000, 1, 3000}, fixed: map[int]uint64{0: 48, 1: 32, 3: 4}},
}

// otherFunctions take pointers that they never look at, or none.
var otherFunctions = []gridFunction{
	{module: wasiModule, name: "fd_close", params: "i"}, {module: wasiModule, name: "fd_sync", params: "i"}, {module: wasiModule, name: "fd_datasync", params: "i"},
	{module: wasiModule, name: "fd_tell", params: "ii"}, {module: wasiModule, name: "fd_seek", params: "iIii"}, {module: wasiModule, name: "fd_renumber", params: "ii"},
	{module: wasiModule, name: "fd_advise", params: "iIIi"}, {module: wasiModule, name: "fd_allocate", params: "iII"},
	{module: wasiModule, name: "fd_pread", params: "iiiIi"}, {module: wasiModule, name: "fd_pwrite", params: "iiiIi"},
	{module: wasiModule, name: "fd_fdstat_set_flags", params: "ii"}, {module: wasiModule, name: "fd_fdstat_set_rights", params: "iII"},
	{module: wasiModule, name: "fd_filestat_set_size", params: "iI"}, {module: wasiModule, name: "fd_filestat_set_times", params: "iIIi"},
	{module: wasiModule, name: "fd_prestat_get", params: "ii"}, {module: wasiModule, name: "fd_prestat_dir_name", params: "iii"},
	{module: wasiModule, name: "fd_readdir", params: "iiiIi"}, {module: wasiModule, name: "path_create_directory", params: "iii"},
	{module: wasiModule, name: "path_filestat_get", params: "iiiii"}, {module: wasiModule, name: "path_filestat_set_times", params: "iiiiIIi"},
	{module: wasiModule, name: "path_link", params: "iiiiiii"}, {module: wasiModule, name: "path_open", params: "iiiiiIIii"},
	{module: wasiModule, name: "path_readlink", params: "iiiiii"}, {module: wasiModule, name: "path_remove_directory", params: "iii"},
	{module: wasiModule, name: "path_rename", params: "iiiiii"}, {module: wasiModule, name: "path_symlink", params: "iiiii"},
	{module: wasiModule, name: "path_unlink_file", params: "iii"}, {module: wasiModule, name: "sched_yield"}, {module: wasiModule, name: "proc_raise", params: "i"},
	{module: wasiModule, name: "sock_accept", params: "iii"}, {module: wasiModule, name: "sock_recv", params: "iiiiii"},
	{module: wasiModule, name: "sock_send", params: "iiiii"}, {module: wasiModule, name: "sock_shutdown", params: "ii"},
}

const gridArguments = 9

// gridGuest calls the function that its request's body names, with the arguments there, and answers with what it returned and the hashes of its memory
// before and after.
func gridGuest() string {
	all := append(append([]gridFunction{}, gridFunctions...), otherFunctions...)
	var imports, cases strings.Builder
	for i, f := range all {
		types := strings.Map(func(r rune) rune {
			if r == 'I' {
				return 'I'
			}
			return 'i'
		}, f.params)
		types = strings.NewReplacer("i", " i32", "I", " i64").Replace(types)
		fmt.Fprintf(&imports, "(import %q %q (func $f%d (param%s) (result i32)))\n", f.module, f.name, i, types)
		fmt.Fprintf(&cases, "(if (i32.eq (local.get $fn) (i32.const %d)) (then (local.set $got (call $f%d", i, i)
		for j, p := range f.params {
			if p == 'I' {
				fmt.Fprintf(&cases, " (local.get $a%d)", j)
			} else {
				fmt.Fprintf(&cases, " (i32.wrap_i64 (local.get $a%d))", j)
			}
		}
		cases.WriteString("))))\n")
	}
	var locals, loads strings.Builder
	for j := range gridArguments {
		fmt.Fprintf(&locals, "(local $a%d i64)", j)
		fmt.Fprintf(&loads, "(local.set $a%d (i64.load (i32.const %d)))", j, 60008+8*j)
	}
	return `(module ` + imports.String() + `
		(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "read" (func $read (param i32 i32 i32) (result i32)))
		(memory 2)
		(func $hash (result i64) (local $p i32) (local $h i64)
			(loop
				(local.set $h (i64.mul (i64.xor (local.get $h) (i64.load (local.get $p))) (i64.const 0x100000001b3)))
				(br_if 0 (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 8))) (i32.const ` + fmt.Sprint(gridMemory) + `))))
			(local.get $h))
		(func (export "pagesrun_handle") (local $fn i32) (local $got i32) (local $before i64) (local $after i64)` + locals.String() + `
			(drop (call $read (i32.const 1) (i32.const 60000) (i32.const 80)))
			(local.set $fn (i32.load (i32.const 60000)))` + loads.String() + `
			(local.set $before (call $hash))
			` + cases.String() + `
			(local.set $after (call $hash))
			(memory.init $respond (i32.const 64000) (i32.const 0) (i32.const 7))
			(memory.init $head (i32.const 64016) (i32.const 0) (i32.const 6))
			(i32.store (i32.const 64022) (local.get $got))
			(i64.store (i32.const 64026) (local.get $before))
			(i64.store (i32.const 64034) (local.get $after))
			(drop (call $call (i32.const 0) (i32.const 0) (i32.const 64000) (i32.const 7) (i32.const 64016) (i32.const 26))))
		(data $respond "respond")
		(data $head "\a2\01\18\c8\03\54"))`
}

// gridResult is what one call did.
type gridResult struct {
	got     int32
	changed bool
	outcome runtime.Outcome
}

// call runs one function with arguments in an event of its own.
func gridCall(t *testing.T, l *lab, fn int, args []uint64) gridResult {
	t.Helper()
	body := binary.LittleEndian.AppendUint64(nil, uint64(fn))
	for _, a := range args {
		body = binary.LittleEndian.AppendUint64(body, a)
	}
	body = append(body, make([]byte, 80-len(body))...)
	r := l.do(request{path: "/", stream: hostfuncs.MemoryStream(body)})
	if r.failure != nil || len(r.body) != 20 {
		return gridResult{outcome: l.report(r.id).Outcome}
	}
	b := []byte(r.body)
	return gridResult{
		got:     int32(binary.LittleEndian.Uint32(b)),
		changed: binary.LittleEndian.Uint64(b[4:]) != binary.LittleEndian.Uint64(b[12:]),
		outcome: runtime.OutcomeOK,
	}
}

// gridPointers are the interesting pointers.
var gridPointers = []uint64{0, 1, gridMemory - 1, gridMemory, gridMemory + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}

// gridLengths are the interesting lengths of a parameter with a limit.
func gridLengths(limit uint64) []uint64 {
	lengths := []uint64{0, 1, gridMemory, gridMemory + 1, 1 << 31, 1<<32 - 1}
	if limit != noLimit {
		lengths = append(lengths, limit, limit+1)
	}
	return lengths
}

func TestEveryPointerAndLengthOfEveryHostFunctionIsChecked(t *testing.T) {
	for fn, f := range gridFunctions {
		for _, portable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, portable %v", f.name, portable), func(t *testing.T) {
				l := load(t, guesttest.Wat(t, gridGuest()), runtime.Options{PortableReset: portable, Limits: runtime.Limits{Instances: 1}})
				f.tryAll(t, l, fn)
			})
		}
	}
}

// tryAll tries every parameter of a function.
func (f *gridFunction) tryAll(t *testing.T, l *lab, fn int) {
	for at, kind := range f.params {
		switch kind {
		case 'p':
			if at+1 < len(f.params) && strings.ContainsRune("nc", rune(f.params[at+1])) {
				f.tryPairs(t, l, fn, at)
				continue
			}
			f.tryFixed(t, l, fn, at)
		case 'r':
			f.tryFixed(t, l, fn, at)
		case 'h', 'i':
			f.tryNumbers(t, l, fn, at)
		}
	}
}

// TestTheGridHasEveryHostFunction finds functions that were added and are not tried here. proc_exit takes no pointer and does not return.
func TestTheGridHasEveryHostFunction(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	if err := errors.Join(hostfuncs.Instantiate(ctx, r), wasi.Instantiate(ctx, r)); err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{"proc_exit": true}
	for _, f := range append(append([]gridFunction{}, gridFunctions...), otherFunctions...) {
		tried[f.name] = true
	}
	functions := 0
	for _, module := range []string{abiModule, wasiModule} {
		for name := range r.Module(module).ExportedFunctionDefinitions() {
			functions++
			if !tried[name] {
				t.Errorf("%s of %s is not in the grid", name, module)
			}
		}
	}
	if functions != len(tried) {
		t.Errorf("%d functions, the grid tries %d", functions, len(tried))
	}
}

// limitAt is the limit of the length at a position.
func (f *gridFunction) limitAt(at int) uint64 {
	if f.name == "call" {
		return []uint64{1: abi.TargetBytesMax, 3: abi.OpBytesMax, 5: abi.MessageBytesMax}[at]
	}
	return f.limit
}

// tryPairs tries a pointer with its length.
func (f *gridFunction) tryPairs(t *testing.T, l *lab, fn, at int) {
	limit := f.limitAt(at + 1)
	for _, ptr := range gridPointers {
		for _, n := range gridLengths(limit) {
			args := append([]uint64(nil), f.good...)
			args[at], args[at+1] = ptr, n
			size := n
			if f.params[at+1] == 'c' {
				size = n * f.item
			}
			inside := ptr+size <= gridMemory
			over := f.module == abiModule && f.name != "log" && limit != noLimit && n > limit
			f.expect(t, gridCall(t, l, fn, args), args, inside, over)
		}
	}
}

// tryFixed tries a pointer to something of a fixed size.
func (f *gridFunction) tryFixed(t *testing.T, l *lab, fn, at int) {
	for _, ptr := range append(append([]uint64{}, gridPointers...), gridMemory-f.fixed[at], gridMemory-f.fixed[at]+1) {
		args := append([]uint64(nil), f.good...)
		args[at] = ptr
		f.expect(t, gridCall(t, l, fn, args), args, ptr+f.fixed[at] <= gridMemory, false)
	}
}

// tryNumbers tries odd handles, descriptors and other numbers: anything but a panic or a trap.
func (f *gridFunction) tryNumbers(t *testing.T, l *lab, fn, at int) {
	for _, v := range []uint64{0, 1, 2, 3, 99, 1<<31 - 1, 1 << 31, math.MaxUint32} {
		args := append([]uint64(nil), f.good...)
		args[at] = v
		if r := gridCall(t, l, fn, args); r.outcome != runtime.OutcomeOK {
			t.Errorf("%s%v: %s", f.name, args, r.outcome)
		}
	}
}

const errnoFault, errnoInval = 21, 28

// expect checks what a call with a pointer inside or outside the memory has done.
func (f *gridFunction) expect(t *testing.T, r gridResult, args []uint64, inside, over bool) {
	t.Helper()
	bad := r.got == -int32(abi.CodeBadPointer)
	if f.module == wasiModule {
		bad = r.got == errnoFault || (r.got == errnoInval && !inside)
	}
	switch {
	case r.outcome != runtime.OutcomeOK:
		t.Errorf("%s%v: the event ended with %s", f.name, args, r.outcome)
	case over && r.got != -int32(abi.CodeTooLarge):
		t.Errorf("%s%v = %d, want too_large", f.name, args, r.got)
	case !over && inside == bad:
		t.Errorf("%s%v = %d, inside the memory: %v", f.name, args, r.got, inside)
	case (bad || over) && r.changed:
		t.Errorf("%s%v = %d and changed the memory", f.name, args, r.got)
	}
}

func TestFunctionsOnFilesNeverTrap(t *testing.T) {
	l := load(t, guesttest.Wat(t, gridGuest()), runtime.Options{Limits: runtime.Limits{Instances: 1}})
	for i, f := range otherFunctions {
		for _, v := range []uint64{0, 1, 3, gridMemory, 1 << 31, math.MaxUint32} {
			for _, fd := range []uint64{0, 1, 2, 3, 1 << 31, math.MaxUint32} {
				args := make([]uint64, len(f.params))
				for j := range args {
					args[j] = v
				}
				if len(args) > 0 {
					args[0] = fd
				}
				if r := gridCall(t, l, len(gridFunctions)+i, args); r.outcome != runtime.OutcomeOK || r.changed {
					t.Errorf("%s%v: %+v", f.name, args, r)
				}
			}
		}
	}
}

func TestBadPointersAllocateNothing(t *testing.T) {
	l := load(t, guesttest.Wat(t, gridGuest()), runtime.Options{Limits: runtime.Limits{Instances: 1}})
	allocated := func(fn int, args []uint64) uint64 {
		least := uint64(math.MaxUint64)
		for range 5 {
			var before, after gort.MemStats
			gort.ReadMemStats(&before)
			gridCall(t, l, fn, args)
			gort.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		return least
	}
	for fn, f := range gridFunctions {
		usual := allocated(fn, f.good)
		for at, kind := range f.params {
			if kind != 'n' && kind != 'c' {
				continue
			}
			for _, n := range gridLengths(f.limitAt(at)) {
				args := append([]uint64(nil), f.good...)
				args[at-1], args[at] = gridMemory-1, max(n, 2)
				if got := allocated(fn, args); got > usual+4096 {
					t.Errorf("%s%v allocated %d bytes, %d more than a good call", f.name, args, got, got-usual)
				}
			}
		}
	}
}
