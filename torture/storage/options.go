package storage

import (
	"errors"
	"fmt"

	"github.com/pagesrun/pagesrun/torture/disk"
)

// Fault is how a round ends.
type Fault string

// The faults.
const (
	Kill Fault = "kill -9"
	Pull Fault = "power loss"
)

// Options are what a run is made of.
type Options struct {
	// Fault ends each of so many Rounds.
	Fault  Fault
	Rounds int
	// Bindings are those written to: all of [AllBindings] where it is nil.
	Bindings []string
	// Model is what the disk takes an fsync for; it counts for [Pull].
	Model disk.Model
	// Durability is "sync", or "relaxed", which must lose at a [Pull].
	Durability string
	// Seed is what the choices follow from; their moments are the machine's.
	Seed uint64
	// Pagesrun is the program, Guest the function built from the directory guest, Work a directory for this run alone.
	Pagesrun, Guest, Work string
}

// GuestDir is where the function's source is, in this module.
const GuestDir = "storage/guest"

// Verdict says what is wrong with a run; nil when nothing is.
func (r *Report) Verdict(mustLose bool) error {
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
