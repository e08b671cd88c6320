// Package neighbours runs hostile guests beside a healthy one, in one process and of one function, and measures what the healthy one's clients go through.
//
// Its control is in the tests of package front: a healthy client that has to wait, or fails, is seen.
package neighbours

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/torture/front"
	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// hostile is a kind of guest. The statuses are those its clients may get.
type hostile struct {
	kind, what string
	statuses   []int
}

var kinds = []hostile{
	{"spin", "endless loops", []int{503}},
	{"calls", "exponential call trees without a loop", []int{503}},
	{"fill", "bulk operations on 64 MiB", []int{500, 503}},
	{"grow", "memory grown to its limit", []int{500, 503}},
	{"deep", "endless recursion", []int{500}},
	{"trap", "traps", []int{500}},
	{"handles", "calls that nobody takes", []int{500, 503}},
	{"logs", "log lines without end", []int{500, 503}},
	{"output", "answers without end", []int{200, 500, 503}},
}

// The bars, and how many hostile requests are under way at once for how long.
const (
	offered     = 64
	attackTime  = 4 * time.Second
	attackLong  = 60 * time.Second
	healthyMost = 50 * time.Millisecond
	memoryMost  = 64 << 20
	settleTime  = 2 * time.Second
)

// config gives hostile guests few milliseconds, and all of them a place beside the healthy one.
const config = `name = "neighbours"
compatibility_date = "2026-11-01"

[pagesrun.limits]
cpu_ms = 50
memory_mb = 128
concurrency = 128
response_body_bytes = 8388608

[[kv_namespaces]]
binding = "KV"
id = "kv"
`

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{{Name: "neighbours", Question: "do hostile guests harm a healthy one?", Run: run}}
}

func run(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	m, err := serve(ctx, e)
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	alone := front.Quiet(m)
	first, err := m.ResidentBytes()
	if err != nil {
		return nil, err
	}
	found := []rig.Finding{rig.Check(len(alone.Bad) == 0, "a healthy client alone", "served", "%s", alone)}
	for _, h := range kinds {
		found = append(found, h.beside(ctx, e, m, alone)...)
	}
	time.Sleep(settleTime)
	last, err := m.ResidentBytes()
	if err != nil {
		return found, err
	}
	return append(found,
		rig.Check(last-first <= memoryMost, "memory kept after all of them", "≤ 64 MiB more", "%+.1f MiB", float64(last-first)/(1<<20)),
		rig.Ends("the process lives, and ends by itself", m.Stop())), nil
}

func serve(ctx context.Context, e *rig.Env) (*machine.Machine, error) {
	guest, err := e.BuildScript(ctx, "torture/neighbours/guest")
	if err != nil {
		return nil, err
	}
	return machine.Serve(ctx, machine.Options{Pagesrun: e.Pagesrun, Guest: guest, Work: e.Work, Config: config, Metrics: true, LogLevel: "none"})
}

// beside has hostile requests under way all the time and a healthy client beside them.
func (h hostile) beside(ctx context.Context, e *rig.Env, m *machine.Machine, alone front.Waits) []rig.Finding {
	last := attackTime
	if e.Long {
		last = attackLong
	}
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	watched := front.Watch(m)
	ended, strange := h.attack(ctx, m.URL)
	w := watched.End()
	bar := max(2*alone.P99, healthyMost)
	return []rig.Finding{rig.Check(w.P99 <= bar && len(w.Bad) == 0 && ended > 0 && strange == 0, fmt.Sprintf("a healthy client beside %d × %s (%d ended)", offered, h.what, ended),
		"p99 ≤ "+bar.Round(time.Millisecond).String(), "%s; %d ended in another way than they should", w, strange)}
}

// attack keeps requests under way until the time is over, and counts how many ended, and how many of them as none should.
func (h hostile) attack(ctx context.Context, url string) (ended, strange int64) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: offered}}
	defer client.CloseIdleConnections()
	var all, bad atomic.Int64
	var clients sync.WaitGroup
	for range offered {
		clients.Go(func() {
			for ctx.Err() == nil {
				status, err := ask(ctx, client, url+"/?kind="+h.kind)
				if ctx.Err() != nil {
					return
				}
				if all.Add(1); err != nil && status != http.StatusOK || !h.may(status) {
					bad.Add(1)
				}
			}
		})
	}
	clients.Wait()
	return all.Load(), bad.Load()
}

func (h hostile) may(status int) bool {
	for _, s := range h.statuses {
		if s == status {
			return true
		}
	}
	return false
}

// ask sends a request and reads its answer; where the answer breaks off the status is given with the error.
func ask(ctx context.Context, client *http.Client, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
