// Package neighbours runs hostile guests beside a healthy one, in one server and of one function, and measures what the healthy one's clients go through.
//
// Its controls are tests: in package front that a healthy client that has to wait, or fails, is seen, and here that an attack is counted.
package neighbours

import (
	"context"
	"fmt"
	"time"

	"github.com/pagesrun/pagesrun/torture/apart"
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
	{"deep", "endless recursion that overflows the function's stack", []int{500}},
	{"bottomless", "endless recursion that overflows the engine's stack", []int{500, 503}},
	{"trap", "traps", []int{500}},
	{"handles", "calls that nobody takes", []int{500, 503}},
	{"logs", "log lines without end", []int{500, 503}},
	{"output", "answers without end", []int{200, 500, 503}},
}

// The bars, and how long each attack is.
const (
	attackTime  = 4 * time.Second
	attackLong  = 60 * time.Second
	healthyMost = 50 * time.Millisecond
	memoryMost  = 64 << 20
	settleTime  = 25 * time.Second // idle instances are looked at every 10 s, and those thrown away that were not needed since the last time
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
		f, err := h.beside(ctx, e, m, alone)
		if err != nil {
			return found, err
		}
		found = append(found, f)
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
func (h hostile) beside(ctx context.Context, e *rig.Env, m *machine.Machine, alone front.Waits) (rig.Finding, error) {
	last := attackTime
	if e.Long {
		last = attackLong
	}
	watched := front.Watch(m)
	var got attacked
	err := apart.Run(ctx, &got, attackPart, m.URL, h.kind, last.String())
	w, bar := watched.End(), front.Bearable(alone, healthyMost)
	what := fmt.Sprintf("a healthy client beside %d × %s (%d ended)", offered, h.what, got.Ended)
	holds := w.P99 <= bar && len(w.Bad) == 0 && got.Ended > 0 && got.Strange == 0
	return rig.Check(holds, what, "p99 ≤ "+bar.Round(time.Millisecond).String(), "%s; %d ended in another way than they should", w, got.Strange), err
}
