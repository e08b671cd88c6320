// Package analytics writes data points to Analytics Engine datasets.
//
//	const visits = analytics.Dataset("VISITS")
//
//	visits.Write(analytics.Point{Index: country, Blobs: []string{path, method}, Doubles: []float64{1, seconds}})
//
// Writing never fails and never waits: the event does not depend on its statistics. A point beyond a limit is dropped; pagesrun counts it and names it in the log.
// What becomes of points (metrics for Prometheus, SQL) is told in docs/analytics.md.
package analytics

import (
	"unsafe"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Dataset is the name of a dataset's binding in the configuration.
type Dataset string

// Point is a data point. One event may write up to 250 of them.
type Point struct {
	// Index is what the point is about, such as a customer; at most 96 bytes.
	Index string
	// Blobs are up to 20 texts of together at most 16,000 bytes. An empty one holds its place.
	Blobs []string
	// Doubles are up to 20 numbers.
	Doubles []float64
}

// Write writes a point. It takes a microsecond or two and allocates nothing.
func (d Dataset) Write(p Point) {
	pagesrun.Post(string(d), abi.OpAnalyticsWrite, func(b []byte) []byte {
		index := [1]abi.ByteString{abi.ByteString(p.Index)}
		q := abi.AnalyticsWriteRequest{Indexes: index[:], Doubles: p.Doubles}
		if p.Index == "" {
			q.Indexes = nil
		}
		if len(p.Blobs) > 0 { // a ByteString is a string
			q.Blobs = unsafe.Slice((*abi.ByteString)(unsafe.SliceData(p.Blobs)), len(p.Blobs))
		}
		return q.AppendCBOR(b)
	})
}
