// Package guesttest compiles guests for tests: C with clang, text format with wat2wasm, Go with the go command. What was compiled once is
// kept by content in the user's cache directory, so that running tests again is quick.
//
// A missing toolchain fails the test, since a skipped one proves nothing; PAGESRUN_ALLOW_SKIP=1 in the environment skips instead.
package guesttest
