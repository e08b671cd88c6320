// Package kv is the KV binding: keys of up to 512 bytes, values of up to 25 MiB, metadata and expiration, listed in the order of the
// keys' bytes.
//
// Each namespace is one SQLite file, named after the namespace's id; bindings with the same id share it. The local id of
// an entry of kv_namespaces is its preview_id, else its id, else its binding name.
//
// Semantics, limits and error texts are those of Cloudflare's production KV, with these differences, all towards more:
// reads are never stale (there is no cache, so cacheTtl is checked and otherwise without effect), one key may be written more often than
// once per second, and a page of a list is only short when nothing follows.
//
// Errors have the text of the platform: "KV PUT failed: 413 Value length of N exceeds limit of 26214400." with the status in its
// own field, or, for what a client refuses before asking the service, the bare text with status 0. For a value that
// comes as a stream N is one more than the limit, as no more of it is read.
package kv
