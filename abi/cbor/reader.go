package cbor

import (
	"math"
	"unicode/utf8"
	"unsafe"
)

const (
	// DepthMax is how deeply maps, arrays and tags may nest; the message itself is the first level.
	DepthMax = 16
	// ArrayItemsMax is the most items an array may have where it is decoded into memory.
	ArrayItemsMax = 65536

	// shareBytesMax is the longest message whose strings are cut from one common copy. Above it each string is a copy of
	// its own, so that keeping a short one does not keep a long message.
	shareBytesMax = 4096

	// oneByteHeads is the number of arguments that are part of an item's first byte. Almost every head in a message is of that kind, so
	// they are read without a call; a reader that has failed has nothing left to read, which the length tells.
	oneByteHeads = 24
)

// Reader takes items off the front of a message. The first problem it meets sticks: every later method returns zero values at
// once, and [Reader.Close] reports the problem. Its methods therefore return no errors.
type Reader struct {
	msg   []byte
	rest  []byte // what is left of msg
	text  string // a copy of msg, made when the first string is taken
	err   error
	depth int
	empty bool
	share bool
}

// NewReader reads b, which must hold one map and nothing else. No bytes at all stand for the empty map.
func NewReader(b []byte) Reader { return Reader{msg: b, rest: b, empty: len(b) == 0} }

// NewSharedReader is [NewReader] for a message that will not change any more: the strings it gives alias b instead of being
// copies, which saves an allocation for each.
func NewSharedReader(b []byte) Reader { return Reader{rest: b, empty: len(b) == 0, share: true} }

// Close ends the reading and reports the first problem: a [KeyError] where it lies under a key. Left-over bytes are one.
func (r *Reader) Close() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = ErrTrailing
	}
	return r.err
}

// fail records the first problem and drops the rest, so that everything after it fails fast.
func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, nil
	}
}

// head takes an item's first byte and its argument, which must be in its shortest form unless the item is a float.
func (r *Reader) head() (major byte, info byte, arg uint64) {
	if len(r.rest) == 0 {
		r.fail(ErrTruncated)
		return 0, 0, 0
	}
	major, info = r.rest[0]&0xe0, r.rest[0]&0x1f
	if info < 24 {
		r.rest = r.rest[1:]
		return major, info, uint64(info)
	}
	return major, info, r.argument(major, info)
}

// argument takes a head whose argument has bytes of its own.
func (r *Reader) argument(major, info byte) uint64 {
	if info > 27 {
		r.fail(reservedHead(major, info))
		return 0
	}
	n := 1 << (info - 24)
	if len(r.rest) < 1+n {
		r.fail(ErrTruncated)
		return 0
	}
	var v uint64
	for _, c := range r.rest[1 : 1+n] {
		v = v<<8 | uint64(c)
	}
	if major != majorOther && v < shortestFloor(info) {
		r.fail(ErrNotShortest)
		return 0
	}
	r.rest = r.rest[1+n:]
	return v
}

// reservedHead tells indefinite lengths, which exist but are not allowed, from heads that CBOR does not define.
func reservedHead(major, info byte) error {
	if info == 31 && major != majorUint && major != majorNint && major != majorTag {
		return ErrIndefinite
	}
	return ErrReserved
}

// shortestFloor is the least number that needs a head of this size.
func shortestFloor(info byte) uint64 {
	switch info {
	case 24:
		return 24
	case 25:
		return math.MaxUint8 + 1
	case 26:
		return math.MaxUint16 + 1
	}
	return math.MaxUint32 + 1
}

// expect takes a head of the given major type and returns its argument.
func (r *Reader) expect(major byte, wrong error) uint64 {
	if len(r.rest) > 0 && r.rest[0]-major < oneByteHeads {
		v := r.rest[0] - major
		r.rest = r.rest[1:]
		return uint64(v)
	}
	return r.expectAny(major, wrong)
}

// expectAny is expect for every head there is.
func (r *Reader) expectAny(major byte, wrong error) uint64 {
	if r.err != nil {
		return 0
	}
	if len(r.rest) > 0 && r.rest[0]&0xe0 != major {
		r.fail(wrong)
		return 0
	}
	_, _, arg := r.head()
	return arg
}

// enter goes one level down.
func (r *Reader) enter() {
	if r.depth++; r.depth > DepthMax {
		r.fail(ErrDepth)
	}
}

// take returns the next n bytes of the message itself.
func (r *Reader) take(n uint64) []byte {
	if r.err != nil || n == 0 {
		return nil
	}
	if n > uint64(len(r.rest)) {
		r.fail(ErrTruncated)
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

// Bytes takes a byte string. The result aliases the message; it is nil when the string is empty.
func (r *Reader) Bytes() []byte { return r.take(r.expect(majorBytes, ErrWantBytes)) }

// ByteString takes a byte string as a Go string: of its own, unless the reader is shared.
func (r *Reader) ByteString() string {
	if b := r.short(majorBytes); b != nil && r.share {
		return unsafe.String(unsafe.SliceData(b), len(b))
	} else if b != nil {
		return r.str(b)
	}
	return r.str(r.Bytes())
}

// Text takes a text string, copied unless the reader is shared; it must be UTF-8.
func (r *Reader) Text() string {
	if b := r.short(majorText); b != nil && r.share && isASCII(b) {
		return unsafe.String(unsafe.SliceData(b), len(b))
	} else if b != nil {
		return r.str(r.validText(b))
	}
	return r.str(r.takeText(r.expect(majorText, ErrWantText)))
}

// short takes a string of up to 255 bytes whose head is in its shortest form. It is nil, and nothing has been taken, where
// there is none.
func (r *Reader) short(major byte) []byte {
	b := r.rest
	if len(b) < 2 {
		return nil
	}
	start, n := 1, int(b[0]-major)
	if n == 24 {
		start, n = 2, int(b[1])
		if n < oneByteHeads {
			return nil
		}
	} else if n > 24 {
		return nil
	}
	if start+n > len(b) {
		return nil
	}
	r.rest = b[start+n:]
	return b[start : start+n : start+n]
}

// isASCII reports whether b is plain ASCII.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// str makes a string of the bytes of the message that were taken last.
func (r *Reader) str(b []byte) string {
	switch {
	case r.share:
		return unsafe.String(unsafe.SliceData(b), len(b))
	case len(b) == 0 || len(r.msg) > shareBytesMax:
		return string(b)
	case r.text == "":
		r.text = string(r.msg)
	}
	end := len(r.msg) - len(r.rest)
	return r.text[end-len(b) : end]
}

// takeText takes the n bytes of a text string.
func (r *Reader) takeText(n uint64) []byte { return r.validText(r.take(n)) }

// validText checks a text string that was taken.
func (r *Reader) validText(v []byte) []byte {
	if !utf8.Valid(v) {
		r.fail(ErrInvalidUTF8)
		return nil
	}
	return v
}

// Uint64 takes an unsigned integer.
func (r *Reader) Uint64() uint64 { return r.expect(majorUint, ErrWantUint) }

// Uint32 takes an unsigned integer of at most 32 bits.
func (r *Reader) Uint32() uint32 {
	v := r.Uint64()
	if v > math.MaxUint32 {
		r.fail(ErrRange)
		return 0
	}
	return uint32(v)
}

// Int64 takes a signed integer.
func (r *Reader) Int64() int64 {
	if r.err != nil {
		return 0
	}
	if len(r.rest) > 0 && r.rest[0] >= majorBytes {
		r.fail(ErrWantInt)
		return 0
	}
	major, _, v := r.head()
	if v > math.MaxInt64 {
		r.fail(ErrRange)
		return 0
	}
	if major == majorNint {
		return -1 - int64(v)
	}
	return int64(v)
}

// Int32 takes a signed integer of at most 32 bits.
func (r *Reader) Int32() int32 {
	v := r.Int64()
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail(ErrRange)
		return 0
	}
	return int32(v)
}

// Bool takes true or false.
func (r *Reader) Bool() bool {
	if r.err != nil {
		return false
	}
	if len(r.rest) == 0 {
		r.fail(ErrTruncated)
		return false
	}
	c := r.rest[0]
	if c != itemTrue && c != itemFalse {
		r.fail(ErrWantBool)
		return false
	}
	r.rest = r.rest[1:]
	return c == itemTrue
}

// Float64 takes a 64-bit float.
func (r *Reader) Float64() float64 {
	if r.err != nil {
		return 0
	}
	if len(r.rest) > 0 && r.rest[0] != itemFloat64 {
		r.fail(ErrWantFloat64)
		return 0
	}
	_, _, v := r.head()
	return math.Float64frombits(v)
}

// Tagged32 takes an unsigned integer of at most 32 bits under the given tag.
func (r *Reader) Tagged32(tag uint64) uint32 {
	got := r.expect(majorTag, ErrWantTag)
	if got != tag {
		r.fail(ErrWantOtherTag)
	}
	r.enter()
	v := r.Uint32()
	r.depth--
	return v
}

// Array takes the head of an array and returns how many items follow, never more than there are bytes left nor more than
// [ArrayItemsMax]. After the items call [Reader.EndArray].
func (r *Reader) Array() int {
	n := r.expect(majorArray, ErrWantArray)
	r.enter()
	switch {
	case r.err != nil:
		return 0
	case n > uint64(len(r.rest)):
		r.fail(ErrTruncated)
		return 0
	case n > ArrayItemsMax:
		r.fail(ErrTooManyItems)
		return 0
	}
	return int(n)
}

// Items gives room for the n items of an array: the capacity of s, whatever it holds, if that is enough.
func Items[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return make([]T, n)
}

// EndArray leaves an array.
func (r *Reader) EndArray() { r.depth-- }

// Map takes the head of a map. Go through it with [Map.Next] until that returns false.
func (r *Reader) Map() Map {
	if r.empty {
		return Map{done: true}
	}
	if len(r.rest) > 0 && r.rest[0]-majorMap < oneByteHeads && r.depth < DepthMax {
		if n := uint64(r.rest[0] - majorMap); n <= uint64(len(r.rest)-1)/2 {
			r.rest = r.rest[1:]
			r.depth++
			return Map{left: n}
		}
	}
	n := r.expect(majorMap, ErrWantMap)
	r.enter()
	if r.err == nil && n > uint64(len(r.rest))/2 {
		r.fail(ErrTruncated)
	}
	return Map{left: n}
}

// Map is the place of a [Reader] within one map of unsigned integer keys.
type Map struct {
	// Key is the key whose value comes next in the reader.
	Key uint64

	left   uint64
	inside bool // Key is set: a problem met now lies under it
	done   bool
}

// Next takes the next key, which must be greater than the one before, and reports whether there is one. The value must be
// taken from r before Next is called again. After false the map has been left.
func (m *Map) Next(r *Reader) bool {
	if m.left > 0 && len(r.rest) > 0 && r.rest[0] < oneByteHeads && (uint64(r.rest[0]) > m.Key || !m.inside) {
		m.left--
		m.Key, m.inside = uint64(r.rest[0]), true
		r.rest = r.rest[1:]
		return true
	}
	if m.left == 0 && r.err == nil && !m.done {
		m.done = true
		r.depth--
		return false
	}
	return m.next(r)
}

// next is Next for every key there is.
func (m *Map) next(r *Reader) bool {
	if m.done {
		return false
	}
	if r.err == nil && m.left > 0 {
		m.takeKey(r)
		if r.err == nil {
			return true
		}
	} else if r.err != nil && m.inside {
		r.err = &KeyError{Key: m.Key, Err: r.err}
	}
	m.done = true
	r.depth--
	return false
}

// takeKey takes a key off the reader and checks its order.
func (m *Map) takeKey(r *Reader) {
	m.left--
	key := r.expect(majorUint, ErrWantKey)
	if r.err == nil && m.inside && key <= m.Key {
		r.fail(ErrKeyOrder)
	}
	m.Key, m.inside = key, true
}

// Skip steps over one well-formed item of any kind. Within it map keys may be anything in any order.
func (r *Reader) Skip() {
	if r.err != nil {
		return
	}
	major, info, arg := r.head()
	if r.err != nil {
		return
	}
	switch major {
	case majorBytes:
		r.take(arg)
	case majorText:
		r.takeText(arg)
	case majorArray:
		r.skipItems(arg, 1)
	case majorMap:
		r.skipItems(arg, 2)
	case majorTag:
		r.skipItems(1, 1)
	case majorOther:
		if info == 24 && arg < 32 {
			r.fail(ErrSimpleInvalid)
		}
	}
}

// skipItems steps over n groups of per items, one level down.
func (r *Reader) skipItems(n, per uint64) {
	r.enter()
	if r.err == nil && n > uint64(len(r.rest))/per {
		r.fail(ErrTruncated)
	}
	for n *= per; n > 0 && r.err == nil; n-- {
		r.Skip()
	}
	r.depth--
}
