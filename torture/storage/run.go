package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/torture/disk"
	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/mount"
)

// AllBindings are those the guest can write to.
var AllBindings = []string{"kv", "d1", "queues"}

// The shortest and the longest time between the start of the clients and a pull.
const (
	loadLeast = 100 * time.Millisecond
	loadMost  = 900 * time.Millisecond
)

// drainTime is how long the consumer may take for what is left at the end.
const drainTime = 2 * time.Minute

// torture is a run.
type torture struct {
	Options
	disk    *disk.Disk
	mount   *mount.Mount
	random  *rand.Rand
	report  Report
	ledgers map[string]*ledger
}

// Report is what a run has found.
type Report struct {
	fault   Fault
	model   disk.Model
	seed    uint64
	ledgers []*ledger
	pulls   map[disk.Cut]int
	undone  disk.Loss
	checked int
	corrupt []string
	// ready is how long each start after the first took until pagesrun served.
	ready []time.Duration
}

// String is what is to be said of the run, in a few lines.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d", r.fault, r.seed)
	if r.fault == Pull {
		fmt.Fprintf(&b, ", model %s; pulls:", r.model)
		for _, cut := range disk.Cuts() {
			fmt.Fprintf(&b, " %d left %s,", r.pulls[cut], cut)
		}
		fmt.Fprintf(&b, "\nundone were %d writes (%d bytes) and %d changes of directories", r.undone.Writes, r.undone.Bytes, r.undone.Moves)
	}
	fmt.Fprintf(&b, "; %d databases checked, %d corrupt; ready after %s at the median, %s at most\n", r.checked, len(r.corrupt), r.Ready(0.5), r.Ready(1))
	for _, l := range r.ledgers {
		fmt.Fprintf(&b, "%-7s %7d acknowledged in %d rounds, %d lost, %d never written\n", l.name, l.acknowledged, len(l.rounds), len(l.lost), len(l.strange))
	}
	return strings.TrimSpace(b.String())
}

// Ready is the time that a share of the starts, 1 for all, were ready within.
func (r *Report) Ready(share float64) time.Duration {
	if len(r.ready) == 0 {
		return 0
	}
	slices.Sort(r.ready)
	return r.ready[int(share*float64(len(r.ready)-1))].Round(time.Millisecond)
}

// newTorture begins a run: with nothing written yet, on a disk of its own that has to be closed.
func newTorture(o Options) (*torture, error) {
	t := &torture{Options: o, disk: disk.New(o.Model), random: rand.New(rand.NewPCG(o.Seed, 0)), ledgers: map[string]*ledger{}}
	t.report = Report{fault: o.Fault, model: o.Model, seed: o.Seed, pulls: map[disk.Cut]int{}}
	if t.Bindings == nil {
		t.Bindings = AllBindings
	}
	for _, name := range t.Bindings {
		t.ledgers[name] = newLedger(name)
		t.report.ledgers = append(t.report.ledgers, t.ledgers[name])
	}
	if err := os.Mkdir(t.store(), 0o700); err != nil {
		return t, err
	}
	return t, t.plug()
}

// Run runs all rounds. An error means that pagesrun did not come back, or that the instrument failed.
func (o Options) Run(ctx context.Context) (*Report, error) {
	t, err := newTorture(o)
	for round := 0; round < o.Rounds && err == nil; round++ {
		if err = errors.Join(t.round(round), ctx.Err()); err != nil {
			err = fmt.Errorf("round %d: %w", round, err)
		}
	}
	if err == nil {
		err = t.settle()
	}
	if t.mount != nil {
		err = errors.Join(err, t.mount.Close())
	}
	return &t.report, err
}

// store is the directory that holds the data directory.
func (t *torture) store() string { return filepath.Join(t.Work, "disk") }

// plug mounts the disk for the next life.
func (t *torture) plug() (err error) {
	if t.Fault == Pull {
		t.mount, err = mount.On(t.store(), t.disk)
	}
	return err
}

// round is one life: start, look at what the round before has left, write, end.
func (t *torture) round(round int) error {
	m, err := t.start(round%2 == 1)
	if err != nil {
		return err
	}
	defer m.Kill()
	if round > 0 {
		t.report.ready = append(t.report.ready, m.Ready)
		if err := t.check(m, roundPrefix(round-1)); err != nil {
			return fmt.Errorf("%w\n%s", err, m.Printed())
		}
	}
	wait := load(m, round, t.report.ledgers)
	time.Sleep(loadLeast + time.Duration(t.random.Int64N(int64(loadMost-loadLeast))))
	m.Kill()
	wait()
	if t.Fault == Kill {
		return t.inspect()
	}
	return t.pull(disk.Cuts()[round%len(disk.Cuts())])
}

// serve starts the server on what is there.
func (t *torture) serve(consumes bool) (*machine.Machine, error) {
	return machine.Serve(context.Background(), machine.Options{Pagesrun: t.Pagesrun, Guest: t.Guest, Work: t.Work, Config: t.config(consumes), Data: filepath.Join(t.store(), "data")})
}

// start starts pagesrun on the disk. Where it consumes, the queue has a consumer.
func (t *torture) start(consumes bool) (*machine.Machine, error) {
	m, err := t.serve(consumes)
	if err != nil {
		return nil, err
	}
	if t.ledgers["d1"] != nil || t.ledgers["queues"] != nil {
		if _, err := m.Ask("POST", "/d1/setup", ""); err != nil {
			m.Kill()
			return nil, fmt.Errorf("%w\n%s", err, m.Printed())
		}
	}
	return m, nil
}

// config is the function's configuration.
func (t *torture) config(consumes bool) string {
	text := "name = \"torture\"\ncompatibility_date = \"2026-11-01\"\n\n[pagesrun]\ndurability = \"" + t.Durability + "\"\n\n[pagesrun.limits]\noperations = 1000000\n"
	if t.ledgers["kv"] != nil {
		text += "\n[[kv_namespaces]]\nbinding = \"KEYS\"\nid = \"keys\"\n"
	}
	if t.ledgers["d1"] != nil || t.ledgers["queues"] != nil {
		text += "\n[[d1_databases]]\nbinding = \"DB\"\ndatabase_name = \"db\"\ndatabase_id = \"db\"\n"
	}
	if t.ledgers["queues"] == nil {
		return text
	}
	text += "\n[[queues.producers]]\nbinding = \"QUEUE\"\nqueue = \"torture\"\n"
	if consumes {
		text += "\n[[queues.consumers]]\nqueue = \"torture\"\nmax_batch_size = 100\nmax_batch_timeout = 0\nmax_retries = 100\n"
	}
	return text
}

// check compares what is stored under a prefix with the ledgers. Messages are compared at the end alone: until then some wait.
func (t *torture) check(m *machine.Machine, prefix string) error {
	for path, name := range map[string]string{"/kv": "kv", "/d1": "d1"} {
		l := t.ledgers[name]
		if l == nil {
			continue
		}
		found, err := stored(m, path+"?prefix="+prefix)
		if err != nil {
			return err
		}
		l.check(found, prefix, true)
		l.whole(found, prefix, group)
	}
	return nil
}

// pull cuts the power and mounts what is left, after a look at the databases.
func (t *torture) pull(cut disk.Cut) error {
	err := t.mount.Close()
	if t.mount = nil; err != nil {
		return err
	}
	lost := t.disk.Pull(cut, t.random)
	t.report.pulls[cut]++
	t.report.undone.Writes += lost.Writes
	t.report.undone.Bytes += lost.Bytes
	t.report.undone.Moves += lost.Moves
	if err := t.inspect(); err != nil {
		return err
	}
	return t.plug()
}

// inspect opens a copy of every SQLite file, as the next process will, and has SQLite check it.
func (t *torture) inspect() error {
	copied, err := os.MkdirTemp(t.Work, "left-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	if t.Fault == Kill {
		err = copyStore(copied, t.store())
	} else {
		err = t.disk.Dump(copied)
	}
	if err != nil {
		return err
	}
	return filepath.WalkDir(copied, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sqlite" {
			return err
		}
		t.report.checked++
		if err := integrity(path); err != nil {
			t.report.corrupt = append(t.report.corrupt, fmt.Sprintf("%s: %v", strings.TrimPrefix(path, copied), err))
		}
		return nil
	})
}

// integrity has SQLite check a database, write-ahead log included.
func integrity(path string) (err error) {
	conn, err := sqlite3.Open("file:" + filepath.ToSlash(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	stmt, _, err := conn.Prepare("PRAGMA integrity_check")
	if err != nil {
		return err
	}
	defer stmt.Close()
	for stmt.Step() {
		if text := stmt.ColumnText(0); text != "ok" {
			err = errors.Join(err, errors.New(text))
		}
	}
	return errors.Join(err, stmt.Err())
}

// settle has the consumer take what is left and compares everything of all rounds.
func (t *torture) settle() error {
	m, err := t.start(true)
	if err != nil {
		return err
	}
	defer m.Kill()
	for round := range t.Rounds {
		if err := t.check(m, roundPrefix(round)); err != nil {
			return err
		}
	}
	l := t.ledgers["queues"]
	if l == nil {
		return m.Stop()
	}
	if err := t.drain(m); err != nil {
		return fmt.Errorf("%w\n%s", err, m.Printed())
	}
	for round := range t.Rounds {
		received, err := stored(m, "/queue?prefix="+roundPrefix(round))
		if err != nil {
			return err
		}
		l.check(received, roundPrefix(round), false)
		l.whole(received, roundPrefix(round), group)
	}
	return m.Stop()
}

// drain waits until no message is left.
func (t *torture) drain(m *machine.Machine) error {
	for deadline := time.Now().Add(drainTime); ; time.Sleep(100 * time.Millisecond) {
		left, err := m.Ask("GET", "/queue/backlog", "")
		if err != nil || left == "0" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s there are still %s messages in the queue", drainTime, left)
		}
	}
}

// copyStore copies the files of a directory tree. Sockets, which nobody listens on any more, are left out.
func copyStore(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}
