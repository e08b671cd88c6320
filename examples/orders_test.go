package examples_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// patience is how long something that happens by itself may take on a busy machine.
const patience = 60 * time.Second

// eventually waits until check is satisfied.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !check(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %s", what, patience)
		}
	}
}

// shopOrder is an order as a client sees it.
type shopOrder struct {
	ID, Status, Note string
	Cents            int64
	Lines            []struct {
		SKU      string
		Quantity int64
	}
}

// shop is the example being served.
type shop struct {
	*testing.T
	url string
}

func (s shop) order(lines string) (o shopOrder) {
	s.Helper()
	resp, body := call(s.T, "POST", s.url+"/orders", `{"customer":"Ada","country":"PT","lines":[`+lines+`]}`)
	if err := json.Unmarshal([]byte(body), &o); err != nil || resp.StatusCode != http.StatusAccepted || o.Status != "new" || resp.Header.Get("Location") != "/orders/"+o.ID {
		s.Fatalf("POST: %d %v %s (%v)", resp.StatusCode, resp.Header, body, err)
	}
	return o
}

func (s shop) find(id string) (o shopOrder) {
	s.Helper()
	resp, body := call(s.T, "GET", s.url+"/orders/"+id, "")
	if err := json.Unmarshal([]byte(body), &o); err != nil || resp.StatusCode != http.StatusOK {
		s.Fatalf("GET: %d %s (%v)", resp.StatusCode, body, err)
	}
	return o
}

// becomes waits until an order has a status.
func (s shop) becomes(id, status string) (o shopOrder) {
	s.Helper()
	eventually(s.T, id+" "+status, func() bool { o = s.find(id); return o.Status == status })
	return o
}

func (s shop) stock() map[string]int64 {
	s.Helper()
	var list []struct {
		SKU   string
		Stock int64
	}
	_, body := call(s.T, "GET", s.url+"/products", "")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		s.Fatal(err)
	}
	stock := map[string]int64{}
	for _, p := range list {
		stock[p.SKU] = p.Stock
	}
	return stock
}

// serveWith is serve with other flags, and with an admin listener.
func (e example) serveWith(t *testing.T, command string, flags ...string) *process.Server {
	t.Helper()
	args := append([]string{command, e.module, "--port", "0", "--persist-to", e.data, "--config", filepath.Join(e.folder, "wrangler.toml")}, flags...)
	return process.Command{Binary: filepath.Join(built, "pagesrun"), Dir: e.data, Args: args}.Start(t)
}

// pagesrun runs a command about the example's data and gives what it prints.
func (e example) pagesrun(t *testing.T, args ...string) string {
	t.Helper()
	args = append(args, "--persist-to", e.data, "--config", filepath.Join(e.folder, "wrangler.toml"))
	r := process.Command{Binary: filepath.Join(built, "pagesrun"), Dir: e.data, Args: args}.Run(t)
	if r.Code != 0 {
		t.Fatalf("%s: exit status %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// ordersGo takes orders, has them confirmed, gives one up, and looks at metrics, report and the sum of the day.
func ordersGo(t *testing.T, e example) {
	e.pagesrun(t, "d1", "migrations", "apply", "DB")
	server := e.serveWith(t, "serve", "--admin", "127.0.0.1:0")
	s := shop{t, server.URL}
	tea := s.order(`{"sku":"TEA-SENCHA","quantity":2},{"sku":"JAM-QUINCE","quantity":1}`)
	much := s.order(`{"sku":"TEA-ASSAM","quantity":1},{"sku":"OIL-WALNUT","quantity":50}`)
	if tea.Cents != 2*1290+540 {
		t.Errorf("%+v", tea)
	}
	s.becomes(tea.ID, "confirmed")
	if o := s.becomes(much.ID, "given up"); !strings.Contains(o.Note, "too few") || len(o.Lines) != 2 {
		t.Errorf("%+v", o)
	}
	if got := strings.Count(server.Log(), "attempt 3: order "+much.ID); got != 1 {
		t.Errorf("the order was tried for the third time %d times", got)
	}
	if stock := s.stock(); stock["TEA-SENCHA"] != 498 || stock["JAM-QUINCE"] != 119 || stock["TEA-ASSAM"] != 300 || stock["OIL-WALNUT"] != 3 {
		t.Errorf("%v", stock)
	}
	late := s.order(`{"sku":"OIL-WALNUT","quantity":5}`) // the delivery comes before it is given up
	if resp, body := call(t, "POST", s.url+"/products/OIL-WALNUT/deliveries", `{"pieces":10}`); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	s.becomes(late.ID, "confirmed")
	want(t, "GET", s.url+"/report", "", 200, fmt.Sprintf(`{"orders":3,"confirmed":2,"given_up":1,"cents":%d,"best":[`+
		`{"sku":"OIL-WALNUT","pieces":5,"cents":5600,"place":1},{"sku":"TEA-SENCHA","pieces":2,"cents":2580,"place":2},{"sku":"JAM-QUINCE","pieces":1,"cents":540,"place":3}],"days":[]}`+"\n", 3120+5600))
	ordersMetrics(t, server)
	if end := server.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
	ordersDay(t, e)
}

// ordersMetrics looks for what the points have become on the admin listener.
func ordersMetrics(t *testing.T, server *process.Server) {
	t.Helper()
	for _, line := range []string{
		`pagesrun_analytics_points_total{dataset="sales",index1="PT",step="ordered"} 3`,
		`pagesrun_analytics_points_total{dataset="sales",index1="PT",step="confirmed"} 2`,
		`pagesrun_analytics_points_total{dataset="sales",index1="PT",step="given up"} 1`,
		`pagesrun_analytics_sum{dataset="sales",double="cents",index1="PT",step="confirmed"} 8720`,
		`pagesrun_analytics_values_count{dataset="sales",double="wait_ms",index1="PT",step="given up"} 1`,
	} {
		eventually(t, line, func() bool {
			_, metrics := call(t, "GET", server.AdminURL()+"/metrics", "")
			return strings.Contains(metrics, "\n"+line+"\n")
		})
	}
}

// ordersDay fires the daily trigger by hand, for tomorrow, on the development server.
func ordersDay(t *testing.T, e example) {
	t.Helper()
	server := e.serveWith(t, "dev", "--admin", "off")
	now := time.Now().UTC()
	query := url.Values{"cron": {"5 0 * * *"}, "time": {fmt.Sprint(now.AddDate(0, 0, 1).UnixMilli())}}
	if resp, body := call(t, "GET", server.URL+"/cdn-cgi/handler/scheduled?"+query.Encode(), ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	var report struct {
		Days []struct {
			Day                                string
			Orders, Confirmed, Given_up, Cents int64
		}
	}
	_, body := call(t, "GET", server.URL+"/report", "")
	if err := json.Unmarshal([]byte(body), &report); err != nil || len(report.Days) != 1 {
		t.Fatalf("%v %s", err, body)
	}
	if d := report.Days[0]; d.Day != now.Format(time.DateOnly) || d.Orders != 3 || d.Confirmed != 2 || d.Given_up != 1 || d.Cents != 8720 {
		t.Errorf("%+v", d)
	}
}
