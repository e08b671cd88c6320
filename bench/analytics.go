package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const analyticsDefinition = `A C guest writes 250 points with an index, two blobs and two doubles in one event; the same event with no point is subtracted. Elapsed time is what
the guest waits; CPU time includes storing the points. Then a server of its own process is given 1,000,000 points with 10,000 index values, over HTTP,
and its metrics are read as Prometheus does.`

const (
	pointsPerEvent = 250
	pointEvents    = 40
	pointsAll      = 1_000_000
	fillers        = 4
)

// measureAnalytics is the price of a data point, and of many.
func measureAnalytics(ctx context.Context, b *bench) ([]row, error) {
	w, err := b.newWorker(ctx, "analytics", "sync", "")
	if err != nil {
		return nil, err
	}
	rows, err := b.measurePoints(ctx, w)
	if err = errors.Join(err, w.close(ctx)); err != nil {
		return rows, err
	}
	more, err := b.measureScrapes(ctx)
	return append(rows, more...), err
}

func (b *bench) measurePoints(ctx context.Context, w *worker) ([]row, error) {
	results, err := warmed(b.rounds(15),
		w.times(ctx, pointEvents, pointsPerEvent, "points", pointsPerEvent, 0), w.times(ctx, pointEvents, 0, "none"))
	if err != nil {
		return nil, err
	}
	each := func(figure func(cost) time.Duration) samples {
		per := func(c cost) float64 { return microseconds(figure(c)) / (pointsPerEvent * pointEvents) }
		s, empty := pick(results[0], per), pick(results[1], per)
		for i := range s {
			s[i] -= empty[i]
		}
		return s
	}
	return []row{
		newRow("writeDataPoint in a C guest, elapsed", "µs", each(func(c cost) time.Duration { return c.elapsed }), atMost(3)),
		newRow("writeDataPoint in a C guest, CPU of the process", "µs", each(func(c cost) time.Duration { return c.cpu }), nil),
	}, nil
}

func (b *bench) measureScrapes(ctx context.Context) (rows []row, err error) {
	s, admin, err := b.startWorker()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	n := pointsAll
	if b.quick {
		n /= 10
	}
	start := time.Now()
	if err := fillPoints(ctx, s.url, n); err != nil {
		return nil, err
	}
	rate := float64(n) / time.Since(start).Seconds()
	var scrapes, bytes samples
	for range b.rounds(7) {
		start := time.Now()
		size, err := scrape(ctx, "http://"+admin+"/metrics")
		if err != nil {
			return nil, err
		}
		scrapes, bytes = append(scrapes, time.Since(start).Seconds()), append(bytes, float64(size)/(1<<20))
	}
	rss, err := s.memory("VmRSS")
	if err != nil {
		return nil, err
	}
	peak, err := s.memory("VmHWM")
	if err != nil {
		return nil, err
	}
	return []row{
		newRow("metrics of 10,000 index values: scrape", "s", scrapes, atMost(1)),
		newRow("the same: RSS afterwards", "MiB", samples{rss}, atMost(200)),
		newRow("the same: highest RSS", "MiB", samples{peak}, nil),
		newRow("the same: size of a scrape", "MiB", bytes, nil),
		newRow("points written over HTTP, 250 per request", "/s", samples{rate}, nil),
	}, nil
}

// startWorker starts a server process with the guest, and gives the address of its admin listener too.
func (b *bench) startWorker() (s *server, admin string, err error) {
	if _, err := b.workerModule(); err != nil {
		return nil, "", err
	}
	config := filepath.Join(b.work, "points.toml")
	if err := os.WriteFile(config, []byte(workerConfig), 0o600); err != nil {
		return nil, "", err
	}
	if admin, err = freeAddress(); err != nil {
		return nil, "", err
	}
	s, err = startServer("pagesrun work", func(address string) *exec.Cmd {
		host, port, _ := net.SplitHostPort(address)
		return exec.Command(filepath.Join(b.bin, "pagesrun"), "serve", filepath.Join(b.work, "work.wasm"), "--ip", host, "--port", port, "--admin", admin,
			"--config", config, "--persist-to", filepath.Join(b.work, "points"), "--log-level", "warn")
	})
	return s, admin, err
}

// fillPoints has the guest write n points, whose index values go round.
func fillPoints(ctx context.Context, site string, n int) error {
	var next atomic.Int64
	errs := make([]error, fillers)
	var all sync.WaitGroup
	for i := range fillers {
		all.Go(func() {
			for errs[i] == nil {
				from := int(next.Add(pointsPerEvent)) - pointsPerEvent
				if from >= n {
					return
				}
				_, errs[i] = scrape(ctx, fmt.Sprintf("%s?op=points&n=%d&from=%d", site, pointsPerEvent, from))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// scrape reads a page and gives its size.
func scrape(ctx context.Context, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: status %d", url, resp.StatusCode)
	}
	return io.Copy(io.Discard, resp.Body)
}
