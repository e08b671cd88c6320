// Package guestmem is the only package that reads or writes a guest's linear memory.
//
// Every function checks its bounds before anything is allocated. The slices it returns are views: they are valid until the
// guest runs again, since the guest may change or grow its memory, and must not be kept.
package guestmem

import (
	"encoding/binary"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// missing says that a module has no memory. The engine then gives a nil pointer in an interface that is not nil.
func missing(m api.Memory) bool { return m == nil || reflect.ValueOf(m).IsNil() }

// View gives n bytes of m at ptr. It is false when the range is not wholly inside the memory, or when there is no memory.
func View(m api.Memory, ptr, n uint32) ([]byte, bool) {
	if missing(m) {
		return nil, false
	}
	return m.Read(ptr, n)
}

// Write puts data at ptr; nothing is written when it does not fit.
func Write(m api.Memory, ptr uint32, data []byte) bool {
	if missing(m) {
		return false
	}
	return m.Write(ptr, data)
}

// WriteUint32 puts a little-endian 32-bit value at ptr.
func WriteUint32(m api.Memory, ptr, v uint32) bool {
	return !missing(m) && m.WriteUint32Le(ptr, v)
}

// WriteUint64 puts a little-endian 64-bit value at ptr.
func WriteUint64(m api.Memory, ptr uint32, v uint64) bool {
	return !missing(m) && m.WriteUint64Le(ptr, v)
}

// Uint32s appends n little-endian 32-bit values at ptr to dst. It is false when the range is not wholly inside the memory.
func Uint32s(m api.Memory, ptr, n uint32, dst []uint32) ([]uint32, bool) {
	if uint64(n)*4 > 1<<32-1 {
		return dst, false
	}
	view, ok := View(m, ptr, n*4)
	if !ok {
		return dst, false
	}
	for ; len(view) >= 4; view = view[4:] {
		dst = append(dst, binary.LittleEndian.Uint32(view))
	}
	return dst, true
}
