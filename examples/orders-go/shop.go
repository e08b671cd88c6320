package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/pagesrun/pagesrun/guest-sdk/go/queues/queuesjson"
)

// takeOrder stores an order and has it confirmed later. The customer waits for the storage alone.
func takeOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	if !read(w, r, &o) {
		return
	}
	o.ID, o.Status, o.Ordered = newID(), statusNew, time.Now().UTC().Truncate(time.Millisecond)
	o.Settled, o.Note = nil, ""
	if err := o.check(); err != nil {
		reply(w, http.StatusUnprocessableEntity, problem{err.Error()})
		return
	}
	cents, err := prices(o.Lines)
	if err != nil {
		fail(w, err)
		return
	}
	if err := o.price(cents); err != nil {
		reply(w, http.StatusUnprocessableEntity, problem{err.Error()})
		return
	}
	if err := o.insert(); err != nil {
		fail(w, err)
		return
	}
	o.send()
	o.count("ordered", 0)
	w.Header().Set("Location", "/orders/"+o.ID)
	reply(w, http.StatusAccepted, o)
}

// newID is a name for an order that sorts by time.
func newID() string { return fmt.Sprintf("%012x%08x", time.Now().UnixMilli(), rand.Uint32()) }

// send has the order confirmed. The order is stored already: when it cannot be sent now, a cron trigger does so later.
func (o *order) send() {
	if err := queuesjson.Send(pending, pendingOrder{o.ID}); err != nil {
		logError("send order "+o.ID, err)
	}
}

func showOrder(w http.ResponseWriter, r *http.Request) {
	o, ok, err := find(r.PathValue("id"))
	switch {
	case err != nil:
		fail(w, err)
	case !ok:
		reply(w, http.StatusNotFound, problem{"there is no such order"})
	default:
		reply(w, http.StatusOK, o)
	}
}

func listProducts(w http.ResponseWriter, _ *http.Request) {
	list, err := products()
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, list)
}

// delivery is a number of pieces that came in.
type delivery struct {
	Pieces int64 `json:"pieces"`
}

func takeDelivery(w http.ResponseWriter, r *http.Request) {
	var d delivery
	if !read(w, r, &d) {
		return
	}
	if d.Pieces < 1 || d.Pieces > 10_000 {
		reply(w, http.StatusUnprocessableEntity, problem{"pieces must be 1 to 10000"})
		return
	}
	stock, ok, err := restock(r.PathValue("sku"), d.Pieces)
	switch {
	case err != nil:
		fail(w, err)
	case !ok:
		reply(w, http.StatusNotFound, problem{"there is no such product"})
	default:
		reply(w, http.StatusOK, map[string]int64{"stock": stock})
	}
}

// read decodes a request's body, or answers that it cannot be.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax)).Decode(v); err != nil {
		reply(w, http.StatusBadRequest, problem{"the body must be a JSON object: " + err.Error()})
		return false
	}
	return true
}
