// Package tests tests the C SDK: its codecs against the shared vectors, natively under sanitizers and as WebAssembly, and its
// whole interface through a guest that uses all of it.
package tests
