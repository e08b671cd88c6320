package cbor

import (
	"math"
	"unicode/utf8"
)

// Major types of RFC 8949 §3.1, in the upper three bits of an item's first byte.
const (
	majorUint  = 0 << 5
	majorNint  = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	majorMap   = 5 << 5
	majorTag   = 6 << 5
	majorOther = 7 << 5

	// shortBytes is the length below which a string is looked at byte by byte, without a call.
	shortBytes = 64

	itemFalse   = 0xf4
	itemTrue    = 0xf5
	itemFloat64 = 0xfb
)

// appendHead appends the shortest head of an item: major type and argument.
func appendHead(b []byte, major byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(b, major|byte(v))
	case v <= math.MaxUint8:
		return append(b, major|24, byte(v))
	case v <= math.MaxUint16:
		return append(b, major|25, byte(v>>8), byte(v))
	case v <= math.MaxUint32:
		return append(b, major|26, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return append(b, major|27, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// AppendUint appends an unsigned integer. Map keys are written with it too.
func AppendUint(b []byte, v uint64) []byte {
	if v < oneByteHeads {
		return append(b, byte(v))
	}
	return appendHead(b, majorUint, v)
}

// AppendInt appends a signed integer.
func AppendInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendHead(b, majorNint, uint64(-1-v))
	}
	return appendHead(b, majorUint, uint64(v))
}

// AppendBytes appends a byte string.
func AppendBytes(b, v []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(v))), v...) }

// AppendBytesHead appends the head of a byte string of n bytes, which must follow.
func AppendBytesHead(b []byte, n int) []byte { return appendHead(b, majorBytes, uint64(n)) }

// AppendByteString appends a byte string whose bytes are held in a Go string; they need not be UTF-8.
func AppendByteString(b []byte, v string) []byte {
	return append(appendHead(b, majorBytes, uint64(len(v))), v...)
}

// AppendText appends a text string. CBOR text must be UTF-8, so each byte that is part of no UTF-8 sequence is replaced by U+FFFD.
func AppendText(b []byte, v string) []byte {
	if len(v) < shortBytes && isASCIIString(v) || utf8.ValidString(v) {
		return append(appendHead(b, majorText, uint64(len(v))), v...)
	}
	n := 0
	for _, c := range v {
		n += utf8.RuneLen(c)
	}
	b = appendHead(b, majorText, uint64(n))
	for _, c := range v {
		b = utf8.AppendRune(b, c)
	}
	return b
}

// isASCIIString reports whether v is plain ASCII.
func isASCIIString(v string) bool {
	for i := range len(v) {
		if v[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// AppendBool appends true or false.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, itemTrue)
	}
	return append(b, itemFalse)
}

// AppendFloat64 appends a 64-bit float, never a shorter one.
func AppendFloat64(b []byte, v float64) []byte {
	u := math.Float64bits(v)
	return append(b, itemFloat64, byte(u>>56), byte(u>>48), byte(u>>40), byte(u>>32), byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
}

// AppendArray appends the head of an array; its n items must follow.
func AppendArray(b []byte, n int) []byte {
	if uint(n) < oneByteHeads {
		return append(b, majorArray|byte(n))
	}
	return appendHead(b, majorArray, uint64(n))
}

// AppendMap appends the head of a map; its n pairs of key and value must follow, keys ascending.
func AppendMap(b []byte, n int) []byte {
	if uint(n) < oneByteHeads {
		return append(b, majorMap|byte(n))
	}
	return appendHead(b, majorMap, uint64(n))
}

// AppendTag appends a tag; the item it tags must follow.
func AppendTag(b []byte, tag uint64) []byte { return appendHead(b, majorTag, tag) }

// IsZero reports whether v is positive zero, the one float that messages omit; negative zero is a value of its own.
func IsZero(v float64) bool { return math.Float64bits(v) == 0 }
