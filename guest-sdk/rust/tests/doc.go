// Package tests builds functions with the Rust SDK and serves them with pagesrun. The SDK's own tests are beside it, for Cargo.
package tests
