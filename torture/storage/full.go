package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// The disk that is filled: its size, how much of that another file takes that goes away later, and what is written into it at once.
const (
	fullMiB      = 96
	ballastMiB   = 24
	largeBytes   = 96 << 10
	resumeMost   = time.Second
	fillAttempts = 2000
	// fillFirst is how many writes each binding has room for in any case.
	fillFirst = 60
	// fullParts is in how many parts entries are read back, each of which fits into the function's memory.
	fullParts = 10
)

// filled is a run on a small disk.
type filled struct {
	*torture
	writes map[string][]write // acknowledged, by binding
}

// full fills a small disk through each binding.
func full(ctx context.Context, e *rig.Env) (found []rig.Finding, err error) {
	t, err := Options{Fault: Kill, Rounds: fullParts, Durability: "sync"}.new(ctx, e)
	if err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", t.store(), "tmpfs", 0, fmt.Sprintf("size=%dm", fullMiB)); err != nil {
		return nil, fmt.Errorf("%w: no tmpfs can be mounted: %v", rig.ErrUnavailable, err)
	}
	defer syscall.Unmount(t.store(), syscall.MNT_DETACH)
	f := &filled{torture: t, writes: map[string][]write{}}
	ballast := filepath.Join(t.store(), "ballast")
	if err := os.WriteFile(ballast, make([]byte, ballastMiB<<20), 0o600); err != nil {
		return nil, err
	}
	m, err := f.start(false)
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	for _, l := range f.report.ledgers {
		if err := f.fill(m, l, fillFirst); err != nil {
			return found, err
		}
	}
	for _, l := range f.report.ledgers {
		found = append(found, f.refused(m, l))
	}
	for part := range fullParts {
		if err := f.check(m, roundPrefix(part)); err != nil {
			return found, fmt.Errorf("reading on a full disk: %w", err)
		}
	}
	found = append(found, f.read(), f.delete(m))
	if err := os.Remove(ballast); err != nil {
		return found, err
	}
	found = append(found, f.resume(m), rig.Ends("the process lives all the time, and ends by itself", m.Stop()))
	if err := f.inspect(); err != nil {
		return found, err
	}
	if err := f.settle(); err != nil {
		return found, err
	}
	return append(found, f.kept()...), nil
}

// large makes a write that takes much room.
func large(binding, id string) write {
	w := newWrite(binding, id, 0)
	w.body = id + ":" + strings.Repeat("v", largeBytes)
	for key := range w.entries {
		if binding != "queues" {
			w.entries[key] = w.body
		}
	}
	return w
}

// write writes and keeps the ledger.
func (f *filled) write(m *machine.Machine, l *ledger, w write) error {
	l.send(w.entries)
	if _, err := m.Ask("POST", w.path, w.body); err != nil {
		return err
	}
	l.ack(0, w.entries)
	f.writes[l.name] = append(f.writes[l.name], w)
	return nil
}

// fill writes to a binding, at most so often, until it refuses.
func (f *filled) fill(m *machine.Machine, l *ledger, most int) error {
	for i := range most {
		if err := f.write(m, l, large(l.name, fmt.Sprintf("%sfill-%x", roundPrefix(i%fullParts), rand.Uint64()))); err != nil {
			return err
		}
	}
	return nil
}

// refused fills what is left, and expects that the refusal says why.
func (f *filled) refused(m *machine.Machine, l *ledger) rig.Finding {
	got := "no error"
	if err := f.fill(m, l, fillAttempts); err != nil {
		got = strings.TrimSpace(err.Error())
	}
	return rig.Check(strings.Contains(got, ": 507 "), fmt.Sprintf("%s: a write for which the disk has no room, after %d that had", l.name, len(f.writes[l.name])), "storage_full", "%.160s", got)
}

func (f *filled) read() rig.Finding {
	n, lost, strange := 0, 0, 0
	for _, l := range f.report.ledgers {
		if l.name != "queues" {
			n, lost, strange = n+l.acknowledged, lost+len(l.lost), strange+len(l.strange)
		}
	}
	return rig.Check(n > 0 && lost+strange == 0, fmt.Sprintf("KV and D1: entries that cannot be read while the disk is full, of %d", n), "0", "%d, and %d that nobody wrote", lost, strange)
}

// delete deletes every other entry of KV and D1 while there is no room.
func (f *filled) delete(m *machine.Machine) rig.Finding {
	n, failed := 0, []string{}
	for _, name := range []string{"kv", "d1"} {
		for i, w := range f.writes[name] {
			if i%2 == 1 {
				continue
			}
			n++
			if _, err := m.Ask("DELETE", w.path, ""); err != nil {
				failed = append(failed, err.Error())
				continue
			}
			f.ledgers[name].forget(w.entries)
		}
	}
	return rig.Check(n > 0 && len(failed) == 0, fmt.Sprintf("deletes that fail while the disk is full, of %d", n), "0", "%d%s", len(failed), such(failed))
}

// resume measures how long it takes until every binding can be written to, once there is room.
func (f *filled) resume(m *machine.Machine) rig.Finding {
	begin := time.Now()
	var longest time.Duration
	var last error
	for _, l := range f.report.ledgers {
		for i := 0; ; i++ {
			if last = f.write(m, l, large(l.name, fmt.Sprintf("%safter%d-%x", roundPrefix(0), i, rand.Uint32()))); last == nil || time.Since(begin) > aliveMost {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		longest = max(longest, time.Since(begin))
	}
	got := longest.Round(time.Millisecond).String()
	if last != nil {
		got = last.Error()
	}
	return rig.Check(last == nil && longest <= resumeMost, "time until all of them take writes again, when there is room, the process going on", "≤ "+resumeMost.String(), "%s", got)
}

// kept says what there is in the end.
func (f *filled) kept() []rig.Finding {
	return append(f.report.kept("after a full disk"), f.report.sound("databases that SQLite finds corrupt after a full disk"))
}
