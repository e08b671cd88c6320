package runtime_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// trace is a way in which an event could leave something for the next one.
type trace struct {
	name string
	// fields are what the module has for it, warm is how start-up prepares it, see puts what there is to see into the response's body (64
	// bytes at 1031), dirty changes it.
	fields, warm, see, dirty string
	// discards is why an instance is thrown away after it; empty when it is reset.
	discards string
	// outcome is how its events end; empty for ok.
	outcome runtime.Outcome
}

const allOfMemory = `(memory.fill (i32.const 0) (i32.const 255) (i32.shl (memory.size) (i32.const 16)))`

// table is a table with two functions, and what can be seen of it.
const (
	tableFields = `(table $t 4 8 funcref)(type $n (func (result i32)))(func $one (result i32) i32.const 1)(func $two (result i32) i32.const 2)
		(elem (table $t) (i32.const 0) func $one $two)(elem $spare func $two $one)`
	tableSee = `(i32.store (i32.const 1047) (table.size $t))(i32.store (i32.const 1051) (call_indirect $t (type $n) (i32.const 0)))
		(i32.store (i32.const 1055) (ref.is_null (table.get $t (i32.const 2))))`
)

var traces = []trace{
	{name: "every byte of memory", dirty: allOfMemory},
	{name: "memory grown to its limit page by page", dirty: `(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))` + allOfMemory},
	{name: "memory grown to its limit by sixteen pages", dirty: `(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))` + allOfMemory},
	{name: "memory grown by one page", dirty: `(drop (memory.grow (i32.const 1)))` + allOfMemory},
	{name: "memory grown and not touched", dirty: `(drop (memory.grow (i32.const 3)))`},
	{
		name: "what grown memory held",
		fields: `(func $grown (result i64) (local $p i32) (local $sum i64)
			(local.set $p (i32.shl (memory.grow (i32.const 9)) (i32.const 16)))
			(loop
				(local.set $sum (i64.or (local.get $sum) (i64.load (local.get $p))))
				(br_if 0 (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 8))) (i32.shl (memory.size) (i32.const 16)))))
			(local.get $sum))`,
		see: `(i64.store (i32.const 1047) (call $grown))`, dirty: allOfMemory,
	},
	{name: "exported memory", fields: `(export "memory" (memory 0))`, dirty: allOfMemory},
	{name: "one byte in every page of 4 KiB", dirty: `(local $p i32)(loop (i32.store8 (local.get $p) (i32.const 1))
		(br_if 0 (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 4096))) (i32.shl (memory.size) (i32.const 16)))))`},
	{
		name:   "mutable globals of all number types",
		fields: `(global $a (mut i32) (i32.const 1))(global $b (mut i64) (i64.const 2))(global $c (mut f32) (f32.const 3))(global $d (mut f64) (f64.const 4))`,
		warm:   `(global.set $a (i32.const 5))(global.set $b (i64.const 6))(global.set $c (f32.const 7.5))(global.set $d (f64.const 8.5))`,
		see: `(i32.store (i32.const 1047) (global.get $a))(i64.store (i32.const 1051) (global.get $b))
			(f32.store (i32.const 1059) (global.get $c))(f64.store (i32.const 1063) (global.get $d))`,
		dirty: `(global.set $a (i32.const -1))(global.set $b (i64.const -1))(global.set $c (f32.const nan:0x200001))(global.set $d (f64.const -inf))`,
	},
	{
		name: "an exported mutable global", fields: `(global $a (export "a") (mut i64) (i64.const 9))`,
		see: `(i64.store (i32.const 1047) (global.get $a))`, dirty: `(global.set $a (i64.const -1))`,
	},
	{
		name: "a global of type v128", fields: `(global $v (mut v128) (v128.const i64x2 1 2))`, see: `(v128.store (i32.const 1047) (global.get $v))`,
		dirty: `(global.set $v (v128.const i64x2 3 4))`, discards: "tables_changed",
	},
	{
		name: "a global of type funcref", fields: `(global $r (mut funcref) (ref.null func))(func $f)(elem declare func $f)`,
		see: `(i32.store (i32.const 1047) (ref.is_null (global.get $r)))`, dirty: `(global.set $r (ref.func $f))`, discards: "tables_changed",
	},
	{name: "table.set", fields: tableFields, see: tableSee, dirty: `(table.set $t (i32.const 0) (ref.func $two))`, discards: "tables_changed"},
	{name: "table.grow", fields: tableFields, see: tableSee, dirty: `(drop (table.grow $t (ref.func $one) (i32.const 4)))`, discards: "tables_changed"},
	{name: "table.fill", fields: tableFields, see: tableSee, dirty: `(table.fill $t (i32.const 0) (ref.func $two) (i32.const 4))`, discards: "tables_changed"},
	{name: "table.copy", fields: tableFields, see: tableSee, dirty: `(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))`, discards: "tables_changed"},
	{name: "table.init", fields: tableFields, see: tableSee, dirty: `(table.init $t $spare (i32.const 0) (i32.const 0) (i32.const 2))`, discards: "tables_changed"},
	{name: "elem.drop", fields: tableFields, see: `(table.init $t $spare (i32.const 0) (i32.const 0) (i32.const 2))` + tableSee, dirty: `(elem.drop $spare)`, discards: "tables_changed"},
	{
		name: "data.drop", fields: `(data $p "passive")`, see: `(memory.init $p (i32.const 1047) (i32.const 0) (i32.const 7))`,
		dirty: `(data.drop $p)`, discards: "tables_changed",
	},
	{
		name: "a table changed at start-up", fields: tableFields, warm: `(table.set $t (i32.const 0) (ref.func $two))`, see: tableSee,
		dirty: `(table.set $t (i32.const 0) (ref.func $one))` + allOfMemory, discards: "fresh",
	},
}

// globals are two globals that start-up sets, and what can be seen of them.
const (
	globalFields = `(global $a (mut i32) (i32.const 1))(global $b (mut i64) (i64.const 2))`
	globalWarm   = `(global.set $a (i32.const 5))(global.set $b (i64.const 6))`
	globalSee    = `(i32.store (i32.const 1047) (global.get $a))(i64.store (i32.const 1051) (global.get $b))`
	globalDirty  = `(global.set $a (i32.const -1))(global.set $b (i64.const -1))`
)

// failures are ways in which an event can leave everything it may change in the midst of it.
var failures = []trace{
	{name: "a trap", dirty: `unreachable`, outcome: runtime.OutcomeException},
	{name: "a trap far down", fields: `(func $down (param i32) (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))) (if (i32.eqz (local.get 0)) (then unreachable)))`,
		dirty: `(call $down (i32.const 50000))`, outcome: runtime.OutcomeException},
	{name: "an access out of bounds", dirty: `(i32.store (i32.const -4) (i32.const 1))`, outcome: runtime.OutcomeException},
	{name: "a bulk operation out of bounds", dirty: `(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))`, outcome: runtime.OutcomeException},
	{name: "a division by zero", dirty: `(drop (i32.div_u (i32.const 1) (i32.eqz (memory.size))))`, outcome: runtime.OutcomeException},
	{name: "a stack overflow", fields: overflow, dirty: `(call $r (i64.const 0))`, outcome: runtime.OutcomeException},
	{name: "the memory limit", dirty: `(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))` + allOfMemory + `unreachable`, outcome: runtime.OutcomeExceededMemory},
	{name: "the CPU limit", dirty: `(loop br 0)`, outcome: runtime.OutcomeExceededCPU},
	{name: "the CPU limit between bulk operations", dirty: `(loop ` + allOfMemory + ` br 0)`, outcome: runtime.OutcomeExceededCPU},
	{name: "an exit", fields: `(func $out (call $exit (i32.const 3)))`, dirty: `(call $out)`, outcome: runtime.OutcomeException},
	{name: "a table changed before a trap", fields: tableFields, see: tableSee, dirty: `(table.set $t (i32.const 0) (ref.func $two)) unreachable`, discards: "tables_changed", outcome: runtime.OutcomeException},
}

func TestNothingIsLeftAfterAnEventThatFailed(t *testing.T) {
	for _, x := range failures {
		for _, portable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, portable %v", x.name, portable), func(t *testing.T) {
				if slow > 1 && x.fields == overflow {
					t.Skip("the race detector looks at every word of 80 MB of stack each time it grows")
				}
				if x.see == "" {
					x.fields, x.warm, x.see, x.dirty = globalFields+x.fields, globalWarm, globalSee, globalDirty+x.dirty
				}
				x.dirty = allOfMemory + x.dirty
				limits := runtime.Limits{MemoryBytes: 8 << 20, Instances: 1, CPU: time.Minute, Wall: time.Minute}
				if x.outcome == runtime.OutcomeExceededCPU {
					limits.CPU = 20 * time.Millisecond
				}
				l := load(t, guesttest.Wat(t, x.module()), runtime.Options{Limits: limits, PortableReset: portable})
				checkTraces(t, l, x)
			})
		}
	}
}

// module is a guest that prepares its state at start-up, answers with what it sees of it and then changes it.
func (x trace) module() string {
	const fields = wasiExit + `
		(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
		(memory 2)
		(data (i32.const 0) "respond")
		(data (i32.const 1024) "\a2\01\18\c8\03\58\40")
		(func $hash (result i64) (local $p i32) (local $h i64)
			(loop
				(local.set $h (i64.mul (i64.xor (local.get $h) (i64.load (local.get $p))) (i64.const 0x100000001b3)))
				(br_if 0 (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 8))) (i32.shl (memory.size) (i32.const 16)))))
			(local.get $h))`
	const warm = `(drop (memory.grow (i32.const 1)))(memory.fill (i32.const 70000) (i32.const 90) (i32.const 1000))`
	const see = `(i64.store (i32.const 1031) (call $hash))(i32.store (i32.const 1039) (memory.size))`
	const respond = `(drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 1024) (i32.const 71)))`
	dirty := x.dirty
	if strings.HasPrefix(dirty, "(local ") { // declarations come first
		dirty = "(call $dirty)"
	}
	m := "(module" + fields + x.fields + `(func (export "pagesrun_warm")` + warm + x.warm + ")"
	m += "(func $dirty " + x.dirty + ")"
	return m + `(func (export "pagesrun_handle")` + see + x.see + respond + dirty + "))"
}

func TestNothingIsLeftForTheNextEvent(t *testing.T) {
	for _, x := range traces {
		for _, portable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, portable %v", x.name, portable), func(t *testing.T) {
				limits := runtime.Limits{MemoryBytes: 8 << 20, Instances: 1}
				l := load(t, guesttest.Wat(t, x.module()), runtime.Options{Limits: limits, PortableReset: portable})
				checkTraces(t, l, x)
			})
		}
	}
}

// checkTraces runs events and expects each to see what the first one saw, in the same instance where it can be reset.
func checkTraces(t *testing.T, l *lab, x trace) {
	t.Helper()
	outcome := cmp.Or(x.outcome, runtime.OutcomeOK)
	first := l.get("/")
	if first.failure != nil || len(first.body) != 64 {
		t.Fatalf("first event: %+v", first)
	}
	for i := range 10 {
		r := l.get("/")
		if r.failure != nil || r.body != first.body {
			t.Fatalf("event %d saw %x (%v), the first one %x", i+2, r.body, r.failure, first.body)
		}
		report := l.report(r.id)
		if report.Outcome != outcome || report.Discarded != x.discards || report.Reused != (x.discards == "") {
			t.Errorf("event %d: %s, reused %v, discarded %q; want %s, discarded %q", i+2, report.Outcome, report.Reused, report.Discarded, outcome, x.discards)
		}
	}
}

func TestGrownMemoryIsAsSmallAsBefore(t *testing.T) {
	for _, portable := range []bool{false, true} {
		l := load(t, labGuest(t), runtime.Options{PortableReset: portable, Limits: runtime.Limits{MemoryBytes: 32 << 20, Instances: 1}})
		size := l.get("/size").body
		for range 3 {
			l.want("/grow-touch", "512")
			l.want("/size", size)
			l.want("/count", "1")
		}
	}
}

func TestMemoryThatStartsEmptyIsEmptyForEveryEvent(t *testing.T) {
	const wat = `(module (memory 0)
		(func (export "pagesrun_handle")
			(if (memory.size) (then unreachable))
			(drop (memory.grow (i32.const 2)))
			(if (i32.load (i32.const 100)) (then unreachable))
			(memory.fill (i32.const 0) (i32.const 1) (i32.const 131072))))`
	for _, portable := range []bool{false, true} {
		l := load(t, guesttest.Wat(t, wat), runtime.Options{PortableReset: portable, Limits: runtime.Limits{Instances: 1}})
		for range 5 {
			if r := l.get("/"); r.failure == nil || r.failure.Outcome != runtime.OutcomeNoResponse {
				t.Fatalf("%+v", r)
			}
		}
	}
}

func TestGuestsWithoutMemoryGetBadPointers(t *testing.T) {
	var b strings.Builder
	check := func(call string, want int) {
		fmt.Fprintf(&b, "(if (i32.ne (call %s) (i32.const %d)) (then unreachable))", call, want)
	}
	check("$call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)", -2)
	check("$log (i32.const 1) (i32.const 0) (i32.const 0)", -2)
	check("$wait (i32.const 0) (i32.const 0) (i64.const 0)", -2)
	check("$result (i32.const 0) (i32.const 0) (i32.const 0)", -2)
	check("$read (i32.const 1) (i32.const 0) (i32.const 0)", -2)
	check("$write (i32.const 1) (i32.const 0) (i32.const 0)", -2)
	check("$close (i32.const 1) (i32.const 0)", -1)
	check("$random (i32.const 0) (i32.const 0)", 21)
	check("$clock (i32.const 0) (i64.const 0) (i32.const 0)", 21)
	check("$fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)", 21)
	check("$environ (i32.const 0) (i32.const 0)", 21)
	wat := `(module
		(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "log" (func $log (param i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "wait" (func $wait (param i32 i32 i64) (result i32)))
		(import "pagesrun_v1" "result" (func $result (param i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "read" (func $read (param i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "write" (func $write (param i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "close" (func $close (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
		(func (export "pagesrun_handle")` + b.String() + `))`
	for _, portable := range []bool{false, true} {
		l := load(t, guesttest.Wat(t, wat), runtime.Options{PortableReset: portable})
		for range 3 {
			if r := l.get("/"); r.failure == nil || r.failure.Outcome != runtime.OutcomeNoResponse {
				t.Fatalf("%v", r.failure)
			}
		}
	}
}

func TestStateSurvivesInInstanceModeUntilTheInstanceRetires(t *testing.T) {
	for _, portable := range []bool{false, true} {
		limits := runtime.Limits{Instances: 1, InstanceEvents: 5}
		l := load(t, labGuest(t), runtime.Options{Isolation: runtime.IsolationInstance, PortableReset: portable, Limits: limits})
		for i := range 12 {
			r := l.get("/count")
			if want := fmt.Sprint(i%5 + 1); r.body != want {
				t.Errorf("event %d counted %q, want %q", i+1, r.body, want)
			}
			if got, retired := l.report(r.id).Discarded, i%5 == 4; (got == "retired") != retired {
				t.Errorf("event %d: discarded %q", i+1, got)
			}
		}
		l.get("/trap")
		l.want("/count", "1")
	}
}

func TestTablesSurviveInInstanceMode(t *testing.T) {
	const respond = `(drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 16) (i32.const 7)))`
	for name, start := range map[string]string{"changed by events": "", "changed at start-up": "(drop (table.grow 0 (ref.null func) (i32.const 0)))"} {
		t.Run(name, func(t *testing.T) {
			wat := `(module
				(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
				(memory 1)(table 1 funcref)
				(data (i32.const 0) "respond")(data (i32.const 16) "\a2\01\18\c8\03\41?")
				(func (export "pagesrun_warm")` + start + `)
				(func (export "pagesrun_handle")
					(drop (table.grow 0 (ref.null func) (i32.const 1)))
					(i32.store8 (i32.const 22) (i32.add (i32.const 48) (table.size 0)))` + respond + `))`
			l := load(t, guesttest.Wat(t, wat), runtime.Options{Isolation: runtime.IsolationInstance, Limits: runtime.Limits{Instances: 1}})
			for _, want := range []string{"2", "3", "4"} {
				l.want("/", want)
			}
		})
	}
}

func TestPristineEventsDrawDistinctRandomNumbers(t *testing.T) {
	guests := map[string]func(testing.TB) []byte{
		"C":  labGuest,
		"Go": func(t testing.TB) []byte { return guesttest.Go(t, filepath.Join("testdata", "random")) },
	}
	for name, guest := range guests {
		for _, portable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, portable %v", name, portable), func(t *testing.T) {
				l := load(t, guest(t), runtime.Options{PortableReset: portable, Limits: runtime.Limits{Instances: 2}})
				checkDistinct(t, l, 1000/slow)
			})
		}
	}
}

// checkDistinct makes n requests and expects each field of the answers to have n values.
func checkDistinct(t *testing.T, l *lab, n int) {
	t.Helper()
	seen := map[string]bool{}
	for i := range n {
		r := l.get("/rand")
		if r.failure != nil {
			t.Fatal(r.failure)
		}
		for f, v := range strings.SplitN(r.body, " ", 5) {
			key := fmt.Sprint(f, " ", v)
			if seen[key] {
				t.Fatalf("event %d drew %s a second time (field %d of %q)", i, v, f, r.body)
			}
			seen[key] = true
		}
	}
}
