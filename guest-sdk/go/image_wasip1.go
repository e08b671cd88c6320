package pagesrun

import (
	"runtime"
	"sync"
	"unsafe"
)

// The size classes of Go's allocator that events get to use first, in bytes. They are a hint: where a later Go has other classes, events
// are a little slower and nothing else. More of them would make the image larger than two of the heap's arenas of 512 KiB, and each
// further arena makes every event slower.
var (
	smallSizes = [...]uint16{
		8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512,
	}
	bufferSizes = [...]uint16{1024, 2048} // without pointers
)

const (
	pageBytes     = 8 << 10  // the allocator's page
	stackBytes    = 16 << 10 // of stack an event can use without growing it
	sleepersReady = 4        // goroutines an event can start without allocating them
)

// readyImage brings the Go runtime into the state in which an event does the least: garbage collected, a fresh span of every small size
// at hand, room on the stack, a few goroutines to reuse. Each of these would otherwise be done anew in every event, since every
// event begins with the image.
func readyImage() {
	instance.current.Store(&instance.first.ctx)
	runtime.GC()
	for _, size := range smallSizes {
		readySpan(int(size), plain)
		readySpan(int(size), pointers)
	}
	for _, size := range bufferSizes {
		readySpan(int(size), plain)
	}
	readyGoroutines()
	readyStack(stackBytes / 1024)
}

func plain(n int) unsafe.Pointer    { return unsafe.Pointer(unsafe.SliceData(make([]byte, n))) }
func pointers(n int) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]*byte, n/8))) }

// readySpan allocates objects of one size until one lies at the beginning of a page, which is the beginning of a fresh span.
func readySpan(size int, allocate func(int) unsafe.Pointer) {
	for range pageBytes / size * 2 {
		kept = allocate(size)
		if uintptr(kept)%pageBytes == 0 {
			break
		}
	}
	kept = nil
}

// kept makes allocations escape.
var kept unsafe.Pointer

// readyGoroutines starts and ends a few goroutines; the runtime keeps them for reuse.
func readyGoroutines() {
	var done sync.WaitGroup
	release := make(chan struct{})
	for range sleepersReady {
		done.Go(func() { <-release })
	}
	close(release)
	done.Wait()
}

// readyStack uses depth KiB of stack, so that it grows now.
//
//go:noinline
func readyStack(depth int) byte {
	var frame [1 << 10]byte
	if depth > 0 {
		frame[depth] = readyStack(depth - 1)
	}
	return frame[depth/2]
}
