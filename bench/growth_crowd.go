package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The sizes of crowds.
var (
	instanceSizes = []int{1, 10, 100, 1000, 2000}
	appSizes      = []int{1, 10, 50, 100, 200}
)

// goEvery says that one in so many functions is in Go.
const goEvery = 25

// crowd is what bench/crowd says of one size.
type crowd struct {
	N        int     `json:"n"`
	Idle     bool    `json:"idle"`
	MiB      float64 `json:"mib"`
	Resident float64 `json:"resident_mib"`
	P50US    float64 `json:"p50_us"`
	P99US    float64 `json:"p99_us"`
}

// crowds runs bench/crowd as a process of its own.
func (b *bench) crowds(ctx context.Context, what string, sizes []int, args ...string) (list []crowd, err error) {
	program := filepath.Join(b.work, "crowd")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "./bench/crowd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build bench/crowd: %w\n%s", err, text)
	}
	var text []string
	for _, n := range sizes {
		text = append(text, strconv.Itoa(n))
	}
	cmd := exec.CommandContext(ctx, program, append([]string{what, strings.Join(text, ",")}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	for lines := json.NewDecoder(bytes.NewReader(out)); err == nil; {
		var c crowd
		if err = lines.Decode(&c); err == nil {
			list = append(list, c)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && len(list) < len(sizes) {
		err = errors.New("bench/crowd has not said what all sizes cost")
	}
	return list, err
}

// measureGrowInstances is what instances cost that are all there at once.
func measureGrowInstances(ctx context.Context, b *bench) (rows []row, err error) {
	c, _, golang, err := b.growthGuests()
	if err != nil {
		return nil, err
	}
	for _, guest := range []struct{ name, path string }{{"Go", golang}, {"C", c}} {
		sides := func() ([]crowd, error) { return b.crowds(ctx, "instances", instanceSizes, guest.path) }
		results, err := interleave(b.rounds(3), sides)
		if err != nil {
			return rows, err
		}
		rows = append(rows, instanceRows(guest.name, results[0])...)
	}
	return rows, nil
}

// instanceRows are the rows of a guest; each run has a line for each size, and one for the largest when no event is in progress any more.
func instanceRows(guest string, runs [][]crowd) (rows []row) {
	each := func(i int, memory func(crowd) float64) samples {
		return pick(runs, func(run []crowd) float64 { return (memory(run[i]) - memory(run[0])) / float64(run[i].N-run[0].N) })
	}
	pss, rss := func(c crowd) float64 { return c.MiB }, func(c crowd) float64 { return c.Resident }
	for i, c := range runs[0] {
		name := fmt.Sprintf("%s, %d instances", guest, c.N)
		if c.Idle {
			name = fmt.Sprintf("%s, %d idle instances", guest, c.N)
		}
		if c.N >= 1000 { // fewer do not stand out from what the garbage collector has not yet collected
			var p *promise
			if c.N == 1000 {
				p = atMost(instanceMiBMost)
			}
			rows = append(rows, newRow(name+": memory of one", "MiB", each(i, pss), p).drawn(plotOf(c, plotInstances), guest, float64(c.N)), newRow(name+": RSS of one", "MiB", each(i, rss), nil))
		}
		tail := newRow(name+": p99 of an event", "µs", pick(runs, func(run []crowd) float64 { return run[i].P99US }), nil)
		rows = append(rows, tail.drawn(plotOf(c, plotInstancesTail), guest, float64(c.N)))
	}
	return rows
}

// plotOf is the plot that a crowd's figure is in: none when its instances are idle.
func plotOf(c crowd, file string) string {
	if c.Idle {
		return ""
	}
	return file
}

// measureGrowApps is what different functions cost in one process.
func measureGrowApps(ctx context.Context, b *bench) (rows []row, err error) {
	c, assemblyScript, golang, err := b.growthGuests()
	if err != nil {
		return nil, err
	}
	modules := slices.Repeat([]string{c, assemblyScript}, goEvery)[:goEvery]
	modules[goEvery/2] = golang
	cache, err := os.MkdirTemp(b.work, "apps-")
	if err != nil {
		return nil, err
	}
	for _, how := range []string{"compiled", "from the cache"} {
		list, err := b.crowds(ctx, "apps", appSizes, append([]string{cache}, modules...)...)
		if err != nil {
			return rows, err
		}
		for _, c := range list {
			name := fmt.Sprintf("%d apps, %s", c.N, how)
			var p *promise
			if c.N == 200 {
				p = atMost(appsMiBMost)
			}
			rows = append(rows, newRow(name+": RSS", "MiB", samples{c.Resident}, p).drawn(plotApps, how, float64(c.N)),
				newRow(name+": p99 of an event", "µs", samples{c.P99US}, nil).drawn(plotAppsTail, how, float64(c.N)))
		}
	}
	return rows, nil
}
