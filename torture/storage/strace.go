package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

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
	go io.Copy(io.Discard, lines) // what it has to say about threads that come and go
	return cmd, nil
}

func (in injection) findings(f *failures) []rig.Finding {
	return f.said("where "+in.what, "calls that failed", "databases that SQLite finds corrupt after that and kill -9")
}
