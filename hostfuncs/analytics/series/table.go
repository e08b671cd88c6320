package series

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi"
	dto "github.com/prometheus/client_model/go"
)

const (
	// OverflowValue is the value of the labels of points for which there was no series left.
	OverflowValue = "__overflow__"
	// LabelBytesMax is how much of a blob becomes a label's value, in bytes. The index has its own, lower limit.
	LabelBytesMax = 128

	// shardsCount is into how many parts a table is divided, each with a lock of its own.
	shardsCount = 64
)

// Label makes a blob a label.
type Label struct {
	// Blob is the number of the blob, counted from 1.
	Blob int
	// Name is the label's name.
	Name string
}

// Options say what a table makes of points.
type Options struct {
	// Dataset is the value of the label "dataset".
	Dataset string
	// Labels are the blobs that are labels.
	Labels []Label
	// Doubles gives the doubles, by their number from 1, the value they have in the label "double"; "double1" and so on where it does not.
	Doubles map[int]string
	// Bounds are the upper bounds of the histograms' buckets, rising; none for no histograms.
	Bounds []float64
	// SeriesMax is how many combinations of index and labels are kept apart.
	SeriesMax int
}

// Equal says whether tables made with o and p hold the same metrics.
func (o *Options) Equal(p *Options) bool {
	if o.Dataset != p.Dataset || o.SeriesMax != p.SeriesMax || !slices.Equal(o.Labels, p.Labels) || !slices.Equal(o.Bounds, p.Bounds) || len(o.Doubles) != len(p.Doubles) {
		return false
	}
	for n, name := range o.Doubles {
		if p.Doubles[n] != name {
			return false
		}
	}
	return true
}

// Table holds the series of a dataset. Its methods may be called by many goroutines.
type Table struct {
	opts     Options
	seed     maphash.Seed
	shards   [shardsCount]shard
	count    atomic.Int64
	overflow shard // holds one series at most

	overflowed atomic.Uint64
	notFinite  atomic.Uint64
	dataset    *dto.LabelPair
	index      *string          // the name of the label "index1"
	names      []*string        // those of the labels made of blobs
	doubles    []*dto.LabelPair // the label "double", by number from 0
	bounds     []*float64
}

// shard is a part of the series.
type shard struct {
	mu     sync.Mutex
	series map[string]*one
	_      [40]byte // shards share no cache line
}

// one is a series: everything known about one combination of labels.
type one struct {
	labels  []*dto.LabelPair
	points  uint64
	doubles []distribution
}

// distribution is what is known about one double.
type distribution struct {
	labels  []*dto.LabelPair
	count   uint64
	sum     float64
	buckets []uint64 // each without those below it
}

// New makes an empty table.
func New(o Options) *Table {
	t := &Table{opts: o, seed: maphash.MakeSeed(), dataset: pair("dataset", o.Dataset), index: new("index1")}
	for i := range t.shards {
		t.shards[i].series = map[string]*one{}
	}
	t.overflow.series = map[string]*one{}
	for _, l := range o.Labels {
		t.names = append(t.names, &l.Name)
	}
	for i := range abi.AnalyticsDoublesMax {
		t.doubles = append(t.doubles, pair("double", cmp.Or(o.Doubles[i+1], "double"+strconv.Itoa(i+1))))
	}
	for i := range o.Bounds {
		t.bounds = append(t.bounds, &t.opts.Bounds[i])
	}
	return t
}

// Options are those the table was made with.
func (t *Table) Options() *Options { return &t.opts }

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// Observe counts a point of at most [abi.AnalyticsDoublesMax] doubles. It keeps none of the strings.
func (t *Table) Observe(index string, blobs []string, doubles []float64) {
	var room [256]byte
	index = value(index)
	key := append(room[:0], index...)
	for _, l := range t.opts.Labels {
		v := value(blob(blobs, l.Blob))
		key = append(binary.AppendUvarint(append(key, 0xff), uint64(len(v))), v...)
	}
	s := &t.shards[maphash.Bytes(t.seed, key)%shardsCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.series[string(key)]; o != nil {
		t.add(o, doubles)
		return
	}
	if index == OverflowValue || !t.reserve() {
		t.observeOverflow(doubles)
		return
	}
	values := make([]string, len(t.opts.Labels))
	for i, l := range t.opts.Labels {
		values[i] = value(blob(blobs, l.Blob))
	}
	o := t.newSeries(index, values)
	s.series[string(key)] = o
	t.add(o, doubles)
}

// reserve counts one more series, unless there are as many as there may be.
func (t *Table) reserve() bool {
	if t.count.Add(1) <= int64(t.opts.SeriesMax) {
		return true
	}
	t.count.Add(-1)
	return false
}

// observeOverflow counts a point that has no series of its own.
func (t *Table) observeOverflow(doubles []float64) {
	t.overflowed.Add(1)
	t.overflow.mu.Lock()
	defer t.overflow.mu.Unlock()
	o := t.overflow.series[""]
	if o == nil {
		o = t.newSeries(OverflowValue, slices.Repeat([]string{OverflowValue}, len(t.opts.Labels)))
		t.overflow.series[""] = o
	}
	t.add(o, doubles)
}

func blob(blobs []string, number int) string {
	if number > len(blobs) {
		return ""
	}
	return blobs[number-1]
}

// value makes a label's value of any bytes: valid UTF-8, of bounded length.
func value(s string) string {
	if len(s) <= LabelBytesMax && utf8.ValidString(s) {
		return s
	}
	s = strings.ToValidUTF8(s[:min(len(s), LabelBytesMax)], "\ufffd")
	if len(s) <= LabelBytesMax {
		return s
	}
	n := LabelBytesMax
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// newSeries shares with the others what is the same in them.
func (t *Table) newSeries(index string, values []string) *one {
	labels := make([]*dto.LabelPair, 0, 2+len(values))
	labels = append(labels, t.dataset, &dto.LabelPair{Name: t.index, Value: new(strings.Clone(index))})
	for i, v := range values {
		labels = append(labels, &dto.LabelPair{Name: t.names[i], Value: new(strings.Clone(v))})
	}
	sortLabels(labels)
	return &one{labels: labels}
}

func sortLabels(labels []*dto.LabelPair) {
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
}

// add counts a point in its series. The caller holds the lock.
func (t *Table) add(o *one, doubles []float64) {
	o.points++
	if len(o.doubles) < len(doubles) {
		t.widen(o, len(doubles))
	}
	for i, v := range doubles {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.notFinite.Add(1)
			continue
		}
		d := &o.doubles[i]
		d.count++
		d.sum += v
		if n, _ := slices.BinarySearch(t.opts.Bounds, v); n < len(d.buckets) {
			d.buckets[n]++
		}
	}
}

// widen makes room for so many doubles in a series.
func (t *Table) widen(o *one, doubles int) {
	wide := make([]distribution, doubles)
	buckets := make([]uint64, (doubles-copy(wide, o.doubles))*len(t.opts.Bounds))
	for i := len(o.doubles); i < doubles; i++ {
		labels := make([]*dto.LabelPair, 0, len(o.labels)+1)
		wide[i].labels = append(append(labels, o.labels...), t.doubles[i])
		sortLabels(wide[i].labels)
		wide[i].buckets, buckets = buckets[:len(t.opts.Bounds):len(t.opts.Bounds)], buckets[len(t.opts.Bounds):]
	}
	o.doubles = wide
}
