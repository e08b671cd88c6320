package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/e2e/process"
	"github.com/pagesrun/pagesrun/torture/powerloss/disk"
	"github.com/pagesrun/pagesrun/torture/powerloss/mount"
)

// allBindings are those the guest can write to.
var allBindings = []string{"kv", "d1", "queues"}

// The shortest and the longest time between the start of the clients and a pull.
const (
	loadLeast = 100 * time.Millisecond
	loadMost  = 900 * time.Millisecond
)

// drainTime is how long the consumer may take for what is left at the end.
const drainTime = 2 * time.Minute

// torture is a run.
type torture struct {
	options
	disk    *disk.Disk
	mount   *mount.Mount
	random  *rand.Rand
	report  report
	ledgers map[string]*ledger
}

// report is what a run has found.
type report struct {
	model   disk.Model
	seed    uint64
	ledgers []*ledger
	pulls   map[disk.Cut]int
	undone  disk.Loss
	checked int
	corrupt []string
}

// String is the table at the end.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, model %s; pulls:", r.seed, r.model)
	for _, cut := range disk.Cuts() {
		fmt.Fprintf(&b, " %d left %s,", r.pulls[cut], cut)
	}
	fmt.Fprintf(&b, "\nundone were %d writes (%d bytes) and %d changes of directories; %d databases checked, %d corrupt\n",
		r.undone.Writes, r.undone.Bytes, r.undone.Moves, r.checked, len(r.corrupt))
	for _, l := range r.ledgers {
		fmt.Fprintf(&b, "%-7s %7d acknowledged in %d rounds, %d lost, %d never written\n", l.name, l.acknowledged, len(l.rounds), len(l.lost), len(l.strange))
	}
	return strings.TrimSpace(b.String())
}

// run pulls as often as asked for. An error means that pagesrun did not come back, or that the instrument failed.
func (o options) run() (*report, error) {
	t := &torture{options: o, disk: disk.New(o.model), random: rand.New(rand.NewPCG(o.seed, 0)), ledgers: map[string]*ledger{}}
	t.report = report{model: o.model, seed: o.seed, pulls: map[disk.Cut]int{}}
	for _, name := range o.bindings {
		if !slices.Contains(allBindings, name) {
			return &t.report, fmt.Errorf("there is no binding %q here", name)
		}
		t.ledgers[name] = newLedger(name)
		t.report.ledgers = append(t.report.ledgers, t.ledgers[name])
	}
	if err := os.Mkdir(filepath.Join(o.work, "disk"), 0o700); err != nil {
		return &t.report, err
	}
	err := t.plug()
	for round := 0; round < o.pulls && err == nil; round++ {
		if err = t.round(round); err != nil {
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

// plug mounts the disk for the next life.
func (t *torture) plug() (err error) {
	t.mount, err = mount.On(filepath.Join(t.work, "disk"), t.disk)
	return err
}

// round is one life: start, look at what the round before has left, write, pull.
func (t *torture) round(round int) error {
	m, err := t.start(round%2 == 1)
	if err != nil {
		return err
	}
	defer m.kill()
	if round > 0 {
		if err := t.check(m, roundPrefix(round-1)); err != nil {
			return fmt.Errorf("%w\n%s", err, m.printed())
		}
	}
	wait := load(m, round, t.report.ledgers)
	time.Sleep(loadLeast + time.Duration(t.random.Int64N(int64(loadMost-loadLeast))))
	m.kill()
	wait()
	return t.pull(disk.Cuts()[round%len(disk.Cuts())])
}

// start starts pagesrun on the disk. Where it consumes, the queue has a consumer.
func (t *torture) start(consumes bool) (*machine, error) {
	config := filepath.Join(t.work, "wrangler.toml")
	if err := os.WriteFile(config, []byte(t.config(consumes)), 0o600); err != nil {
		return nil, err
	}
	m, err := boot(exec.Command(t.pagesrun, "serve", t.guest, "--port", "0", "--admin", "off", "--config", config, "--persist-to", filepath.Join(t.mount.Dir, "data")))
	if err != nil {
		return nil, err
	}
	if t.ledgers["d1"] != nil || t.ledgers["queues"] != nil {
		if _, err := m.ask("POST", "/d1/setup", ""); err != nil {
			m.kill()
			return nil, fmt.Errorf("%w\n%s", err, m.printed())
		}
	}
	return m, nil
}

// config is the function's configuration.
func (t *torture) config(consumes bool) string {
	text := "name = \"powerloss\"\ncompatibility_date = \"2026-11-01\"\n\n[pagesrun]\ndurability = \"" + t.durability + "\"\n\n[pagesrun.limits]\noperations = 1000000\n"
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
func (t *torture) check(m *machine, prefix string) error {
	for path, name := range map[string]string{"/kv": "kv", "/d1": "d1"} {
		l := t.ledgers[name]
		if l == nil {
			continue
		}
		stored, err := m.stored(path + "?prefix=" + prefix)
		if err != nil {
			return err
		}
		l.check(stored, prefix, true)
		l.whole(stored, prefix, group)
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
	copied, err := os.MkdirTemp(t.work, "left-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	if err := t.disk.Dump(copied); err != nil {
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
	defer m.kill()
	for round := range t.pulls {
		if err := t.check(m, roundPrefix(round)); err != nil {
			return err
		}
	}
	l := t.ledgers["queues"]
	if l == nil {
		m.stop()
		return nil
	}
	if err := t.drain(m); err != nil {
		return fmt.Errorf("%w\n%s", err, m.printed())
	}
	for round := range t.pulls {
		received, err := m.stored("/queue?prefix=" + roundPrefix(round))
		if err != nil {
			return err
		}
		l.check(received, roundPrefix(round), false)
		l.whole(received, roundPrefix(round), group)
	}
	m.stop()
	return nil
}

// drain waits until no message is left.
func (t *torture) drain(m *machine) error {
	for deadline := time.Now().Add(drainTime); ; time.Sleep(100 * time.Millisecond) {
		left, err := m.ask("GET", "/queue/backlog", "")
		if err != nil || left == "0" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s there are still %s messages in the queue", drainTime, left)
		}
	}
}

// buildGuest builds the function under torture.
func buildGuest(path string) error {
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", path, "./guest")
	cmd.Dir = filepath.Join(process.Root(), "torture", "powerloss")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest: %w\n%s", err, out)
	}
	return nil
}
