// Package wasm reads and rewrites WebAssembly binaries before any engine sees them.
//
// [Inspect] is the preflight: a strict single-pass decoder of the whole container, function bodies included. It refuses whatever is
// malformed, out of bounds, over a limit, or built for a feature the engine does not have, with an [Error] that says what to do. A module
// it accepts has every index within bounds and every nesting, table and local count within [Limits]; it may still be ill-typed, which
// the engine's own validation finds.
//
// [Rewrite] makes a module interruptible, accountable and resettable: it charges a fuel counter at loop heads, function entries, bulk
// operations and along straight-line code, calls a host function when the counter is negative and between the pieces of long bulk operations, and exports what the host
// must restore to bring an instance back to an earlier state. The rewritten module computes what the original does.
//
// The package knows the binary format (https://webassembly.github.io/spec/core/binary/, release 2.0) and nothing of the engine.
package wasm
