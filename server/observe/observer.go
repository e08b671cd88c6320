package observe

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// Observer counts, measures and logs events. It is a [runtime.Observer].
type Observer struct {
	log      *Log
	outcomes map[runtime.Outcome]prometheus.Counter // of fetch events; complete after New, so that reading needs no lock
	other    *prometheus.CounterVec
	discards *prometheus.CounterVec
	guest    *prometheus.CounterVec

	duration prometheus.Histogram
	cpu      prometheus.Histogram
	poolWait prometheus.Histogram
	fuel     prometheus.Counter
	reused   prometheus.Counter
}

// outcomes are all there are.
var outcomes = []runtime.Outcome{
	runtime.OutcomeOK, runtime.OutcomeException, runtime.OutcomeNoResponse, runtime.OutcomeExceededCPU, runtime.OutcomeExceededWall,
	runtime.OutcomeExceededMemory, runtime.OutcomeCanceled, runtime.OutcomeOverloaded, runtime.OutcomeUnavailable,
}

// Histogram bounds, in seconds: four per decade, where functions are.
var (
	durationBounds = []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10, 30}
	cpuBounds      = []float64{1e-6, 2.5e-6, 5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 1}
	waitBounds     = []float64{1e-6, 10e-6, 100e-6, 1e-3, 10e-3, 100e-3, 1, 10}
)

// New makes an observer whose metrics are in reg and whose lines go to log, nil for none.
func New(log *Log, reg prometheus.Registerer) *Observer {
	o := &Observer{log: log, outcomes: map[runtime.Outcome]prometheus.Counter{}}
	o.other = counters(reg, "pagesrun_events_total", "Events, by kind and by how they ended.", "kind", "outcome")
	o.discards = counters(reg, "pagesrun_instances_discarded_total", "Instances thrown away after an event, by reason.", "reason")
	o.guest = counters(reg, "pagesrun_guest_log_lines_total", "Lines guests have written, by where to.", "source")
	o.duration = histogram(reg, "pagesrun_event_duration_seconds", "From an event's beginning (a request's head) until its guest was done.", durationBounds)
	o.cpu = histogram(reg, "pagesrun_event_cpu_seconds", "Time spent inside guest code per event.", cpuBounds)
	o.poolWait = histogram(reg, "pagesrun_event_pool_wait_seconds", "Time an event waited for an instance.", waitBounds)
	o.fuel = counter(reg, "pagesrun_event_fuel_total", "Units of guest code run, about one per instruction.")
	o.reused = counter(reg, "pagesrun_instances_reused_total", "Events that ran in an instance earlier events had used.")
	for _, outcome := range outcomes {
		o.outcomes[outcome] = o.other.WithLabelValues(abi.EventFetch, string(outcome))
	}
	if log != nil {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "pagesrun_log_lines_dropped_total", Help: "Log lines dropped because they came faster than they could be written.",
		}, func() float64 { return float64(log.Dropped()) }))
	}
	return o
}

func counters(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	reg.MustRegister(c)
	return c
}

func counter(reg prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	reg.MustRegister(c)
	return c
}

func histogram(reg prometheus.Registerer, name, help string, bounds []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds})
	reg.MustRegister(h)
	return h
}

// EventDone counts, measures and logs an event.
func (o *Observer) EventDone(e *runtime.Report) {
	o.count(e)
	level := eventLevel(e.Outcome)
	if o.log == nil || level < o.log.opts.Level.Level() {
		return
	}
	line := lines.Get().(*[]byte)
	*line = o.log.format.appendEvent((*line)[:0], e.Start.Add(e.Duration), level, e)
	o.log.Write(*line)
	lines.Put(line)
}

// lines are buffers for one line each.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

func (o *Observer) count(e *runtime.Report) {
	if c := o.outcomes[e.Outcome]; c != nil && e.Kind == abi.EventFetch {
		c.Inc()
	} else {
		o.other.WithLabelValues(e.Kind, string(e.Outcome)).Inc()
	}
	o.duration.Observe(e.Duration.Seconds())
	o.cpu.Observe(e.CPU.Seconds())
	o.poolWait.Observe(e.PoolWait.Seconds())
	o.fuel.Add(float64(max(e.Fuel, 0)))
	if e.Reused {
		o.reused.Inc()
	}
	if e.Discarded != "" {
		o.discards.WithLabelValues(e.Discarded).Inc()
	}
}

// eventLevel is error where the function or the host is at fault.
func eventLevel(outcome runtime.Outcome) slog.Level {
	switch outcome {
	case runtime.OutcomeOK, runtime.OutcomeCanceled:
		return slog.LevelInfo
	case runtime.OutcomeOverloaded, runtime.OutcomeUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// GuestLog logs a line of a guest.
func (o *Observer) GuestLog(eventID, source string, level int, text string) {
	o.guest.WithLabelValues(source).Inc()
	l := guestLevel(level)
	if o.log == nil || l < o.log.opts.Level.Level() {
		return
	}
	line := lines.Get().(*[]byte)
	*line = o.log.format.appendGuest((*line)[:0], time.Now(), l, guestLine{eventID, source, text})
	o.log.Write(*line)
	if cap(*line) <= 8<<10 {
		lines.Put(line)
	}
}

func guestLevel(level int) slog.Level {
	switch level {
	case abi.LogDebug:
		return slog.LevelDebug
	case abi.LogWarn:
		return slog.LevelWarn
	case abi.LogError:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// pathOf is a URL's path, without the query.
func pathOf(url string) string {
	if i := strings.Index(url, "://"); i >= 0 {
		url = url[i+3:]
		i = strings.IndexByte(url, '/')
		url = url[max(i, 0):]
	}
	path, _, _ := strings.Cut(url, "?")
	return path
}
