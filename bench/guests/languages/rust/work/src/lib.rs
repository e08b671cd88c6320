//! Reads as many keys as the query parameter n says, or marks the order in the request's body as paid.

use pagesrun::{Context, Env, Request, Response, Result};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: pagesrun::EventAllocator = pagesrun::EventAllocator::new();

#[derive(Serialize, Deserialize)]
struct Customer<'a> {
    name: &'a str,
    email: &'a str,
    #[serde(borrow)]
    address: Vec<&'a str>,
    verified: bool,
}

#[derive(Serialize, Deserialize)]
struct Item<'a> {
    sku: &'a str,
    name: &'a str,
    quantity: i64,
    price_cents: i64,
    #[serde(borrow)]
    tags: Vec<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    id: i64,
    #[serde(borrow)]
    customer: Customer<'a>,
    items: Vec<Item<'a>>,
    note: &'a str,
    status: &'a str,
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
    let mut body = req.bytes()?;
    let mut order: Order = match simd_json::from_slice(&mut body) {
        Ok(order) => order,
        Err(e) => return Ok(Response::text(e.to_string()).with_status(400)),
    };
    let sum: i64 = order.items.iter().map(|i| i.quantity * i.price_cents).sum();
    if sum != order.total_cents {
        return Ok(Response::text("the sum is wrong").with_status(400));
    }
    order.status = "paid";
    let paid = json::to_vec(&order).map_err(|e| e.to_string())?;
    Ok(Response::bytes(paid).with_header("content-type", "application/json"))
}

pagesrun::handlers! { fetch: fetch }
