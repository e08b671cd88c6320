//go:build !race

package runtime_test

// slow is how much more time everything takes: the race detector is off.
const slow = 1
