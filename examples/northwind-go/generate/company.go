package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// sizes are how many rows the large tables have.
type sizes struct{ customers, products, orders int }

// company makes up the rows, table by table, from one sequence of random numbers.
type company struct {
	random *rand.Rand
	sizes  sizes
	// prices are those of the products, by id from 1; homes the countries of the customers.
	prices []int
	homes  []string
}

// Numbers of the small tables, and the time the orders are of.
const (
	suppliers = 60
	employees = 24
	firstDay  = "2023-01-02"
	days      = 3 * 365
)

func newCompany(seed uint64, s sizes) *company {
	return &company{random: rand.New(rand.NewPCG(seed, 0x6e6f727468)), sizes: s}
}

func (c *company) write(out *writer) {
	c.categories(out)
	c.suppliers(out)
	c.products(out)
	c.customers(out)
	c.employees(out)
	c.orders(out)
	fmt.Fprintln(out, "INSERT INTO product_search (product_search) VALUES ('rebuild');")
}

func (c *company) one(words []string) string { return words[c.random.IntN(len(words))] }
func (c *company) city() city                { return cities[c.random.IntN(len(cities))] }

func (c *company) person() string { return c.one(firstNames) + " " + c.one(lastNames) }

func (c *company) categories(out *writer) {
	t := newTable(out, "categories")
	ids := map[string]int{}
	for i, cat := range categories {
		ids[cat.name] = i + 1
		t.row(i+1, cat.name, absentIf(cat.parent == "", ids[cat.parent]))
	}
	t.end()
}

func (c *company) suppliers(out *writer) {
	t := newTable(out, "suppliers")
	for id := 1; id <= suppliers; id++ {
		at := c.city()
		phone := fmt.Sprintf("+%d %06d", 10+c.random.IntN(80), c.random.IntN(1e6))
		t.row(id, c.one(lastNames)+" & "+c.one(trades), c.person(), at.name, at.country, absentIf(c.random.IntN(5) == 0, phone))
	}
	t.end()
}

func (c *company) products(out *writer) {
	t := newTable(out, "products")
	for id := 1; id <= c.sizes.products; id++ {
		price := 120 + c.random.IntN(9000)
		c.prices = append(c.prices, price)
		quality, sort := c.one(qualities), c.one(sorts)
		t.row(id, 1+c.random.IntN(suppliers), 4+c.random.IntN(len(categories)-3), strings.ToUpper(quality[:1])+quality[1:]+" "+sort,
			c.description(sort), price, float64(1+c.random.IntN(80))/8, c.random.IntN(400), 5*c.random.IntN(12), boolean(c.random.IntN(14) == 0), c.attributes())
	}
	t.end()
}

func (c *company) description(sort string) string {
	return fmt.Sprintf("Tastes %s, then %s: %s %s from %s. Good %s.", c.one(notes), c.one(notes), c.one(qualities), sort, c.city().name, c.one(uses))
}

// attributes are a JSON document, as shops have for what differs from product to product.
func (c *company) attributes() string {
	var tags []string
	for _, label := range labels {
		if c.random.IntN(3) == 0 {
			tags = append(tags, `"`+label+`"`)
		}
	}
	return fmt.Sprintf(`{"pack":{"units":%d,"grams":%d},"tags":[%s],"rating":%g}`,
		1+c.random.IntN(24), 50*(1+c.random.IntN(40)), strings.Join(tags, ","), float64(c.random.IntN(41))/8)
}

func (c *company) customers(out *writer) {
	t := newTable(out, "customers")
	for id := range c.sizes.customers {
		at := c.city()
		c.homes = append(c.homes, at.country)
		t.row(customerID(id), c.one(places)+" "+c.one(trades), c.person(), at.name, at.country,
			absentIf(c.random.IntN(4) == 0, fmt.Sprintf("orders%d@example.com", id)), c.day(c.random.IntN(days)-2*days))
	}
	t.end()
}

// customerID is a short code, as such companies like them.
func customerID(i int) string {
	code := []byte("AAAA")
	for at := len(code) - 1; at >= 0; at-- {
		code[at] += byte(i * 7 % 26)
		i /= 26
	}
	return string(code)
}

func (c *company) employees(out *writer) {
	t := newTable(out, "employees")
	for id := 1; id <= employees; id++ {
		title := c.one(titles)
		switch {
		case id == 1:
			title = "Managing Director"
		case id <= 5:
			title = "Head of Region"
		}
		t.row(id, c.person(), title, c.day(-c.random.IntN(3000)), absentIf(id == 1, manager(id)))
	}
	t.end()
}

// manager makes a tree of four levels.
func manager(id int) int {
	if id <= 5 {
		return 1
	}
	return 2 + (id-6)/2%8
}

func (c *company) orders(out *writer) {
	lines := make([][]line, c.sizes.orders)
	t := newTable(out, "orders")
	for i := range lines {
		customer := min(c.random.IntN(c.sizes.customers), c.random.IntN(c.sizes.customers)) // some order more than others
		day := i * days / len(lines)
		ordered := c.moment(day, c.random.IntN(10*3600))
		shipped := c.moment(day+1+c.random.IntN(12), c.random.IntN(10*3600))
		late := day > days-20 && c.random.IntN(2) == 0
		t.row(10_000+i, customerID(customer), 1+c.random.IntN(employees), ordered, c.day(day+7), absentIf(late || c.random.IntN(60) == 0, shipped),
			300+c.random.IntN(12_000), c.homes[customer])
		lines[i] = c.lines()
	}
	t.end()
	t = newTable(out, "order_lines")
	for i, of := range lines {
		for _, l := range of {
			t.row(10_000+i, l.product, l.quantity, l.price, l.discount)
		}
	}
	t.end()
}

type line struct{ product, quantity, price, discount int }

// lines are one to six lines of different products.
func (c *company) lines() (lines []line) {
	taken := map[int]bool{}
	for range 1 + c.random.IntN(6) {
		product := 1 + c.random.IntN(c.sizes.products)
		if taken[product] {
			continue
		}
		taken[product] = true
		price := c.prices[product-1]
		lines = append(lines, line{product, 1 + c.random.IntN(60), price - price*c.random.IntN(10)/100, 5 * max(0, c.random.IntN(9)-4)})
	}
	return lines
}

// day is a date so many days after the first one.
func (c *company) day(n int) string { return start().AddDate(0, 0, n).Format(time.DateOnly) }

// moment is a time of a day, so many seconds after eight o'clock.
func (c *company) moment(day, seconds int) string {
	return start().AddDate(0, 0, day).Add(8*time.Hour + time.Duration(seconds)*time.Second).Format(time.DateTime)
}

func start() time.Time {
	t, err := time.Parse(time.DateOnly, firstDay)
	if err != nil {
		panic(err)
	}
	return t
}
