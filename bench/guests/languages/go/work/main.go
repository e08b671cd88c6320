// Command work reads as many keys as the query parameter n says, or marks the order in the request's body as paid.
package main

import (
	"encoding/json"
	"strconv"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
)

type customer struct {
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Address  []string `json:"address"`
	Verified bool     `json:"verified"`
}

type item struct {
	SKU        string   `json:"sku"`
	Name       string   `json:"name"`
	Quantity   int64    `json:"quantity"`
	PriceCents int64    `json:"price_cents"`
	Tags       []string `json:"tags"`
}

type order struct {
	ID         int64    `json:"id"`
	Customer   customer `json:"customer"`
	Items      []item   `json:"items"`
	Note       string   `json:"note"`
	Status     string   `json:"status"`
	TotalCents int64    `json:"total_cents"`
}

func main() {
	pagesrun.OnWarm(func() {
		// encoding/json finds out once how to read and write a type. What it has found out before the first event, no event has to.
		document, _ := json.Marshal(order{})
		_ = json.Unmarshal(document, &order{})
	})
	pagesrun.HandleFetch(fetch)
}

func fetch(_ *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	if req.Path() == "/kv" {
		return read(req)
	}
	return pay(req)
}

func read(req *pagesrun.Request) (*pagesrun.Response, error) {
	query, _ := req.Query("n")
	gets, err := strconv.Atoi(query)
	if err != nil {
		return nil, err
	}
	bench, bytes, key := kv.Namespace("BENCH"), 0, []byte("key-000")
	for i := range gets {
		k := i * 7 % 1000
		key[4], key[5], key[6] = byte('0'+k/100), byte('0'+k/10%10), byte('0'+k%10)
		value, _, err := bench.Get(string(key))
		if err != nil {
			return nil, err
		}
		bytes += len(value)
	}
	return pagesrun.Text(200, strconv.Itoa(bytes)), nil
}

func pay(req *pagesrun.Request) (*pagesrun.Response, error) {
	body, err := req.Body.ReadAll(1 << 20)
	if err != nil {
		return nil, err
	}
	var o order
	if err := json.Unmarshal(body, &o); err != nil {
		return pagesrun.Text(400, err.Error()), nil
	}
	sum := int64(0)
	for _, i := range o.Items {
		sum += i.Quantity * i.PriceCents
	}
	if sum != o.TotalCents {
		return pagesrun.Text(400, "the sum is wrong"), nil
	}
	o.Status = "paid"
	paid, err := json.Marshal(&o)
	if err != nil {
		return nil, err
	}
	return pagesrun.JSON(200, paid), nil
}
