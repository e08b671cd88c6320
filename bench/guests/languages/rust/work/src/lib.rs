//! Reads as many keys as the query parameter n says, or marks the order in the request's body as paid.

use std::borrow::Cow;

use pagesrun::{Context, Env, Request, Response, Result};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: pagesrun::EventAllocator = pagesrun::EventAllocator::new();

/// A text that is in the request as it is, or had to be written anew because of escapes. serde borrows only what is a field and called Cow.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Serialize, Deserialize)]
struct Customer<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    address: Vec<Text<'a>>,
    verified: bool,
}

#[derive(Serialize, Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    sku: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    quantity: i64,
    price_cents: i64,
    #[serde(borrow)]
    tags: Vec<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    id: i64,
    #[serde(borrow)]
    customer: Customer<'a>,
    items: Vec<Item<'a>>,
    #[serde(borrow)]
    note: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    total_cents: i64,
}

fn fetch(req: Request, env: &Env, _ctx: &Context) -> Result<Response> {
    match req.path() {
        "/kv" => read(&req, env),
        _ => pay(req),
    }
}

fn read(req: &Request, env: &Env) -> Result<Response> {
    let gets: usize = req.query("n").and_then(|n| n.parse().ok()).unwrap_or(0);
    let bench = env.kv("BENCH");
    let mut bytes = 0;
    for i in 0..gets {
        bytes += bench.get(&format!("key-{:03}", i * 7 % 1000))?.map_or(0, |v| v.len());
    }
    Ok(Response::text(bytes.to_string()))
}

fn pay(mut req: Request) -> Result<Response> {
    let body = req.text()?;
    let mut order: Order = match serde_json::from_str(&body) {
        Ok(order) => order,
        Err(e) => return Ok(Response::text(e.to_string()).with_status(400)),
    };
    let sum: i64 = order.items.iter().map(|i| i.quantity * i.price_cents).sum();
    if sum != order.total_cents {
        return Ok(Response::text("the sum is wrong").with_status(400));
    }
    order.status = Text("paid".into());
    Response::json(&order)
}

pagesrun::handlers! { fetch: fetch }
