package wasm

import "unicode/utf8"

// reader decodes a range of the file. The first problem is kept in err and ends the range, so that callers may decode several
// fields before they look.
type reader struct {
	data []byte
	pos  int
	end  int
	err  *Error
}

// fail keeps the first error and makes every later read stop at once.
func (r *reader) fail(e *Error) {
	if r.err == nil {
		r.err = e
	}
	r.pos = r.end
}

func (r *reader) failf(code Code, offset int, format string, args ...any) {
	r.fail(errorf(code, offset, format, args...))
}

// short reports that the range ended within a field.
func (r *reader) short() {
	if r.err != nil {
		return
	}
	if r.end == len(r.data) {
		r.fail(errorf(CodeTruncated, r.end, "the file ends in the middle of a section").
			withHint("copy or build the file again; its size may tell where it was cut"))
		return
	}
	r.failf(CodeMalformed, r.end, "a section, function or segment is longer than its declared size")
}

// more tells whether bytes remain and nothing has failed.
func (r *reader) more() bool { return r.pos < r.end }

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.short()
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(r.end-r.pos) {
		r.short()
		return nil
	}
	b := r.data[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b
}

func (r *reader) u32() uint32 {
	if r.pos < r.end {
		if b := r.data[r.pos]; b < 0x80 {
			r.pos++
			return uint32(b)
		}
	}
	return r.u32Long()
}

func (r *reader) u32Long() uint32 {
	start, v := r.pos, uint32(0)
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.failf(CodeMalformed, start, "an unsigned number does not fit in 32 bits")
	return 0
}

// signed decodes a signed LEB128 number of the given width: 32, 33 or 64 bits.
func (r *reader) signed(width int) int64 {
	start, v := r.pos, int64(0)
	for shift := 0; shift < width; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		v |= int64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if left := width - shift; left < 7 && !signBitsAgree(b, left) {
			break
		}
		if shift+7 < 64 && b&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		return v
	}
	if r.err == nil {
		r.failf(CodeMalformed, start, "a signed number does not fit in %d bits", width)
	}
	return 0
}

// signBitsAgree tells whether the bits of a final byte above its payload repeat the sign bit, the payload being its low left bits.
func signBitsAgree(b byte, left int) bool {
	top := b & 0x7f >> (left - 1)
	return top == 0 || top == 0x7f>>(left-1)
}

// name decodes a length-prefixed UTF-8 string.
func (r *reader) name() string {
	start := r.pos
	b := r.bytes(r.u32())
	if r.err == nil && !utf8.Valid(b) {
		r.failf(CodeMalformed, start, "a name is not valid UTF-8")
		return ""
	}
	return string(b)
}

// count decodes the length of a vector whose items take at least one byte each and refuses more than limit of them.
func (r *reader) count(limit int, what string) int {
	start := r.pos
	n := r.u32()
	if r.err != nil {
		return 0
	}
	if uint64(n) > uint64(limit) {
		r.fail(limitError(start, what, uint64(n), limit))
		return 0
	}
	if int(n) > r.end-r.pos {
		r.short()
		return 0
	}
	return int(n)
}

func limitError(offset int, what string, n uint64, limit int) *Error {
	return errorf(CodeLimit, offset, "the module has %d %s; the limit is %d", n, what, limit).
		withHint("raise the limit in the configuration if the module is trusted, or make it smaller")
}
