package simulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/torture/rig"
)

// How many seeds are tried.
const (
	seedsShort = 2000
	seedsLong  = 100_000
)

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{{Name: "simulator", Question: "do KV, D1 and queues behave as plain maps, whatever is done to them?", Run: simulate}}
}

func simulate(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	n := e.Repeat(seedsShort, seedsLong)
	begin := time.Now()
	failed, err := Seeds(ctx, e.Seed, n, e.Work)
	for _, f := range failed {
		e.Say("%v", f)
	}
	took := time.Since(begin)
	e.Say("%d seeds from %d on, %s each", n, e.Seed, (took / time.Duration(n)).Round(time.Microsecond))
	return []rig.Finding{rig.Check(len(failed) == 0, fmt.Sprintf("worlds of %d steps that differ from plain maps, of %d", steps, n), "0", "%d%s", len(failed), first(failed))}, err
}

func first(failed []error) string {
	if len(failed) == 0 {
		return ""
	}
	return fmt.Sprintf(", such as %.200v", failed[0])
}

// Seeds runs the worlds of n seeds, from the first on, below a directory, and gives what differs from the models.
func Seeds(ctx context.Context, from uint64, n int, dir string) (failed []error, err error) {
	var mu sync.Mutex
	var workers sync.WaitGroup
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			g, wrong := newGuest(ctx)
			for wrong == nil && ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(n) {
					break
				}
				bad := inDirectory(ctx, from+uint64(i), dir, g)
				if bad != nil {
					mu.Lock()
					failed = append(failed, bad)
					mu.Unlock()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if wrong == nil {
				wrong = g.runtime.Close(ctx)
			}
			err = errors.Join(err, wrong)
		})
	}
	workers.Wait()
	return failed, err
}

func inDirectory(ctx context.Context, seed uint64, dir string, g *guest) (err error) {
	own, err := os.MkdirTemp(dir, "world-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(own)) }()
	return live(ctx, seed, own, g)
}
