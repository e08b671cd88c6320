// Package store keeps the data points of a dataset in one SQLite file: written in batches by one goroutine, removed by age and by size.
//
// Adding a point never waits. Points wait in memory for at most [FlushDelay], or until writing works again when it does not; that memory is
// bounded, and points that find it full are refused. What has been flushed survives the end of the process, and with durability "sync" the end
// of the machine.
package store
