package runtime_test

import (
	"fmt"
	gort "runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// tight are limits that a test has time to run into.
func tight() runtime.Limits {
	return runtime.Limits{CPU: 100 * time.Millisecond, Wall: 200*time.Millisecond + 40*time.Millisecond*slow, Startup: 2 * time.Second * slow}
}

// handler is a guest in the text format with a body for pagesrun_handle.
func handler(fields, body string) string {
	return fmt.Sprintf(`(module %s (func (export "pagesrun_handle") %s))`, fields, body)
}

// exponential is a call tree of 2^46 calls without a loop.
func exponential() string {
	var b strings.Builder
	for i := range 46 {
		fmt.Fprintf(&b, "(func $f%d call $f%d call $f%d)\n", i, i+1, i+1)
	}
	b.WriteString("(func $f46)")
	return handler(b.String(), "call $f0")
}

const overflow = "(func $r (param i64) local.get 0 i64.const 1 i64.add call $r)"

// hostile are guests that each end by one limit.
var hostile = []struct {
	name    string
	wat     string // the guest, or else
	path    string // what testdata/lab.c does
	limits  func(*runtime.Limits)
	outcome runtime.Outcome
	status  int
	message string
}{
	{name: "an infinite loop is out of CPU time", path: "/spin", outcome: runtime.OutcomeExceededCPU, status: 503, message: "more than 100ms of CPU time"},
	{name: "an infinite loop without memory is out of CPU time", wat: handler("", "(loop br 0)"), outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "an exponential call tree is out of CPU time", wat: exponential(), outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that calls the clock is out of CPU time", path: "/clock", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that yields is out of CPU time", path: "/yield", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that asks for 4 MiB of random bytes is out of CPU time", path: "/random", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that asks for 1 MiB of random bytes is out of CPU time", path: "/random-mib", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that writes 4 GiB to stderr at once is out of CPU time", path: "/output", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that polls for 1024 clocks is out of CPU time", path: "/poll", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that opens a path of 4 MiB is out of CPU time", path: "/path", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that polls 1024 handles is out of CPU time", path: "/waits", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop of calls with 4 MiB of zeros is out of CPU time", path: "/big-calls", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "a loop that moves 256 KiB through a stream is out of CPU time", path: "/big-pipe", outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "1,000 fills of 128 MiB are out of CPU time", wat: handler("(memory 1)", "(drop (memory.grow (i32.const 2047)))"+
		strings.Repeat("(memory.fill (i32.const 0) (i32.const 7) (i32.const 134217728))", 1000)), outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "1,000 copies of 64 MiB are out of CPU time", wat: handler("(memory 1)", "(drop (memory.grow (i32.const 2047)))"+
		strings.Repeat("(memory.copy (i32.const 0) (i32.const 67108864) (i32.const 67108864))", 1000)), outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "1,000 fills of a table with a million entries are out of CPU time", wat: handler("(table 1000000 funcref)",
		strings.Repeat("(table.fill 0 (i32.const 0) (ref.null func) (i32.const 1000000))", 1000)), outcome: runtime.OutcomeExceededCPU, status: 503},
	{name: "endless recursion is an exception", wat: handler(overflow, "i64.const 0 call $r"), limits: func(l *runtime.Limits) { l.CPU, l.Wall = 2*time.Second*slow, 5*time.Second*slow }, outcome: runtime.OutcomeException, status: 500},
	{name: "endless recursion in C is an exception", path: "/recurse", limits: func(l *runtime.Limits) { l.CPU, l.Wall = 2*time.Second*slow, 5*time.Second*slow }, outcome: runtime.OutcomeException, status: 500},
	{name: "growing by a page for ever is out of memory", path: "/grow1", outcome: runtime.OutcomeExceededMemory, status: 503, message: "more than 128 MiB of memory"},
	{name: "growing by 256 pages for ever is out of memory", path: "/grow256", outcome: runtime.OutcomeExceededMemory, status: 503},
	{name: "sleeping for an hour is out of time", path: "/sleep", outcome: runtime.OutcomeExceededWall, status: 504, message: "longer than"},
	{name: "waiting for a stream that nobody writes is out of time", path: "/dead-pipe", outcome: runtime.OutcomeExceededWall, status: 504},
	{name: "waiting for nothing is out of time", path: "/wait-nothing", outcome: runtime.OutcomeExceededWall, status: 504},
	{name: "waiting for an operation that takes for ever is out of time", path: "/probe?op=probe.slow", outcome: runtime.OutcomeExceededWall, status: 504},
	{name: "spinning past the wall limit is out of time", path: "/spin", limits: func(l *runtime.Limits) { l.CPU = time.Minute }, outcome: runtime.OutcomeExceededWall, status: 504},
	{name: "a trap is an exception", path: "/trap", outcome: runtime.OutcomeException, status: 500, message: "the function failed"},
	{name: "exit with 0 is an exception", path: "/exit0", outcome: runtime.OutcomeException, status: 500},
	{name: "exit with 1 is an exception", path: "/exit1", outcome: runtime.OutcomeException, status: 500},
	{name: "a handler that only returns has not responded", wat: handler("", ""), outcome: runtime.OutcomeNoResponse, status: 500, message: "without a response"},
	{name: "a handler that takes its event and returns has not responded", wat: handler(`(import "pagesrun_v1" "result" (func $r (param i32 i32 i32) (result i32)))(memory 1)`,
		"(drop (call $r (i32.const 0) (i32.const 0) (i32.const 65536)))"), outcome: runtime.OutcomeNoResponse, status: 500},
}

func TestEveryHostileGuestIsStoppedByItsLimit(t *testing.T) {
	c := labGuest(t)
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			limits := tight()
			if test.limits != nil {
				test.limits(&limits)
			}
			module := c
			if test.wat != "" {
				module = guesttest.Wat(t, test.wat)
			}
			for _, portable := range []bool{false, true} {
				l := load(t, module, runtime.Options{Limits: limits, PortableReset: portable})
				checkHostile(t, l, test.path, limits, test.outcome, test.status, test.message)
				if test.wat == "" {
					l.want("/count", "1")
				}
			}
		})
	}
}

// lateTries is how often what takes too long is tried.
const lateTries = 8

// checkHostile runs a hostile guest: again where it was stopped late, since the machine may have been busy.
func checkHostile(t *testing.T, l *lab, path string, limits runtime.Limits, outcome runtime.Outcome, status int, message string) {
	t.Helper()
	deadline := limits.Wall
	if outcome == runtime.OutcomeExceededCPU || outcome == runtime.OutcomeException {
		deadline = limits.CPU
	}
	late := deadline + slack
	if outcome == runtime.OutcomeExceededMemory {
		late *= 4 // that growing is refused takes no time, but all that was touched before does
	}
	best := time.Hour
	for try := range lateTries {
		goroutines := gort.NumGoroutine()
		r := l.get(path)
		if outcome == runtime.OutcomeExceededCPU && r.failure != nil && r.failure.Outcome == runtime.OutcomeExceededWall && try < lateTries-1 {
			continue // a busy machine gave it so little of the processor that its other limit came first
		}
		if strings.Contains(fmt.Sprint(r.failure), "wazero") {
			t.Errorf("the engine's words reach people: %v", r.failure)
		}
		if r.failure == nil || r.failure.Outcome != outcome || r.failure.Status != status || !strings.Contains(r.failure.Message, message) {
			t.Fatalf("%s gave status %d, body %.100q, failure %+v; want %s %d %q", path, r.status, r.body, r.failure, outcome, status, message)
		}
		if report := l.report(r.id); report.Outcome != outcome || report.Status != status {
			t.Errorf("reported as %s %d, want %s %d", report.Outcome, report.Status, outcome, status)
		}
		settle(t, "goroutines", goroutines, gort.NumGoroutine)
		if best = min(best, r.took); best <= late {
			break
		}
	}
	if racing := slow > 1 && outcome == runtime.OutcomeExceededMemory; best > late && !racing { // the detector looks at every byte that growing copies
		t.Errorf("%s was stopped after %v, want %v at most", path, best, late)
	}
	settle(t, "busy instances", 0, func() int { total, idle, _ := l.Instances(); return total - idle })
}

func TestStacksThatOverflowLeaveNothingBehind(t *testing.T) {
	runs := heavy(60, 10_000) / slow
	l := load(t, guesttest.Wat(t, handler(overflow, "i64.const 0 call $r")), runtime.Options{})
	measure := func() int64 {
		debug.FreeOSMemory() // what earlier tests have left to the collector is none of this test's
		return residentBytes(t)
	}
	l.get("/")
	l.get("/")
	before := measure()
	for i := range runs {
		if r := l.get("/"); r.failure == nil || r.failure.Outcome != runtime.OutcomeException || !strings.Contains(fmt.Sprint(r.failure.Cause), "stack overflow") {
			t.Fatalf("run %d: %+v", i, r)
		}
	}
	after := measure()
	t.Logf("%d stack overflows took the process from %d to %d MiB", runs, before>>20, after>>20)
	if after > before+32<<20*slow {
		t.Errorf("%d stack overflows took the process from %d to %d MiB", runs, before>>20, after>>20)
	}
}

func TestDeepStacksAreNotKept(t *testing.T) {
	const deep = `(func $d (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $d (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))`
	l := load(t, guesttest.Wat(t, handler(deep, "(drop (call $d (i32.const 500000)))")), runtime.Options{})
	heap := func() int64 {
		var stats gort.MemStats
		gort.GC()
		gort.GC()
		gort.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before := heap()
	for range 3 {
		if r := l.get("/"); r.failure == nil || r.failure.Outcome != runtime.OutcomeNoResponse {
			t.Fatalf("%+v", r)
		}
	}
	if kept := heap() - before; kept > 4<<20 {
		t.Errorf("an idle instance keeps %d MiB of stack", kept>>20)
	}
}
