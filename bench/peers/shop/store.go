package main

import (
	"encoding/json"
	"strings"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

const (
	db       = d1.Database("DB")
	sessions = kv.Namespace("KV")
	pending  = queues.Queue("QUEUE")

	categories, products = 10, 200
	// basketSize is how many products a basket holds; the oldest make room.
	basketSize = 5
)

// tables are one statement per line.
var tables = strings.Join([]string{
	"CREATE TABLE IF NOT EXISTS categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
	"CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, category INTEGER NOT NULL REFERENCES categories, name TEXT NOT NULL, cents INTEGER NOT NULL, stock INTEGER NOT NULL)",
	"CREATE INDEX IF NOT EXISTS products_category ON products (category)",
	"CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, session TEXT NOT NULL, status TEXT NOT NULL)",
	"CREATE TABLE IF NOT EXISTS order_lines (order_id INTEGER NOT NULL REFERENCES orders, product INTEGER NOT NULL REFERENCES products, cents INTEGER NOT NULL)",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT OR IGNORE INTO categories SELECT i, 'Tea & Cake ' || i FROM n",
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT OR IGNORE INTO products SELECT i, 1 + i % 10, 'Blend <' || i || '>', 199 + i * 7, i % 17 FROM n",
}, "\n")

func setup() error {
	_, err := db.Exec(tables)
	return err
}

// product is what the shop sells.
type product struct {
	ID       int64  `json:"id"`
	Category string `json:"category"`
	Name     string `json:"name"`
	Cents    int64  `json:"cents"`
	Stock    int64  `json:"stock"`
}

// productsOf lists a category.
func productsOf(category int) (list []product, err error) {
	result, err := db.Prepare("SELECT p.id, c.name AS category, p.name, p.cents, p.stock FROM products p JOIN categories c ON c.id = p.category " +
		"WHERE c.id = ?1 ORDER BY p.id LIMIT 20").Bind(category).All()
	if err != nil {
		return nil, err
	}
	for row := range result.Rows() {
		var p product
		if err := row.Scan(&p.ID, &p.Category, &p.Name, &p.Cents, &p.Stock); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// findProduct reads a product with its category.
func findProduct(id int) (p product, found bool, err error) {
	row, found, err := db.Prepare("SELECT p.id, c.name AS category, p.name, p.cents, p.stock FROM products p JOIN categories c ON c.id = p.category " +
		"WHERE p.id = ?1").Bind(id).First()
	if found && err == nil {
		err = row.Scan(&p.ID, &p.Category, &p.Name, &p.Cents, &p.Stock)
	}
	return p, found, err
}

// placeOrder stores an order with its lines, in one transaction, and gives its number.
func placeOrder(session string, b basket) (int64, error) {
	statements := []d1.Statement{db.Prepare("INSERT INTO orders (session, status) VALUES (?1, 'new')").Bind(session)}
	line := db.Prepare("INSERT INTO order_lines SELECT (SELECT max(id) FROM orders), id, cents FROM products WHERE id = ?1")
	for _, id := range b.Products {
		statements = append(statements, line.Bind(id))
	}
	results, err := db.Batch(statements...)
	if err != nil {
		return 0, err
	}
	return results[0].Meta.LastRowID, nil
}

// confirm is the queue's consumer: all orders of a batch in one transaction.
func confirm(_ *pagesrun.Context, batch *queues.Batch) error {
	update := db.Prepare("UPDATE orders SET status = 'confirmed' WHERE id = ?1")
	var statements []d1.Statement
	for _, m := range batch.Messages {
		statements = append(statements, update.Bind(m.Text()))
	}
	_, err := db.Batch(statements...)
	return err
}

// basket is what a customer wants to buy: numbers of products, kept as JSON.
type basket struct {
	Products []int `json:"products"`
}

func loadBasket(session string) (b basket, err error) {
	value, found, err := sessions.Get("session-" + session)
	if found && err == nil {
		err = json.Unmarshal(value, &b)
	}
	return b, err
}

func (b basket) save(session string) error {
	value, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return sessions.Put("session-"+session, value)
}
