package abi

// Limits of Analytics Engine, the platform's numbers. A point beyond one of them is dropped, counted and logged; its event never fails.
const (
	// AnalyticsIndexesMax is the most indexes of a point.
	AnalyticsIndexesMax = 1
	// AnalyticsIndexBytesMax is the longest index, in bytes.
	AnalyticsIndexBytesMax = 96
	// AnalyticsBlobsMax is the most blobs of a point.
	AnalyticsBlobsMax = 20
	// AnalyticsBlobBytesMax is the most the blobs of a point may have together, in bytes.
	AnalyticsBlobBytesMax = 16_000
	// AnalyticsDoublesMax is the most doubles of a point.
	AnalyticsDoublesMax = 20
	// AnalyticsPointsMax is the most points one event may write.
	AnalyticsPointsMax = 250
)

// AnalyticsWriteRequest writes a data point to a dataset. The reply comes at once, before the point is stored, and whether or not it will be.
//
//pagesrun:op analytics.write
type AnalyticsWriteRequest struct {
	// Indexes are at most one value of up to 96 bytes.
	Indexes []ByteString `cbor:"1"`
	// Blobs are up to 20 values of together up to 16,000 bytes; an empty one holds its place.
	Blobs []ByteString `cbor:"2"`
	// Doubles are up to 20 numbers.
	Doubles []float64 `cbor:"3"`
}

// AnalyticsWriteReply says nothing.
type AnalyticsWriteReply struct{}
