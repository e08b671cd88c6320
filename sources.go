// Package pagesrun holds the sources of the SDKs and the templates of new projects, for "pagesrun new". Functions do not import it: the SDK for Go
// is in guest-sdk/go.
//
// It stands at the root of the repository since that is the only place from which both abi and guest-sdk can be embedded.
package pagesrun

import "embed"

// Sources has, under their paths in the repository, the templates and all files of which the SDKs in new projects consist, and some more of
// the same folders (tests, probes).
//
//go:embed guest-sdk/template guest-sdk/*/template
//go:embed abi/*.go abi/cbor/*.go guest-sdk/go/*.go guest-sdk/go/*.s guest-sdk/go/*/*.go guest-sdk/go/*/*/*.go
//go:embed guest-sdk/c/README.md guest-sdk/c/pagesrun.c guest-sdk/c/*.h guest-sdk/cpp/*.hpp guest-sdk/cpp/pagesrun
//go:embed guest-sdk/rust/Cargo.toml guest-sdk/rust/README.md guest-sdk/rust/src
//go:embed guest-sdk/zig/build.zig guest-sdk/zig/build.zig.zon guest-sdk/zig/README.md guest-sdk/zig/src
//go:embed guest-sdk/assemblyscript/*.json guest-sdk/assemblyscript/*.ts guest-sdk/assemblyscript/README.md
//go:embed guest-sdk/assemblyscript/assembly guest-sdk/assemblyscript/globals
var Sources embed.FS
