package tck

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// ErrSkipped is the outcome of a case that cannot be run here.
var ErrSkipped = errors.New("skipped: it needs a clock that passes only when told to")

// Outcome is what a case came to.
type Outcome struct {
	// File is the file of the case, Number the case's in it.
	File   *File
	Number int
	// Err is nil for a case that passes and [ErrSkipped] for one that was not run.
	Err error
}

// Name is the case's sentence.
func (o Outcome) Name() string { return o.File.Cases[o.Number].Name }

// parallelMax is how many cases of one file run at the same time.
const parallelMax = 16

// RunAll runs all cases of a file.
func (f *File) RunAll(site *Site) []Outcome {
	outcomes := make([]Outcome, len(f.Cases))
	var wg sync.WaitGroup
	free := make(chan struct{}, parallelMax)
	for i := range f.Cases {
		one := func() {
			outcomes[i] = Outcome{f, i, nil}
			if f.Clock && site.SetTime == nil {
				outcomes[i].Err = ErrSkipped
				return
			}
			outcomes[i].Err = f.Run(site, i)
		}
		if !f.Parallel {
			one()
			continue
		}
		free <- struct{}{}
		wg.Go(func() { one(); <-free })
	}
	wg.Wait()
	return outcomes
}

// failed is the outcome of every case of a file whose site could not be had.
func (f *File) failed(err error) []Outcome {
	outcomes := make([]Outcome, len(f.Cases))
	for i := range outcomes {
		outcomes[i] = Outcome{f, i, err}
	}
	return outcomes
}

// Run serves the probe with the configuration of a file, in a directory of its own, and runs all its cases.
func (c Command) Run(f *File) []Outcome {
	if f.Clock {
		return f.failed(ErrSkipped)
	}
	dir, err := os.MkdirTemp("", "tck-")
	if err != nil {
		return f.failed(err)
	}
	defer os.RemoveAll(dir)
	s, err := c.Serve(f, dir)
	if err != nil {
		return f.failed(err)
	}
	outcomes := f.RunAll(&s.Site)
	if err := s.Close(); err != nil {
		last := &outcomes[len(outcomes)-1]
		last.Err = errors.Join(last.Err, err)
	}
	return outcomes
}

// Row is a line of the matrix: a probe with the outcomes of all cases.
type Row struct {
	// Name names the probe, such as "Rust, debug".
	Name string
	// Outcomes are those of its cases.
	Outcomes []Outcome
}

// count is how many cases of a group were run, and how many of these passed.
type count struct{ passed, run int }

// counts counts the cases of each group.
func (r Row) counts() map[string]count {
	all := map[string]count{}
	for _, o := range r.Outcomes {
		c := all[o.File.Group]
		c.run++
		if o.Err == nil {
			c.passed++
		}
		all[o.File.Group] = c
	}
	return all
}

// Matrix is a table in Markdown: for each row and group of cases how many passed, and of how many where those are not all that were run.
func Matrix(rows []Row) string {
	groups := map[string]bool{}
	for _, r := range rows {
		for group := range r.counts() {
			groups[group] = true
		}
	}
	names := slices.Sorted(maps.Keys(groups))
	var b strings.Builder
	b.WriteString("| | " + strings.Join(names, " | ") + " |\n|---|" + strings.Repeat("---:|", len(names)) + "\n")
	for _, r := range rows {
		b.WriteString("| " + r.Name + " |")
		all := r.counts()
		for _, name := range names {
			if c := all[name]; c.passed == c.run {
				fmt.Fprintf(&b, " %d |", c.passed)
			} else {
				fmt.Fprintf(&b, " **%d of %d** |", c.passed, c.run)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
