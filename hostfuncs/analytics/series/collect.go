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
	metrics := make([]prometheus.Metric, 0, 3*len(s.series))
	for _, o := range s.series {
		points := float64(o.points)
		metrics = append(metrics, &metric{desc: d.points, labels: o.labels, counter: &dto.Counter{Value: &points}})
		for i := range o.doubles {
			dist := &o.doubles[i]
			sum := dist.sum
			metrics = append(metrics, &metric{desc: d.sum, labels: dist.labels, gauge: &dto.Gauge{Value: &sum}})
			if len(t.bounds) > 0 {
				metrics = append(metrics, &metric{desc: d.values, labels: dist.labels, histogram: t.histogram(dist)})
			}
		}
	}
	return metrics
}

// histogram copies a distribution.
func (t *Table) histogram(d *distribution) *dto.Histogram {
	count, sum, below := d.count, d.sum, uint64(0)
	cumulative := make([]uint64, len(t.bounds))
	buckets := make([]dto.Bucket, len(t.bounds))
	h := &dto.Histogram{SampleCount: &count, SampleSum: &sum, Bucket: make([]*dto.Bucket, len(t.bounds))}
	for i := range t.bounds {
		below += d.buckets[i]
		cumulative[i] = below
		buckets[i].CumulativeCount, buckets[i].UpperBound = &cumulative[i], t.bounds[i]
		h.Bucket[i] = &buckets[i]
	}
	return h
}
