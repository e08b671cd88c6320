package cbor

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestScalarsSurviveRoundTrip(t *testing.T) {
	want := []Scalar{
		{Kind: KindNull}, {Kind: KindInt, Int: math.MinInt64}, {Kind: KindInt, Int: -1}, {Kind: KindInt}, {Kind: KindInt, Int: math.MaxInt64},
		{Kind: KindFloat, Float: 1.5}, {Kind: KindFloat, Float: math.Inf(-1)}, {Kind: KindText, Bytes: []byte("é\x00")}, {Kind: KindText},
		{Kind: KindBytes, Bytes: []byte("\xff")}, {Kind: KindBytes}, {Kind: KindBool}, {Kind: KindBool, Int: 1},
	}
	b := AppendInt(AppendInt(AppendInt(AppendInt(AppendNull(nil), math.MinInt64), -1), 0), math.MaxInt64)
	b = AppendText(AppendText(AppendFloat64(AppendFloat64(b, 1.5), math.Inf(-1)), "é\x00"), "")
	b = AppendBool(AppendBool(AppendBytes(AppendBytes(b, []byte("\xff")), nil), false), true)
	r := NewReader(b)
	for i, w := range want {
		s := r.Scalar()
		if s.Kind != w.Kind || s.Int != w.Int || s.Float != w.Float || !bytes.Equal(s.Bytes, w.Bytes) || s.String() != string(w.Bytes) {
			t.Errorf("%d: got %+v, want %+v", i, s, w)
		}
		if r.More() != (i < len(want)-1) {
			t.Errorf("%d: More() is %v", i, r.More())
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if s := r.Scalar(); s.Kind != KindNone || r.Close() != ErrTruncated {
		t.Errorf("after the end: %+v, %v", s, r.Close())
	}
}

func TestWhatIsNoScalarIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		b    string
		want error
	}{
		"an array": {"\x80", ErrWantScalar}, "a map": {"\xa0", ErrWantScalar}, "a tag": {"\xc1\x00", ErrWantScalar}, "undefined": {"\xf7", ErrWantScalar},
		"a float of 16 bits": {"\xf9\x3c\x00", ErrWantScalar}, "a float of 32 bits": {"\xfa\x3f\x80\x00\x00", ErrWantScalar},
		"a simple value": {"\xf8\xff", ErrWantScalar}, "2^63": {"\x1b\x80\x00\x00\x00\x00\x00\x00\x00", ErrRange}, "-2^63-1": {"\x3b\x80\x00\x00\x00\x00\x00\x00\x00", ErrRange},
		"text that is no UTF-8": {"\x61\xff", ErrInvalidUTF8}, "a long head": {"\x18\x01", ErrNotShortest}, "an indefinite length": {"\x7f", ErrIndefinite},
		"cut off text": {"\x62a", ErrTruncated}, "cut off float": {"\xfb\x00", ErrTruncated}, "nothing": {"", ErrTruncated},
	} {
		r := NewReader([]byte(row.b))
		if s := r.Scalar(); s.Kind != KindNone || !errors.Is(r.Close(), row.want) {
			t.Errorf("%s: %+v, %v", name, s, r.Close())
		}
	}
}

func FuzzScalars(f *testing.F) {
	f.Add([]byte("\xf6\x00\x20\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00\x61a\x41\xff\xf4\xf5"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out []byte
		r := NewReader(in)
		for r.More() {
			switch s := r.Scalar(); s.Kind {
			case KindNull:
				out = AppendNull(out)
			case KindInt:
				out = AppendInt(out, s.Int)
			case KindFloat:
				out = AppendFloat64(out, s.Float)
			case KindText:
				out = AppendText(out, s.String())
			case KindBytes:
				out = AppendBytes(out, s.Bytes)
			case KindBool:
				out = AppendBool(out, s.Int == 1)
			}
		}
		if r.Close() == nil && !bytes.Equal(in, out) {
			t.Errorf("% x became % x", in, out)
		}
	})
}
