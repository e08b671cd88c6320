//! Answers every request with the same line of text.

use pagesrun::{Context, Env, Request, Response, Result};

fn hello(_req: Request, _env: &Env, _ctx: &Context) -> Result<Response> {
    Ok(Response::text("Hello, world!\n"))
}

pagesrun::handlers! { fetch: hello }
