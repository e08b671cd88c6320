// Command pagesrun serves functions compiled to WebAssembly with the bindings of the Cloudflare developer platform.
//
// This folder holds flags and the wiring of the packages, one file per command, and no logic of its own.
package main
