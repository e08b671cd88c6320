package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pagesrun/pagesrun/torture/disk"
	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/mount"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// scriptWrites is how many writes to each binding are made while one operation of the disk fails.
const scriptWrites = 4

// nthMost is up to which operation one is made to fail, in the short variant.
const nthMost = 12

// failures is a run in which, again and again, one operation of the disk fails.
type failures struct {
	*torture
	most    int
	struck  int
	refused int
	dead    time.Duration // the longest time in which nothing could be written
	where   map[string]int
}

// nth has the n-th operation of every kind fail, for n = 1, 2, 3, … until the script of writes needs no more. A write that the failure hits is refused or
// done; what is acknowledged stays, pagesrun goes on, and what a power cut right afterwards leaves is in order.
func nth(ctx context.Context, e *rig.Env) (found []rig.Finding, err error) {
	if err := mount.Works(); err != nil {
		return nil, fmt.Errorf("%w: no file system can be mounted: %v", rig.ErrUnavailable, err)
	}
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		f, err := failing(ctx, e)
		if err != nil {
			return found, err
		}
		err = f.run(ctx, errno)
		found = append(found, f.findings(errno)...)
		if closing := f.mount.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// failing mounts a disk for a run.
func failing(ctx context.Context, e *rig.Env) (*failures, error) {
	t, err := Options{Fault: Pull, Model: disk.Journal, Durability: "sync"}.new(ctx, e)
	return &failures{torture: t, most: e.Repeat(nthMost, 1<<30), where: map[string]int{}}, err
}

// run has every kind of operation fail with errno. Each kind ends with a power cut and a look at what is left.
func (f *failures) run(ctx context.Context, errno syscall.Errno) error {
	round := 0
	for _, op := range mount.Operations() {
		for n := 1; n <= f.most && ctx.Err() == nil; {
			m, err := f.start(false)
			if err != nil {
				return err
			}
			next, err := f.life(m, op, n, errno, round)
			m.Kill()
			if err != nil {
				return fmt.Errorf("%s %d fails: %w\n%s", op, n, err, m.Printed())
			}
			if err := f.pull(disk.Nothing); err != nil {
				return err
			}
			round++
			if next == 0 {
				break
			}
			n = next
		}
	}
	return f.final(round)
}

// livesStrikes is how many operations fail in one life of the process.
const livesStrikes = 4

// life has some operations fail, from the n-th on, and gives the next n; 0 when there was none to fail any more.
func (f *failures) life(m *machine.Machine, op mount.Operation, n int, errno syscall.Errno, round int) (next int, err error) {
	for strike := range livesStrikes {
		f.mount.Faults.Arm(op, n, errno)
		f.script(m, round, strike)
		file := f.mount.Faults.Disarm()
		if file == "" {
			return 0, nil
		}
		f.struck++
		f.where[kindOf(file)]++
		if err := f.alive(m, round, strike); err != nil {
			return 0, fmt.Errorf("at %s: %w", file, err)
		}
		n++
	}
	return n, nil
}

// kindOf names the store that a file belongs to.
func kindOf(file string) string {
	parts := strings.Split(strings.TrimPrefix(file, "/data/"), "/")
	return parts[0]
}

// script writes to every binding, one after the other, and keeps a ledger. Refused writes may be there or not.
func (f *failures) script(m *machine.Machine, round, strike int) {
	for i := range scriptWrites {
		for _, l := range f.report.ledgers {
			w := newWrite(l.name, fmt.Sprintf("%s%d-%d-%x", roundPrefix(round), strike, i, rand.Uint32()), i)
			l.send(w.entries)
			if _, err := m.Ask("POST", w.path, w.body); err != nil {
				f.refused++
				continue
			}
			l.ack(round, w.entries)
		}
	}
}

// aliveMost is how long a store may take after a failure until it takes writes again.
const aliveMost = 5 * time.Second

// alive expects that writes to every binding succeed again soon, without a restart of the process.
func (f *failures) alive(m *machine.Machine, round, strike int) error {
	for _, l := range f.report.ledgers {
		begin := time.Now()
		for i := 0; ; i++ {
			w := newWrite(l.name, fmt.Sprintf("%s%d-alive%d-%x", roundPrefix(round), strike, i, rand.Uint32()), 0)
			l.send(w.entries)
			_, err := m.Ask("POST", w.path, w.body)
			if err == nil {
				l.ack(round, w.entries)
				break
			}
			if time.Since(begin) > aliveMost {
				return fmt.Errorf("%s cannot be written to any more: %w", l.name, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		f.dead = max(f.dead, time.Since(begin))
	}
	return f.check(m, roundPrefix(round))
}

// final compares everything of all rounds, and has the consumer take all messages.
func (f *failures) final(rounds int) error {
	f.Rounds = rounds
	return f.settle()
}

func (f *failures) findings(errno syscall.Errno) []rig.Finding {
	var places []string
	for place, n := range f.where {
		places = append(places, fmt.Sprintf("%s %d", filepath.Clean(place), n))
	}
	slices.Sort(places)
	name := map[syscall.Errno]string{syscall.EIO: "EIO", syscall.ENOSPC: "ENOSPC"}[errno]
	return f.said("where one operation fails with "+name, "operations that failed ("+strings.Join(places, ", ")+")", "databases that SQLite finds corrupt after that and a power cut")
}

// said is what is found of failures: when they happened, what struck, and which databases were looked at afterwards.
func (f *failures) said(when, struck, databases string) []rig.Finding {
	return append(f.report.kept(when),
		rig.Check(f.dead <= aliveMost, "longest time until writes succeed again, the process going on", "≤ "+aliveMost.String(), "%s", f.dead.Round(time.Millisecond)),
		rig.Check(f.struck > 0, struck+"; writes refused for that", "some", "%d; %d", f.struck, f.refused),
		f.report.sound(databases))
}
