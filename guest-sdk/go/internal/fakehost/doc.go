// Package fakehost is a host in memory for tests: the seven host functions over maps, with a trace of every call. It serves guests compiled to
// WebAssembly (package wasmtest) and native unit tests (package pagesruntest) alike.
//
// It follows the ABI's rules about handles and streams, and KV and D1 (a SQLite database in memory) as far as a function's own tests need it; it is not the place
// where pagesrun's semantics are defined.
package fakehost
