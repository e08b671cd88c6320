package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What a serving process is promised to allocate for a plain GET, the guest's memory not counted.
const (
	allocationsMost    = 10
	allocatedBytesMost = 2 << 10
)

// measureAllocations counts what the serving process allocates per request under the load, as its own metrics have it: reading, the event, answering, log line and
// metrics included.
func (b *bench) measureAllocations(ctx context.Context) (rows []row, err error) {
	for _, guest := range []string{"hello-c", "hello-go"} {
		found, err := b.allocationsOf(ctx, guest)
		if err != nil {
			return rows, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

func (b *bench) allocationsOf(ctx context.Context, guest string) (rows []row, err error) {
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	name := "pagesrun " + guest
	s, err := startServer(name, b.pagesrun(guest, "--admin", admin))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := drive(ctx, s, time.Second); err != nil { // makes the pool's instances
		return nil, err
	}
	var objects, bytes samples
	for range b.rounds(5) {
		each, err := allocationsUnder(ctx, s, admin)
		if err != nil {
			return nil, err
		}
		objects, bytes = append(objects, each.objects), append(bytes, each.bytes)
	}
	return []row{
		newRow(name+": allocations per request", "", objects, atMost(allocationsMost)),
		newRow(name+": bytes allocated per request", "B", bytes, atMost(allocatedBytesMost)),
	}, nil
}

// allocated is what a process says of itself: how many requests it has answered, and what it has allocated.
type allocated struct{ requests, objects, bytes float64 }

// allocationsUnder is what a request allocates under a second of load.
func allocationsUnder(ctx context.Context, s *server, admin string) (each allocated, err error) {
	before, err := allocatedBy(admin)
	if err != nil {
		return each, err
	}
	if _, err := drive(ctx, s, time.Second); err != nil {
		return each, err
	}
	after, err := allocatedBy(admin)
	if err != nil {
		return each, err
	}
	n := after.requests - before.requests
	if n <= 0 {
		return each, fmt.Errorf("%s has counted %v requests", s.name, n)
	}
	return allocated{n, (after.objects - before.objects) / n, (after.bytes - before.bytes) / n}, nil
}

// allocatedBy asks a process's metrics.
func allocatedBy(admin string) (a allocated, err error) {
	resp, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	for name, value := range map[string]*float64{
		`pagesrun_events_total{kind="fetch",outcome="ok"}`: &a.requests,
		"go_memstats_mallocs_total":                        &a.objects,
		"go_memstats_alloc_bytes_total":                    &a.bytes,
	} {
		if *value, err = metricOf(string(text), name); err != nil {
			return a, err
		}
	}
	return a, nil
}

// metricOf finds a metric in Prometheus's text format.
func metricOf(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the metrics have no %s", name)
}
