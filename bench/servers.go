package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a server under measurement, in a process of its own.
type server struct {
	name string
	url  string
	// started is how long it took from starting the process to its first 200.
	started time.Duration
	cmd     *exec.Cmd
	ended   chan error
}

// startServer starts a program and waits for its first 200. command gets the address to listen on.
func startServer(name string, command func(address string) *exec.Cmd) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, url: "http://" + address + "/", cmd: command(address), ended: make(chan error, 1)}
	start := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	if err := s.await(address); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.stop())
	}
	s.started = time.Since(start)
	return s, nil
}

// freeAddress is a port of this machine that is free now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startLimit is the longest a server may take to its first answer.
const startLimit = 30 * time.Second

// await asks again and again until the server answers.
func (s *server) await(address string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: startLimit}
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(500 * time.Microsecond) {
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("it ended before it answered: %w", err)
		default:
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		c.Close()
		return expectOK(client, s.url)
	}
	return fmt.Errorf("no answer in %v", startLimit)
}

func expectOK(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %d: %.200s", resp.StatusCode, body)
	}
	return err
}

// stopLimit is how long a server may take to end by itself.
const stopLimit = 10 * time.Second

// stop ends the process.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopLimit):
		return s.cmd.Process.Kill()
	}
}

// clockTick is the kernel's unit of the times in /proc/PID/stat; it has been this on every Linux for decades.
const clockTick = 10 * time.Millisecond

// processes are the server's process and all it has started, by their numbers.
func (s *server) processes() []int {
	all := []int{s.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, list := range lists {
			children, _ := os.ReadFile(list) // a thread may have ended
			for _, child := range strings.Fields(string(children)) {
				if pid, err := strconv.Atoi(child); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// cpu is the processor time the server's processes have used.
func (s *server) cpu() (sum time.Duration, err error) {
	for _, pid := range s.processes() {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			return 0, err
		}
		used, err := statTime(string(b))
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// statTime reads the processor time from /proc/PID/stat.
func statTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	const utime, stime = 11, 12 // after pid and comm, counted from 0
	if len(fields) <= stime {
		return 0, errors.New("/proc/PID/stat is not as expected")
	}
	user, err1 := strconv.Atoi(fields[utime])
	system, err2 := strconv.Atoi(fields[stime])
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// memory sums a line of /proc/PID/status such as VmRSS over the server's processes, in MiB.
func (s *server) memory(key string) (sum float64, err error) {
	for _, pid := range s.processes() {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		if err != nil {
			return 0, err
		}
		size, err := statusMiB(string(b), key)
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

// statusMiB reads a line of /proc/PID/status.
func statusMiB(status, key string) (float64, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/PID/status has no %s", key)
}

// pagesrun is the command that serves a guest, with logs as a service manager would take them (JSON, not a terminal).
func (b *bench) pagesrun(guest string, flags ...string) func(string) *exec.Cmd {
	return func(address string) *exec.Cmd {
		host, port, _ := net.SplitHostPort(address)
		args := []string{"serve", filepath.Join(b.bin, guest+".wasm"), "--ip", host, "--port", port, "--admin", "off", "--persist-to", filepath.Join(b.work, "serve")}
		return exec.Command(filepath.Join(b.bin, "pagesrun"), append(args, flags...)...)
	}
}

// bare builds the net/http peer and gives the command that starts it.
func (b *bench) bare() (func(string) *exec.Cmd, error) {
	program := filepath.Join(b.work, "bare")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./bench/bare")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build bench/bare: %w\n%s", err, text)
	}
	return func(address string) *exec.Cmd { return exec.Command(program, address) }, nil
}

// workerd finds the npm workerd and gives the command that serves its hello.
func (b *bench) workerd() (func(string) *exec.Cmd, error) {
	program := filepath.Join(b.root, ".tools", "node_modules", ".bin", "workerd")
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("workerd"); err != nil {
			return nil, errors.New("workerd is neither in .tools nor on the PATH; scripts/setup bench installs it")
		}
	}
	config := filepath.Join(b.root, "bench", "workerd", "config.capnp")
	return func(address string) *exec.Cmd {
		return exec.Command(program, "serve", config, "--socket-addr", "http="+address)
	}, nil
}
