package cbor

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
)

func TestHeadsAreTheShortest(t *testing.T) {
	for _, row := range []struct {
		v    int64
		want string
	}{
		{0, "00"}, {23, "17"}, {24, "1818"}, {255, "18ff"}, {256, "190100"}, {65535, "19ffff"}, {65536, "1a00010000"},
		{1<<32 - 1, "1affffffff"}, {1 << 32, "1b0000000100000000"}, {math.MaxInt64, "1b7fffffffffffffff"},
		{-1, "20"}, {-24, "37"}, {-25, "3818"}, {-256, "38ff"}, {-257, "390100"}, {math.MinInt64, "3b7fffffffffffffff"},
	} {
		enc := AppendInt(nil, row.v)
		if got := hex.EncodeToString(enc); got != row.want {
			t.Errorf("%d: got %s, want %s", row.v, got, row.want)
		}
		r := NewReader(enc)
		if got := r.Int64(); got != row.v || r.Close() != nil {
			t.Errorf("%d was read as %d: %v", row.v, got, r.Close())
		}
	}
}

func TestItemsSurviveRoundTrip(t *testing.T) {
	var b []byte
	b = AppendArray(b, 7)
	b = AppendText(b, "é")
	b = AppendByteString(b, "\xff")
	b = AppendBytes(b, []byte{1})
	b = AppendBool(b, true)
	b = AppendFloat64(b, 1.5)
	b = AppendUint(AppendTag(b, 9), 7)
	b = AppendMap(b, 0)
	r := NewReader(b)
	n, text, raw, bin, flag, float, tagged := r.Array(), r.Text(), r.ByteString(), r.Bytes(), r.Bool(), r.Float64(), r.Tagged32(9)
	m := r.Map()
	if m.Next(&r) {
		t.Error("the empty map has a key")
	}
	r.EndArray()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n != 7 || text != "é" || raw != "\xff" || !bytes.Equal(bin, []byte{1}) || !flag || float != 1.5 || tagged != 7 {
		t.Fatal(n, text, raw, bin, flag, float, tagged)
	}
}

func TestFirstProblemSticks(t *testing.T) {
	r := NewReader([]byte{0x61})
	r.Text()
	r.Bytes()
	r.Uint64()
	r.Int32()
	r.Bool()
	r.Float64()
	r.Array()
	r.Skip()
	if m := r.Map(); m.Next(&r) {
		t.Fatal("there is a key")
	}
	if err := r.Close(); !errors.Is(err, ErrTruncated) {
		t.Fatal(err)
	}
}

func TestProblemsNameTheirPath(t *testing.T) {
	r := NewReader([]byte{0xa1, 0x18, 0x7b, 0xa1, 0x04, 0x61, 0x78})
	for m := r.Map(); m.Next(&r); {
		for n := r.Map(); n.Next(&r); {
			r.Bool()
		}
	}
	err := r.Close()
	var key *KeyError
	if err == nil || err.Error() != "key 123: key 4: true or false expected" || !errors.As(err, &key) || key.Key != 123 || !errors.Is(err, ErrWantBool) {
		t.Fatal(err)
	}
}

// FuzzSkip checks that stepping over foreign bytes always ends, stays within the depth limit, and takes exactly one item.
func FuzzSkip(f *testing.F) {
	f.Add([]byte{0x9f, 0x01, 0xff})
	f.Add([]byte{0xa1, 0x01, 0x81, 0xd8, 0x20, 0x61, 0x78})
	f.Add(bytes.Repeat([]byte{0x81}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		r.Skip()
		if r.err != nil {
			return
		}
		if r.depth != 0 {
			t.Fatalf("%d levels deep after %x", r.depth, b)
		}
		item := b[:len(b)-len(r.rest)]
		again := NewReader(item)
		again.Skip()
		if err := again.Close(); err != nil {
			t.Fatalf("%x: %v", item, err)
		}
	})
}
