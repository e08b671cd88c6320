package analytics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/point"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/series"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
	"github.com/prometheus/client_golang/prometheus"
)

// engine holds the datasets of a process. Functions come and go with reloads; what has been counted stays.
type engine struct {
	host  hostfuncs.Host
	descs *descriptions
	api   *api

	mu       sync.Mutex
	datasets map[string]*dataset
}

// newEngine makes an engine without datasets and registers its metrics.
func newEngine(host hostfuncs.Host) (*engine, error) {
	token, err := loadToken(host.DataDir)
	if err != nil {
		return nil, err
	}
	host.Log.Debug("the SQL interface takes the token in a file", "file", filepath.Join(host.DataDir, TokenFile))
	e := &engine{host: host, descs: newDescriptions(), datasets: map[string]*dataset{}}
	e.api = &api{token: token, dir: host.DataDir, now: host.Now, log: host.Log, turns: make(chan struct{}, queriesMax)}
	return e, host.Metrics.Register(e)
}

// dataset gives the dataset of a resource with the settings it has now.
func (e *engine) dataset(ctx context.Context, r *Resource) (*dataset, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.datasets[r.Dataset]
	if d != nil {
		d.use(r.Settings)
		return d, nil
	}
	log := e.host.Log.With("dataset", r.Dataset)
	writer, err := store.New(ctx, store.Options{Path: store.Path(e.host.DataDir, r.Dataset), Relaxed: e.host.Durability == "relaxed",
		Now: e.host.Now, Log: log, Limits: r.Settings.Store})
	if err != nil {
		return nil, fmt.Errorf("dataset %q: %w", r.Dataset, err)
	}
	d = &dataset{name: r.Dataset, host: e.host, log: log, writer: writer, drops: newDrops()}
	d.table.Store(series.New(r.Settings.Series))
	e.datasets[r.Dataset] = d
	return d, nil
}

// list gives the datasets there are.
func (e *engine) list() []*dataset {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*dataset, 0, len(e.datasets))
	for _, d := range e.datasets {
		list = append(list, d)
	}
	return list
}

// Close stores what waits and closes the files.
func (e *engine) Close() error {
	e.host.Metrics.Unregister(e)
	var errs []error
	for _, d := range e.list() {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}

// dataset is one dataset in use.
type dataset struct {
	name   string
	host   hostfuncs.Host
	log    *slog.Logger
	writer *store.Writer
	drops  *drops
	table  atomic.Pointer[series.Table]
}

// use takes over settings. The metrics begin anew when they are others than before.
func (d *dataset) use(s Settings) {
	d.writer.SetLimits(s.Store)
	if !d.table.Load().Options().Equal(&s.Series) {
		d.table.Store(series.New(s.Series))
	}
}

// close stores what waits and closes the file.
func (d *dataset) close() error {
	lost, err := d.writer.Close()
	if lost > 0 {
		d.drops.counts[reasonLost].Add(uint64(lost))
		d.log.Error("data points could not be stored before the end", "points", lost)
	}
	return err
}

// write takes a data point. Whatever becomes of it, the event goes on.
func (d *dataset) write(call *hostfuncs.Call, msg []byte) error {
	var p point.Point
	if err := p.Decode(msg); err != nil {
		return &abi.Error{Code: abi.CodeBadMessage, Message: abi.OpAnalyticsWrite + ": " + err.Error()}
	}
	now := d.host.Now()
	violation := p.Check()
	if call.Tally(1) > abi.AnalyticsPointsMax {
		violation = point.TooMany()
	}
	if violation != nil {
		d.drops.add(d.log, now, violation.Reason, violation.Text, call.EventID())
		return nil
	}
	d.table.Load().Observe(p.Index, p.Blobs(), p.Doubles())
	if !d.writer.Add(now, msg) {
		d.drops.add(d.log, now, reasonBehind, "a data point was dropped: storing cannot keep up", call.EventID())
	}
	return nil
}

// descriptions are the metrics of the binding.
type descriptions struct {
	*series.Descriptions
	dropped, stored, waiting *prometheus.Desc
}

func newDescriptions() *descriptions {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pagesrun_analytics_"+name, help, labels, nil)
	}
	return &descriptions{
		Descriptions: series.NewDescriptions(),
		dropped:      desc("dropped_points_total", "Data points that were dropped, by reason.", "dataset", "reason"),
		stored:       desc("stored_points_total", "Data points written to the dataset's file.", "dataset"),
		waiting:      desc("waiting_bytes", "Memory of data points that wait to be written.", "dataset"),
	}
}

// Describe implements [prometheus.Collector].
func (e *engine) Describe(ch chan<- *prometheus.Desc) {
	e.descs.Descriptions.Describe(ch)
	ch <- e.descs.dropped
	ch <- e.descs.stored
	ch <- e.descs.waiting
}

// Collect implements [prometheus.Collector].
func (e *engine) Collect(ch chan<- prometheus.Metric) {
	for _, d := range e.list() {
		constant := func(desc *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(desc, kind, v, append([]string{d.name}, labels...)...)
		}
		d.table.Load().Collect(e.descs.Descriptions, ch)
		for reason, n := range d.drops.counts {
			constant(e.descs.dropped, prometheus.CounterValue, float64(n.Load()), reason)
		}
		constant(e.descs.stored, prometheus.CounterValue, float64(d.writer.Stored()))
		constant(e.descs.waiting, prometheus.GaugeValue, float64(d.writer.Waiting()))
	}
}
