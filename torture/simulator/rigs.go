package simulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/torture/rig"
)

// How many seeds are tried.
const (
	seedsShort = 1000
	seedsLong  = 100_000
)

// garbage is how much garbage there may be beside what worlds hold, which is little, in percent.
const garbage = 400

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{{Name: "simulator", Question: "do KV, D1 and queues behave as plain maps, whatever is done to them?", Run: simulate}}
}

func simulate(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	n := e.Repeat(seedsShort, seedsLong)
	debug.SetGCPercent(garbage)
	defer debug.SetGCPercent(100)
	begin := time.Now()
	failed, seen, err := Seeds(ctx, e.Seed, n, e.Work, e.Say)
	for _, f := range failed {
		e.Say("%v", f)
	}
	took := time.Since(begin)
	e.Say("%d seeds from %d on, %s each; make torture ARGS='-only simulator -times 1 -seed N' repeats one", n, e.Seed, (took / time.Duration(n)).Round(time.Microsecond))
	happened := fmt.Sprintf("%d calls; %d errors of the disk, %d power cuts, %d kills, %d deadlines, for which %d calls failed", seen.Calls, seen.Refused, seen.Cuts, seen.Kills, seen.Late, seen.Failed)
	return []rig.Finding{
		rig.Check(len(failed) == 0, fmt.Sprintf("worlds of %d steps that differ from plain maps, of %d, the first with seed %d", steps, n, e.Seed), "0", "%d%s", len(failed), first(failed)),
		rig.Check(seen.Refused > 0 && seen.Cuts > 0 && seen.Kills > 0 && seen.Failed > 0 || n < seedsShort, "what happened in them", "some of each", "%s", happened),
	}, err
}

func first(failed []error) string {
	if len(failed) == 0 {
		return ""
	}
	return fmt.Sprintf(", such as %.200v", failed[0])
}

// sayEvery is after how many seeds Seeds says how it is going.
const sayEvery = 1000

// Seeds runs the worlds of n seeds, from the first on, in a directory of /dev/shm or else below dir, and gives what differs from the models, and what happened in them.
func Seeds(ctx context.Context, from uint64, n int, dir string, say func(string, ...any)) (failed []error, seen Seen, err error) {
	dir, err = worldDirectory(dir)
	if err != nil {
		return nil, seen, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	disks, err := prepare(ctx, dir)
	if err != nil {
		return nil, seen, err
	}
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := 0
	// turn gives the next seed, after what came of the one before.
	turn := func(s Seen, bad error) (seed uint64, more bool) {
		mu.Lock()
		defer mu.Unlock()
		seen.add(s)
		if bad != nil && ctx.Err() == nil {
			failed = append(failed, bad)
		}
		next++
		if next%sayEvery == 0 {
			say("seed %d, %d failed", from+uint64(next), len(failed))
		}
		return from + uint64(next-1), next <= n && ctx.Err() == nil
	}
	wrongs := make([]error, runtime.GOMAXPROCS(0))
	for i := range wrongs {
		workers.Go(func() { wrongs[i] = work(ctx, disks, dir, turn) })
	}
	workers.Wait()
	return failed, seen, errors.Join(wrongs...)
}

// prepare opens a database in no world, so that there is a file system to put disks before.
func prepare(ctx context.Context, dir string) (*disks, error) {
	g, err := newGuest(ctx)
	if err != nil {
		return nil, err
	}
	own := filepath.Join(dir, "first")
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, err
	}
	w := newWorld(1, newDisk(own), g)
	if err = w.configure(toml); err == nil {
		err = w.open(ctx)
	}
	if err == nil {
		err = w.close(ctx)
	}
	if err = errors.Join(err, g.runtime.Close(ctx)); err != nil {
		return nil, err
	}
	return install()
}

// work runs worlds, one after the other, as long as there are more.
func work(ctx context.Context, disks *disks, dir string, turn func(Seen, error) (uint64, bool)) error {
	g, err := newGuest(ctx)
	if err != nil {
		return err
	}
	var seen Seen
	for {
		seed, more := turn(seen, err)
		if !more {
			return g.runtime.Close(ctx)
		}
		seen, err = inDirectory(ctx, seed, disks, dir, g)
	}
}

func inDirectory(ctx context.Context, seed uint64, disks *disks, dir string, g *guest) (seen Seen, err error) {
	own, err := os.MkdirTemp(dir, "world-")
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(own)) }()
	disk, remove := disks.add(own)
	defer remove()
	w := newWorld(seed, disk, g)
	err = w.live(ctx)
	return w.seen, err
}
