//! A small shop; bench/peers/shop is the same in Go, gives the same answers byte for byte, and says what there is.

mod store;

use askama::Template;
use pagesrun::queues::Send;
use pagesrun::{Context, Env, Request, Response, Result};
use serde::Serialize;
use store::{Basket, Product, CATEGORIES, PRODUCTS};

#[global_allocator]
static ALLOCATOR: pagesrun::EventAllocator = pagesrun::EventAllocator::new();

/// The page of a category.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'p> {
    category: &'p str,
    basket: usize,
    products: &'p [Product],
}

/// What a checkout answers with.
#[derive(Serialize)]
struct Receipt {
    pieces: usize,
}

fn fetch(req: Request, env: &Env, _ctx: &Context) -> Result<Response> {
    let k: i64 = req.query("k").and_then(|k| k.parse().ok()).unwrap_or(0);
    match (req.method(), req.path()) {
        ("GET", "/products") => page(env, k, session(&req)),
        ("GET", "/api/product") => show_product(env, k),
        ("POST", "/basket") => add_to_basket(env, k, session(&req)),
        ("POST", "/checkout") => checkout(env, session(&req)),
        ("POST", "/setup") => store::setup(env).map(|_| Response::text("ok")),
        ("GET", "/") => Ok(Response::text("shop")),
        _ => Ok(Response::text("there is no such page").with_status(404)),
    }
}

/// The value of the cookie of that name.
fn session(req: &Request) -> &str {
    let cookies = req.header("cookie").unwrap_or("");
    cookies.split(';').find_map(|part| part.trim().strip_prefix("session=")).unwrap_or("nobody")
}

fn page(env: &Env, k: i64, session: &str) -> Result<Response> {
    let products = store::products_of(env, k % CATEGORIES + 1)?;
    let basket = store::load_basket(env, session)?;
    let category = products.first().map_or("", |p| &p.category);
    let page = Page { category, basket: basket.products.len(), products: &products };
    let mut html = page.render().map_err(|e| e.to_string())?;
    html.push('\n'); // askama leaves the end of a template's last line away
    Ok(Response::html(html))
}

fn show_product(env: &Env, k: i64) -> Result<Response> {
    match store::find_product(env, k % PRODUCTS + 1)? {
        Some(product) => document(&product),
        None => Ok(Response::text("there is no such product").with_status(404)),
    }
}

fn add_to_basket(env: &Env, k: i64, session: &str) -> Result<Response> {
    let mut basket = store::load_basket(env, session)?;
    basket.add(k % PRODUCTS + 1);
    store::save_basket(env, session, &basket)?;
    document(&basket)
}

fn checkout(env: &Env, session: &str) -> Result<Response> {
    let mut basket = store::load_basket(env, session)?;
    if basket.products.is_empty() {
        basket.add(1);
    }
    let order = store::place_order(env, session, &basket)?;
    env.queue("QUEUE").send(Send::text(&order.to_string()))?;
    store::save_basket(env, session, &Basket::default())?;
    document(&Receipt { pieces: basket.products.len() })
}

/// Answers with JSON.
fn document<T: Serialize>(value: &T) -> Result<Response> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(Response::bytes(text).with_header("content-type", "application/json"))
}

pagesrun::handlers! { fetch: fetch, queue: store::confirm }
