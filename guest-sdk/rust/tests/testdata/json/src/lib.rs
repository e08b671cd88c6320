//! Takes a value as JSON from a request into a binding, and from there into a response.

use pagesrun::{Context, Env, Request, Response, Result};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: pagesrun::EventAllocator = pagesrun::EventAllocator::new();

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
    lines: Vec<(String, f64)>,
    note: Option<String>,
}

fn fetch(mut req: Request, env: &Env, _: &Context) -> Result<Response> {
    let orders = env.kv("KV");
    if req.method() == "PUT" {
        orders.put_json("order", &req.json::<Order>()?)?;
        return Ok(Response::empty(204));
    }
    match (req.path(), orders.get_json::<Order>("order")?) {
        ("/limit", _) => Response::json(&env.var_json::<Vec<u32>>("LIMITS")?),
        (_, Some(order)) => Response::json(&order),
        (_, None) => Ok(Response::error(404, "no order")),
    }
}

pagesrun::handlers! { fetch: fetch }
