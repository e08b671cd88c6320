package main

import (
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
)

const db = d1.Database("DB")

// product is what the shop sells.
type product struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Cents int64  `json:"cents"`
	Stock int64  `json:"stock"`
}

func products() ([]product, error) {
	result, err := db.Prepare("SELECT sku, name, price_cents, stock FROM products ORDER BY sku").All()
	if err != nil {
		return nil, err
	}
	list := []product{}
	for row := range result.Rows() {
		var p product
		if err := row.Scan(&p.SKU, &p.Name, &p.Cents, &p.Stock); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// prices finds what the products of an order cost. Products that do not exist are left out.
func prices(lines []line) (map[string]int64, error) {
	skus := make([]any, len(lines))
	for i, l := range lines {
		skus[i] = l.SKU
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(skus)), ",")
	result, err := db.Prepare("SELECT sku, price_cents FROM products WHERE sku IN (" + marks + ")").Bind(skus...).All()
	if err != nil {
		return nil, err
	}
	cents := map[string]int64{}
	for row := range result.Rows() {
		var sku string
		var price int64
		if err := row.Scan(&sku, &price); err != nil {
			return nil, err
		}
		cents[sku] = price
	}
	return cents, nil
}

// insert stores a new order with its lines, in one transaction.
func (o *order) insert() error {
	statements := []d1.Statement{
		db.Prepare("INSERT INTO orders (id, customer, country, cents, ordered_ms) VALUES (?, ?, ?, ?, ?)").
			Bind(o.ID, o.Customer, o.Country, o.Cents, o.Ordered.UnixMilli()),
	}
	insertLine := db.Prepare("INSERT INTO order_lines (order_id, sku, quantity, price_cents) VALUES (?, ?, ?, ?)")
	for _, l := range o.Lines {
		statements = append(statements, insertLine.Bind(o.ID, l.SKU, l.Quantity, l.Cents))
	}
	_, err := db.Batch(statements...)
	return err
}

// find reads an order with its lines.
func find(id string) (o order, ok bool, err error) {
	results, err := db.Batch(
		db.Prepare("SELECT id, customer, country, status, cents, ordered_ms, settled_ms, coalesce(note, '') FROM orders WHERE id = ?").Bind(id),
		db.Prepare("SELECT sku, quantity, price_cents FROM order_lines WHERE order_id = ? ORDER BY sku").Bind(id),
	)
	if err != nil || results[0].Len() == 0 {
		return order{}, false, err
	}
	for row := range results[0].Rows() {
		if o, err = scanOrder(row); err != nil {
			return order{}, false, err
		}
	}
	for row := range results[1].Rows() {
		var l line
		if err := row.Scan(&l.SKU, &l.Quantity, &l.Cents); err != nil {
			return order{}, false, err
		}
		o.Lines = append(o.Lines, l)
	}
	return o, true, nil
}

func scanOrder(row d1.Row) (o order, err error) {
	var orderedMS int64
	var settledMS *int64
	if err := row.Scan(&o.ID, &o.Customer, &o.Country, &o.Status, &o.Cents, &orderedMS, &settledMS, &o.Note); err != nil {
		return order{}, err
	}
	o.Ordered = time.UnixMilli(orderedMS).UTC()
	if settledMS != nil {
		settled := time.UnixMilli(*settledMS).UTC()
		o.Settled = &settled
	}
	return o, nil
}

// confirm takes an order's pieces from the stock and makes it confirmed, in one transaction. An order that is not new is left as it is, so that a message
// that comes twice does no harm; settled says that this call has done it. Where there are too few pieces, the CHECK of products.stock refuses the whole.
func confirm(id string, at time.Time) (settled bool, err error) {
	results, err := db.Batch(
		db.Prepare(`UPDATE products SET stock = stock - l.quantity FROM order_lines l JOIN orders o ON o.id = l.order_id
			WHERE l.sku = products.sku AND o.id = ? AND o.status = 'new'`).Bind(id),
		db.Prepare("UPDATE orders SET status = 'confirmed', settled_ms = ? WHERE id = ? AND status = 'new'").Bind(at.UnixMilli(), id),
	)
	return err == nil && results[1].Meta.Changes > 0, err
}

// giveUp makes a new order one that was given up; settled says that this call has done so.
func giveUp(id, note string, at time.Time) (settled bool, err error) {
	result, err := db.Prepare("UPDATE orders SET status = 'given up', settled_ms = ?, note = ? WHERE id = ? AND status = 'new'").Bind(at.UnixMilli(), note, id).Run()
	return result.Meta.Changes > 0, err
}

// restock adds pieces of a product; ok is false when there is no such product.
func restock(sku string, pieces int64) (stock int64, ok bool, err error) {
	row, ok, err := db.Prepare("UPDATE products SET stock = stock + ? WHERE sku = ? RETURNING stock").Bind(pieces, sku).First()
	if ok && err == nil {
		err = row.Scan(&stock)
	}
	return stock, ok, err
}

// forgotten are orders that are new for longer than they should be: their message was never sent.
func forgotten(before time.Time) ([]string, error) {
	result, err := db.Prepare("SELECT id FROM orders WHERE status = 'new' AND ordered_ms < ? ORDER BY ordered_ms LIMIT 100").Bind(before.UnixMilli()).All()
	if err != nil {
		return nil, err
	}
	return d1.Column[string](result, "id")
}
