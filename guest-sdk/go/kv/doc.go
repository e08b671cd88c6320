// Package kv reads and writes KV namespaces: keys of up to 512 bytes with values of up to 25 MiB, optional JSON metadata and an
// optional time to live.
//
//	const todos = kv.Namespace("TODOS")
//
//	err := todos.PutText("a", "buy milk", kv.TTL(time.Hour))
//	text, ok, err := todos.GetText("a")
//
// A key that is not there is a normal answer, so reads return (value, ok, err) like a map with a second chance to fail: err is only ever a
// failure, and forgetting the difference does not compile. Failures are [*abi.Error] with the platform's exact text;
// errors.Is(err, abi.CodeStorageFull) and the like tell their kind.
//
// Every read and write blocks only its goroutine. The Async methods start an operation and return a future, so several run at
// once without goroutines.
//
// The package does not import encoding/json; package kvjson beside it stores Go values as JSON.
package kv
