package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/torture/disk"
	"github.com/pagesrun/pagesrun/torture/mount"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// How often the instruments end a process: in the short variant, in the long one, and in the control.
const (
	killsShort, killsLong = 40, 1000
	pullsShort, pullsLong = 30, 200
	pullsControl          = 6
)

// readyMost is how long pagesrun may take to serve again.
const readyMost = time.Second

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{
		{Name: "kill", Question: "does every acknowledged write survive kill -9?", Run: kill},
		{Name: "power", Question: "does every acknowledged write survive the loss of power?", Run: power(disk.Journal)},
		{Name: "nth-failure", Question: "what if the n-th write, fsync, create, … of the disk fails?", Run: nth},
		{Name: "strace", Question: "what if system calls of a running process fail?", Run: injected},
		{Name: "disk-full", Question: "what if the disk is full?", Run: full},
		{Name: "gigabyte", Question: "how soon does it serve again after kill -9, with 1 GB of data?", Run: gigabyte},
		{Name: "rot", Question: "is data that has changed on the disk ever served, and does it start?", Run: rot},
		{Name: "power-letter", Question: "and where a file system makes new names durable by an fsync of their directory alone?", Extra: true, Run: power(disk.Letter)},
	}
}

// kill ends processes of both durabilities: what relaxed gives up is not to be seen by it.
func kill(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	var all []rig.Finding
	for _, durability := range []string{"sync", "relaxed"} {
		found, err := Options{Fault: Kill, Rounds: e.Repeat(killsShort, killsLong) / 2, Durability: durability}.find(ctx, e)
		if all = append(all, found...); err != nil {
			return all, err
		}
	}
	return all, nil
}

func power(model disk.Model) func(context.Context, *rig.Env) ([]rig.Finding, error) {
	return func(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
		if err := mount.Works(); err != nil {
			return nil, fmt.Errorf("%w: no file system can be mounted: %v", rig.ErrUnavailable, err)
		}
		found, err := Options{Fault: Pull, Model: model, Rounds: e.Repeat(pullsShort, pullsLong), Durability: "sync"}.find(ctx, e)
		if err != nil {
			return found, err
		}
		control, err := Options{Fault: Pull, Model: model, Rounds: pullsControl, Durability: "relaxed"}.find(ctx, e)
		return append(found, control...), err
	}
}

// new begins a run of an instrument, with a directory and the guest of its own.
func (o Options) new(ctx context.Context, e *rig.Env) (*torture, error) {
	o.Pagesrun, o.Seed = e.Pagesrun, e.Seed
	var err error
	if o.Guest, err = e.BuildGo(ctx, GuestDir); err != nil {
		return nil, err
	}
	if o.Work, err = os.MkdirTemp(e.Work, "storage-"); err != nil {
		return nil, err
	}
	return newTorture(o)
}

// find runs and makes findings of the report.
func (o Options) find(ctx context.Context, e *rig.Env) (found []rig.Finding, err error) {
	o.Pagesrun, o.Seed = e.Pagesrun, e.Seed
	if o.Guest, err = e.BuildGo(ctx, GuestDir); err != nil {
		return nil, err
	}
	if o.Work, err = os.MkdirTemp(e.Work, "storage-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(filepath.Clean(o.Work))
	r, err := o.Run(ctx)
	e.Say("%s", r)
	return r.findings(o), err
}

// findings are the lines of the table.
func (r *Report) findings(o Options) (list []rig.Finding) {
	control := o.Fault == Pull && o.Durability == "relaxed"
	for _, l := range r.ledgers {
		what := fmt.Sprintf("%s, durability = %s: acknowledged writes lost in %d × %s, of %d", l.name, o.Durability, o.Rounds, o.Fault, l.acknowledged)
		if control {
			what += " (the control)"
			list = append(list, rig.Check(len(l.lost) > 0 && len(l.strange) == 0, what, "some", "%d", len(l.lost)))
			continue
		}
		list = append(list, l.kept(what))
	}
	list = append(list, r.sound(fmt.Sprintf("%s, durability = %s: databases that SQLite finds corrupt", o.Fault, o.Durability)))
	if !control {
		list = append(list, rig.Check(r.Ready(0.5) <= readyMost, fmt.Sprintf("%s, durability = %s: time until it serves again, median (most)", o.Fault, o.Durability), "≤ "+readyMost.String(), "%s (%s)", r.Ready(0.5), r.Ready(1)))
	}
	return list
}

// kept says of every ledger whether something of it was lost.
func (r *Report) kept(when string) (list []rig.Finding) {
	for _, l := range r.ledgers {
		list = append(list, l.kept(fmt.Sprintf("%s: acknowledged writes lost %s, of %d", l.name, when, l.acknowledged)))
	}
	return list
}

// kept says whether nothing acknowledged is missing, and nothing there that nobody wrote.
func (l *ledger) kept(what string) rig.Finding {
	return rig.Check(l.acknowledged > 0 && len(l.lost) == 0 && len(l.strange) == 0, what, "0", "%d, and %d that nobody wrote", len(l.lost), len(l.strange))
}

// sound says whether SQLite finds every database that was looked at whole.
func (r *Report) sound(what string) rig.Finding {
	return rig.Check(r.checked > 0 && len(r.corrupt) == 0, fmt.Sprintf("%s, of %d", what, r.checked), "0", "%d", len(r.corrupt))
}
