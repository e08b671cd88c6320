//go:build !linux

package wasm

import "time"

// cpuTime is how long fn takes.
func cpuTime(fn func()) time.Duration {
	begin := time.Now()
	fn()
	return time.Since(begin)
}
