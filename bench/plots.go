package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// mark is the place of a figure in a plot.
type mark struct {
	file, name string
	x          float64
}

// drawing is a plot of figures of one section.
type drawing struct {
	file, title, x, y string
	logY              bool
}

// The plots.
const (
	plotRequests      = "peers-requests.svg"
	plotLatency       = "peers-latency.svg"
	plotMemory        = "peers-memory.svg"
	plotEngines       = "peers-engines.svg"
	plotBindings      = "peers-bindings.svg"
	plotShop          = "peers-shop.svg"
	plotInstances     = "growth-instances.svg"
	plotInstancesTail = "growth-instances-p99.svg"
	plotApps          = "growth-apps.svg"
	plotAppsTail      = "growth-apps-p99.svg"
	plotKeys          = "growth-kv.svg"
	plotRows          = "growth-d1.svg"
	plotMessages      = "growth-queues.svg"
)

func drawings() []drawing {
	return []drawing{
		{plotEngines, "An event without HTTP: processor time", "µs", "", false},
		{plotRequests, "Hello: requests per second, 64 connections", "requests per second", "", false},
		{plotLatency, "Hello: 99th percentile of latency", "connections", "ms", true},
		{plotMemory, "Hello: memory resident after the load", "MiB", "", false},
		{plotBindings, "One operation on a binding per request", "requests per second", "", false},
		{plotShop, "The shop", "requests per second", "", false},
		{plotInstances, "Instances, an event in progress in each: memory of one", "instances", "MiB", false},
		{plotInstancesTail, "Instances, an event in progress in each: p99 of an event beside them", "instances", "µs", false},
		{plotApps, "Different small functions in one process: memory resident", "functions", "MiB", false},
		{plotAppsTail, "Different small functions in one process: p99 of an event", "functions", "µs", false},
		{plotKeys, "KV: processor time of an operation", "keys", "µs", false},
		{plotRows, "D1: processor time of a statement", "rows", "µs", false},
		{plotMessages, "Queues: processor time per message", "messages waiting", "µs", false},
	}
}

// chart is what bench/peers/plot draws.
type chart struct {
	File  string  `json:"file"`
	Title string  `json:"title"`
	X     string  `json:"x"`
	Y     string  `json:"y"`
	LogY  bool    `json:"log_y"`
	Bars  []bar   `json:"bars,omitempty"`
	Lines []curve `json:"lines,omitempty"`
}

// bar is a figure with a name.
type bar struct {
	Name string `json:"name"`
	value
}

// value is a figure with its spread.
type value struct {
	Value float64 `json:"value"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// curve is figures of the same thing at more and more of something.
type curve struct {
	Name   string  `json:"name"`
	Points []point `json:"points"`
}

// point is a figure at a size.
type point struct {
	X float64 `json:"x"`
	value
}

// of makes the chart of a section's figures, nil when it has none.
func (d drawing) of(s *section) *chart {
	c := &chart{File: d.file, Title: d.title, X: d.x, Y: d.y, LogY: d.logY}
	for _, r := range s.Rows {
		if r.mark != nil && r.mark.file == d.file && r.Missing == "" {
			c.add(*r.mark, value{r.Median, r.Least, r.Most})
		}
	}
	if len(c.Bars) == 0 && len(c.Lines) == 0 {
		return nil
	}
	return c
}

// add adds a figure at its place.
func (c *chart) add(m mark, v value) {
	if m.x == 0 {
		c.Bars = append(c.Bars, bar{m.name, v})
		return
	}
	p := point{m.x, v}
	for i := range c.Lines {
		if c.Lines[i].Name == m.name {
			c.Lines[i].Points = append(c.Lines[i].Points, p)
			return
		}
	}
	c.Lines = append(c.Lines, curve{m.name, []point{p}})
}

// plot draws the report's plots into a directory, and names their files.
func (b *bench) plot(r *report, directory string) (files []string, err error) {
	var charts bytes.Buffer
	for _, s := range r.Sections {
		for _, d := range drawings() {
			c := d.of(s)
			if c == nil {
				continue
			}
			if err := json.NewEncoder(&charts).Encode(c); err != nil {
				return nil, err
			}
			files = append(files, c.File)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	program := filepath.Join(b.work, "plot")
	build := exec.Command("go", "build", "-o", program, "./plot")
	build.Dir = filepath.Join(b.root, "bench", "peers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build bench/peers/plot: %w %s", err, text)
	}
	draw := exec.Command(program, directory)
	draw.Stdin = &charts
	if text, err := draw.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return files, nil
}
