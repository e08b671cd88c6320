package main

import (
	"net/http"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues/queuesjson"
)

const (
	// daily is the trigger after midnight; the other one looks for orders that nobody was told about.
	daily = "5 0 * * *"
	// forgottenAfter is how long an order may be new until it is sent again.
	forgottenAfter = 10 * time.Minute
)

// report is what has been sold.
type report struct {
	Orders    int64    `json:"orders"`
	Confirmed int64    `json:"confirmed"`
	GivenUp   int64    `json:"given_up"`
	Cents     int64    `json:"cents"`
	Best      []seller `json:"best"`
	Days      []day    `json:"days"`
}

// seller is a product and how much of it was sold.
type seller struct {
	SKU    string `json:"sku"`
	Pieces int64  `json:"pieces"`
	Cents  int64  `json:"cents"`
	Place  int64  `json:"place"`
}

// day is the sum of one day.
type day struct {
	Day       string `json:"day"`
	Orders    int64  `json:"orders"`
	Confirmed int64  `json:"confirmed"`
	GivenUp   int64  `json:"given_up"`
	Cents     int64  `json:"cents"`
}

// showReport asks for everything at once, as one transaction.
func showReport(w http.ResponseWriter, _ *http.Request) {
	results, err := db.Batch(
		db.Prepare(`SELECT count(*), count(*) FILTER (WHERE status = 'confirmed'), count(*) FILTER (WHERE status = 'given up'),
			coalesce(sum(cents) FILTER (WHERE status = 'confirmed'), 0) FROM orders`),
		db.Prepare(`SELECT l.sku, sum(l.quantity) AS pieces, sum(l.quantity * l.price_cents), rank() OVER (ORDER BY sum(l.quantity) DESC)
			FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.status = 'confirmed' GROUP BY l.sku ORDER BY pieces DESC, l.sku LIMIT 10`),
		db.Prepare("SELECT day, orders, confirmed, given_up, cents FROM days ORDER BY day DESC LIMIT 31"),
	)
	if err != nil {
		fail(w, err)
		return
	}
	r, err := newReport(results)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, r)
}

func newReport(results []d1.Result) (report, error) {
	r := report{Best: []seller{}, Days: []day{}}
	for row := range results[0].Rows() {
		if err := row.Scan(&r.Orders, &r.Confirmed, &r.GivenUp, &r.Cents); err != nil {
			return r, err
		}
	}
	for row := range results[1].Rows() {
		var s seller
		if err := row.Scan(&s.SKU, &s.Pieces, &s.Cents, &s.Place); err != nil {
			return r, err
		}
		r.Best = append(r.Best, s)
	}
	for row := range results[2].Rows() {
		var d day
		if err := row.Scan(&d.Day, &d.Orders, &d.Confirmed, &d.GivenUp, &d.Cents); err != nil {
			return r, err
		}
		r.Days = append(r.Days, d)
	}
	return r, nil
}

// onSchedule does what is due. Both triggers may run twice without harm.
func onSchedule(_ *pagesrun.Context, ev *pagesrun.ScheduledEvent) error {
	if ev.Cron == daily {
		return sumUp(ev.ScheduledTime.UTC().AddDate(0, 0, -1))
	}
	return sendForgotten(ev.ScheduledTime.Add(-forgottenAfter))
}

// sumUp stores the sum of the day that t is in.
func sumUp(t time.Time) error {
	from := t.Truncate(24 * time.Hour)
	_, err := db.Prepare(`INSERT INTO days (day, orders, confirmed, given_up, cents)
		SELECT ?1, count(*), count(*) FILTER (WHERE status = 'confirmed'), count(*) FILTER (WHERE status = 'given up'), coalesce(sum(cents) FILTER (WHERE status = 'confirmed'), 0)
		FROM orders WHERE ordered_ms >= ?2 AND ordered_ms < ?3
		ON CONFLICT (day) DO UPDATE SET orders = excluded.orders, confirmed = excluded.confirmed, given_up = excluded.given_up, cents = excluded.cents`).
		Bind(from.Format(time.DateOnly), from.UnixMilli(), from.AddDate(0, 0, 1).UnixMilli()).Run()
	return err
}

// sendForgotten sends the message about orders that have waited too long.
func sendForgotten(before time.Time) error {
	ids, err := forgotten(before)
	if err != nil || len(ids) == 0 {
		return err
	}
	messages := make([]queues.Outgoing, len(ids))
	for i, id := range ids {
		if messages[i], err = queuesjson.NewMessage(pendingOrder{id}); err != nil {
			return err
		}
	}
	return pending.SendBatch(messages)
}
