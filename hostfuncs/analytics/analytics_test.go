package analytics

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/series"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// probe is an opened binding.
type probe struct {
	*live
	t       testing.TB
	host    hostfuncs.Host
	metrics *prometheus.Registry
	log     *syncedBuffer
	write   hostfuncs.Operation
}

// syncedBuffer is a buffer for many goroutines.
type syncedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// settings are those a dataset has that the configuration says nothing about.
func settings(dataset string) Settings {
	return Settings{
		Series: series.Options{Dataset: dataset, Bounds: []float64{1, 10}, SeriesMax: SeriesMaxDefault},
		Store:  store.Limits{Retention: RetentionDaysDefault * 24 * time.Hour, MaxBytes: MaxBytesDefault},
	}
}

func resource(dataset string) *Resource {
	return &Resource{Binding: strings.ToUpper(dataset), Dataset: dataset, Settings: settings(dataset)}
}

func newHost(t testing.TB) (hostfuncs.Host, *prometheus.Registry, *syncedBuffer) {
	log, metrics := &syncedBuffer{}, prometheus.NewRegistry()
	return hostfuncs.Host{
		Log: slog.New(slog.NewTextHandler(log, nil)), DataDir: t.TempDir(), Now: time.Now, Metrics: metrics, Durability: "sync", Shared: hostfuncs.NewShared(),
	}, metrics, log
}

func open(t testing.TB, resources ...*Resource) *probe {
	host, metrics, log := newHost(t)
	p := openOn(t, host, resources...)
	p.metrics, p.log = metrics, log
	return p
}

func openOn(t testing.TB, host hostfuncs.Host, resources ...*Resource) *probe {
	t.Helper()
	var list []hostfuncs.Resource
	for _, r := range resources {
		list = append(list, r)
	}
	opened, err := New().Open(context.Background(), host, list)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close(context.Background()) })
	return &probe{live: opened.(*live), t: t, host: host, write: opened.Operations()[0]}
}

// send writes a point as an event does, several of them with one call's tally.
func (p *probe) send(call *hostfuncs.Call, q *abi.AnalyticsWriteRequest) {
	p.t.Helper()
	reply, err := p.write.Run(context.Background(), call, q.AppendCBOR(nil), nil)
	if err != nil || !bytes.Equal(reply, new(abi.AnalyticsWriteReply).AppendCBOR(nil)) {
		p.t.Fatalf("reply %x, %v", reply, err)
	}
}

func (p *probe) point(target, index string, doubles ...float64) {
	p.t.Helper()
	p.send(hostfuncs.NewCall(target, nil), &abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{abi.ByteString(index)}, Doubles: doubles})
}

// scrape gives the metrics.
func (p *probe) scrape() string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		p.t.Fatalf("the scrape gives %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func (p *probe) wantMetrics(lines ...string) {
	p.t.Helper()
	got := p.scrape()
	for _, line := range lines {
		if !strings.Contains("\n"+got, "\n"+line+"\n") {
			p.t.Errorf("%s is missing in\n%s", line, got)
		}
	}
}

func TestAPointBecomesMetricsAndARow(t *testing.T) {
	p := open(t, resource("visits"))
	p.point("VISITS", "a", 5, 100)
	p.point("VISITS", "a", 0.5)
	p.send(hostfuncs.NewCall("VISITS", nil), &abi.AnalyticsWriteRequest{})
	p.wantMetrics(
		`pagesrun_analytics_points_total{dataset="visits",index1="a"} 2`, `pagesrun_analytics_points_total{dataset="visits",index1=""} 1`,
		`pagesrun_analytics_sum{dataset="visits",double="double1",index1="a"} 5.5`, `pagesrun_analytics_values_bucket{dataset="visits",double="double1",index1="a",le="1"} 1`,
	)
	if err := p.datasets["VISITS"].writer.Flush(); err != nil {
		t.Fatal(err)
	}
	p.wantMetrics(`pagesrun_analytics_stored_points_total{dataset="visits"} 3`, `pagesrun_analytics_waiting_bytes{dataset="visits"} 0`)
	if got := p.ask("POST", p.token(), "SELECT index1, double1, double2 FROM visits ORDER BY double1 FORMAT TabSeparated"); got != "200 \t0\t0\na\t0.5\t0\na\t5\t100\n" {
		t.Errorf("got %q", got)
	}
}

func TestABadPointIsDroppedCountedAndLogged(t *testing.T) {
	p := open(t, resource("visits"))
	long := abi.ByteString(strings.Repeat("x", 97))
	for range 3 {
		p.send(hostfuncs.NewCall("VISITS", nil), &abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{long}})
	}
	p.send(hostfuncs.NewCall("VISITS", nil), &abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{"a", "b"}})
	p.wantMetrics(`pagesrun_analytics_dropped_points_total{dataset="visits",reason="index_bytes"} 3`, `pagesrun_analytics_dropped_points_total{dataset="visits",reason="indexes"} 1`,
		`pagesrun_analytics_dropped_points_total{dataset="visits",reason="blobs"} 0`)
	if got := p.scrape(); strings.Contains(got, "pagesrun_analytics_points_total") {
		t.Error("a dropped point has been counted as one")
	}
	for _, text := range []string{`msg="writeDataPoint(): Size of indexes[0] exceeds 96 bytes)." dataset=visits reason=index_bytes`, `msg="writeDataPoint(): Maximum of 1 indexes supported."`} {
		if !strings.Contains(p.log.String(), text) {
			t.Errorf("%s is missing in\n%s", text, p.log)
		}
	}
	if err := p.datasets["VISITS"].writer.Flush(); err != nil {
		t.Fatal(err)
	}
	if stored, err := store.Stored(p.host.DataDir); len(stored) > 0 || err != nil {
		t.Errorf("stored are %v, %v", stored, err)
	}
}

func TestAnEventMayWrite250Points(t *testing.T) {
	p := open(t, resource("visits"))
	call := hostfuncs.NewCall("VISITS", nil)
	for range 252 {
		p.send(call, &abi.AnalyticsWriteRequest{})
	}
	p.point("VISITS", "another event")
	p.wantMetrics(`pagesrun_analytics_points_total{dataset="visits",index1=""} 250`, `pagesrun_analytics_dropped_points_total{dataset="visits",reason="points"} 2`,
		`pagesrun_analytics_points_total{dataset="visits",index1="another event"} 1`)
	if text := "writeDataPoint(): Maximum of 250 data points per invocation."; !strings.Contains(p.log.String(), text) {
		t.Errorf("%s is missing in\n%s", text, p.log)
	}
}

func TestAFloodOfBadPointsDoesNotFloodTheLog(t *testing.T) {
	host, metrics, log := newHost(t)
	clock := time.Now()
	host.Now = func() time.Time { return clock }
	p := openOn(t, host, resource("visits"))
	p.metrics = metrics
	bad := &abi.AnalyticsWriteRequest{Doubles: make([]float64, 21)}
	for range 1000 {
		p.send(hostfuncs.NewCall("VISITS", nil), bad)
	}
	if n := strings.Count(log.String(), "\n"); n != complaintsBurst {
		t.Errorf("%d lines, want %d", n, complaintsBurst)
	}
	clock = clock.Add(2 * time.Second)
	p.send(hostfuncs.NewCall("VISITS", nil), bad)
	if n := strings.Count(log.String(), "\n"); n != complaintsBurst+1 || !strings.Contains(log.String(), "more=990") {
		t.Errorf("%d lines, want %d, the last with those left out:\n%s", n, complaintsBurst+1, log)
	}
	p.wantMetrics(`pagesrun_analytics_dropped_points_total{dataset="visits",reason="doubles"} 1001`)
}

func TestAPointThatCannotBeStoredIsStillCounted(t *testing.T) {
	p := open(t, resource("visits"))
	d := p.datasets["VISITS"]
	if err := os.RemoveAll(p.host.DataDir); err != nil {
		t.Fatal(err)
	}
	q := &abi.AnalyticsWriteRequest{Blobs: []abi.ByteString{abi.ByteString(make([]byte, 16_000))}}
	n := 0
	for d.drops.counts[reasonBehind].Load() == 0 {
		p.send(hostfuncs.NewCall("VISITS", nil), q)
		n++
	}
	p.wantMetrics(fmt.Sprintf(`pagesrun_analytics_points_total{dataset="visits",index1=""} %d`, n), `pagesrun_analytics_dropped_points_total{dataset="visits",reason="storage_behind"} 1`)
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := d.drops.counts[reasonLost].Load(); got != uint64(n-1) {
		t.Errorf("%d points were lost, want %d", got, n-1)
	}
}

func TestAMessageThatIsNoneIsAnError(t *testing.T) {
	p := open(t, resource("visits"))
	if _, err := p.write.Run(t.Context(), hostfuncs.NewCall("VISITS", nil), []byte{0xff}, nil); !strings.Contains(fmt.Sprint(err), "analytics.write") {
		t.Errorf("the error is %v", err)
	}
	if _, err := p.write.Run(t.Context(), hostfuncs.NewCall("NONE", nil), nil, nil); err == nil {
		t.Error("a dataset that is not there has taken a point")
	}
}

func TestCountsSurviveAReload(t *testing.T) {
	p := open(t, resource("visits"))
	p.point("VISITS", "a", 1)
	next := openOn(t, p.host, resource("visits"), &Resource{Binding: "AGAIN", Dataset: "visits", Settings: settings("visits")}, resource("other"))
	p.point("VISITS", "a", 1)
	next.point("AGAIN", "a", 1)
	next.point("OTHER", "b", 1)
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.point("VISITS", "a", 1)
	p.wantMetrics(`pagesrun_analytics_points_total{dataset="visits",index1="a"} 4`, `pagesrun_analytics_points_total{dataset="other",index1="b"} 1`)

	changed := resource("visits")
	changed.Settings.Series.Doubles = map[int]string{1: "ms"}
	last := openOn(t, p.host, changed)
	last.point("VISITS", "a", 1)
	p.wantMetrics(`pagesrun_analytics_sum{dataset="visits",double="ms",index1="a"} 1`)
	if err := next.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := last.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.scrape(); strings.Contains(got, "analytics") {
		t.Errorf("metrics are left:\n%s", got)
	}
	again := openOn(t, p.host, resource("visits"))
	if got := again.ask("POST", again.token(), "SELECT count() AS n FROM visits FORMAT JSONEachRow"); got != `200 {"n":"5"}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestManyEventsWriteAtOnce(t *testing.T) {
	p := open(t, resource("visits"))
	var events sync.WaitGroup
	for range 8 {
		events.Go(func() {
			for i := range 500 {
				p.point("VISITS", fmt.Sprint(i%50), float64(i))
			}
		})
	}
	for range 3 {
		p.scrape()
		p.ask("POST", p.token(), "SELECT count() FROM visits")
	}
	events.Wait()
	if err := p.datasets["VISITS"].writer.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("POST", p.token(), "SELECT count(), sum(double1) FROM visits FORMAT TabSeparated"); got != "200 4000\t998000\n" {
		t.Errorf("got %s", got)
	}
}

// token reads the token of the SQL interface.
func (p *probe) token() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.host.DataDir, TokenFile))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// ask asks the SQL interface and gives status and body.
func (p *probe) ask(method, token, sql string) string {
	p.t.Helper()
	mux := http.NewServeMux()
	for _, r := range p.Routes() {
		if r.Listener != hostfuncs.ListenerAdmin {
			p.t.Errorf("%s is not on the admin listener", r.Pattern)
		}
		mux.Handle(r.Pattern, r.Handler)
	}
	target, body := "/client/v4/accounts/any/analytics_engine/sql", io.Reader(strings.NewReader(sql))
	if method == "GET" {
		target, body = target+"?query="+url.QueryEscape(sql), nil
	}
	req := httptest.NewRequest(method, target, body)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	return fmt.Sprintf("%d %s", w.Code, w.Body)
}

func TestTheSQLInterface(t *testing.T) {
	p := open(t, resource("visits"))
	token := p.token()
	const denied = `401 {"errors":[{"code":10000,"message":"Authentication error"}],"messages":[],"result":null,"success":false}` + "\n"
	for _, c := range []struct{ name, method, token, sql, want string }{
		{"a POST", "POST", token, "SELECT 'x' AS a FORMAT JSONEachRow", `200 {"a":"x"}` + "\n"},
		{"a GET", "GET", token, "SELECT 'a+b' AS a FORMAT JSONEachRow", `200 {"a":"a+b"}` + "\n"},
		{"JSON", "POST", token, "SELECT 'x' AS a", `200 {"meta":[{"name":"a","type":"String"}],"data":[{"a":"x"}],"rows":1}` + "\n"},
		{"no token", "POST", "", "SELECT 1", denied},
		{"another token", "POST", token + "x", "SELECT 1", denied},
		{"a part of the token", "GET", token[1:], "SELECT 1", denied},
		{"a query that is wrong", "POST", token, "SELECT nothing", `400 {"errors":[{"code":10001,"message":"line 1, column 8, at \"nothing\": there is no column or alias of this name"}],"messages":[],"result":null,"success":false}` + "\n"},
		{"a dataset without points", "POST", token, "SELECT 1 FROM visits", `400 {"errors":[{"code":10001,"message":"line 1, column 15, at \"visits\": there is no dataset of this name; the first data point makes it"}],"messages":[],"result":null,"success":false}` + "\n"},
		{"a query that is too long", "POST", token, strings.Repeat(" ", 70_000), `400 {"errors":[{"code":10001,"message":"http: request body too large"}],"messages":[],"result":null,"success":false}` + "\n"},
		{"another method", "PUT", token, "SELECT 1", "405 Method Not Allowed\n"},
	} {
		if got := p.ask(c.method, c.token, c.sql); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	p.api.turns <- struct{}{}
	p.api.turns <- struct{}{}
	if got := p.ask("POST", token, "SELECT 1"); !strings.HasPrefix(got, "429 ") {
		t.Errorf("one query too many: %s", got)
	}
}

func TestTheTokenIsKeptAndItsOwnersAlone(t *testing.T) {
	p := open(t, resource("visits"))
	token := p.token()
	info, err := os.Stat(filepath.Join(p.host.DataDir, TokenFile))
	if err != nil || info.Mode().Perm() != 0o600 || len(token) != 64 {
		t.Errorf("mode %v, %d characters, %v", info.Mode(), len(token), err)
	}
	p.Close(t.Context())
	if again := openOn(t, p.host, resource("visits")).token(); again != token {
		t.Error("the token has changed")
	}
	if strings.Contains(p.log.String(), token) {
		t.Error("the token is in the log")
	}
}

func TestATokenOfOnesOwn(t *testing.T) {
	host, _, _ := newHost(t)
	path := filepath.Join(host.DataDir, TokenFile)
	if err := os.WriteFile(path, []byte("  my own\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openOn(t, host, resource("visits")).ask("POST", "my own", "SELECT 1 FORMAT TabSeparated"); got != "200 1\n" {
		t.Errorf("got %s", got)
	}
	host, _, _ = newHost(t)
	if err := os.WriteFile(filepath.Join(host.DataDir, TokenFile), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New().Open(t.Context(), host, []hostfuncs.Resource{resource("visits")}); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("the error is %v", err)
	}
}

// BenchmarkWrite is what a point costs the event, with and without storing being busy.
func BenchmarkWrite(b *testing.B) {
	p := open(b, resource("visits"))
	msgs := make([][]byte, 10_000)
	for i := range msgs {
		msgs[i] = (&abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{abi.ByteString(fmt.Sprintf("customer-%05d", i))}, Blobs: []abi.ByteString{"/path", "DE"}, Doubles: []float64{12.5, 1}}).AppendCBOR(nil)
	}
	for _, msg := range msgs {
		if _, err := p.write.Run(context.Background(), hostfuncs.NewCall("VISITS", nil), msg, nil); err != nil {
			b.Fatal(err)
		}
	}
	dst := make([]byte, 0, 16)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := p.write.Run(context.Background(), hostfuncs.NewCall("VISITS", nil), msgs[i%len(msgs)], dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(p.datasets["VISITS"].drops.counts[reasonBehind].Load())/math.Max(float64(b.N), 1), "dropped/op")
}
