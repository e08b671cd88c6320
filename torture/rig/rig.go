// Package rig is what all instruments of torture have in common: what they are given, and how they say what they have found.
//
// Every instrument keeps two rules. It has a control, a run against something known to be unsafe that must be seen to fail, or says why there can be none; and
// clients make up the unique values by which a loss is seen, never the server.
package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Rig is an instrument.
type Rig struct {
	// Name selects it on the command line; Question is what it answers, in one sentence.
	Name, Question string
	// Extra instruments run only where they are named.
	Extra bool
	// Run finds out. An error means that the instrument does not work here; what is wrong with pagesrun is in the findings.
	Run func(ctx context.Context, e *Env) ([]Finding, error)
}

// Finding is one line of the table.
type Finding struct {
	// What was looked at; Bar is the promise, Got what was seen.
	What, Bar, Got string
	// Holds says whether the promise does.
	Holds bool
}

// Check makes a finding.
func Check(holds bool, what, bar, got string, args ...any) Finding {
	return Finding{What: what, Bar: bar, Got: fmt.Sprintf(got, args...), Holds: holds}
}

// Ends makes the finding that a server ends by itself. stopped is what stopping it gave.
func Ends(what string, stopped error) Finding {
	got := "status 0"
	if stopped != nil {
		got = stopped.Error()
	}
	return Check(stopped == nil, what, "status 0", "%s", got)
}

// ErrUnavailable says that an instrument needs what this machine has not.
var ErrUnavailable = errors.New("cannot run here")

// Env is what an instrument works with.
type Env struct {
	// Pagesrun is the program; Root the source tree; Work a directory of the instrument's own that goes away.
	Pagesrun, Root, Work string
	// Long asks for the long variant; the short one of all instruments together takes less than 20 minutes on two cores.
	Long bool
	// Times says how often to repeat, 0 as often as the variant does.
	Times int
	// Seed is what all choices follow from.
	Seed uint64
	// Say prints how it is going.
	Say func(format string, args ...any)
}

// Repeat is how often to repeat something: Times, or else short or long.
func (e *Env) Repeat(short, long int) int {
	switch {
	case e.Times > 0:
		return e.Times
	case e.Long:
		return long
	}
	return short
}

// BuildGo builds a function in Go, of a directory of this module, and gives where the module is.
func (e *Env) BuildGo(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(e.Work, strings.ReplaceAll(dir, "/", "-")+".wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-o", out, "./"+dir)
	cmd.Dir = filepath.Join(e.Root, "torture")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	return out, run(cmd)
}

// BuildScript builds a function with the script build.sh of a directory of the source tree, such as an example's.
func (e *Env) BuildScript(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(e.Work, strings.ReplaceAll(dir, "/", "-")+".wasm")
	cmd := exec.CommandContext(ctx, "sh", "build.sh", out)
	cmd.Dir = filepath.Join(e.Root, dir)
	return out, run(cmd)
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
