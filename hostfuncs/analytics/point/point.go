package point

import (
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// Point is a data point. Its strings are cut from the message it was read from; reading one allocates nothing.
type Point struct {
	// Index is the first index, empty when there is none.
	Index string
	// Indexes, BlobCount, BlobBytes and DoubleCount are what the message has, also beyond what the other fields have room for.
	Indexes, BlobCount, BlobBytes, DoubleCount int

	blobs   [abi.AnalyticsBlobsMax]string
	doubles [abi.AnalyticsDoublesMax]float64
}

// Blobs are the blobs within the limit, in order.
func (p *Point) Blobs() []string { return p.blobs[:min(p.BlobCount, len(p.blobs))] }

// Doubles are the doubles within the limit, in order.
func (p *Point) Doubles() []float64 { return p.doubles[:min(p.DoubleCount, len(p.doubles))] }

// Decode replaces the point by the one in msg, an [abi.AnalyticsWriteRequest], which must not change any more.
func (p *Point) Decode(msg []byte) error {
	p.Index, p.Indexes, p.BlobCount, p.BlobBytes, p.DoubleCount = "", 0, 0, 0, 0
	r := cbor.NewSharedReader(msg)
	for it := r.Map(); it.Next(&r); {
		switch it.Key {
		case 1:
			p.readIndexes(&r)
		case 2:
			p.readBlobs(&r)
		case 3:
			p.readDoubles(&r)
		default:
			r.Skip()
		}
	}
	return r.Close()
}

func (p *Point) readIndexes(r *cbor.Reader) {
	p.Indexes = r.Array()
	for i := range p.Indexes {
		if v := r.ByteString(); i == 0 {
			p.Index = v
		}
	}
	r.EndArray()
}

func (p *Point) readBlobs(r *cbor.Reader) {
	p.BlobCount = r.Array()
	for i := range p.BlobCount {
		v := r.ByteString()
		p.BlobBytes += len(v)
		if i < len(p.blobs) {
			p.blobs[i] = v
		}
	}
	r.EndArray()
}

func (p *Point) readDoubles(r *cbor.Reader) {
	p.DoubleCount = r.Array()
	for i := range p.DoubleCount {
		if v := r.Float64(); i < len(p.doubles) {
			p.doubles[i] = v
		}
	}
	r.EndArray()
}

// Violation is a limit that a point exceeds.
type Violation struct {
	// Reason is the label under which such points are counted.
	Reason string
	// Text is what the platform logs about such a point.
	Text string
}

// The limits of a point. The texts are those of the platform, the stray parentheses included.
var (
	tooManyIndexes = &Violation{"indexes", "writeDataPoint(): Maximum of 1 indexes supported."}
	indexTooLong   = &Violation{"index_bytes", "writeDataPoint(): Size of indexes[0] exceeds 96 bytes)."}
	tooManyBlobs   = &Violation{"blobs", "writeDataPoint(): Maximum of 20 blobs supported."}
	blobsTooLong   = &Violation{"blob_bytes", "writeDataPoint(): Cumulative size of blobs exceeds 16000 bytes)."}
	tooManyDoubles = &Violation{"doubles", "writeDataPoint(): Maximum of 20 doubles supported."}
)

// TooMany is the violation of an event's point beyond its [abi.AnalyticsPointsMax].
func TooMany() *Violation {
	return &Violation{"points", "writeDataPoint(): Maximum of 250 data points per invocation."}
}

// Violations are all there are, [TooMany] included.
func Violations() []*Violation {
	return []*Violation{tooManyIndexes, indexTooLong, tooManyBlobs, blobsTooLong, tooManyDoubles, TooMany()}
}

// Check gives the first limit that the point exceeds, nil when it exceeds none.
func (p *Point) Check() *Violation {
	switch {
	case p.Indexes > abi.AnalyticsIndexesMax:
		return tooManyIndexes
	case len(p.Index) > abi.AnalyticsIndexBytesMax:
		return indexTooLong
	case p.BlobCount > abi.AnalyticsBlobsMax:
		return tooManyBlobs
	case p.BlobBytes > abi.AnalyticsBlobBytesMax:
		return blobsTooLong
	case p.DoubleCount > abi.AnalyticsDoublesMax:
		return tooManyDoubles
	}
	return nil
}
