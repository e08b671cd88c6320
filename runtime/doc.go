// Package runtime turns a WebAssembly module into instances and events into calls.
//
// A module goes through load, rewrite, compile, warm and image once; after that every event takes an instance from the pool, runs
// and has the instance's memory put back to the image. The package knows that bindings exist, never which.
package runtime
