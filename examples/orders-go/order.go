package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what a customer may ask for.
const (
	bodyBytesMax     = 16 << 10
	customerRunesMax = 80
	linesMax         = 30
	quantityMax      = 100
)

// Status of an order.
const (
	statusNew       = "new"
	statusConfirmed = "confirmed"
	statusGivenUp   = "given up"
)

// order is an order as clients see it.
type order struct {
	ID       string     `json:"id"`
	Customer string     `json:"customer"`
	Country  string     `json:"country"`
	Status   string     `json:"status"`
	Cents    int64      `json:"cents"`
	Ordered  time.Time  `json:"ordered"`
	Settled  *time.Time `json:"settled,omitempty"`
	Note     string     `json:"note,omitempty"`
	Lines    []line     `json:"lines"`
}

// line is some pieces of one product.
type line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	// Cents is the price of one piece at the time of the order. Clients do not set it.
	Cents int64 `json:"cents"`
}

// check says what is wrong with an order that a client has sent.
func (o *order) check() error {
	o.Customer, o.Country = strings.TrimSpace(o.Customer), strings.ToUpper(o.Country)
	switch n := utf8.RuneCountInString(o.Customer); {
	case n == 0 || n > customerRunesMax:
		return fmt.Errorf("customer must have 1 to %d characters", customerRunesMax)
	case len(o.Country) != 2 || o.Country[0] < 'A' || o.Country[0] > 'Z' || o.Country[1] < 'A' || o.Country[1] > 'Z':
		return errors.New("country must be a code of two letters such as PT")
	case len(o.Lines) == 0 || len(o.Lines) > linesMax:
		return fmt.Errorf("there must be 1 to %d lines", linesMax)
	}
	seen := map[string]bool{}
	for _, l := range o.Lines {
		switch {
		case l.Quantity < 1 || l.Quantity > quantityMax:
			return fmt.Errorf("%s: quantity must be 1 to %d", l.SKU, quantityMax)
		case seen[l.SKU]:
			return fmt.Errorf("%s: there are two lines of it", l.SKU)
		}
		seen[l.SKU] = true
	}
	return nil
}

// price sets the prices of all lines, given those of the products, and the sum.
func (o *order) price(cents map[string]int64) error {
	o.Cents = 0
	for i := range o.Lines {
		l := &o.Lines[i]
		price, ok := cents[l.SKU]
		if !ok {
			return fmt.Errorf("%s: there is no such product", l.SKU)
		}
		l.Cents = price
		o.Cents += price * l.Quantity
	}
	return nil
}

// pieces is how many pieces of all products the order has.
func (o *order) pieces() (n int64) {
	for _, l := range o.Lines {
		n += l.Quantity
	}
	return n
}
