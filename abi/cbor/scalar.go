package cbor

import (
	"errors"
	"math"
	"unsafe"
)

// ErrWantScalar is what is wrong with a sequence in which something else than a scalar stands.
var ErrWantScalar = errors.New("null, a number, text, a byte string, true or false expected")

const itemNull = 0xf6

// AppendNull appends null.
func AppendNull(b []byte) []byte { return append(b, itemNull) }

// Kind is the kind of a [Scalar].
type Kind uint8

// The kinds of scalars.
const (
	// KindNone is no value: the sequence is over, or broken.
	KindNone Kind = iota
	// KindNull is null.
	KindNull
	// KindInt is an integer of 64 bits with a sign.
	KindInt
	// KindFloat is a float of 64 bits.
	KindFloat
	// KindText is text, valid UTF-8.
	KindText
	// KindBytes is a byte string.
	KindBytes
	// KindBool is false or true.
	KindBool
)

// Scalar is one value of a CBOR sequence (RFC 8742) of scalars.
type Scalar struct {
	// Kind says which of the fields counts.
	Kind Kind
	// Int is the integer, or 1 for true.
	Int int64
	// Float is the float.
	Float float64
	// Bytes are those of the text or byte string. They alias the sequence and are nil when there are none.
	Bytes []byte
}

// String gives the bytes of a text or byte string as a Go string that aliases the sequence, which must not change while it is used.
func (s Scalar) String() string { return unsafe.String(unsafe.SliceData(s.Bytes), len(s.Bytes)) }

// More reports whether something is left to take and nothing was wrong so far.
func (r *Reader) More() bool { return len(r.rest) > 0 }

// Scalar takes one scalar. After a problem and at the end of the message, which is a problem too, its kind is [KindNone].
func (r *Reader) Scalar() Scalar {
	major, info, arg := r.head()
	if r.err != nil {
		return Scalar{}
	}
	var s Scalar
	switch major {
	case majorUint, majorNint:
		s = r.integer(major, arg)
	case majorBytes:
		s = Scalar{Kind: KindBytes, Bytes: r.take(arg)}
	case majorText:
		s = Scalar{Kind: KindText, Bytes: r.takeText(arg)}
	case majorOther:
		s = r.simple(info, arg)
	default:
		r.fail(ErrWantScalar)
	}
	if r.err != nil {
		return Scalar{}
	}
	return s
}

// integer makes a scalar of an integer's head.
func (r *Reader) integer(major byte, arg uint64) Scalar {
	if arg > math.MaxInt64 {
		r.fail(ErrRange)
	}
	if major == majorNint {
		return Scalar{Kind: KindInt, Int: -1 - int64(arg)}
	}
	return Scalar{Kind: KindInt, Int: int64(arg)}
}

// simple makes a scalar of the head of a float or simple value.
func (r *Reader) simple(info byte, arg uint64) Scalar {
	switch info {
	case itemNull & 0x1f:
		return Scalar{Kind: KindNull}
	case itemFalse & 0x1f:
		return Scalar{Kind: KindBool}
	case itemTrue & 0x1f:
		return Scalar{Kind: KindBool, Int: 1}
	case itemFloat64 & 0x1f:
		return Scalar{Kind: KindFloat, Float: math.Float64frombits(arg)}
	}
	r.fail(ErrWantScalar)
	return Scalar{}
}
