// Package abi is the contract between pagesrun and the functions it serves: ABI version 1.
//
// It is the single source. Every operation a guest can ask for is a pair of documented Go structs in this package (a
// request and a reply), and everything else is emitted from them by abi/gen: the codecs in codec_gen.go, the C SDK's
// types and codecs, the reference SPEC.md, and the byte-exact test vectors under vectors/.
//
// The package imports nothing of pagesrun's but its own CBOR primitives and stays small enough to be compiled into a Go guest:
// no fmt, no reflection, no net/http.
//
// # Versioning
//
// The contract only grows. A key, a code or a constant that was once published is never renumbered and never changes its
// meaning, so a guest built against version 1 runs on every later host.
package abi

//go:generate go run ./gen -root ..
