CREATE TABLE categories (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  parent_id INTEGER REFERENCES categories (id)
);
CREATE TABLE suppliers (
  id INTEGER PRIMARY KEY,
  company TEXT NOT NULL,
  contact TEXT NOT NULL,
  city TEXT NOT NULL,
  country TEXT NOT NULL,
  phone TEXT
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  supplier_id INTEGER NOT NULL REFERENCES suppliers (id),
  category_id INTEGER NOT NULL REFERENCES categories (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  price_cents INTEGER NOT NULL CHECK (price_cents > 0),
  weight_kg REAL NOT NULL,
  stock INTEGER NOT NULL,
  reorder_level INTEGER NOT NULL,
  discontinued INTEGER NOT NULL DEFAULT 0,
  attributes TEXT NOT NULL CHECK (json_valid(attributes))
);
CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  company TEXT NOT NULL,
  contact TEXT NOT NULL,
  city TEXT NOT NULL,
  country TEXT NOT NULL,
  email TEXT,
  since TEXT NOT NULL
);
CREATE TABLE employees (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  title TEXT NOT NULL,
  hired TEXT NOT NULL,
  manager_id INTEGER REFERENCES employees (id)
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  employee_id INTEGER NOT NULL REFERENCES employees (id),
  ordered_at TEXT NOT NULL,
  required_on TEXT NOT NULL,
  shipped_at TEXT,
  freight_cents INTEGER NOT NULL,
  ship_country TEXT NOT NULL
);
CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id),
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  price_cents INTEGER NOT NULL,
  discount_percent INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (order_id, product_id)
) WITHOUT ROWID;
CREATE TABLE stock_levels (
  product_id INTEGER PRIMARY KEY REFERENCES products (id),
  counted INTEGER NOT NULL,
  counts INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX orders_by_customer ON orders (customer_id, ordered_at);
CREATE INDEX orders_by_time ON orders (ordered_at);
CREATE INDEX order_lines_by_product ON order_lines (product_id);
CREATE INDEX products_by_category ON products (category_id);
CREATE VIEW line_totals AS
  SELECT order_id, product_id, quantity, quantity * price_cents * (100 - discount_percent) / 100 AS cents FROM order_lines;
CREATE VIRTUAL TABLE product_search USING fts5 (name, description, content = 'products', content_rowid = 'id');
