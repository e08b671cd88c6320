// Command torture breaks pagesrun on purpose, in every way its instruments know, and prints what it has found as a table.
//
// The exit status is 1 when a promise does not hold, 2 when an instrument could not be used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
	"github.com/pagesrun/pagesrun/torture/apart"
	"github.com/pagesrun/pagesrun/torture/front"
	"github.com/pagesrun/pagesrun/torture/memory"
	"github.com/pagesrun/pagesrun/torture/neighbours"
	"github.com/pagesrun/pagesrun/torture/rig"
	"github.com/pagesrun/pagesrun/torture/simulator"
	"github.com/pagesrun/pagesrun/torture/soak"
	"github.com/pagesrun/pagesrun/torture/storage"
)

// rigs are all instruments, in the order in which they run.
func rigs() []rig.Rig {
	return slices.Concat(storage.Rigs(), front.Rigs(), neighbours.Rigs(), memory.Rigs(), simulator.Rigs(), soak.Rigs())
}

func main() {
	if apart.Done(neighbours.Parts()) {
		return
	}
	e := rig.Env{Root: process.Root(), Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }}
	only := flag.String("only", "", "the `NAMES` of the instruments to use, with commas between them; all when empty")
	out := flag.String("markdown", "", "write the table into this `FILE`, between its markers")
	flag.BoolVar(&e.Long, "long", false, "repeat more often")
	flag.IntVar(&e.Times, "times", 0, "how `OFTEN` to repeat, in the place of what the variant does")
	flag.Uint64Var(&e.Seed, "seed", rand.Uint64(), "the `NUMBER` that choices follow from")
	flag.StringVar(&e.Pagesrun, "pagesrun", "", "the `PROGRAM`; built when empty")
	list := flag.Bool("list", false, "list the instruments")
	flag.Parse()
	if *list {
		for _, r := range rigs() {
			fmt.Printf("%-14s %s\n", r.Name, r.Question)
		}
		return
	}
	os.Exit(torture(&e, *only, *out))
}

// torture runs the instruments and gives the exit status.
func torture(e *rig.Env, only, markdown string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	chosen, err := choose(only)
	dir, tmp := os.MkdirTemp("", "pagesrun-torture-")
	if err = errors.Join(err, tmp); err == nil && e.Pagesrun == "" {
		e.Pagesrun = filepath.Join(dir, "pagesrun")
		err = process.Build(e.Pagesrun)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		return 2
	}
	defer os.RemoveAll(dir)
	t := &table{began: time.Now()}
	for _, r := range chosen {
		t.add(use(ctx, r, *e, dir))
	}
	fmt.Print("\n", t.text())
	if markdown != "" {
		if err := t.write(markdown); err != nil {
			fmt.Fprintln(os.Stderr, "torture:", err)
			return 2
		}
	}
	return t.status()
}

// choose gives the instruments with these names.
func choose(only string) (chosen []rig.Rig, err error) {
	names := strings.FieldsFunc(only, func(c rune) bool { return c == ',' })
	for _, r := range rigs() {
		if len(names) == 0 && !r.Extra || slices.Contains(names, r.Name) {
			chosen = append(chosen, r)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(rigs(), func(r rig.Rig) bool { return r.Name == name }) {
			err = errors.Join(err, fmt.Errorf("there is no instrument %q; -list lists them", name))
		}
	}
	return chosen, err
}

// use runs an instrument in a directory of its own.
func use(ctx context.Context, r rig.Rig, e rig.Env, dir string) result {
	e.Say("\n# %s: %s", r.Name, r.Question)
	begin := time.Now()
	e.Work = filepath.Join(dir, r.Name)
	err := os.Mkdir(e.Work, 0o700)
	var found []rig.Finding
	if err == nil {
		found, err = r.Run(ctx, &e)
	}
	err = errors.Join(err, os.RemoveAll(e.Work))
	took := time.Since(begin)
	for _, f := range found {
		e.Say("%s", line(f))
	}
	if err != nil {
		e.Say("%s: %v", r.Name, err)
	}
	return result{rig: r, found: found, err: err, took: took}
}
