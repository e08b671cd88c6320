package runtime_test

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// TestMemoryBombsLeaveNothingBehind has guests grow their memory to its limit, by one page and by 256, and touch all of it, one after the other and at once.
// The process takes what they touch and 32 MiB for each at the most, and gives it back.
func TestMemoryBombsLeaveNothingBehind(t *testing.T) {
	const limit, each, atOnce, inTurn = 32 << 20, (32 << 20) * slow, 20, 50 / slow
	for _, path := range []string{"/grow-touch?pages=1", "/grow-touch?pages=256"} {
		t.Run(path, func(t *testing.T) {
			l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{MemoryBytes: limit, Instances: atOnce, CPU: time.Minute, Wall: time.Minute}})
			together(l, atOnce, "/ok")
			before := resident(t)
			var highest atomic.Int64
			stop := watchResident(t, &highest)
			for range inTurn {
				l.want(path, fmt.Sprint(limit>>16))
			}
			together(l, atOnce, path)
			stop()
			after := resident(t)
			t.Logf("%d MiB before, %d at most, %d after", before>>20, highest.Load()>>20, after>>20)
			if most := before + atOnce*(limit+each); highest.Load() > most {
				t.Errorf("the process took %d MiB, at most %d", highest.Load()>>20, most>>20)
			}
			if most := before + max(before/20, 8<<20)*slow; after > most {
				t.Errorf("the process keeps %d MiB, had %d", after>>20, before>>20)
			}
		})
	}
}

// together makes n requests at once.
func together(l *lab, n int, path string) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if r := l.get(path); r.failure != nil {
				l.t.Errorf("%s: %v", path, r.failure)
			}
		})
	}
	wg.Wait()
}

// resident is what the process keeps when the collector has done what it can: the least of a few looks.
func resident(t *testing.T) int64 {
	least := int64(1 << 62)
	for range 5 {
		debug.FreeOSMemory()
		least = min(least, residentBytes(t))
		time.Sleep(20 * time.Millisecond)
	}
	return least
}

// watchResident looks at the process's memory until it is stopped.
func watchResident(t *testing.T, highest *atomic.Int64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
				highest.Store(max(highest.Load(), residentBytes(t)))
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// hostCodes is a module whose start function, or else its warm-up, makes host calls, grows its memory as far as it may, and keeps what came of it for the events.
func hostCodes(start string) []byte {
	return []byte(`(module
		(import "pagesrun_v1" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "result" (func $result (param i32 i32 i32) (result i32)))
		(import "pagesrun_v1" "read" (func $read (param i32 i32 i32) (result i32)))
		(memory 1)
		(data (i32.const 0) "respond")(data (i32.const 16) "PROBE")(data (i32.const 32) "probe.quick")
		(data (i32.const 64) "\a1\01\18\c8")(data (i32.const 256) "\a2\01\18\c8\03\48")
		(func $code (param $h i32) (param $at i32)
			(drop (call $result (local.get $h) (i32.const 1024) (i32.const 1024)))
			(i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.load8_u (i32.const 1028)))))
		(func $begin
			(i32.store8 (i32.const 262) (i32.sub (i32.const 48) (call $result (i32.const 0) (i32.const 1024) (i32.const 1024))))
			(i32.store8 (i32.const 263) (i32.sub (i32.const 48) (call $read (i32.const 1) (i32.const 1024) (i32.const 1024))))
			(call $code (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 64) (i32.const 4)) (i32.const 264))
			(call $code (call $call (i32.const 16) (i32.const 5) (i32.const 32) (i32.const 11) (i32.const 64) (i32.const 0)) (i32.const 265))
			(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
			(i32.store (i32.const 266) (memory.size)))
		` + start + `
		(func (export "pagesrun_handle")
			(drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 256) (i32.const 14)))))`)
}

func TestAStartFunctionHasTheLimitsAndRightsOfStartUp(t *testing.T) {
	for name, start := range map[string]string{"the start section": "(start $begin)", "_initialize": `(export "_initialize" (func $begin))`, "pagesrun_warm": `(export "pagesrun_warm" (func $begin))`} {
		for _, portable := range []bool{false, true} {
			l := load(t, guesttest.Wat(t, string(hostCodes(start))), runtime.Options{PortableReset: portable, Limits: runtime.Limits{MemoryBytes: 16 << 20}})
			// bad_handle for the event and its body, not_during_warm for the answer and the operation, and the pages of 16 MiB.
			if r := l.get("/"); r.failure != nil || r.body != "11??\x00\x01\x00\x00" {
				t.Errorf("%s, portable %v: %q (%v)", name, portable, r.body, r.failure)
			}
		}
	}
}

func TestAStartFunctionThatDoesNotEndIsStopped(t *testing.T) {
	calls := strings.TrimPrefix(strings.TrimSuffix(exponential(), ` (func (export "pagesrun_handle") call $f0))`), "(module ")
	fills := `(memory 2048)(func $f0` + strings.Repeat("(memory.fill (i32.const 0) (i32.const 7) (i32.const 134217728))", 1000) + ")"
	grows := `(memory 1)(func $f0 (loop (drop (memory.grow (i32.const 1))) (br 0)))`
	for name, fields := range map[string]string{"calls": calls, "fills": fills, "grows": grows} {
		for at, start := range map[string]string{"the start section": "(start $f0)", "_initialize": `(export "_initialize" (func $f0))`, "pagesrun_warm": `(export "pagesrun_warm" (func $f0))`} {
			startAndStop(t, guesttest.Wat(t, "(module "+fields+start+`(func (export "pagesrun_handle")))`), name+" in "+at)
		}
	}
}

// startAndStop loads a module that does not come to an end of its start: again where it was stopped late, since the machine may have been busy.
func startAndStop(t *testing.T, module []byte, name string) {
	t.Helper()
	limits := runtime.Limits{Startup: 150 * time.Millisecond * slow}
	best, most := time.Hour, limits.Startup+10*slack
	for try := 0; try < lateTries && best > most; try++ {
		began := time.Now()
		_, err := tryLoad(t, module, runtime.Options{Limits: limits})
		best = min(best, time.Since(began))
		if err == nil || !strings.Contains(err.Error(), "took longer") {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if best > most {
		t.Errorf("%s ended after %v, want %v at most", name, best, most)
	}
}
