//go:build !race

package wasm

const slow = 1
