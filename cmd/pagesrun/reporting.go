package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/server/observe"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/term"
)

// reporting is where a serving process's logs and metrics go.
type reporting struct {
	log      *slog.Logger
	lines    *observe.Log
	observer *observe.Observer
	metrics  *prometheus.Registry
	shared   *hostfuncs.Shared
	admin    *routes
	dev      *routes
}

// levels are the values of --log-level; "none" is above everything.
var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "none": slog.LevelError + 100}

// newReporting writes to standard error: short lines for a person when pretty, otherwise one JSON object per line, or text on a terminal.
func newReporting(level string, pretty bool) *reporting {
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	format := observe.FormatJSON
	switch {
	case pretty:
		format = observe.FormatPretty
	case terminal:
		format = observe.FormatText
	}
	lines := observe.NewLog(os.Stderr, observe.LogOptions{Format: format, Level: levels[level], Color: terminal && os.Getenv("NO_COLOR") == ""})
	metrics := newMetrics()
	return &reporting{log: lines.Logger(), lines: lines, observer: observe.New(lines, metrics), metrics: metrics, shared: hostfuncs.NewShared(),
		admin: &routes{listener: hostfuncs.ListenerAdmin}, dev: &routes{listener: hostfuncs.ListenerDev}}
}

func (r *reporting) surroundings() surroundings {
	return surroundings{log: r.log, observer: r.observer, metrics: replacing{r.metrics}, shared: r.shared}
}

// use serves the routes of a project's bindings from now on.
func (r *reporting) use(registry *hostfuncs.Registry) {
	r.admin.use(registry)
	r.dev.use(registry)
}

func (r *reporting) close() { r.lines.Close() }

// end closes the log and, when all went well, says last of all that the process has stopped.
func (r *reporting) end(err error) error {
	r.close()
	if err == nil {
		fmt.Fprintln(os.Stderr, "Stopped.")
	}
	return err
}

// replacing lets a reloaded project register its metrics over those of the one before.
type replacing struct{ *prometheus.Registry }

// Register implements prometheus.Registerer.
func (r replacing) Register(c prometheus.Collector) error {
	err := r.Registry.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		r.Registry.Unregister(already.ExistingCollector)
		err = r.Registry.Register(c)
	}
	return err
}

// MustRegister implements prometheus.Registerer.
func (r replacing) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}
