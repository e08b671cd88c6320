//go:build race

package wasm

// slow is how much more time everything takes under the race detector.
const slow = 10
