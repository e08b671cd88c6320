package server

import "github.com/prometheus/client_golang/prometheus"

// metrics are the server's own; events have theirs in package observe.
type metrics struct {
	refused *prometheus.CounterVec
}

func newMetrics(s *Server, reg prometheus.Registerer) *metrics {
	m := &metrics{refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pagesrun_http_requests_refused_total",
		Help: "Requests answered by the server without (or in spite of) the function, by reason.",
	}, []string{"reason"})}
	reg.MustRegister(m.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pagesrun_http_connections",
		Help: "Open client connections.",
	}, func() float64 { return float64(s.slots.count()) }))
	return m
}
