// Package apart runs a part of this program in a process of its own: an attack whose work should not be in the way of whoever measures what the attack does to others.
package apart

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// mark is the first argument of a process that does one part of the program.
const mark = "-apart"

// Part is what a process of its own does. It gets the arguments that [Run] was given; its result must have a form in JSON.
type Part func(ctx context.Context, args []string) (any, error)

// Done does a part and reports true when this process was started to; main calls it first, and ends then. Such a process prints its result and nothing else.
func Done(parts map[string]Part) bool {
	if len(os.Args) < 3 || os.Args[1] != mark {
		return false
	}
	part := parts[os.Args[2]]
	if part == nil {
		fail(fmt.Errorf("this program has no part %q", os.Args[2]))
	}
	result, err := part(context.Background(), os.Args[3:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fail(err)
	}
	return true
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Run starts this program for a part, waits until it has ended, and puts its result into the value that result points to. The process ends with ctx at the latest.
func Run(ctx context.Context, result any, part string, args ...string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	var printed bytes.Buffer
	cmd := exec.CommandContext(ctx, program, append([]string{mark, part}, args...)...)
	cmd.Stderr = &printed
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", part, err, printed.Bytes())
	}
	return json.Unmarshal(out, result)
}
