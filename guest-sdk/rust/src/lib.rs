//! Write functions for pagesrun in Rust.
//!
//! ```ignore
//! use pagesrun::{Context, Env, Request, Response, Result};
//!
//! fn hello(req: Request, env: &Env, _ctx: &Context) -> Result<Response> {
//!     let visits = env.kv("COUNTS").get_text("visits")?.unwrap_or_default();
//!     Ok(Response::text(format!("Hello from {}, visitor {}\n", req.path(), visits)))
//! }
//!
//! pagesrun::handlers! { fetch: hello }
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip1` (`wasm32-wasi` before Rust 1.78) or `wasm32-unknown-unknown` and serve the module.
//!
//! Every operation blocks only until its reply is there; the `_async` variants start one and return a future, so that several run at
//! once: `block_on(join(a.get_async("x"), b.get_async("y")))`.

#![warn(missing_docs)]

pub mod abi;
mod alloc;
pub mod analytics;
mod call;
pub mod cbor;
pub mod d1;
mod env;
mod error;
mod event;
mod executor;
mod host;
mod http;
pub mod kv;
pub mod log;
pub mod queues;
pub mod random;
mod stream;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod time;

pub use alloc::EventAllocator;
pub use call::{invoke, Call, Pending, Reply};
pub use env::Env;
pub use error::{Error, Result};
pub use event::{run, warm_up, warmed_up, Context, FetchHandler, Handlers, QueueHandler, ScheduledEvent, ScheduledHandler};
pub use executor::{block_on, join, join_all, select_all};
pub use http::{streamed, HeaderList, Headers, Request, Response};
pub use stream::{pipe, Reader, Writer};
