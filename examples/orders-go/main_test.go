package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

// start starts the function with its migrations applied.
func start(t *testing.T) *pagesruntest.Function {
	t.Helper()
	f := pagesruntest.Start(t, pagesruntest.Config{D1: []string{"DB"}, Queues: []string{"ORDERS"}, Datasets: []string{"SALES"}}, func() {
		mux := routes()
		mux.HandleFunc("POST /migrations/{name}", migrate)
		nethttp.Handle(mux)
		queues.Handle(consume)
		pagesrun.HandleScheduled(onSchedule)
	})
	for _, name := range []string{"0001_tables.sql", "0002_products.sql"} {
		if r := f.Fetch("POST", "/migrations/"+name, ""); r.Status != 200 {
			t.Fatalf("%s: %+v", name, r)
		}
	}
	return f
}

func migrate(w http.ResponseWriter, r *http.Request) {
	sql, err := os.ReadFile("migrations/" + r.PathValue("name"))
	for statement := range strings.SplitSeq(strings.TrimSuffix(string(sql), ";\n"), ";\n") {
		if err == nil {
			_, err = db.Prepare(statement).Run()
		}
	}
	if err != nil {
		fail(w, err)
	}
}

func place(t *testing.T, f *pagesruntest.Function, lines string) (o order) {
	t.Helper()
	r := f.Fetch("POST", "/orders", `{"customer":"Ada","country":"pt","lines":[`+lines+`]}`)
	if err := json.Unmarshal([]byte(r.Body), &o); r.Status != 202 || err != nil || r.Get("Location") != "/orders/"+o.ID {
		t.Fatalf("%+v %v", r, err)
	}
	return o
}

func status(t *testing.T, f *pagesruntest.Function, id string) string {
	t.Helper()
	var o order
	r := f.Fetch("GET", "/orders/"+id, "")
	if err := json.Unmarshal([]byte(r.Body), &o); err != nil {
		t.Fatalf("%+v %v", r, err)
	}
	return o.Status
}

// deliver has the function consume what it has sent about an order.
func deliver(t *testing.T, f *pagesruntest.Function, queue string, orders ...order) string {
	t.Helper()
	var messages []abi.QueueMessage
	for _, o := range orders {
		messages = append(messages, abi.QueueMessage{Body: []byte(`{"id":"` + o.ID + `"}`)})
	}
	settled, err := f.Queue(queue, messages...)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, s := range settled {
		if s.Retried {
			words = append(words, "retry")
		} else {
			words = append(words, "ack")
		}
	}
	return strings.Join(words, " ")
}

func stock(t *testing.T, f *pagesruntest.Function, sku string) int64 {
	t.Helper()
	var list []product
	if err := json.Unmarshal([]byte(f.Fetch("GET", "/products", "").Body), &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.SKU == sku {
			return p.Stock
		}
	}
	t.Fatal(sku)
	return 0
}

func TestAnOrderIsStoredSentAndConfirmedOnce(t *testing.T) {
	f := start(t)
	o := place(t, f, `{"sku":"TEA-SENCHA","quantity":2},{"sku":"JAM-QUINCE","quantity":1}`)
	if o.Cents != 2*1290+540 || o.Status != statusNew || o.Country != "PT" {
		t.Errorf("%+v", o)
	}
	if sent := f.Sent("ORDERS"); len(sent) != 1 || string(sent[0].Body) != `{"id":"`+o.ID+`"}` {
		t.Errorf("%+v", sent)
	}
	for range 2 {
		if got := deliver(t, f, "orders", o); got != "ack" {
			t.Error(got)
		}
	}
	if got := status(t, f, o.ID); got != statusConfirmed {
		t.Error(got)
	}
	if tea, jam := stock(t, f, "TEA-SENCHA"), stock(t, f, "JAM-QUINCE"); tea != 498 || jam != 119 {
		t.Error(tea, jam)
	}
	points := f.Points("SALES")
	if len(points) != 2 || fmt.Sprintf("%s %s %v", points[0].Index, points[0].Blobs, points[0].Doubles) != "PT [ordered] [3120 3 0]" || points[1].Blobs[0] != statusConfirmed {
		t.Errorf("%+v", points)
	}
}

func TestAnOrderThatCannotBeConfirmedHoldsUpNoOther(t *testing.T) {
	f := start(t)
	much := place(t, f, `{"sku":"TEA-ASSAM","quantity":1},{"sku":"OIL-WALNUT","quantity":4}`)
	little := place(t, f, `{"sku":"OIL-WALNUT","quantity":3}`)
	if got := deliver(t, f, "orders", much, little, order{ID: "nobody's"}); got != "retry ack ack" {
		t.Error(got)
	}
	if oil, tea := stock(t, f, "OIL-WALNUT"), stock(t, f, "TEA-ASSAM"); oil != 0 || tea != 300 {
		t.Error(oil, tea)
	}
	if got := deliver(t, f, givenUpQueue, much); got != "ack" || status(t, f, much.ID) != statusGivenUp {
		t.Error(got, status(t, f, much.ID))
	}
	if r := f.Fetch("POST", "/products/OIL-WALNUT/deliveries", `{"pieces":10}`); r.Body != `{"stock":10}`+"\n" {
		t.Errorf("%+v", r)
	}
	if got := deliver(t, f, "orders", much); got != "ack" || status(t, f, much.ID) != statusGivenUp {
		t.Error("an order that was given up was confirmed")
	}
	if points := f.Points("SALES"); len(points) != 4 || points[3].Blobs[0] != statusGivenUp {
		t.Errorf("%+v", points)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	f := start(t)
	for _, row := range []struct {
		name, path, body string
		status           int
	}{
		{"no JSON", "/orders", "order", 400},
		{"too much JSON", "/orders", `{"customer":"` + strings.Repeat("a", bodyBytesMax) + `"}`, 400},
		{"no customer", "/orders", `{"country":"PT","lines":[{"sku":"TEA-ASSAM","quantity":1}]}`, 422},
		{"no country", "/orders", `{"customer":"A","lines":[{"sku":"TEA-ASSAM","quantity":1}]}`, 422},
		{"no lines", "/orders", `{"customer":"A","country":"PT"}`, 422},
		{"no pieces", "/orders", `{"customer":"A","country":"PT","lines":[{"sku":"TEA-ASSAM"}]}`, 422},
		{"a product twice", "/orders", `{"customer":"A","country":"PT","lines":[{"sku":"TEA-ASSAM","quantity":1},{"sku":"TEA-ASSAM","quantity":1}]}`, 422},
		{"an unknown product", "/orders", `{"customer":"A","country":"PT","lines":[{"sku":"TEA","quantity":1}]}`, 422},
		{"an empty delivery", "/products/TEA-ASSAM/deliveries", `{"pieces":0}`, 422},
		{"a delivery of what there is not", "/products/TEA/deliveries", `{"pieces":1}`, 404},
	} {
		if r := f.Fetch("POST", row.path, row.body); r.Status != row.status || !strings.HasPrefix(r.Body, `{"error":"`) {
			t.Errorf("%s: %+v", row.name, r)
		}
	}
	if r := f.Fetch("GET", "/orders/none", ""); r.Status != 404 {
		t.Errorf("%+v", r)
	}
	if n := len(f.Sent("ORDERS")) + len(f.Points("SALES")); n != 0 {
		t.Errorf("%d messages and points", n)
	}
}

func TestADayIsSummedUpAndForgottenOrdersAreSent(t *testing.T) {
	f := start(t)
	o := place(t, f, `{"sku":"COF-YIRGA","quantity":2}`)
	place(t, f, `{"sku":"COF-YIRGA","quantity":1}`)
	deliver(t, f, "orders", o)
	for range 2 {
		if err := f.Scheduled(daily, time.Now().AddDate(0, 0, 1)); err != nil {
			t.Fatal(err)
		}
	}
	var r report
	if err := json.Unmarshal([]byte(f.Fetch("GET", "/report", "").Body), &r); err != nil {
		t.Fatal(err)
	}
	want := report{
		Orders: 2, Confirmed: 1, Cents: 3300, Best: []seller{{"COF-YIRGA", 2, 3300, 1}},
		Days: []day{{o.Ordered.Format(time.DateOnly), 2, 1, 0, 3300}},
	}
	if fmt.Sprint(r) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", r, want)
	}
	for i, sent := range []int{2, 3} { // at once, and an hour later: one order was not confirmed
		if err := f.Scheduled("*/10 * * * *", time.Now().Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := len(f.Sent("ORDERS")); got != sent {
			t.Errorf("%d messages, want %d", got, sent)
		}
	}
}
