//! Write functions for pagesrun in Rust.
pub mod abi;
pub mod cbor;
