package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestRoomBetweenCollections(t *testing.T) {
	for _, c := range []struct {
		name string
		live uint64
		want int
	}{
		{"nothing", 0, 1000},
		{"a tenth of the room", heapRoomBytes / 10, 1000},
		{"half of the room", heapRoomBytes / 2, 200},
		{"as much as the room", heapRoomBytes, 100},
		{"much", 1 << 40, 100},
	} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%s: %d %%, want %d %%", c.name, got, c.want)
		}
	}
}

func TestRoomFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	tuneGC()
	heap := make([]byte, 20*heapRoomBytes)
	debug.SetGCPercent(1000) // as after a collection of a small heap
	afterEachGC(1000)
	percent := 0
	for end := time.Now().Add(10 * time.Second); percent != 100 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		runtime.GC()
		percent = debug.SetGCPercent(1000)
		debug.SetGCPercent(percent)
	}
	if percent != 100 {
		t.Errorf("%d %% with a large heap, want 100 %%", percent)
	}
	runtime.KeepAlive(heap)
}
