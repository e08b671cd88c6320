// Command orders-go takes the orders of a small shop. Orders are kept in the D1 database DB and confirmed by the consumer of a queue; what happens is
// written to the Analytics Engine dataset SALES, and a cron trigger sums up each day.
package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

func main() {
	nethttp.Handle(routes())
	queues.Handle(consume)
	pagesrun.HandleScheduled(onSchedule)
}

// routes is the HTTP side: ordinary net/http.
func routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", takeOrder)
	mux.HandleFunc("GET /orders/{id}", showOrder)
	mux.HandleFunc("GET /products", listProducts)
	mux.HandleFunc("POST /products/{sku}/deliveries", takeDelivery)
	mux.HandleFunc("GET /report", showReport)
	return mux
}

// problem is the body of every failure.
type problem struct {
	Error string `json:"error"`
}

// fail answers with a failure of the storage.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, abi.CodeStorageFull):
		status = http.StatusInsufficientStorage
	case errors.Is(err, abi.CodeUnavailable):
		status = http.StatusServiceUnavailable
	}
	reply(w, status, problem{err.Error()})
}

// reply answers with a JSON document.
func reply(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}
