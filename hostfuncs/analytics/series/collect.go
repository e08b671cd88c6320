package series

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Descriptions are the metrics of all tables.
type Descriptions struct{ points, sum, values, series, seriesMax, overflow, notFinite *prometheus.Desc }

// NewDescriptions makes the descriptions.
func NewDescriptions() *Descriptions {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pagesrun_analytics_"+name, help, labels, nil)
	}
	return &Descriptions{
		points:    desc("points_total", "Data points by dataset, index and chosen blobs."),
		sum:       desc("sum", "Sum of a double of the data points. It falls where doubles are negative."),
		values:    desc("values", "Distribution of a double of the data points."),
		series:    desc("series", "Combinations of index and labels that are kept apart.", "dataset"),
		seriesMax: desc("series_max", "Combinations of index and labels that are kept apart at most.", "dataset"),
		overflow:  desc("overflow_points_total", "Data points counted under the label value __overflow__ because there were too many series.", "dataset"),
		notFinite: desc("not_finite_total", "Doubles that are infinite or no number, which sums and distributions leave out.", "dataset"),
	}
}

// Describe gives the descriptions, for [prometheus.Collector].
func (d *Descriptions) Describe(ch chan<- *prometheus.Desc) {
	for _, one := range []*prometheus.Desc{d.points, d.sum, d.values, d.series, d.seriesMax, d.overflow, d.notFinite} {
		ch <- one
	}
}

// metric is a value with everything around it ready to be sent.
type metric struct {
	desc      *prometheus.Desc
	labels    []*dto.LabelPair
	counter   *dto.Counter
	gauge     *dto.Gauge
	histogram *dto.Histogram
}

// Desc implements [prometheus.Metric].
func (m *metric) Desc() *prometheus.Desc { return m.desc }

// Write implements [prometheus.Metric].
func (m *metric) Write(out *dto.Metric) error {
	out.Label, out.Counter, out.Gauge, out.Histogram = m.labels, m.counter, m.gauge, m.histogram
	return nil
}

// Collect sends what is known now. Points may be observed meanwhile: every series is consistent in itself.
func (t *Table) Collect(d *Descriptions, ch chan<- prometheus.Metric) {
	constant := func(desc *prometheus.Desc, kind prometheus.ValueType, v float64) {
		ch <- prometheus.MustNewConstMetric(desc, kind, v, t.opts.Dataset)
	}
	constant(d.series, prometheus.GaugeValue, float64(t.count.Load()))
	constant(d.seriesMax, prometheus.GaugeValue, float64(t.opts.SeriesMax))
	constant(d.overflow, prometheus.CounterValue, float64(t.overflowed.Load()))
	constant(d.notFinite, prometheus.CounterValue, float64(t.notFinite.Load()))
	for i := range t.shards {
		t.collectShard(&t.shards[i], d, ch)
	}
	t.collectShard(&t.overflow, d, ch)
}

func (t *Table) collectShard(s *shard, d *Descriptions, ch chan<- prometheus.Metric) {
	for _, m := range t.snapshot(s, d) {
		ch <- m
	}
}

// snapshot copies a shard, so that nothing is sent while it is locked.
func (t *Table) snapshot(s *shard, d *Descriptions) []prometheus.Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	distributions := 0
	for _, o := range s.series {
		distributions += len(o.doubles)
	}
	c := newCopies(len(s.series), distributions, t.bounds)
	for _, o := range s.series {
		c.addPoints(d, o)
		for i := range o.doubles {
			c.addSum(d, &o.doubles[i])
			if len(t.bounds) > 0 {
				c.addHistogram(d, &o.doubles[i])
			}
		}
	}
	return c.all
}

// copies are the metrics of a shard. All of a kind lie together: tens of thousands of series with a dozen objects each would cost more in the
// collector and in rounding than their contents.
type copies struct {
	all        []prometheus.Metric
	bounds     []*float64
	metrics    []metric
	values     []float64
	numbers    []uint64
	counters   []dto.Counter
	gauges     []dto.Gauge
	histograms []dto.Histogram
	buckets    []dto.Bucket
	pointers   []*dto.Bucket
}

// newCopies has room for so many series and distributions.
func newCopies(series, distributions int, bounds []*float64) *copies {
	histograms := distributions
	if len(bounds) == 0 {
		histograms = 0
	}
	buckets, metrics := histograms*len(bounds), series+distributions+histograms
	return &copies{
		all: make([]prometheus.Metric, 0, metrics), bounds: bounds,
		metrics: make([]metric, metrics), values: make([]float64, metrics), numbers: make([]uint64, histograms+buckets),
		counters: make([]dto.Counter, series), gauges: make([]dto.Gauge, distributions), histograms: make([]dto.Histogram, histograms),
		buckets: make([]dto.Bucket, buckets), pointers: make([]*dto.Bucket, buckets),
	}
}

// next takes the next element of a list.
func next[T any](list *[]T) *T {
	v := &(*list)[0]
	*list = (*list)[1:]
	return v
}

// with takes the next element of a list and sets it.
func with[T any](list *[]T, v T) *T {
	p := next(list)
	*p = v
	return p
}

func (c *copies) add(desc *prometheus.Desc, labels []*dto.LabelPair) *metric {
	m := with(&c.metrics, metric{desc: desc, labels: labels})
	c.all = append(c.all, m)
	return m
}

func (c *copies) addPoints(d *Descriptions, o *one) {
	counter := next(&c.counters)
	counter.Value = with(&c.values, float64(o.points))
	c.add(d.points, o.labels).counter = counter
}

func (c *copies) addSum(d *Descriptions, dist *distribution) {
	gauge := next(&c.gauges)
	gauge.Value = with(&c.values, dist.sum)
	c.add(d.sum, dist.labels).gauge = gauge
}

func (c *copies) addHistogram(d *Descriptions, dist *distribution) {
	h, below := next(&c.histograms), uint64(0)
	h.SampleCount, h.SampleSum = with(&c.numbers, dist.count), with(&c.values, dist.sum)
	h.Bucket, c.pointers = c.pointers[:len(c.bounds):len(c.bounds)], c.pointers[len(c.bounds):]
	for i, n := range dist.buckets {
		below += n
		bucket := next(&c.buckets)
		bucket.CumulativeCount, bucket.UpperBound = with(&c.numbers, below), c.bounds[i]
		h.Bucket[i] = bucket
	}
	c.add(d.values, dist.labels).histogram = h
}
