package runtime_test

import (
	"errors"
	gort "runtime"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

const wasiExit = `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`

func TestLoadSaysWhatIsWrongWithAModule(t *testing.T) {
	entry := `(func (export "pagesrun_handle"))`
	for _, test := range []struct{ name, wat, code, text string }{
		{"a trap in _initialize", `(module (func (export "_initialize") unreachable)` + entry + `)`, "startup_failed", "_initialize"},
		{"a trap in pagesrun_warm", `(module (func (export "pagesrun_warm") unreachable)` + entry + `)`, "startup_failed", "pagesrun_warm"},
		{"a trap in the start function", `(module (func $s unreachable)(start $s)` + entry + `)`, "startup_failed", "start"},
		{"an exit in _initialize", `(module ` + wasiExit + `(func (export "_initialize") (call $exit (i32.const 3)))` + entry + `)`, "startup_failed", "status 3"},
		{"an exit with 0 in pagesrun_warm", `(module ` + wasiExit + `(func (export "pagesrun_warm") (call $exit (i32.const 0)))` + entry + `)`, "startup_failed", "status 0"},
		{"an infinite loop in _initialize", `(module (func (export "_initialize") (loop br 0))` + entry + `)`, "startup_timeout", "_initialize took longer than startup_ms"},
		{"an infinite loop in pagesrun_warm", `(module (func (export "pagesrun_warm") (loop br 0))` + entry + `)`, "startup_timeout", "pagesrun_warm took longer"},
		{"an infinite loop in the start function", `(module (func $s (loop br 0))(start $s)` + entry + `)`, "startup_timeout", "took longer"},
		{"endless recursion in _initialize", `(module ` + overflow + `(func (export "_initialize") (call $r (i64.const 0)))` + entry + `)`, "startup_failed", "stack overflow"},
		{"no entry", `(module (memory 1))`, "no_entry", "pagesrun_handle"},
		{"a command that also has an entry", `(module (func (export "_start"))` + entry + `)`, "two_entries", "c-shared"},
		{"an entry with parameters", `(module (func (export "pagesrun_handle") (param i32)))`, "bad_export", "pagesrun_handle"},
		{"a _initialize with a result", `(module (func (export "_initialize") (result i32) i32.const 0)` + entry + `)`, "bad_export", "_initialize"},
		{"an import from elsewhere", `(module (import "env" "puts" (func))` + entry + `)`, "unknown_import", "puts"},
		{"an unknown host function", `(module (import "pagesrun_v1" "teleport" (func))` + entry + `)`, "unknown_import", "teleport"},
		{"a host function of another type", `(module (import "pagesrun_v1" "close" (func (param i32)))` + entry + `)`, "import_type", "close"},
		{"an imported memory", `(module (import "env" "memory" (memory 1))` + entry + `)`, "unknown_import", "memory"},
		{"an imported memory from the host's own module", `(module (import "pagesrun_v1" "memory" (memory 1))` + entry + `)`, "unknown_import", "memory"},
		{"an imported global", `(module (import "pagesrun_v1" "g" (global (mut i32)))` + entry + `)`, "unknown_import", "g"},
		{"an imported table", `(module (import "pagesrun_v1" "t" (table 1 funcref))` + entry + `)`, "unknown_import", "t"},
		{"the engine's own import", `(module (import "pagesrun_rt" "tick" (func))` + entry + `)`, "reserved", ""},
		{"a data segment outside the memory", `(module (memory 1)(data (i32.const 65536) "x")` + entry + `)`, "instantiate_failed", ""},
		{"more memory than the limit", `(module (memory 2049)` + entry + `)`, "memory", "128 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			goroutines := gort.NumGoroutine()
			for _, portable := range []bool{false, true} {
				limits := runtime.Limits{Startup: 150 * time.Millisecond * slow}
				if strings.Contains(test.name, "recursion") { // filling 50 MB of stack takes its time
					limits.Startup = 5 * time.Second * slow
				}
				start := time.Now()
				_, err := tryLoad(t, guesttest.Wat(t, test.wat), runtime.Options{Limits: limits, PortableReset: portable})
				took := time.Since(start)
				var load *runtime.LoadError
				if !errors.As(err, &load) {
					t.Fatalf("load: %v is no LoadError", err)
				}
				if !strings.Contains(load.Code, test.code) || !strings.Contains(load.Error(), test.text) {
					t.Errorf("code %q, text %q; want %q, %q", load.Code, load.Error(), test.code, test.text)
				}
				if took > limits.Startup+10*slack {
					t.Errorf("load failed after %v", took)
				}
			}
			settle(t, "goroutines", goroutines, gort.NumGoroutine)
		})
	}
}

func TestDuringStartUpOnlyVariablesAndLogsAreThere(t *testing.T) {
	// Each function answers with the code it got, stored in memory before the image is taken.
	const wat = `(module
		(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "result" (func $result (param i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "log" (func $log (param i32 i32 i32) (result i32)))
		(memory 1)
		(data (i32.const 0) "respond")
		(data (i32.const 16) "PROBE")
		(data (i32.const 32) "probe.quick")
		(data (i32.const 64) "\a1\01\18\c8")
		(data (i32.const 256) "\a2\01\18\c8\03\58\80")
		(func $code (param $h i32) (param $at i32)
			(drop (call $result (local.get $h) (i32.const 1024) (i32.const 1024)))
			(i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.load8_u (i32.const 1028)))))
		(func (export "pagesrun_warm")
			(i32.store8 (i32.const 263) (i32.sub (i32.const 48) (call $result (i32.const 0) (i32.const 1024) (i32.const 1024))))
			(call $code (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 64) (i32.const 4)) (i32.const 264))
			(call $code (call $call (i32.const 16) (i32.const 5) (i32.const 32) (i32.const 11) (i32.const 64) (i32.const 0)) (i32.const 265))
			(i32.store8 (i32.const 266) (i32.add (i32.const 48) (call $log (i32.const 1) (i32.const 0) (i32.const 7)))))
		(func (export "pagesrun_handle")
			(drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 256) (i32.const 135)))))`
	l := load(t, guesttest.Wat(t, wat), runtime.Options{})
	// 1 bad_handle for the event, 15 not_during_warm for respond and the operation, 0 for the log.
	if r := l.get("/"); !strings.HasPrefix(r.body, "1??0") {
		t.Errorf("codes %q (failure %v), want %q", strings.TrimRight(r.body, "\x00"), r.failure, "1??0")
	}
	if got := l.logged(""); len(got) != 1 || got[0] != "log: respond" {
		t.Errorf("start-up logged %q", got)
	}
}

func TestClockAndRandomnessOfStartUpAreFixed(t *testing.T) {
	const wat = `(module
		(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(memory 1)
		(data (i32.const 0) "respond")
		(data (i32.const 256) "\a2\01\18\c8\03\58\20")
		(func (export "pagesrun_warm")
			(drop (call $random (i32.const 263) (i32.const 16)))
			(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 279)))
			(drop (call $clock (i32.const 1) (i64.const 0) (i32.const 287))))
		(func (export "pagesrun_handle")
			(drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 256) (i32.const 39)))))`
	first := load(t, guesttest.Wat(t, wat), runtime.Options{}).get("/")
	second := load(t, guesttest.Wat(t, wat), runtime.Options{}).get("/")
	if first.failure != nil || len(first.body) != 32 || first.body != second.body {
		t.Errorf("two starts read %x and %x", first.body, second.body)
	}
}
