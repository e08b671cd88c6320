//go:build !wasip1

package host

import (
	"sync/atomic"

	"github.com/pagesrun/pagesrun/abi"
)

// Host is a stand-in for the imports. Its methods are called from many goroutines at once.
type Host interface {
	Call(target, op string, msg []byte) int32
	Wait(handles []uint32, timeoutNS int64) int32
	Result(handle uint32, b []byte) int32
	Read(stream uint32, b []byte) int32
	Write(stream uint32, b []byte) int32
	Close(handle, reason uint32) int32
	Log(level uint32, text string) int32
}

// installed is what the imports are to a guest: one per process.
var installed atomic.Pointer[Host]

// Install makes h the host of this process; nil takes it away.
func Install(h Host) {
	if h == nil {
		installed.Store(nil)
		return
	}
	installed.Store(&h)
}

// Entry is what a guest exports.
type Entry struct {
	// Start forgets what was registered before and starts up with main.
	Start func(main func())
	// Handle runs the event that the host has.
	Handle func()
}

// current returns the installed host, or one that fails everything.
func current() Host {
	if h := installed.Load(); h != nil {
		return *h
	}
	return absent{}
}

// absent is the host of a native build outside of tests.
type absent struct{}

const unsupported = -int32(abi.CodeUnsupported)

func (absent) Call(string, string, []byte) int32 { return unsupported }
func (absent) Wait([]uint32, int64) int32        { return unsupported }
func (absent) Result(uint32, []byte) int32       { return unsupported }
func (absent) Read(uint32, []byte) int32         { return unsupported }
func (absent) Write(uint32, []byte) int32        { return unsupported }
func (absent) Close(uint32, uint32) int32        { return unsupported }
func (absent) Log(_ uint32, text string) int32   { println(text); return 0 }

// Call starts an operation and returns its handle.
func Call(target, op string, msg []byte) int32 { return current().Call(target, op, msg) }

// Wait blocks until one of the handles is ready and returns its index.
func Wait(handles []uint32, timeoutNS int64) int32 { return current().Wait(handles, timeoutNS) }

// Result takes a reply into b, or returns the length it needs.
func Result(handle uint32, b []byte) int32 { return current().Result(handle, b) }

// Read takes the next bytes of a stream.
func Read(stream uint32, b []byte) int32 { return current().Read(stream, b) }

// Write appends bytes to a stream.
func Write(stream uint32, b []byte) int32 { return current().Write(stream, b) }

// Close ends a handle.
func Close(handle, reason uint32) int32 { return current().Close(handle, reason) }

// Log writes one log line.
func Log(level uint32, text string) int32 { return current().Log(level, text) }
