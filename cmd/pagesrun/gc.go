package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// heapRoomBytes is how much a serving process may allocate between two garbage collections where its live heap is small. Guests live outside
// the heap, so it often is, and Go would collect after every few megabytes of requests.
const heapRoomBytes = 5 << 20

// tuneGC gives the collector room in proportion to bytes rather than to a small heap, unless the user has set GOGC.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if percent := heapRoomBytes * 100 / max(m.HeapAlloc, 1); percent > 100 {
		debug.SetGCPercent(int(min(percent, 1000)))
	}
}
