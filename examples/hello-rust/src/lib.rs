//! Answers every request with a line of text.

use pagesrun::{Context, Env, Request, Response, Result};

fn hello(req: Request, _env: &Env, _ctx: &Context) -> Result<Response> {
    Ok(Response::text(format!(
        "Hello from Rust, {} {}\n",
        req.method(),
        req.path()
    )))
}

pagesrun::handlers! { fetch: hello }
