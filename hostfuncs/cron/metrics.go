package cron

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collectors are the binding's metrics.
type collectors struct {
	ticks *prometheus.CounterVec
	last  *prometheus.GaugeVec
}

// metrics are those of one expression.
type metrics struct {
	ok, failed, missed prometheus.Counter
	lasts              *prometheus.GaugeVec
	expression         string
}

// last notes a tick that is run. Before the first one there is no such metric.
func (m *metrics) last(tick time.Time) {
	m.lasts.WithLabelValues(m.expression).Set(float64(tick.Unix()))
}

func newMetrics(reg prometheus.Registerer) (*collectors, error) {
	c := &collectors{
		ticks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pagesrun_cron_ticks_total",
			Help: "Ticks of cron triggers by expression and outcome: ok, failed (the event began and did not succeed) or missed (it never began).",
		}, []string{"cron", "outcome"}),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pagesrun_cron_last_tick_timestamp_seconds",
			Help: "The last tick of a cron trigger that was run, in seconds since the Unix epoch.",
		}, []string{"cron"}),
	}
	return c, errors.Join(reg.Register(c.ticks), reg.Register(c.last))
}

func (c *collectors) of(expression string) metrics {
	outcome := func(name string) prometheus.Counter { return c.ticks.WithLabelValues(expression, name) }
	return metrics{ok: outcome("ok"), failed: outcome("failed"), missed: outcome("missed"), lasts: c.last, expression: expression}
}
