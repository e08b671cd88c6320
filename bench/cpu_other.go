//go:build !unix

package main

import "time"

var start = time.Now()

// cpuTime is elapsed time where the system has no simple way to ask for processor time.
func cpuTime() time.Duration { return time.Since(start) }
