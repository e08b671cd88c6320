package strictconn

import "encoding/binary"

// Classes of bytes, as bits.
const (
	isToken  = 1 << iota // RFC 9110 tchar: names and methods
	isValue              // field values: visible, space, tab, and bytes over 127
	isTarget             // request targets: visible but '#', and bytes over 127, which clients send unescaped
	isHex
)

var class = classes()

func classes() (t [256]uint8) {
	for c := 0x21; c < 256; c++ {
		if c != 0x7f {
			t[c] |= isValue | isTarget
		}
	}
	t['#'] &^= isTarget
	t[' '], t['\t'] = isValue, isValue
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] |= isToken
	}
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] |= isHex
	}
	return t
}

// span is how many bytes at the start of b are of a class.
func span(b []byte, bit uint8) int {
	for i, c := range b {
		if class[c]&bit == 0 {
			return i
		}
	}
	return len(b)
}

// valueSpan is span for isValue, eight bytes at a time while none of them is a control character.
func valueSpan(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		del := x ^ 0x7f*ones
		if ((x-0x20*ones)&^x|(del-ones)&^del)&highs != 0 {
			break
		}
	}
	return i + span(b[i:], isValue)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}
