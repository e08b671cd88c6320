package wasm

import "encoding/binary"

func appendU32(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendS64(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte { return append(appendU32(b, uint32(len(s))), s...) }

func appendSection(b []byte, id byte, content []byte) []byte {
	b = append(b, id)
	b = appendU32(b, uint32(len(content)))
	return append(b, content...)
}

// maxPadded2 is the largest value that putPadded2 can hold.
const maxPadded2 = 1<<13 - 1

// putPadded2 writes v as a signed LEB128 number of exactly two bytes, so that it can be filled in once it is known.
func putPadded2(b []byte, v int) {
	b[0] = byte(v&0x7f) | 0x80
	b[1] = byte(v >> 7)
}
