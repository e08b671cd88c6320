package process

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a server may take until it serves, on a busy machine: CRuby is compiled in a quarter of a minute on one that is not.
const startTime = 3 * time.Minute

// Result is what a finished process leaves.
type Result struct {
	// Code is the exit status, -1 for one that was killed.
	Code           int
	Stdout, Stderr string
}

// Command is how to run the binary.
type Command struct {
	// Binary is the path of pagesrun.
	Binary string
	// Dir is the working directory.
	Dir  string
	Args []string
	// Env are NAME=VALUE entries besides PATH and HOME, which are all the process gets.
	Env []string
	// Stdin is what it reads.
	Stdin string
}

func (c Command) prepare() *exec.Cmd {
	cmd := exec.Command(c.Binary, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, c.Env...)
	cmd.Stdin = strings.NewReader(c.Stdin)
	return cmd
}

// Run runs a command to its end.
func (c Command) Run(t testing.TB) Result {
	t.Helper()
	cmd := c.prepare()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(startTime, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// Server is a running "pagesrun serve" or "pagesrun dev".
type Server struct {
	// URL is where it serves, without a slash at the end.
	URL string
	// Ready is how long it took from its start until it served.
	Ready time.Duration

	t      testing.TB
	cmd    *exec.Cmd
	mu     sync.Mutex
	lines  []string
	change chan struct{} // closed and replaced with each line
	ended  chan struct{}
	result Result
}

// Start runs a command that serves, and returns when it does. The process is killed at the end of the test.
func (c Command) Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, cmd: c.prepare(), change: make(chan struct{}), ended: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	go s.collect(stderr)
	s.URL = strings.TrimPrefix(s.Line("Serving on ", startTime), "Serving on ")
	s.Ready = time.Since(begun)
	return s
}

// AdminURL waits for the line that names the admin listener and gives its URL.
func (s *Server) AdminURL() string {
	s.t.Helper()
	return strings.TrimSuffix(strings.TrimPrefix(s.Line("Metrics on ", startTime), "Metrics on "), "/metrics")
}

// collect takes in what the process prints, until it ends.
func (s *Server) collect(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			s.add(strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			break
		}
	}
	s.cmd.Wait()
	s.result.Code = s.cmd.ProcessState.ExitCode()
	close(s.ended)
}

func (s *Server) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
	close(s.change)
	s.change = make(chan struct{})
}

// Log is what the process has printed on standard error.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// Line waits for a line that contains text and gives it. The test fails when none comes in time.
func (s *Server) Line(text string, limit time.Duration) string {
	s.t.Helper()
	timer := time.After(limit)
	for {
		line, change := s.find(text)
		if line != "" {
			return line
		}
		select {
		case <-change:
		case <-s.ended:
			if line, _ := s.find(text); line != "" {
				return line
			}
			s.t.Fatalf("ended with %d without a line %q:\n%s", s.result.Code, text, s.Log())
		case <-timer:
			s.t.Fatalf("no line %q after %s:\n%s", text, limit, s.Log())
		}
	}
}

func (s *Server) find(text string) (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		if strings.Contains(line, text) {
			return line, s.change
		}
	}
	return "", s.change
}

// Signal sends a signal.
func (s *Server) Signal(sig syscall.Signal) { s.cmd.Process.Signal(sig) }

// Wait waits for the process to end.
func (s *Server) Wait(limit time.Duration) Result {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatalf("still running after %s:\n%s", limit, s.Log())
	}
	s.result.Stderr = s.Log()
	return s.result
}

// Stop asks the process to end as Ctrl-C does, and waits for it.
func (s *Server) Stop() Result {
	s.t.Helper()
	s.Signal(syscall.SIGINT)
	return s.Wait(startTime)
}

// Kill ends the process with kill -9 and waits until it is gone.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	<-s.ended
}
