//! What the shop keeps: products and orders in D1, baskets in KV.

use pagesrun::d1::{Database, Row};
use pagesrun::queues::Batch;
use pagesrun::{params, Context, Env, Result};
use serde::{Deserialize, Serialize};

pub const CATEGORIES: i64 = 10;
pub const PRODUCTS: i64 = 200;

/// How many products a basket holds; the oldest make room.
const BASKET_SIZE: usize = 5;

/// One statement per line.
const TABLES: &str = "\
CREATE TABLE IF NOT EXISTS categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL)
CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, category INTEGER NOT NULL REFERENCES categories, name TEXT NOT NULL, cents INTEGER NOT NULL, stock INTEGER NOT NULL)
CREATE INDEX IF NOT EXISTS products_category ON products (category)
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, session TEXT NOT NULL, status TEXT NOT NULL)
CREATE TABLE IF NOT EXISTS order_lines (order_id INTEGER NOT NULL REFERENCES orders, product INTEGER NOT NULL REFERENCES products, cents INTEGER NOT NULL)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT OR IGNORE INTO categories SELECT i, 'Tea & Cake ' || i FROM n
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT OR IGNORE INTO products SELECT i, 1 + i % 10, 'Blend <' || i || '>', 199 + i * 7, i % 17 FROM n";

/// What the shop sells.
#[derive(Serialize)]
pub struct Product {
    pub id: i64,
    pub category: String,
    pub name: String,
    pub cents: i64,
    pub stock: i64,
}

impl Product {
    pub fn price(&self) -> String {
        format!("{}.{:02}", self.cents / 100, self.cents % 100)
    }

    fn from_row(row: Row<'_>) -> Result<Self> {
        Ok(Product { id: row.get("id")?, category: row.get("category")?, name: row.get("name")?, cents: row.get("cents")?, stock: row.get("stock")? })
    }
}

/// What a customer wants to buy: numbers of products, kept as JSON.
#[derive(Default, Serialize, Deserialize)]
pub struct Basket {
    pub products: Vec<i64>,
}

impl Basket {
    pub fn add(&mut self, product: i64) {
        self.products.push(product);
        let over = self.products.len().saturating_sub(BASKET_SIZE);
        self.products.drain(..over);
    }
}

fn db(env: &Env) -> Database<'static> {
    env.d1("DB")
}

pub fn setup(env: &Env) -> Result<()> {
    db(env).exec(TABLES).map(|_| ())
}

/// Lists a category.
pub fn products_of(env: &Env, category: i64) -> Result<Vec<Product>> {
    let found = db(env)
        .prepare(
            "SELECT p.id, c.name AS category, p.name, p.cents, p.stock FROM products p JOIN categories c ON c.id = p.category \
             WHERE c.id = ?1 ORDER BY p.id LIMIT 20",
        )
        .bind(params![category])
        .all()?;
    let products = found.iter().map(Product::from_row).collect();
    products
}

/// Reads a product with its category.
pub fn find_product(env: &Env, id: i64) -> Result<Option<Product>> {
    let row = db(env)
        .prepare(
            "SELECT p.id, c.name AS category, p.name, p.cents, p.stock FROM products p JOIN categories c ON c.id = p.category \
             WHERE p.id = ?1",
        )
        .bind(params![id])
        .first()?;
    row.map(Product::from_row).transpose()
}

/// Stores an order with its lines, in one transaction, and gives its number.
pub fn place_order(env: &Env, session: &str, basket: &Basket) -> Result<i64> {
    let mut statements = vec![db(env).prepare("INSERT INTO orders (session, status) VALUES (?1, 'new')").bind(params![session])];
    let line = db(env).prepare("INSERT INTO order_lines SELECT (SELECT max(id) FROM orders), id, cents FROM products WHERE id = ?1");
    statements.extend(basket.products.iter().map(|id| line.clone().bind(params![*id])));
    let results = db(env).batch(&statements)?;
    Ok(results[0].meta.last_row_id)
}

/// The queue's consumer: all orders of a batch in one transaction.
pub fn confirm(batch: Batch, env: &Env, _ctx: &Context) -> Result<()> {
    let update = db(env).prepare("UPDATE orders SET status = 'confirmed' WHERE id = ?1");
    let statements = batch.messages.iter().map(|m| Ok(update.clone().bind(params![m.text()?])));
    db(env).batch(&statements.collect::<Result<Vec<_>>>()?).map(|_| ())
}

pub fn load_basket(env: &Env, session: &str) -> Result<Basket> {
    Ok(env.kv("KV").get_json(&basket_key(session))?.unwrap_or_default())
}

pub fn save_basket(env: &Env, session: &str, basket: &Basket) -> Result<()> {
    env.kv("KV").put_json(&basket_key(session), basket)
}

fn basket_key(session: &str) -> String {
    format!("session-{}", session)
}
