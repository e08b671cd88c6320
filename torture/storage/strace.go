package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// injection is a system call that fails: the n-th of each thread.
type injection struct{ calls, errno, what string }

var injections = []injection{
	{"fsync,fdatasync", "EIO", "fsync fails with EIO"},
	{"pwrite64", "ENOSPC", "pwrite fails with ENOSPC"},
}

// How many numbers n are tried of each.
const injectShort, injectLong = 2, 12

// injected is [nth] with strace in the place of a file system: it needs no right to mount, and what fails is the kernel's answer to the program itself.
func injected(ctx context.Context, e *rig.Env) (found []rig.Finding, err error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("%w: there is no strace", rig.ErrUnavailable)
	}
	for _, in := range injections {
		t, err := Options{Fault: Kill, Durability: "sync"}.new(ctx, e)
		if err != nil {
			return found, err
		}
		f := &failures{torture: t, where: map[string]int{}}
		err = in.run(ctx, f, strace, e.Repeat(injectShort, injectLong))
		if found = append(found, in.findings(f)...); err != nil {
			return found, err
		}
	}
	return found, nil
}

// run has the n-th call of every thread fail while a script of writes runs, for n = 1, 2, …; afterwards all is as it should be.
func (in injection) run(ctx context.Context, f *failures, strace string, most int) error {
	for n := 1; n <= most && ctx.Err() == nil; n++ {
		m, err := f.start(false)
		if err != nil {
			return err
		}
		err = in.life(f, m, strace, n)
		m.Kill()
		if err != nil {
			return fmt.Errorf("%s, number %d: %w\n%s", in.what, n, err, m.Printed())
		}
		if err := f.inspect(); err != nil {
			return err
		}
	}
	return f.final(most)
}

func (in injection) life(f *failures, m *machine.Machine, strace string, n int) error {
	log := filepath.Join(f.Work, fmt.Sprintf("strace-%d", n))
	tracer, err := attach(strace, m, log, fmt.Sprintf("inject=%s:error=%s:when=%d", in.calls, in.errno, n))
	if err != nil {
		return err
	}
	f.script(m, n-1, 0)
	tracer.Process.Signal(os.Interrupt)
	tracer.Wait()
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	f.struck += strings.Count(string(text), "(INJECTED)")
	return f.alive(m, n-1, 0)
}

// attach has strace watch a process, and returns when it does.
func attach(strace string, m *machine.Machine, log, what string) (*exec.Cmd, error) {
	cmd := exec.Command(strace, "-f", "-p", fmt.Sprint(m.PID()), "-o", log, "-e", what)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(stderr)
	line, _ := lines.ReadString('\n')
	if !strings.Contains(line, "attached") {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, errors.Join(rig.ErrUnavailable, fmt.Errorf("strace cannot watch another process: %s", line))
	}
	go lines.WriteTo(discard{})
	return cmd, nil
}

// discard takes what strace has to say about threads that come and go.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (in injection) findings(f *failures) (list []rig.Finding) {
	for _, l := range f.report.ledgers {
		list = append(list, rig.Check(l.acknowledged > 0 && len(l.lost) == 0 && len(l.strange) == 0, fmt.Sprintf("%s: acknowledged writes lost where %s, of %d", l.name, in.what, l.acknowledged),
			"0", "%d, and %d that nobody wrote", len(l.lost), len(l.strange)))
	}
	return append(list,
		rig.Check(f.dead <= aliveMost, "longest time until writes succeed again, the process going on", "≤ "+aliveMost.String(), "%s", f.dead.Round(time.Millisecond)),
		rig.Check(f.struck > 0, "calls that failed; writes refused for that", "some", "%d; %d", f.struck, f.refused),
		rig.Check(f.report.checked > 0 && len(f.report.corrupt) == 0, fmt.Sprintf("databases that SQLite finds corrupt after that and kill -9, of %d", f.report.checked), "0", "%d", len(f.report.corrupt)))
}
