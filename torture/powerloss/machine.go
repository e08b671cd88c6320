package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// startTime is how long pagesrun may take until it serves, on a busy machine.
const startTime = 60 * time.Second

// machine is one life of a pagesrun process.
type machine struct {
	url  string
	cmd  *exec.Cmd
	mu   sync.Mutex
	log  bytes.Buffer
	gone chan struct{}
	http *http.Client
}

// boot starts a command that serves, and returns when it does.
func boot(cmd *exec.Cmd) (*machine, error) {
	m := &machine{cmd: cmd, gone: make(chan struct{}), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: startTime}}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go m.collect(stderr, ready)
	select {
	case m.url = <-ready:
		return m, nil
	case <-m.gone:
		err = errors.New("pagesrun has ended")
	case <-time.After(startTime):
		err = errors.New("pagesrun does not serve")
	}
	m.kill()
	return nil, fmt.Errorf("%w:\n%s", err, m.printed())
}

// collect takes in what the process prints, until it ends.
func (m *machine) collect(r io.Reader, ready chan<- string) {
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		m.mu.Lock()
		m.log.WriteString(line)
		m.mu.Unlock()
		if _, url, ok := strings.Cut(strings.TrimSpace(line), "Serving on "); ok {
			ready <- url
		}
		if err != nil {
			break
		}
	}
	m.cmd.Wait()
	close(m.gone)
}

func (m *machine) printed() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

// kill ends the process with kill -9 and waits until it is gone.
func (m *machine) kill() {
	m.cmd.Process.Kill()
	<-m.gone
	m.http.CloseIdleConnections()
}

// stop has the process end by itself.
func (m *machine) stop() {
	m.cmd.Process.Signal(os.Interrupt)
	select {
	case <-m.gone:
	case <-time.After(startTime):
		m.kill()
	}
	m.http.CloseIdleConnections()
}

// ask sends a request; the answer must be a 200 and complete.
func (m *machine) ask(method, path, body string) (string, error) {
	req, err := http.NewRequest(method, m.url+path, strings.NewReader(body))
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

// stored reads lines "id value".
func (m *machine) stored(path string) (map[string]string, error) {
	text, err := m.ask("GET", path, "")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for line := range strings.Lines(text) {
		id, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		found[id] = value
	}
	return found, nil
}
