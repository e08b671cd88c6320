package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const httpDefinition = `Requests per second of servers under the same wrk (2 threads, 64 connections, keep-alive: with one thread it is wrk that limits the fastest server), every server in turn in each round; a ratio is
between two servers in one round. bare is a net/http handler that answers with a constant. pagesrun is the real program with
its defaults: one JSON log line per event on standard error, which goes to /dev/null. CPU per request is the server's processor
time over the requests of its turn. RSS is what the server has resident right after all the load.`

// Names of the servers, and what is promised of pagesrun's.
const (
	bareName    = "bare net/http"
	workerdName = "workerd"
)

// contender is a server in the comparison.
type contender struct {
	name string
	// overBare and overWorkerd are what is promised of it; nil for nothing.
	overBare, overWorkerd *promise
	rss                   *promise
	// reference is set for servers that are not pagesrun.
	reference bool
	command   func() (func(string) *exec.Cmd, error)
}

func (b *bench) contenders() []contender {
	serve := func(guest string, flags ...string) func() (func(string) *exec.Cmd, error) {
		return func() (func(string) *exec.Cmd, error) { return b.pagesrun(guest, flags...), nil }
	}
	return []contender{
		{name: bareName, reference: true, command: b.bare},
		{name: "pagesrun hello-c", overBare: atLeast(0.75), overWorkerd: atLeast(3), rss: atMost(64), command: serve("hello-c")},
		{name: "pagesrun hello-go", overBare: atLeast(0.6), overWorkerd: atLeast(3), rss: atMost(64), command: serve("hello-go")},
		{name: "pagesrun hello-c --log-level warn", command: serve("hello-c", "--log-level", "warn")},
		{name: "pagesrun hello-go --log-level warn", command: serve("hello-go", "--log-level", "warn")},
		{name: workerdName, reference: true, command: b.workerd},
	}
}

// measureHTTP compares whole servers.
func measureHTTP(ctx context.Context, b *bench) (rows []row, err error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, errors.New("wrk is not installed; scripts/setup bench installs it")
	}
	running := map[string]*server{}
	defer func() {
		for _, s := range running {
			err = errors.Join(err, s.stop())
		}
	}()
	var started []contender
	for _, c := range b.contenders() {
		s, err := c.start()
		if err != nil {
			rows = append(rows, missing(c.name, err))
			continue
		}
		running[c.name] = s
		started = append(started, c)
	}
	loads, err := b.loadAll(ctx, started, running)
	if err != nil {
		return rows, err
	}
	rows = append(rows, httpRatios(started, loads)...)
	memory, err := memoryRows(started, running)
	if err != nil {
		return append(rows, memory...), err
	}
	allocations, err := b.measureAllocations(ctx)
	return append(append(rows, memory...), allocations...), err
}

func (c contender) start() (*server, error) {
	command, err := c.command()
	if err != nil {
		return nil, err
	}
	return startServer(c.name, command)
}

// load is what a turn of wrk on one server gave.
type load struct {
	perSecond float64
	cpuEach   float64 // µs
	p50MS     float64
	p99MS     float64
}

// pressure is what wrk does to a server.
type pressure struct {
	connections int
	// path is what is asked for.
	path string
	// script is a file for wrk that gets path as its argument; "" for none.
	script string
}

// wrkTimeout is how long an answer may take before it counts as missing.
const wrkTimeout = "10s"

// arguments are wrk's. One thread can have no less than one connection.
func (p pressure) arguments(url string, d time.Duration) []string {
	args := []string{"-t" + strconv.Itoa(min(2, p.connections)), "-c" + strconv.Itoa(p.connections), "-d" + d.String(), "--latency", "--timeout", wrkTimeout}
	if p.script == "" {
		return append(args, strings.TrimSuffix(url, "/")+p.path)
	}
	return append(args, "-s", p.script, url, "--", p.path)
}

// loadAll drives every server in every round.
func (b *bench) loadAll(ctx context.Context, started []contender, running map[string]*server) (map[string][]load, error) {
	turn := max(b.round(4*time.Second).Round(time.Second), time.Second)
	sides := make([]func() (load, error), len(started))
	for i, c := range started {
		sides[i] = func() (load, error) { return drive(ctx, running[c.name], turn) }
		if _, err := drive(ctx, running[c.name], time.Second); err != nil { // warms it up
			return nil, err
		}
	}
	results, err := interleave(b.rounds(7), sides...)
	if err != nil {
		return nil, err
	}
	loads := map[string][]load{}
	for i, c := range started {
		loads[c.name] = results[i]
	}
	return loads, nil
}

// drive runs wrk against a server's root with 64 connections. Every answer must be a 2xx.
func drive(ctx context.Context, s *server, d time.Duration) (load, error) {
	return press(ctx, s, pressure{connections: 64, path: "/"}, d)
}

// press runs wrk against a server. Every answer must be a 2xx.
func press(ctx context.Context, s *server, p pressure, d time.Duration) (load, error) {
	before, err := s.cpu()
	if err != nil {
		return load{}, err
	}
	out, err := exec.CommandContext(ctx, "wrk", p.arguments(s.url, d)...).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := s.cpu()
	if err != nil {
		return load{}, err
	}
	l, requests, err := parseWrk(string(out))
	if err != nil {
		return load{}, fmt.Errorf("%s: %w", s.name, err)
	}
	l.cpuEach = microseconds(after-before) / requests
	return l, nil
}

var (
	wrkRequests = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
	wrkRate     = regexp.MustCompile(`(?m)^Requests/sec:\s+([\d.]+)`)
	wrkP50      = regexp.MustCompile(`(?m)^\s*50%\s+([\d.]+(?:us|ms|s|m|h))\s*$`)
	wrkP99      = regexp.MustCompile(`(?m)^\s*99%\s+([\d.]+(?:us|ms|s|m|h))\s*$`)
)

// parseWrk reads what wrk has printed. An answer that is not a 2xx, or none, is an error.
func parseWrk(text string) (l load, requests float64, err error) {
	if strings.Contains(text, "Non-2xx") || strings.Contains(text, "Socket errors") {
		return load{}, 0, fmt.Errorf("not everything was answered well:\n%s", text)
	}
	n, rate := wrkRequests.FindStringSubmatch(text), wrkRate.FindStringSubmatch(text)
	p50, p99 := wrkP50.FindStringSubmatch(text), wrkP99.FindStringSubmatch(text)
	if n == nil || rate == nil || p50 == nil || p99 == nil || n[1] == "0" {
		return load{}, 0, fmt.Errorf("wrk said something else than expected:\n%s", text)
	}
	requests, err1 := strconv.ParseFloat(n[1], 64)
	perSecond, err2 := strconv.ParseFloat(rate[1], 64)
	usual, err3 := time.ParseDuration(p50[1])
	slowest, err4 := time.ParseDuration(p99[1])
	return load{perSecond: perSecond, p50MS: microseconds(usual) / 1e3, p99MS: microseconds(slowest) / 1e3}, requests, errors.Join(err1, err2, err3, err4)
}

func perSecond(l load) float64 { return l.perSecond }
func cpuEach(l load) float64   { return l.cpuEach }
func p50MS(l load) float64     { return l.p50MS }
func p99MS(l load) float64     { return l.p99MS }

// httpRatios makes the table's rows: first the ratios, then what they are made of.
func httpRatios(started []contender, loads map[string][]load) (rows []row) {
	for _, base := range []struct {
		name    string
		promise func(contender) *promise
	}{
		{bareName, func(c contender) *promise { return c.overBare }},
		{workerdName, func(c contender) *promise { return c.overWorkerd }},
	} {
		if loads[base.name] == nil {
			continue
		}
		reference := pick(loads[base.name], perSecond)
		for _, c := range started {
			if !c.reference {
				rows = append(rows, newRow(c.name+" over "+base.name, "×", pick(loads[c.name], perSecond).over(reference), base.promise(c)))
			}
		}
	}
	for _, c := range started {
		rows = append(rows, newRow(c.name+": requests per second", "/s", pick(loads[c.name], perSecond), nil))
	}
	for _, c := range started {
		rows = append(rows, newRow(c.name+": CPU per request", "µs", pick(loads[c.name], cpuEach), nil))
	}
	return rows
}

// memoryRows reads what the servers have resident.
func memoryRows(started []contender, running map[string]*server) (rows []row, err error) {
	for _, c := range started {
		rss, err := running[c.name].memory("VmRSS")
		if err != nil {
			return rows, err
		}
		rows = append(rows, newRow(c.name+": RSS after load", "MiB", samples{rss}, c.rss))
	}
	return rows, nil
}
