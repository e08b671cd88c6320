package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// How often files rot; each time one file of every kind does.
const (
	rotsShort, rotsLong = 40, 2000
	// rotWrites is how many writes to each binding there are to be read back.
	rotWrites = 40
	// truncateEvery is how often a file is cut off instead of having a bit flipped.
	truncateEvery = 10
	// codeEvery is how often compiled code is damaged, which has to be compiled again for a second.
	codeEvery = 5
)

// rotKind is a kind of file.
type rotKind struct {
	name, binding string
	killed        bool // it is looked for in what kill -9 leaves, not in what a stop leaves
	match         func(path string) bool
}

// rotKinds are all kinds. What belongs to one binding is not damaged twice at a time, so that what is seen has one cause.
var rotKinds = []rotKind{
	{"KV database", "kv", false, inDir("kv", ".sqlite")},
	{"D1 database", "d1", false, inDir("d1", ".sqlite")},
	{"queue messages", "queues", false, inDir("queues", ".blk")},
	{"compiled code", "", false, func(path string) bool { return inDir("cache", "")(path) && filepath.Ext(path) != ".crc32c" }},
	{"KV write-ahead log", "kv", true, inDir("kv", "-wal")},
	{"D1 write-ahead log", "d1", true, inDir("d1", "-wal")},
	{"queue state", "queues", true, func(path string) bool {
		return inDir("queues", "")(path) && filepath.Ext(path) != ".blk" && filepath.Base(path) != "lock"
	}},
	{"checksum of compiled code", "", true, inDir("cache", ".crc32c")},
}

// inDir matches files of a part of the data directory whose names end in a certain way.
func inDir(dir, suffix string) func(string) bool {
	return func(path string) bool {
		return strings.HasPrefix(filepath.ToSlash(path), "data/"+dir+"/") && strings.HasSuffix(path, suffix)
	}
}

// outcome counts what became of one kind of file.
type outcome struct {
	damaged  int      // files that were damaged
	noticed  int      // an operation failed
	altered  []string // something was read that nobody has written
	told     int      // what had been acknowledged was not there, and the log says so
	lost     []string // what had been acknowledged was not there, as if it had never been written
	unnamed  []string // an operation failed, and no line of the log has the file's name
	complete int      // everything was there
}

// decay is a run in which files rot.
type decay struct {
	*torture
	seen map[string]*outcome
	dead []string // damage after which it did not start
}

// rot damages files of every kind, starts the server on them and reads everything back.
func rot(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	d, err := newDecay(ctx, e)
	if err != nil {
		return nil, err
	}
	rounds := e.Repeat(rotsShort, rotsLong)
	for round := 0; round < rounds && ctx.Err() == nil; round++ {
		if err := d.once(round); err != nil {
			return d.findings(rounds), fmt.Errorf("round %d: %w", round, err)
		}
	}
	control, err := d.control()
	return append(d.findings(rounds), control), errors.Join(err, ctx.Err())
}

func newDecay(ctx context.Context, e *rig.Env) (*decay, error) {
	t, err := Options{Fault: Kill, Durability: "sync"}.new(ctx, e)
	if err != nil {
		return nil, err
	}
	d := &decay{torture: t, seen: map[string]*outcome{}}
	for _, kind := range rotKinds {
		d.seen[kind.name] = &outcome{}
	}
	return d, d.fill()
}

// fill writes what is to be read back, and keeps the files as kill -9 leaves them and as a stop does.
func (d *decay) fill() error {
	m, err := d.start(false)
	if err != nil {
		return err
	}
	defer m.Kill()
	for i := range rotWrites {
		for _, l := range d.report.ledgers {
			w := newWrite(l.name, fmt.Sprintf("%s%d", roundPrefix(0), i), i)
			l.send(w.entries)
			if _, err := m.Ask("POST", w.path, w.body); err != nil {
				return err
			}
			l.ack(0, w.entries)
		}
	}
	m.Kill()
	if err := copyStore(d.base(true), d.store()); err != nil {
		return err
	}
	if m, err = d.start(false); err != nil {
		return err
	}
	if err := m.Stop(); err != nil {
		return err
	}
	return copyStore(d.base(false), d.store())
}

func (d *decay) base(killed bool) string {
	if killed {
		return filepath.Join(d.Work, "killed")
	}
	return filepath.Join(d.Work, "stopped")
}

// once damages one file of each kind that one of the two states has, and looks.
func (d *decay) once(round int) error {
	killed := round%2 == 1
	if err := os.RemoveAll(d.store()); err != nil {
		return err
	}
	if err := copyStore(d.store(), d.base(killed)); err != nil {
		return err
	}
	damage := map[string]string{} // by kind, what was done
	for _, kind := range rotKinds {
		if kind.killed != killed || kind.binding == "" && round/2%codeEvery != 0 {
			continue
		}
		text, err := d.damage(kind, round/2%truncateEvery == truncateEvery-1)
		if err != nil {
			return err
		}
		damage[kind.name] = text
		d.seen[kind.name].damaged++
	}
	m, err := d.serve(false)
	if err != nil {
		d.dead = append(d.dead, fmt.Sprintf("%v: %v", damage, err))
		return nil
	}
	defer m.Kill()
	for _, kind := range rotKinds {
		if text, ok := damage[kind.name]; ok {
			d.look(m, kind, text)
		}
	}
	return nil
}

// control changes a bit of a value in a database that has no checksums: that must be seen to be served.
func (d *decay) control() (f rig.Finding, err error) {
	path := filepath.Join(d.store(), "data", "kv", "kv-keys.sqlite")
	if err := errors.Join(os.RemoveAll(d.store()), os.MkdirAll(filepath.Dir(path), 0o700), withoutChecksums(path)); err != nil {
		return f, err
	}
	if err := d.writeOne(newWrite("kv", "control", 0)); err != nil {
		return f, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	at := bytes.LastIndex(content, []byte("control:")) + len("contro")
	content[at] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return f, err
	}
	m, err := d.serve(false)
	if err != nil {
		return f, err
	}
	defer m.Kill()
	d.seen["control"] = &outcome{}
	d.look(m, rotKind{name: "control", binding: "kv"}, "data/kv/kv-keys.sqlite")
	altered := len(d.seen["control"].altered)
	return rig.Check(altered > 0, "a bit of a value changed in a KV database without checksums: altered data served (the control)", "some", "%d", altered), nil
}

// writeOne has a server write, and stop.
func (d *decay) writeOne(w write) error {
	m, err := d.serve(false)
	if err != nil {
		return err
	}
	defer m.Kill()
	d.ledgers["kv"].send(w.entries)
	if _, err := m.Ask("POST", w.path, w.body); err != nil {
		return err
	}
	return m.Stop()
}

// withoutChecksums makes a database whose pages have no room for checksums; pagesrun leaves such a one as it is.
func withoutChecksums(path string) error {
	conn, err := sqlite3.Open("file:" + filepath.ToSlash(path))
	if err != nil {
		return err
	}
	return errors.Join(conn.Exec("CREATE TABLE some (x); DROP TABLE some"), conn.Close())
}

// damage flips a bit of a file of a kind, or cuts the file off, at random, and says what it has done. An eighth of the bits are of a file's first 100 bytes, where
// the most depends on each.
func (d *decay) damage(kind rotKind, truncate bool) (string, error) {
	files, err := d.files(kind)
	if err != nil {
		return "", err
	}
	name := files[d.random.IntN(len(files))]
	path := filepath.Join(d.store(), name)
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	used := len(bytes.TrimRight(content, "\x00")) // room that was taken in advance has nothing to lose
	at := d.random.IntN(used)
	if d.random.IntN(8) == 0 {
		at = d.random.IntN(min(used, 100))
	}
	if truncate {
		return fmt.Sprintf("%s cut off at %d of %d", name, at, used), os.Truncate(path, int64(at))
	}
	bit := d.random.IntN(8)
	content[at] ^= 1 << bit
	return fmt.Sprintf("%s bit %d of byte %d of %d", name, bit, at, used), os.WriteFile(path, content, 0o600)
}

// files are the files of a kind that have something in them.
func (d *decay) files(kind rotKind) (found []string, err error) {
	err = filepath.WalkDir(d.store(), func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(d.store(), path)
		if err != nil || !e.Type().IsRegular() || !kind.match(rel) {
			return err
		}
		content, err := os.ReadFile(path)
		if len(bytes.TrimRight(content, "\x00")) > 0 {
			found = append(found, rel)
		}
		return err
	})
	slices.Sort(found)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there is no file of the kind %q", kind.name)
	}
	return found, err
}

// look reads everything of a binding and compares it with what was written.
func (d *decay) look(m *machine.Machine, kind rotKind, damage string) {
	o := d.seen[kind.name]
	l := d.ledgers[kind.binding]
	if l == nil { // compiled code: the server has started, and what it does is seen by the others
		o.complete++
		return
	}
	found, failed := d.readAll(m, l)
	for id, value := range found {
		if want, ok := l.sent[id]; !ok || value != want {
			o.altered = append(o.altered, fmt.Sprintf("%s: %s is %.40q", damage, id, value))
		}
	}
	missing := 0
	for id := range l.sent {
		if _, ok := found[id]; !ok {
			missing++
		}
	}
	wrong := failed != nil || missing > 0
	named := wrong && names(m, damage)
	switch {
	case failed != nil:
		o.noticed++
	case missing > 0 && named:
		o.told++
	case missing > 0:
		o.lost = append(o.lost, fmt.Sprintf("%s: %d of %d", damage, missing, len(l.sent)))
	default:
		o.complete++
	}
	if failed != nil && !named {
		o.unnamed = append(o.unnamed, fmt.Sprintf("%s: %v", damage, failed))
	}
}

// tellTime is how long a line of the log may take to come.
const tellTime = 2 * time.Second

// names says whether the log names the file that was damaged; a log is named with its database.
func names(m *machine.Machine, damage string) bool {
	file, _, _ := strings.Cut(damage, " ")
	file = strings.TrimSuffix(file, "-wal")
	for end := time.Now().Add(tellTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(m.Printed(), file) {
			return true
		}
	}
	return false
}

// readAll reads every entry on its own, so that one that cannot be read does not hide the others. The error joins those of the entries.
func (d *decay) readAll(m *machine.Machine, l *ledger) (found map[string]string, err error) {
	if l.name == "queues" {
		return d.peek()
	}
	found = map[string]string{}
	for id := range l.sent {
		if group(id) != id {
			continue
		}
		part, failed := stored(m, "/"+l.name+"?prefix="+id)
		err = errors.Join(err, failed)
		for key, value := range part {
			if _, ours := l.sent[key]; ours || group(key) == id {
				found[key] = value
			}
		}
	}
	return found, err
}

// peek reads the messages that wait, with the command for that.
func (d *decay) peek() (map[string]string, error) {
	cmd := exec.Command(d.Pagesrun, "queues", "peek", "torture", "--json", "-n", "100000", "--config", filepath.Join(d.Work, "wrangler.toml"), "--persist-to", filepath.Join(d.store(), "data"))
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, err
	}
	var list []struct{ Body string }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, m := range list {
		found[m.Body] = ""
	}
	return found, nil
}

func (d *decay) findings(rounds int) []rig.Finding {
	list := []rig.Finding{rig.Check(len(d.dead) == 0, fmt.Sprintf("starts on a damaged data directory, of %d", rounds), "all", "%d failed%s", len(d.dead), such(d.dead))}
	for _, kind := range rotKinds {
		o := d.seen[kind.name]
		what := fmt.Sprintf("%s damaged %d times (nothing missing %d, operations failed %d, the log told of a loss %d)", kind.name, o.damaged, o.complete, o.noticed, o.told)
		list = append(list, rig.Check(len(o.altered) == 0 && len(o.lost) == 0, what+": altered data served as good; lost without a word", "0; 0",
			"%d; %d%s", len(o.altered), len(o.lost), such(slices.Concat(o.altered, o.lost))))
		if kind.binding != "" {
			list = append(list, rig.Check(len(o.unnamed) == 0, kind.name+": failed operations of which no line of the log names the file", "0", "%d%s", len(o.unnamed), such(o.unnamed)))
		}
	}
	return list
}

// such gives an example.
func such(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ", such as " + list[0]
}
