// A small shop; ../shop is the same in Go, gives the same answers byte for byte, and says what there is.

const CATEGORIES = 10, PRODUCTS = 200, BASKET_SIZE = 5;

const TABLES = [
  "CREATE TABLE IF NOT EXISTS categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, category INTEGER NOT NULL REFERENCES categories, name TEXT NOT NULL, cents INTEGER NOT NULL, stock INTEGER NOT NULL)",
  "CREATE INDEX IF NOT EXISTS products_category ON products (category)",
  "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, session TEXT NOT NULL, status TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS order_lines (order_id INTEGER NOT NULL REFERENCES orders, product INTEGER NOT NULL REFERENCES products, cents INTEGER NOT NULL)",
  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT OR IGNORE INTO categories SELECT i, 'Tea & Cake ' || i FROM n",
  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT OR IGNORE INTO products SELECT i, 1 + i % 10, 'Blend <' || i || '>', 199 + i * 7, i % 17 FROM n",
];

const SELECT = "SELECT p.id, c.name AS category, p.name, p.cents, p.stock FROM products p JOIN categories c ON c.id = p.category ";

const plain = (text, status = 200) => new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
const html = (text) => new Response(text, { headers: { "content-type": "text/html; charset=utf-8" } });
const json = (value) => new Response(JSON.stringify(value) + "\n", { headers: { "content-type": "application/json" } });

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => ESCAPES[c]);
const price = (cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;

const row = (p) =>
  `<tr><td><a href="/api/product?k=${p.id}">${escape(p.name)}</a></td><td>${price(p.cents)}</td><td>${p.stock > 0 ? `${p.stock} left` : "sold out"}</td></tr>\n`;

const pageOf = (category, basket, products) => `<!doctype html>
<title>${escape(category)}</title>
<h1>${escape(category)}</h1>
<p>${basket} in your basket</p>
<table>
${products.map(row).join("")}</table>
`;

function sessionOf(request) {
  for (const part of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = part.trim().split("=");
    if (name === "session" && value !== undefined) return value;
  }
  return "nobody";
}

const loadBasket = async (env, session) => (await env.KV.get(`session-${session}`, "json")) ?? { products: [] };
const saveBasket = (env, session, basket) => env.KV.put(`session-${session}`, JSON.stringify(basket));

async function page(k, session, env) {
  const { results } = await env.DB.prepare(SELECT + "WHERE c.id = ?1 ORDER BY p.id LIMIT 20").bind((k % CATEGORIES) + 1).all();
  const basket = await loadBasket(env, session);
  return html(pageOf(results[0]?.category ?? "", basket.products.length, results));
}

async function showProduct(k, env) {
  const product = await env.DB.prepare(SELECT + "WHERE p.id = ?1").bind((k % PRODUCTS) + 1).first();
  return product === null ? plain("there is no such product", 404) : json(product);
}

async function addToBasket(k, session, env) {
  const basket = await loadBasket(env, session);
  basket.products = [...basket.products, (k % PRODUCTS) + 1].slice(-BASKET_SIZE);
  await saveBasket(env, session, basket);
  return json(basket);
}

async function checkout(session, env) {
  const basket = await loadBasket(env, session);
  if (basket.products.length === 0) basket.products = [1];
  const line = env.DB.prepare("INSERT INTO order_lines SELECT (SELECT max(id) FROM orders), id, cents FROM products WHERE id = ?1");
  const results = await env.DB.batch([
    env.DB.prepare("INSERT INTO orders (session, status) VALUES (?1, 'new')").bind(session),
    ...basket.products.map((id) => line.bind(id)),
  ]);
  await env.QUEUE.send(String(results[0].meta.last_row_id), { contentType: "text" });
  await saveBasket(env, session, { products: [] });
  return json({ pieces: basket.products.length });
}

async function setup(env) {
  await env.DB.exec(TABLES.join("\n"));
  return plain("ok");
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const k = Number(url.searchParams.get("k"));
    switch (`${request.method} ${url.pathname}`) {
      case "GET /products":
        return page(k, sessionOf(request), env);
      case "GET /api/product":
        return showProduct(k, env);
      case "POST /basket":
        return addToBasket(k, sessionOf(request), env);
      case "POST /checkout":
        return checkout(sessionOf(request), env);
      case "POST /setup":
        return setup(env);
      case "GET /":
        return plain("shop");
    }
    return plain("there is no such page", 404);
  },
  async queue(batch, env) {
    const update = env.DB.prepare("UPDATE orders SET status = 'confirmed' WHERE id = ?1");
    await env.DB.batch(batch.messages.map((m) => update.bind(m.body)));
  },
};
