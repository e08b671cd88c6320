// Package wasmtest runs functions built with the Go SDK on wazero over package fakehost, for the SDK's own tests: it builds
// a main package, starts it, calls its exports and can put its memory back to an image between events as the runtime does.
package wasmtest
