package storage

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// A gigabyte in three parts: how large one entry is, and how many bytes all of them have.
const (
	gigabyteKills = 5
	kvBytes       = 1 << 20
	d1Bytes       = 500 << 10 // of each of two rows
	queueBytes    = 120 << 10
	partBytes     = 350 << 20
	gigabyteLeast = 1 << 30
	fillClients   = 4
	busyTime      = time.Second
)

// gigabyte fills all bindings, kills the process in the middle of further writes, and measures how long it takes until it serves again.
func gigabyte(ctx context.Context, e *rig.Env) (found []rig.Finding, err error) {
	t, err := Options{Fault: Kill, Durability: "relaxed"}.new(ctx, e)
	if err != nil {
		return nil, err
	}
	if err := t.heap(ctx); err != nil {
		return nil, err
	}
	t.Durability = "sync"
	bytes, err := t.bytes()
	if err != nil {
		return nil, err
	}
	kills := e.Repeat(gigabyteKills, 10*gigabyteKills)
	for round := range kills {
		if err := t.busy(round); err != nil {
			return nil, fmt.Errorf("round %d: %w", round, err)
		}
	}
	m, err := t.start(false)
	if err != nil {
		return nil, err
	}
	t.report.ready = append(t.report.ready, m.Ready)
	m.Kill()
	return []rig.Finding{
		rig.Check(bytes >= gigabyteLeast, "data in KV, D1 and a queue", "≥ 1 GiB", "%.2f GiB", float64(bytes)/(1<<30)),
		rig.Check(t.report.Ready(0.5) <= readyMost, fmt.Sprintf("time until it serves again after each of %d × kill -9, median (most)", kills), "≤ "+readyMost.String(), "%s (%s)", t.report.Ready(0.5), t.report.Ready(1)),
	}, nil
}

// heap writes the gigabyte.
func (t *torture) heap(ctx context.Context) error {
	m, err := t.start(false)
	if err != nil {
		return err
	}
	defer m.Kill()
	for _, part := range []struct {
		path     string
		each, of int
	}{{"/kv", kvBytes, kvBytes}, {"/d1", d1Bytes, 2 * d1Bytes}, {"/queue", queueBytes, queueBytes}} {
		if err := t.pile(ctx, m, part.path, strings.Repeat("v", part.each), partBytes/part.of); err != nil {
			return err
		}
	}
	return m.Stop()
}

// pile writes many entries by a few clients.
func (t *torture) pile(ctx context.Context, m *machine.Machine, path, value string, count int) error {
	var clients sync.WaitGroup
	failed := make(chan error, fillClients)
	for c := range fillClients {
		clients.Go(func() {
			for i := c; i < count && ctx.Err() == nil; i += fillClients {
				if _, err := m.Ask("POST", fmt.Sprintf("%s?id=pile-%d", path, i), value); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	clients.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// busy starts, writes for a while and kills; how long every start but the first took is noted.
func (t *torture) busy(round int) error {
	m, err := t.start(false)
	if err != nil {
		return err
	}
	if round > 0 {
		t.report.ready = append(t.report.ready, m.Ready)
	}
	wait := load(m, round, t.report.ledgers)
	time.Sleep(busyTime)
	m.Kill()
	wait()
	return nil
}

// bytes is how much there is in the data directory.
func (t *torture) bytes() (sum int64, err error) {
	err = filepath.WalkDir(t.store(), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
