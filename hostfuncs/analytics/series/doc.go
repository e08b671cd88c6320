// Package series turns the data points of a dataset into Prometheus metrics: a counter of points, and for every double its sum and a
// histogram, labelled by the index and by the blobs that were chosen for it.
//
// The number of series is bounded; points that would need another one are counted under one overflow value.
package series
