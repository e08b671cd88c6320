//go:build race

package runtime_test

// slow is how much more time everything takes under the race detector.
const slow = 10
