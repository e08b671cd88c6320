package tck

import (
	"errors"
	"fmt"
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

// Matrix is a table in Markdown: for each row and group of cases how many passed, and of how many where those are not all.
func Matrix(files []*File, rows []Row) string {
	var groups []string
	total := map[string]int{}
	for _, f := range files {
		if total[f.Group] == 0 {
			groups = append(groups, f.Group)
		}
		total[f.Group] += len(f.Cases)
	}
	slices.Sort(groups)
	var b strings.Builder
	b.WriteString("| | " + strings.Join(groups, " | ") + " |\n|---|" + strings.Repeat("---:|", len(groups)) + "\n")
	for _, r := range rows {
		passed := map[string]int{}
		for _, o := range r.Outcomes {
			if o.Err == nil {
				passed[o.File.Group]++
			}
		}
		b.WriteString("| " + r.Name + " |")
		for _, g := range groups {
			if passed[g] == total[g] {
				fmt.Fprintf(&b, " %d |", passed[g])
			} else {
				fmt.Fprintf(&b, " **%d of %d** |", passed[g], total[g])
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
