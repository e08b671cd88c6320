//go:build !unix

package server

// descriptorsMax is how many descriptors the process may have open; here there is no such limit.
func descriptorsMax() int { return unlimited }
