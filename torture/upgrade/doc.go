// Package upgrade has data directories that earlier versions of pagesrun have written, in testdata, and a test that opens each with this one.
//
// Each is kept twice: as a stop leaves it, and as kill -9 does, with what is in the write-ahead logs. A version that changes what it writes adds its own, and never
// touches those that are there:
//
//	go test ./upgrade -update NAME
package upgrade
