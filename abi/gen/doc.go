// Command gen emits everything that follows from the message structs of package abi: the Go codecs, the C SDK's types and
// codecs, the reference SPEC.md and the test vectors. Run it from the root of the repository:
//
//	go run ./abi/gen
//
// A struct is a message when its fields have cbor tags, or when it has no fields and its name ends in Request or Reply. The
// directive comments of a request are
//
//	//pagesrun:op kv.get
//	//pagesrun:errors invalid_argument storage_failed
//
// and give the operation's name and the error codes it can fail with beside the general ones. The reply of FooRequest is
// FooReply.
//
// A language is one more emitter: a function from a schema to the files it emits.
package main
