package main

import (
	"fmt"
	"net/url"
	"strconv"
)

// report is one statement that can be asked for by name.
type report struct {
	name, title string
	params      []param
	sql         string
}

// param is a parameter of a report, in the order of ?1, ?2, ...; value is the default, and its type the parameter's.
type param struct {
	name  string
	value any
}

// values takes the parameters from a request's query.
func (r report) values(query url.Values) ([]any, error) {
	values := make([]any, len(r.params))
	for i, p := range r.params {
		values[i] = p.value
		if !query.Has(p.name) {
			continue
		}
		switch text := query.Get(p.name); p.value.(type) {
		case int:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s must be a whole number, not %q", p.name, text)
			}
			values[i] = n
		default:
			values[i] = text
		}
	}
	return values, nil
}

var reports = []report{
	{"sales-by-year", "Orders, lines and revenue per year", nil, `
SELECT CAST(strftime('%Y', o.ordered_at) AS INTEGER) AS year, count(DISTINCT o.id) AS orders, count(*) AS lines, sum(t.cents) AS cents, avg(t.quantity) AS quantity
FROM orders o JOIN line_totals t ON t.order_id = o.id GROUP BY year ORDER BY year`},

	{"top-customers", "Who bought most in a country", []param{{"country", "Portugal"}, {"limit", 10}}, `
SELECT c.id, c.company, count(DISTINCT o.id) AS orders, sum(t.cents) AS cents, max(o.ordered_at) AS newest
FROM customers c JOIN orders o ON o.customer_id = c.id JOIN line_totals t ON t.order_id = o.id
WHERE c.country = ?1 GROUP BY c.id ORDER BY cents DESC, c.id LIMIT ?2`},

	{"best-of-each-category", "The products that sold best in each category", []param{{"places", 3}}, `
WITH sold AS (
  SELECT p.category_id, p.id, p.name, sum(t.quantity) AS pieces FROM products p JOIN line_totals t ON t.product_id = p.id GROUP BY p.id
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY category_id ORDER BY pieces DESC, id) AS place, rank() OVER (PARTITION BY category_id ORDER BY pieces DESC) AS rank FROM sold
)
SELECT c.name AS category, r.place, r.rank, r.id, r.name, r.pieces FROM ranked r JOIN categories c ON c.id = r.category_id WHERE r.place <= ?1 ORDER BY c.name, r.place`},

	{"months", "Revenue per month, so far, and the mean of three months", []param{{"year", "2024"}}, `
WITH months AS (
  SELECT strftime('%Y-%m', o.ordered_at) AS month, sum(t.cents) AS cents FROM orders o JOIN line_totals t ON t.order_id = o.id
  WHERE o.ordered_at >= ?1 || '-01-01' AND o.ordered_at < (?1 + 1) || '-01-01' GROUP BY month
)
SELECT month, cents, sum(cents) OVER (ORDER BY month) AS so_far, avg(cents) OVER (ORDER BY month ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS three_months,
  cents - lag(cents, 1, 0) OVER (ORDER BY month) AS change, first_value(cents) OVER (ORDER BY month) AS first
FROM months ORDER BY month`},

	{"shares", "What each country's customers bring", nil, `
SELECT o.ship_country, sum(o.freight_cents) AS freight, round(100.0 * sum(t.cents) / sum(sum(t.cents)) OVER (), 2) AS percent, dense_rank() OVER (ORDER BY sum(t.cents) DESC) AS place
FROM orders o JOIN line_totals t ON t.order_id = o.id GROUP BY o.ship_country ORDER BY place`},

	{"category-tree", "The categories as a tree, with the products below each", nil, `
WITH RECURSIVE tree (id, path, depth) AS (
  SELECT id, name, 0 FROM categories WHERE parent_id IS NULL
  UNION ALL
  SELECT c.id, tree.path || ' > ' || c.name, depth + 1 FROM categories c JOIN tree ON c.parent_id = tree.id
)
SELECT t.path, t.depth, (
  SELECT count(*) FROM products p WHERE p.category_id IN (SELECT id FROM tree u WHERE u.path = t.path OR u.path LIKE t.path || ' > %')
) AS products FROM tree t ORDER BY t.path`},

	{"chain-of-command", "Everybody below a manager", []param{{"manager", 1}}, `
WITH RECURSIVE below (id, name, depth, path) AS (
  SELECT id, name, 0, printf('%03d', id) FROM employees WHERE id = ?1
  UNION ALL
  SELECT e.id, e.name, depth + 1, path || '/' || printf('%03d', e.id) FROM employees e JOIN below b ON e.manager_id = b.id
)
SELECT b.id, substr('          ', 1, 2 * b.depth) || b.name AS name, b.depth, count(o.id) AS orders
FROM below b LEFT JOIN orders o ON o.employee_id = b.id GROUP BY b.id ORDER BY b.path`},

	{"late", "Orders that were shipped after the day they were required on", []param{{"days", 3}, {"limit", 25}}, `
SELECT id, customer_id, required_on, date(shipped_at) AS shipped_on, CAST(julianday(date(shipped_at)) - julianday(required_on) AS INTEGER) AS days_late, strftime('%w %j', shipped_at) AS day,
  unixepoch(shipped_at) - unixepoch(ordered_at) AS seconds
FROM orders WHERE julianday(date(shipped_at)) - julianday(required_on) > ?1 ORDER BY days_late DESC, id LIMIT ?2`},

	{"open", "Orders that have not been shipped, newest first", []param{{"as_of", "2025-12-31"}, {"limit", 20}}, `
SELECT o.id, c.company, o.ordered_at, julianday(?1) - julianday(o.ordered_at) AS days, date(o.ordered_at, 'start of month', '+1 month', '-1 day') AS month_end
FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.shipped_at IS NULL ORDER BY o.ordered_at DESC, o.id LIMIT ?2`},

	{"never-ordered", "Customers without an order since a day", []param{{"since", "2025-10-01"}}, `
SELECT c.id, c.company, coalesce(c.email, '(none)') AS email, max(o.ordered_at) AS newest
FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id HAVING newest IS NULL OR newest < ?1 ORDER BY newest NULLS FIRST, c.id LIMIT 40`},

	{"search", "Products whose name or description has the words, best first", []param{{"words", "smoky OR peppery"}, {"limit", 15}}, `
SELECT p.id, highlight(product_search, 0, '[', ']') AS name, snippet(product_search, 1, '[', ']', '…', 6) AS passage, bm25(product_search, 5.0, 1.0) AS score
FROM product_search JOIN products p ON p.id = product_search.rowid WHERE product_search MATCH ?1 ORDER BY score, p.id LIMIT ?2`},

	{"search-near", "Products by a prefix, a phrase and nearness", []param{{"words", `name: crush* OR "good in salads" OR NEAR(herring malmo, 4) NOT vegan`}}, `
SELECT count(*) AS found, min(rowid) AS first, max(rowid) AS last, group_concat(rowid, ' ') AS ids FROM (SELECT rowid FROM product_search WHERE product_search MATCH ?1 ORDER BY rowid)`},

	{"tags", "How many products have each tag", nil, `
SELECT j.value AS tag, count(*) AS products, min(p.price_cents) AS cheapest, avg(json_extract(p.attributes, '$.rating')) AS rating
FROM products p, json_each(p.attributes, '$.tags') j GROUP BY j.value ORDER BY products DESC, tag`},

	{"packs", "Price per kilogram of the largest packs", []param{{"grams", 1500}}, `
SELECT id, attributes -> '$.pack' AS pack, attributes ->> '$.pack.units' AS units, price_cents * 1000.0 / (attributes ->> '$.pack.grams') AS cents_per_kg, json_type(attributes, '$.rating') AS type,
  json_array_length(attributes, '$.tags') AS tags
FROM products WHERE attributes ->> '$.pack.grams' >= ?1 ORDER BY cents_per_kg DESC, id LIMIT 20`},

	{"order", "One order as a document", []param{{"id", 10248}}, `
SELECT json_object('id', o.id, 'customer', json_object('id', c.id, 'company', c.company, 'email', c.email), 'shipped', o.shipped_at, 'lines', json((
  SELECT json_group_array(json_object('product', name, 'quantity', quantity, 'cents', cents, 'weight', weight))
  FROM (SELECT p.name, t.quantity, t.cents, t.quantity * p.weight_kg AS weight FROM line_totals t JOIN products p ON p.id = t.product_id WHERE t.order_id = o.id ORDER BY p.id)
))) AS document FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = ?1`},

	{"rhythm", "How many days lie between the orders of the most faithful customers", []param{{"orders", 60}}, `
WITH gaps AS (
  SELECT customer_id, julianday(ordered_at) - julianday(lag(ordered_at) OVER (PARTITION BY customer_id ORDER BY ordered_at, id)) AS days FROM orders
)
SELECT customer_id, count(*) AS orders, round(avg(days), 3) AS mean, round(max(days), 3) AS longest FROM gaps GROUP BY customer_id HAVING orders >= ?1 ORDER BY orders DESC, customer_id LIMIT 30`},

	{"quartiles", "Product prices in four groups", nil, `
SELECT quarter, count(*) AS products, min(price_cents) AS least, max(price_cents) AS most, avg(price_cents) AS mean, max(place) AS place, sum(weight_kg) AS weight
FROM (SELECT price_cents, weight_kg, ntile(4) OVER (ORDER BY price_cents, id) AS quarter, percent_rank() OVER (ORDER BY price_cents) AS place FROM products) GROUP BY quarter ORDER BY quarter`},

	{"calendar", "Every day of some weeks, those without orders too", []param{{"from", "2024-02-20"}, {"days", 21}}, `
WITH RECURSIVE calendar (day, n) AS (SELECT date(?1), 1 UNION ALL SELECT date(day, '+1 day'), n + 1 FROM calendar WHERE n < ?2)
SELECT c.day, CASE strftime('%w', c.day) WHEN '0' THEN 'Sunday' WHEN '6' THEN 'Saturday' ELSE 'weekday' END AS kind, count(o.id) AS orders, total(o.freight_cents) AS freight
FROM calendar c LEFT JOIN orders o ON o.ordered_at >= c.day AND o.ordered_at < date(c.day, '+1 day') GROUP BY c.day ORDER BY c.day`},

	{"together", "Products that are bought together", []param{{"limit", 12}}, `
SELECT a.product_id AS one, b.product_id AS other, count(*) AS orders, sum(min(a.quantity, b.quantity)) AS pairs
FROM order_lines a JOIN order_lines b ON b.order_id = a.order_id AND b.product_id > a.product_id WHERE a.product_id <= 120
GROUP BY one, other ORDER BY orders DESC, pairs DESC, one, other LIMIT ?1`},

	{"pivot", "Revenue per category and year", nil, `
SELECT c.name, sum(t.cents) FILTER (WHERE o.ordered_at < '2024') AS y2023, sum(t.cents) FILTER (WHERE o.ordered_at >= '2024' AND o.ordered_at < '2025') AS y2024,
  sum(t.cents) FILTER (WHERE o.ordered_at >= '2025') AS y2025, count(DISTINCT o.customer_id) AS customers
FROM line_totals t JOIN orders o ON o.id = t.order_id JOIN products p ON p.id = t.product_id JOIN categories c ON c.id = p.category_id GROUP BY c.id ORDER BY c.name`},

	{"suppliers", "Suppliers by a pattern, as text functions see them", []param{{"pattern", "%o%"}}, `
SELECT company, upper(city) AS city, length(contact) AS letters, length(CAST(contact AS BLOB)) AS bytes, instr(contact, ' ') AS space, replace(company, '&', 'and') AS plain, ifnull(phone, '-') AS phone,
  nullif(country, 'Portugal') AS abroad, hex(substr(city, 2, 1)) AS second, CAST(substr(company, 1, 2) AS BLOB) AS initials
FROM suppliers WHERE contact LIKE ?1 AND country GLOB '[I-P]*' ORDER BY company, id`},

	{"countries", "Where customers are but no supplier is, and the reverse", nil, `
SELECT 'customers only' AS who, country FROM (SELECT country FROM customers EXCEPT SELECT country FROM suppliers)
UNION ALL SELECT 'both', country FROM (SELECT country FROM customers INTERSECT SELECT country FROM suppliers) ORDER BY who, country`},

	{"affinity", "Types and comparisons as SQL has them", nil, `
SELECT typeof(1) AS a, typeof(1.0) AS b, 7 / 2 AS c, 7 / 2.0 AS d, -7 % 3 AS e, 1 / 0 AS f, '10' < 9 AS g, 9223372036854775807 + 1 AS h, 9223372036854775807 AS i, 1e308 * 10 IS NULL AS j, x'00ff' AS k, NULL IS NOT DISTINCT FROM NULL AS l,
  round(2.5) AS m, 0.1 + 0.2 AS n, CAST('12abc' AS INTEGER) AS o, iif(2 > 1, 'yes', 'no') AS p, 'a' || NULL AS q, sqrt(2) AS r, 1 << 40 AS s, ~5 AS t, likely(3) AS u, 'é' = 'é' COLLATE NOCASE AS v, unicode('é') AS w, char(0x4e16) AS x`},
}

// changes are statements that write. What they answer with comes from RETURNING.
var changes = []report{
	{"count-stock", "A product was counted: note how many there are", []param{{"product", 7}, {"counted", 41}}, `
INSERT INTO stock_levels (product_id, counted) VALUES (?1, ?2)
ON CONFLICT (product_id) DO UPDATE SET counted = excluded.counted, counts = counts + 1 RETURNING product_id, counted, counts`},

	{"raise-prices", "Raise what is cheap in a category", []param{{"category", 7}, {"percent", 10}, {"below", 800}}, `
UPDATE products SET price_cents = price_cents + price_cents * ?2 / 100 FROM categories c
WHERE c.id = products.category_id AND c.id = ?1 AND price_cents < ?3 RETURNING id, price_cents, name`},

	{"tag", "Give products of a supplier another tag", []param{{"supplier", 9}, {"tag", "seasonal"}}, `
UPDATE products SET attributes = json_set(attributes, '$.tags[#]', ?2) WHERE supplier_id = ?1 RETURNING id, attributes`},

	{"drop-lines", "Strike a discontinued product from the open orders", []param{{"day", "2025-12-01"}}, `
DELETE FROM order_lines WHERE product_id IN (SELECT id FROM products WHERE discontinued) AND order_id IN (SELECT id FROM orders WHERE shipped_at IS NULL AND ordered_at >= ?1)
RETURNING order_id, product_id, quantity`},
}
