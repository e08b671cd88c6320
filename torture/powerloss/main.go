package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/pagesrun/pagesrun/e2e/process"
	"github.com/pagesrun/pagesrun/torture/powerloss/disk"
	"github.com/pagesrun/pagesrun/torture/powerloss/mount"
)

// options are what a run is made of.
type options struct {
	pulls      int
	bindings   []string
	model      disk.Model
	durability string
	seed       uint64
	// pagesrun and guest are the program and the module; work is a directory that goes away.
	pagesrun, guest, work string
	say                   func(format string, args ...any)
}

func main() {
	o := options{say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }}
	flag.IntVar(&o.pulls, "pulls", 50, "how `OFTEN` to pull")
	list := flag.String("bindings", strings.Join(allBindings, ","), "the `NAMES` of the bindings to write to")
	letter := flag.Bool("letter", false, "take POSIX by the letter: a new file is durable only when its directory has been synced too. Otherwise an fsync commits names as file systems with a journal do")
	flag.StringVar(&o.durability, "durability", "sync", "sync or relaxed; relaxed must lose")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64(), "the `NUMBER` the choices of pulls follow from; their moments are the machine's")
	flag.StringVar(&o.pagesrun, "pagesrun", "", "the `PROGRAM`; built when empty")
	flag.Parse()
	o.bindings = strings.Split(*list, ",")
	if *letter {
		o.model = disk.Letter
	} else {
		o.model = disk.Journal
	}
	os.Exit(o.main())
}

// main runs everything and gives the exit status.
func (o options) main() int {
	if err := mount.Works(); err != nil {
		fmt.Fprintln(os.Stderr, "powerloss: NOTHING WAS TESTED: no file system can be mounted here:", err)
		return 2
	}
	dir, err := os.MkdirTemp("", "pagesrun-powerloss-")
	if err == nil {
		defer os.RemoveAll(dir)
		o.work = dir
		err = o.build()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "powerloss:", err)
		return 2
	}
	r, err := o.run()
	o.say("%s", r)
	if err == nil {
		err = r.verdict(o.durability == "relaxed")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "powerloss:", err)
		return 1
	}
	return 0
}

// build makes what is not given.
func (o *options) build() error {
	if o.guest == "" {
		o.guest = filepath.Join(o.work, "guest.wasm")
		if err := buildGuest(o.guest); err != nil {
			return err
		}
	}
	if o.pagesrun != "" {
		return nil
	}
	o.pagesrun = filepath.Join(o.work, "pagesrun")
	return process.Build(o.pagesrun)
}

// verdict says what is wrong with a run.
func (r *report) verdict(mustLose bool) error {
	var problems []error
	for _, l := range r.ledgers {
		switch lost := len(l.lost); {
		case l.acknowledged == 0:
			problems = append(problems, fmt.Errorf("%s: nothing was written", l.name))
		case mustLose && lost == 0:
			problems = append(problems, fmt.Errorf("%s: the control run has lost nothing: this instrument would not see a loss", l.name))
		case !mustLose && lost > 0:
			problems = append(problems, fmt.Errorf("%s: %d acknowledged writes are gone, such as %s", l.name, lost, l.lost[0]))
		}
		if len(l.strange) > 0 {
			problems = append(problems, fmt.Errorf("%s: %d things that nobody has written, such as %s", l.name, len(l.strange), l.strange[0]))
		}
	}
	for _, text := range r.corrupt {
		problems = append(problems, errors.New(text))
	}
	return errors.Join(problems...)
}
