package upgrade

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/e2e/process"
	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

var update = flag.String("update", "", "write the data directory of this version under `NAME`")

// config has everything but consumers for what is to stay in its queue.
const config = `name = "upgrade"
compatibility_date = "2026-11-01"

[[kv_namespaces]]
binding = "KEYS"
id = "keys"

[[d1_databases]]
binding = "DB"
database_name = "db"
database_id = "db"

[[queues.producers]]
binding = "WAITING"
queue = "waiting"

[[queues.producers]]
binding = "FAILING"
queue = "failing"

[[queues.consumers]]
queue = "failing"
max_batch_timeout = 0
max_retries = 0
dead_letter_queue = "dead"

[[analytics_engine_datasets]]
binding = "POINTS"
dataset = "points"

[pagesrun.analytics.points]
retention_days = 36500

[triggers]
crons = ["* * * * *", "0 0 1 1 *"]
`

// consumers take what is waiting.
const consumers = `
[[queues.consumers]]
queue = "waiting"
max_batch_timeout = 0

[[queues.consumers]]
queue = "dead"
max_batch_timeout = 0
`

// waitMost is how long anything may take on a busy machine.
const waitMost = 2 * time.Minute

// bench is what a test works with.
type bench struct {
	*testing.T
	pagesrun, guest, work, data string
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, pagesrun: filepath.Join(t.TempDir(), "pagesrun"), work: t.TempDir()}
	b.data = filepath.Join(b.work, "data")
	var err error
	e := rig.Env{Root: process.Root(), Work: t.TempDir()}
	if b.guest, err = e.BuildGo(t.Context(), "upgrade/guest"); err != nil {
		t.Fatal(err)
	}
	if err := process.Build(b.pagesrun); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) serve(config string) *machine.Machine {
	b.Helper()
	m, err := machine.Serve(context.Background(), machine.Options{Pagesrun: b.pagesrun, Guest: b.guest, Work: b.work, Config: config})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Kill)
	return m
}

func (b *bench) ask(m *machine.Machine, method, path string) string {
	b.Helper()
	text, err := m.Ask(method, path, "")
	if err != nil {
		b.Fatalf("%v\n%s", err, m.Printed())
	}
	return text
}

// run runs a command of pagesrun and gives what it prints.
func (b *bench) run(args ...string) string {
	b.Helper()
	cmd := exec.Command(b.pagesrun, append(args, "--config", filepath.Join(b.work, "wrangler.toml"), "--persist-to", b.data)...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v: %v\n%s", args, err, complaints.String())
	}
	return string(out)
}

// told is everything that can be read of the data directory while m serves.
func (b *bench) told(m *machine.Machine) string {
	return strings.Join([]string{
		b.ask(m, "GET", "/read"),
		"waiting", b.run("queues", "peek", "waiting", "--json", "-n", "100"),
		"dead", b.run("queues", "peek", "dead", "--json", "-n", "100"),
		"points", b.run("analytics", "query", "SELECT index1, blob1, blob2, double1, double2, timestamp FROM points ORDER BY double1"),
	}, "\n")
}

// TestWriteTheDataDirectory writes what the other test reads, when it is asked to.
func TestWriteTheDataDirectory(t *testing.T) {
	if *update == "" {
		t.Skip("nothing is written without -update NAME")
	}
	b := newBench(t)
	m := b.serve(config)
	b.ask(m, "POST", "/write")
	b.until("the tick of a minute, and the dead letter", func() bool {
		return strings.Contains(b.ask(m, "GET", "/read"), `"ticked"`) && strings.Contains(b.run("queues", "info", "dead"), "1")
	})
	b.until("the points", func() bool { return strings.Contains(b.run("analytics", "query", "SELECT count() FROM points"), "3") })
	if err := os.WriteFile(b.file(*update, "-told.txt"), []byte(b.told(m)), 0o644); err != nil {
		t.Fatal(err)
	}
	m.Kill()
	b.pack(*update + "-killed")
	if err := b.serve(config).Stop(); err != nil {
		t.Fatal(err)
	}
	b.pack(*update + "-stopped")
}

func (b *bench) until(what string, fn func() bool) {
	b.Helper()
	for end := time.Now().Add(waitMost); !fn(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal("there is not: ", what)
		}
	}
}

func (b *bench) file(name, suffix string) string { return filepath.Join("testdata", name+suffix) }

// TestEveryVersionsDataIsReadAndWritten opens what earlier versions have left.
func TestEveryVersionsDataIsReadAndWritten(t *testing.T) {
	kept, err := filepath.Glob("testdata/*.tar.gz")
	if err != nil || len(kept) == 0 {
		t.Fatal("there is nothing to open: ", err)
	}
	tools := newBench(t)
	for _, file := range kept {
		name := strings.TrimSuffix(filepath.Base(file), ".tar.gz")
		t.Run(name, func(t *testing.T) {
			b := &bench{T: t, pagesrun: tools.pagesrun, guest: tools.guest, work: t.TempDir()}
			b.data = filepath.Join(b.work, "data")
			b.unpack(file)
			b.reads(name[:strings.LastIndex(name, "-")])
			b.writes()
			b.intact()
			b.refusesNewer()
		})
	}
}

// reads compares what can be read with what could be read by the version that wrote it.
func (b *bench) reads(version string) {
	m := b.serve(config)
	want, err := os.ReadFile(b.file(version, "-told.txt"))
	if err != nil {
		b.Fatal(err)
	}
	if got := b.told(m); got != string(want) {
		b.Errorf("it tells\n%s\nwanted is\n%s", got, want)
	}
	if err := m.Stop(); err != nil {
		b.Error(err)
	}
}

// writes adds to everything, and has what waits consumed.
func (b *bench) writes() {
	m := b.serve(config + consumers)
	b.ask(m, "POST", "/more")
	var got string
	b.until("all that was sent", func() bool {
		got = b.ask(m, "GET", "/received")
		for _, body := range []string{"text", "{\\\\\\\"n\\\\\\\":1}", `\\x00\\xff`, "due at once", "first", "second", "goes to the dead letters", "again"} {
			if !strings.Contains(got, body) {
				return false
			}
		}
		return true
	})
	b.until("the points of both", func() bool { return strings.Contains(b.run("analytics", "query", "SELECT count() FROM points"), "6") })
	read := b.ask(m, "GET", "/read")
	for _, text := range []string{`key "plain": 5 bytes "again"`, `"GRACE"`, `{"children", 4}`} {
		if !strings.Contains(read, text) {
			b.Errorf("after the writes there is no %s in\n%s", text, read)
		}
	}
	if strings.Contains(read, `key "large"`) {
		b.Error("what was deleted is there")
	}
	if err := m.Stop(); err != nil {
		b.Error(err)
	}
}

// intact has SQLite check every file, and looks for what only files tell.
func (b *bench) intact() {
	err := filepath.WalkDir(b.data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sqlite" {
			return err
		}
		if got := b.query(path, "PRAGMA integrity_check"); got != "ok" {
			b.Errorf("%s: %s", path, got)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if got := b.query(filepath.Join(b.data, "cron", "cron.sqlite"), "SELECT group_concat(expression, '; ' ORDER BY id) || (SELECT count(*) > 0 FROM ticks) FROM crons"); got != "* * * * *; 0 0 1 1 *1" {
		b.Errorf("cron's ledger has %s", got)
	}
}

// query gives the first value of a query.
func (b *bench) query(path, sql string) string {
	b.Helper()
	conn, err := sqlite3.Open("file:" + filepath.ToSlash(path))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	stmt, _, err := conn.Prepare(sql)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	stmt.Step()
	return stmt.ColumnText(0)
}

// refusesNewer says that the directory is of a newer version: nothing may serve it, read it or change it then.
func (b *bench) refusesNewer() {
	stamp := filepath.Join(b.data, "FORMAT")
	if err := os.WriteFile(stamp, []byte("2\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve", b.guest, "--port", "0", "--admin", "off"}, {"kv", "key", "list", "--binding", "KEYS"}, {"d1", "execute", "DB", "--command", "SELECT 1"}, {"queues", "list"}, {"analytics", "datasets"},
	} {
		out, err := exec.Command(b.pagesrun, append(args, "--config", filepath.Join(b.work, "wrangler.toml"), "--persist-to", b.data)...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "has format 2 (says "+stamp+") and this version of pagesrun knows formats up to 1") {
			b.Errorf("%s: %v: %s", args[0], err, out)
		}
	}
}

// pack writes the data directory, but for what is no data, into testdata.
func (b *bench) pack(name string) {
	b.Helper()
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	w := tar.NewWriter(z)
	err := filepath.WalkDir(b.data, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(b.data, path)
		switch {
		case err != nil:
			return err
		case rel == "cache":
			return fs.SkipDir
		case !d.Type().IsRegular() || d.Name() == "lock" || strings.HasSuffix(rel, "-shm") || d.Name() == "api-token":
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o600, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err = errors.Join(err, w.Close(), z.Close(), os.WriteFile(b.file(name, ".tar.gz"), out.Bytes(), 0o644)); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) unpack(file string) {
	b.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		b.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(b.data, filepath.FromSlash(h.Name))
		text, err := io.ReadAll(r)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			b.Fatal(err)
		}
	}
}
