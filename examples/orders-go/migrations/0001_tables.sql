CREATE TABLE products (
  sku TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  price_cents INTEGER NOT NULL CHECK (price_cents > 0),
  stock INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  customer TEXT NOT NULL,
  country TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'confirmed', 'given up')),
  cents INTEGER NOT NULL,
  ordered_ms INTEGER NOT NULL,
  settled_ms INTEGER,
  note TEXT
);
CREATE TABLE order_lines (
  order_id TEXT NOT NULL REFERENCES orders (id),
  sku TEXT NOT NULL REFERENCES products (sku),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  price_cents INTEGER NOT NULL,
  PRIMARY KEY (order_id, sku)
);
CREATE INDEX orders_by_time ON orders (ordered_ms);
CREATE TABLE days (
  day TEXT PRIMARY KEY,
  orders INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  given_up INTEGER NOT NULL,
  cents INTEGER NOT NULL
);
