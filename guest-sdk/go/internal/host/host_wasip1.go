package host

import "unsafe"

//go:wasmimport pagesrun_v1 call
//go:noescape
func importCall(target, op string, msg unsafe.Pointer, msgLen uint32) int32

//go:wasmimport pagesrun_v1 wait
//go:noescape
func importWait(handles unsafe.Pointer, n uint32, timeoutNS int64) int32

//go:wasmimport pagesrun_v1 result
//go:noescape
func importResult(handle uint32, ptr unsafe.Pointer, capacity uint32) int32

//go:wasmimport pagesrun_v1 read
//go:noescape
func importRead(stream uint32, ptr unsafe.Pointer, capacity uint32) int32

//go:wasmimport pagesrun_v1 write
//go:noescape
func importWrite(stream uint32, ptr unsafe.Pointer, n uint32) int32

//go:wasmimport pagesrun_v1 close
func importClose(handle uint32, reason uint32) int32

//go:wasmimport pagesrun_v1 log
//go:noescape
func importLog(level uint32, text string) int32

// Call starts an operation and returns its handle.
func Call(target, op string, msg []byte) int32 {
	return importCall(target, op, unsafe.Pointer(unsafe.SliceData(msg)), uint32(len(msg)))
}

// Wait blocks until one of the handles is ready and returns its index.
func Wait(handles []uint32, timeoutNS int64) int32 {
	return importWait(unsafe.Pointer(unsafe.SliceData(handles)), uint32(len(handles)), timeoutNS)
}

// Result takes a reply into b, or returns the length it needs.
func Result(handle uint32, b []byte) int32 {
	return importResult(handle, unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
}

// Read takes the next bytes of a stream.
func Read(stream uint32, b []byte) int32 {
	return importRead(stream, unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
}

// Write appends bytes to a stream.
func Write(stream uint32, b []byte) int32 {
	return importWrite(stream, unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
}

// Close ends a handle.
func Close(handle, reason uint32) int32 { return importClose(handle, reason) }

// Log writes one log line.
func Log(level uint32, text string) int32 { return importLog(level, text) }
