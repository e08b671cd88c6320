// Package machine runs pagesrun as users do, as a process of its own, and ends it in every way.
package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// startTime is how long pagesrun may take until it serves, on a busy machine.
const startTime = 60 * time.Second

// Machine is one life of a pagesrun process.
type Machine struct {
	// URL is where it serves.
	URL string
	// Ready is how long it took from its start until it served.
	Ready time.Duration

	cmd   *exec.Cmd
	mu    sync.Mutex
	log   bytes.Buffer
	admin chan string
	gone  chan struct{}
	http  *http.Client
}

// Boot starts a command that serves, and returns when it does. The error has what it printed.
func Boot(cmd *exec.Cmd) (*Machine, error) {
	m := &Machine{cmd: cmd, admin: make(chan string, 1), gone: make(chan struct{}), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: startTime}}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go m.collect(stderr, ready)
	select {
	case <-ready:
		m.Ready = time.Since(begin)
		return m, nil
	case <-m.gone:
		err = errors.New("pagesrun has ended")
	case <-time.After(startTime):
		err = errors.New("pagesrun does not serve")
	}
	m.Kill()
	return nil, fmt.Errorf("%w:\n%s", err, m.Printed())
}

// collect takes in what the process prints, until it ends.
func (m *Machine) collect(r io.Reader, ready chan<- struct{}) {
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		m.mu.Lock()
		m.log.WriteString(line)
		m.mu.Unlock()
		if _, url, ok := strings.Cut(strings.TrimSpace(line), "Serving on "); ok {
			m.URL = url
			close(ready)
		}
		if _, url, ok := strings.Cut(strings.TrimSpace(line), "Metrics on "); ok {
			m.admin <- strings.TrimSuffix(url, "/metrics")
		}
		if err != nil {
			break
		}
	}
	m.cmd.Wait()
	close(m.gone)
}

// Printed is what the process has printed so far.
func (m *Machine) Printed() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

// Metrics reads a metric from the admin listener, the sum of all its series; 0 where it has none.
func (m *Machine) Metrics(name string) (sum float64, err error) {
	admin := <-m.admin
	m.admin <- admin
	resp, err := m.http.Get(admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if before, _, _ := strings.Cut(series, "{"); before != name {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// PID is the process's number.
func (m *Machine) PID() int { return m.cmd.Process.Pid }

// Gone is closed when the process has ended.
func (m *Machine) Gone() <-chan struct{} { return m.gone }

// Kill ends the process with kill -9 and waits until it is gone.
func (m *Machine) Kill() {
	m.cmd.Process.Kill()
	<-m.gone
	m.http.CloseIdleConnections()
}

// Stop asks the process to end and waits until it has; an error tells of a status that is not 0.
func (m *Machine) Stop() error {
	m.cmd.Process.Signal(os.Interrupt)
	defer m.http.CloseIdleConnections()
	select {
	case <-m.gone:
	case <-time.After(startTime):
		m.Kill()
		return fmt.Errorf("it had to be killed %s after it was asked to end", startTime)
	}
	if code := m.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("it ended with status %d:\n%s", code, m.Printed())
	}
	return nil
}

// Ask sends a request; the answer must be a 200 and complete.
func (m *Machine) Ask(method, path, body string) (string, error) {
	req, err := http.NewRequest(method, m.URL+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := m.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	return string(b), err
}
