package point

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func texts(n, size int) []abi.ByteString {
	list := make([]abi.ByteString, n)
	for i := range list {
		list[i] = abi.ByteString(strings.Repeat("x", size))
	}
	return list
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		q    abi.AnalyticsWriteRequest
		want string
	}{
		{"an empty point", abi.AnalyticsWriteRequest{}, ""},
		{"one index", abi.AnalyticsWriteRequest{Indexes: texts(1, 5)}, ""},
		{"two indexes", abi.AnalyticsWriteRequest{Indexes: texts(2, 5)}, "writeDataPoint(): Maximum of 1 indexes supported."},
		{"an index of 95 bytes", abi.AnalyticsWriteRequest{Indexes: texts(1, 95)}, ""},
		{"an index of 96 bytes", abi.AnalyticsWriteRequest{Indexes: texts(1, 96)}, ""},
		{"an index of 97 bytes", abi.AnalyticsWriteRequest{Indexes: texts(1, 97)}, "writeDataPoint(): Size of indexes[0] exceeds 96 bytes)."},
		{"an index of 49 letters of two bytes", abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{abi.ByteString(strings.Repeat("é", 49))}}, "writeDataPoint(): Size of indexes[0] exceeds 96 bytes)."},
		{"19 blobs", abi.AnalyticsWriteRequest{Blobs: texts(19, 1)}, ""},
		{"20 blobs", abi.AnalyticsWriteRequest{Blobs: texts(20, 1)}, ""},
		{"21 blobs", abi.AnalyticsWriteRequest{Blobs: texts(21, 1)}, "writeDataPoint(): Maximum of 20 blobs supported."},
		{"21 empty blobs", abi.AnalyticsWriteRequest{Blobs: texts(21, 0)}, "writeDataPoint(): Maximum of 20 blobs supported."},
		{"blobs of 15,999 bytes", abi.AnalyticsWriteRequest{Blobs: append(texts(1, 15_000), texts(1, 999)...)}, ""},
		{"blobs of 16,000 bytes", abi.AnalyticsWriteRequest{Blobs: texts(20, 800)}, ""},
		{"blobs of 16,001 bytes", abi.AnalyticsWriteRequest{Blobs: append(texts(1, 16_000), texts(1, 1)...)}, "writeDataPoint(): Cumulative size of blobs exceeds 16000 bytes)."},
		{"19 doubles", abi.AnalyticsWriteRequest{Doubles: make([]float64, 19)}, ""},
		{"20 doubles", abi.AnalyticsWriteRequest{Doubles: make([]float64, 20)}, ""},
		{"21 doubles", abi.AnalyticsWriteRequest{Doubles: make([]float64, 21)}, "writeDataPoint(): Maximum of 20 doubles supported."},
		{"everything at its limit", abi.AnalyticsWriteRequest{Indexes: texts(1, 96), Blobs: texts(20, 800), Doubles: make([]float64, 20)}, ""},
	} {
		var p Point
		if err := p.Decode(c.q.AppendCBOR(nil)); err != nil {
			t.Fatal(err)
		}
		got := ""
		if v := p.Check(); v != nil {
			got = v.Text
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzDecode compares with the codec of package abi.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add((&abi.AnalyticsWriteRequest{Indexes: texts(1, 3), Blobs: texts(21, 2), Doubles: []float64{1, math.NaN(), math.Inf(-1)}}).AppendCBOR(nil))
	f.Add((&abi.AnalyticsWriteRequest{Indexes: texts(3, 3), Doubles: make([]float64, 25)}).AppendCBOR(nil))
	f.Fuzz(func(t *testing.T, msg []byte) {
		var q abi.AnalyticsWriteRequest
		var p Point
		want, got := q.DecodeCBOR(bytes.Clone(msg)), p.Decode(msg)
		if (want == nil) != (got == nil) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if got != nil {
			return
		}
		if p.Indexes != len(q.Indexes) || p.BlobCount != len(q.Blobs) || p.DoubleCount != len(q.Doubles) || len(q.Indexes) > 0 && p.Index != string(q.Indexes[0]) {
			t.Fatalf("got %+v of %+v", p, q)
		}
		for i, b := range p.Blobs() {
			if b != string(q.Blobs[i]) {
				t.Errorf("blob %d is %q, want %q", i, b, q.Blobs[i])
			}
		}
		for i, d := range p.Doubles() {
			if math.Float64bits(d) != math.Float64bits(q.Doubles[i]) {
				t.Errorf("double %d is %v, want %v", i, d, q.Doubles[i])
			}
		}
	})
}

func TestDecodeAllocatesNothing(t *testing.T) {
	msg := (&abi.AnalyticsWriteRequest{Indexes: texts(1, 10), Blobs: texts(3, 10), Doubles: []float64{1, 2}}).AppendCBOR(nil)
	var p Point
	if n := testing.AllocsPerRun(100, func() { p.Decode(msg) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
