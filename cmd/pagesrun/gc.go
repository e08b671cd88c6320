package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapRoomBytes is how much a serving process may allocate between two garbage collections where its live heap is small. Guests live outside
// the heap, so it often is, and Go would collect after every few megabytes of requests.
const heapRoomBytes = 5 << 20

// tuneGC gives the collector room in proportion to bytes rather than to a small heap, unless the user has set GOGC. It looks again after every
// collection: what is right for a heap of two megabytes would let one of fifty take three times as much as it needs.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	runtime.GC()
	afterEachGC(setGCPercent(0))
}

// afterEachGC sees to it that the percentage, which is the one given, follows the live heap.
func afterEachGC(percent int) {
	runtime.AddCleanup(&sentinel{}, func(percent int) { afterEachGC(setGCPercent(percent)) }, percent)
}

// sentinel is unreachable at once, so the next collection finds it. It has a pointer, as objects without one share their memory with others.
type sentinel struct{ _ *byte }

// setGCPercent sets the percentage that is right for the live heap, unless it is hardly another one than before: setting it stops the world for
// a moment.
func setGCPercent(before int) (now int) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	now = gcPercent(live[0].Value.Uint64())
	if 10*max(now-before, before-now) <= before {
		return before
	}
	debug.SetGCPercent(now)
	return now
}

// gcPercent is by how much a heap may grow between two collections: twice what lives, and by heapRoomBytes where that is more.
func gcPercent(live uint64) int { return int(min(max(heapRoomBytes*100/max(live, 1), 100), 1000)) }
