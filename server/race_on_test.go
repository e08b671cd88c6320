//go:build race

package server

// slow is how much more memory stacks take under the race detector.
const slow = 2
