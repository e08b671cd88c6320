// Command shop is a small shop: pages from a template, JSON, joins in D1, baskets in KV, and a queue for what happens after checkout.
// ../miniflare/shop.js is the same in JavaScript; both give the same answers, byte for byte.
//
//	POST /setup           makes the tables and their contents
//	GET  /products?k=     a page: the products of a category and the size of the basket
//	GET  /api/product?k=  a product as JSON, with its category
//	POST /basket?k=       puts a product into the basket
//	POST /checkout        makes the basket an order, which the queue's consumer confirms
//
// The cookie "session" says whose basket it is.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

func main() {
	pagesrun.OnWarm(rehearse)
	pagesrun.HandleFetch(fetch)
	queues.Handle(confirm)
}

// rehearse does before the first event what packages do when they are first used: a template is escaped, what JSON looks like is found out. Every event
// begins with that done.
func rehearse() {
	list := []product{{Name: "a", Category: "b", Stock: 1}, {}}
	if _, err := render(basket{}, list); err != nil {
		panic(err)
	}
	var b basket
	value, err := json.Marshal(basket{Products: []int{1}})
	if err == nil {
		err = json.Unmarshal(value, &b)
	}
	if err == nil {
		_, err = document(list[0])
	}
	if err == nil {
		_, err = document(map[string]int{"pieces": 1})
	}
	if err != nil {
		panic(err)
	}
}

// fetch answers a request.
func fetch(_ *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	text, _ := req.Query("k")
	k, _ := strconv.Atoi(text)
	switch req.Method + " " + req.Path() {
	case "GET /products":
		return page(k, session(req))
	case "GET /api/product":
		return showProduct(k)
	case "POST /basket":
		return addToBasket(k, session(req))
	case "POST /checkout":
		return checkout(session(req))
	case "POST /setup":
		return pagesrun.Text(200, "ok"), setup()
	case "GET /":
		return pagesrun.Text(200, "shop"), nil
	}
	return pagesrun.Text(404, "there is no such page"), nil
}

// session is the value of the cookie of that name.
func session(req *pagesrun.Request) string {
	for part := range strings.SplitSeq(req.Header.Get("cookie"), ";") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(part), "session="); ok {
			return value
		}
	}
	return "nobody"
}

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"price": price}).Parse(
	`<!doctype html>
<title>{{.Category}}</title>
<h1>{{.Category}}</h1>
<p>{{.Basket}} in your basket</p>
<table>
{{range .Products}}<tr><td><a href="/api/product?k={{.ID}}">{{.Name}}</a></td><td>{{price .Cents}}</td><td>{{if gt .Stock 0}}{{.Stock}} left{{else}}sold out{{end}}</td></tr>
{{end}}</table>
`))

func price(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func page(k int, session string) (*pagesrun.Response, error) {
	list, err := productsOf(k%categories + 1)
	if err != nil {
		return nil, err
	}
	b, err := loadBasket(session)
	if err != nil {
		return nil, err
	}
	return render(b, list)
}

// render makes the page of a category.
func render(b basket, list []product) (*pagesrun.Response, error) {
	category := ""
	if len(list) > 0 {
		category = list[0].Category
	}
	var html strings.Builder
	err := pageTemplate.Execute(&html, map[string]any{"Category": category, "Basket": len(b.Products), "Products": list})
	return pagesrun.HTML(200, html.String()), err
}

func showProduct(k int) (*pagesrun.Response, error) {
	p, found, err := findProduct(k%products + 1)
	if err != nil {
		return nil, err
	}
	if !found {
		return pagesrun.Text(404, "there is no such product"), nil
	}
	return document(p)
}

func addToBasket(k int, session string) (*pagesrun.Response, error) {
	b, err := loadBasket(session)
	if err != nil {
		return nil, err
	}
	b.Products = append(b.Products, k%products+1)
	if over := len(b.Products) - basketSize; over > 0 {
		b.Products = b.Products[over:]
	}
	if err := b.save(session); err != nil {
		return nil, err
	}
	return document(b)
}

func checkout(session string) (*pagesrun.Response, error) {
	b, err := loadBasket(session)
	if err != nil {
		return nil, err
	}
	if len(b.Products) == 0 {
		b.Products = []int{1}
	}
	order, err := placeOrder(session, b)
	if err != nil {
		return nil, err
	}
	if err := pending.SendText(strconv.FormatInt(order, 10)); err != nil {
		return nil, err
	}
	if err := (basket{Products: []int{}}).save(session); err != nil {
		return nil, err
	}
	return document(map[string]int{"pieces": len(b.Products)})
}

// document answers with JSON.
func document(v any) (*pagesrun.Response, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return pagesrun.JSON(200, b.Bytes()), err
}
