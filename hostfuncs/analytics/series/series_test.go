package series

import (
	"fmt"
	"math"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// collector is a table as a collector of its own.
type collector struct {
	*Descriptions
	table *Table
}

func (c collector) Collect(ch chan<- prometheus.Metric) { c.table.Collect(c.Descriptions, ch) }

// scrape gives the metrics of a table as Prometheus reads them.
func scrape(t testing.TB, table *Table) string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{NewDescriptions(), table})
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func wantLines(t *testing.T, metrics string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+metrics, "\n"+line+"\n") {
			t.Errorf("%s is missing in\n%s", line, metrics)
		}
	}
}

func TestPointsBecomeMetrics(t *testing.T) {
	table := New(Options{Dataset: "visits", Labels: []Label{{2, "country"}, {1, "path"}}, Doubles: map[int]string{1: "latency_ms"}, Bounds: []float64{10, 100}, SeriesMax: 100})
	table.Observe("a", []string{"/", "DE"}, []float64{10, 1})
	table.Observe("a", []string{"/", "DE"}, []float64{10.5, -3})
	table.Observe("a", []string{"/", "DE", "more"}, []float64{1000})
	table.Observe("a", []string{"/", "FR"}, nil)
	table.Observe("", nil, []float64{math.NaN(), math.Inf(1), 5})
	wantLines(t, scrape(t, table),
		`pagesrun_analytics_points_total{country="DE",dataset="visits",index1="a",path="/"} 3`,
		`pagesrun_analytics_points_total{country="FR",dataset="visits",index1="a",path="/"} 1`,
		`pagesrun_analytics_points_total{country="",dataset="visits",index1="",path=""} 1`,
		`pagesrun_analytics_sum{country="DE",dataset="visits",double="latency_ms",index1="a",path="/"} 1020.5`,
		`pagesrun_analytics_sum{country="DE",dataset="visits",double="double2",index1="a",path="/"} -2`,
		`pagesrun_analytics_values_bucket{country="DE",dataset="visits",double="latency_ms",index1="a",path="/",le="10"} 1`,
		`pagesrun_analytics_values_bucket{country="DE",dataset="visits",double="latency_ms",index1="a",path="/",le="100"} 2`,
		`pagesrun_analytics_values_bucket{country="DE",dataset="visits",double="latency_ms",index1="a",path="/",le="+Inf"} 3`,
		`pagesrun_analytics_values_sum{country="DE",dataset="visits",double="latency_ms",index1="a",path="/"} 1020.5`,
		`pagesrun_analytics_values_count{country="DE",dataset="visits",double="latency_ms",index1="a",path="/"} 3`,
		`pagesrun_analytics_sum{country="",dataset="visits",double="double3",index1="",path=""} 5`,
		`pagesrun_analytics_not_finite_total{dataset="visits"} 2`,
		`pagesrun_analytics_series{dataset="visits"} 3`,
		`pagesrun_analytics_series_max{dataset="visits"} 100`,
	)
}

func TestWithoutBoundsThereAreNoHistograms(t *testing.T) {
	table := New(Options{Dataset: "d", SeriesMax: 10})
	table.Observe("a", nil, []float64{1})
	if got := scrape(t, table); strings.Contains(got, "pagesrun_analytics_values") || !strings.Contains(got, `pagesrun_analytics_sum{dataset="d",double="double1",index1="a"} 1`) {
		t.Error(got)
	}
}

func TestTooManySeriesFlowOver(t *testing.T) {
	table := New(Options{Dataset: "d", Labels: []Label{{1, "x"}}, SeriesMax: 3})
	for i := range 5 {
		table.Observe(fmt.Sprint(i), []string{"v"}, []float64{1})
	}
	table.Observe("0", []string{"v"}, nil)           // known
	table.Observe(OverflowValue, []string{"v"}, nil) // a guest's own
	got := scrape(t, table)
	wantLines(t, got,
		`pagesrun_analytics_points_total{dataset="d",index1="__overflow__",x="__overflow__"} 3`,
		`pagesrun_analytics_points_total{dataset="d",index1="0",x="v"} 2`,
		`pagesrun_analytics_sum{dataset="d",double="double1",index1="__overflow__",x="__overflow__"} 2`,
		`pagesrun_analytics_overflow_points_total{dataset="d"} 3`,
		`pagesrun_analytics_series{dataset="d"} 3`,
	)
	if n := strings.Count(got, "\npagesrun_analytics_points_total{"); n != 4 {
		t.Errorf("%d series, want 4", n)
	}
}

// TestForeignBytesMakeValidLabels would fail with a scrape that fails, were two series to end up with the same labels.
func TestForeignBytesMakeValidLabels(t *testing.T) {
	table := New(Options{Dataset: "d", Labels: []Label{{1, "x"}}, SeriesMax: 100})
	long := strings.Repeat("é", 100)
	for _, v := range []string{"\xff", "\xfe", "\ufffd", "a\"b\\\n", long, long + "x", "", "\x00", strings.Repeat("\xff", 200), strings.Repeat("\xfe", 300)} {
		table.Observe(v, []string{v}, nil)
		table.Observe(v, []string{v + v}, nil)
	}
	got := scrape(t, table)
	wantLines(t, got, `pagesrun_analytics_points_total{dataset="d",index1="`+"\ufffd"+`",x="`+"\ufffd"+`"} 9`,
		`pagesrun_analytics_points_total{dataset="d",index1="`+long[:LabelBytesMax]+`",x="`+long[:LabelBytesMax]+`"} 4`)
}

// TestKeysAreNotAmbiguous has values that give the same text when they are only put one after the other.
func TestKeysAreNotAmbiguous(t *testing.T) {
	table := New(Options{Dataset: "d", Labels: []Label{{1, "x"}, {2, "y"}}, SeriesMax: 100})
	table.Observe("a", []string{"bc", "d"}, nil)
	table.Observe("a", []string{"b", "cd"}, nil)
	table.Observe("ab", []string{"c", "d"}, nil)
	if n := table.count.Load(); n != 3 {
		t.Errorf("%d series, want 3", n)
	}
}

func TestManyWriteWhileOthersRead(t *testing.T) {
	table := New(Options{Dataset: "d", Bounds: []float64{1, 10}, SeriesMax: 50})
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 2000 {
				table.Observe(fmt.Sprint((i+w)%100), nil, []float64{float64(i % 20)})
			}
		})
	}
	for range 5 {
		scrape(t, table)
	}
	writers.Wait()
	total := 0.0
	for line := range strings.Lines(scrape(t, table)) {
		var n float64
		if i := strings.LastIndexByte(line, ' '); strings.HasPrefix(line, "pagesrun_analytics_points_total{") {
			fmt.Sscan(line[i:], &n)
			total += n
		}
	}
	if total != 16000 {
		t.Errorf("%v points, want 16000", total)
	}
}

func TestAKnownSeriesCostsNoAllocation(t *testing.T) {
	table := New(Options{Dataset: "d", Labels: []Label{{1, "x"}}, Bounds: []float64{1, 10}, SeriesMax: 50})
	blobs, doubles := []string{"value"}, []float64{5}
	if n := testing.AllocsPerRun(100, func() { table.Observe("index", blobs, doubles) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// live is how much of the heap is in use.
func live() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestMemoryOfManySeries bounds what 10,000 index values with two doubles and the default buckets take, and what is added while they are read.
func TestMemoryOfManySeries(t *testing.T) {
	const tableMax, scrapeMax = 12 << 20, 50 << 20
	before := live()
	table := New(Options{Dataset: "d", Bounds: []float64{1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000}, SeriesMax: 20_000})
	for i := range 50_000 {
		table.Observe(fmt.Sprintf("customer-%05d", i%10_000), nil, []float64{float64(i % 3000), 1.5})
	}
	if took := live() - before; took > tableMax {
		t.Errorf("the series take %d bytes, want at most %d", took, tableMax)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{NewDescriptions(), table})
	before = live()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if took := live() - before; took > scrapeMax {
		t.Errorf("a scrape takes %d bytes, want at most %d", took, scrapeMax)
	}
	runtime.KeepAlive(families)
	runtime.KeepAlive(table)
}

// BenchmarkScrape scrapes a dataset of a million points with 10,000 index values, each with one double and its histogram.
func BenchmarkScrape(b *testing.B) {
	table := New(Options{Dataset: "d", Bounds: []float64{1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000}, SeriesMax: 20_000})
	for i := range 1_000_000 {
		table.Observe(fmt.Sprintf("customer-%05d", i%10_000), nil, []float64{float64(i % 3000)})
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{NewDescriptions(), table})
	handler := promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	b.ReportAllocs()
	start := time.Now()
	for b.Loop() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		b.ReportMetric(float64(w.Body.Len())/(1<<20), "MiB")
	}
	b.ReportMetric(time.Since(start).Seconds()/float64(b.N), "s/scrape")
}

func BenchmarkObserve(b *testing.B) {
	table := New(Options{Dataset: "d", Bounds: []float64{1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000}, SeriesMax: 20_000})
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("customer-%05d", i)
	}
	doubles := []float64{12.5, 1}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		table.Observe(names[i%len(names)], nil, doubles)
	}
}
