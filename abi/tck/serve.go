package tck

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Command is how to serve a probe with the pagesrun binary.
type Command struct {
	// Binary is the path of pagesrun, Module that of the probe.
	Binary, Module string
	// Flags are more flags of "pagesrun serve".
	Flags []string
}

// Server is a probe being served by a process.
type Server struct {
	// Site is where.
	Site Site

	process *exec.Cmd
	admin   string
	dir     string
	ready   chan struct{} // closed when it serves
	ended   chan struct{}
	mu      sync.Mutex
	log     strings.Builder
}

// startTime is how long a process may take until it serves, on a busy machine.
const startTime = 2 * time.Minute

// Serve writes the configuration of a file to dir, an empty directory, and serves the probe with it until [Server.Close].
func (c Command) Serve(f *File, dir string) (*Server, error) {
	if err := write(dir, f.Files()); err != nil {
		return nil, err
	}
	verb := "serve"
	if f.Dev {
		verb = "dev"
	}
	s := &Server{dir: dir, ready: make(chan struct{}), ended: make(chan struct{})}
	s.process = exec.Command(c.Binary, append([]string{verb, c.Module, "--port", "0", "--admin", "127.0.0.1:0"}, c.Flags...)...)
	s.process.Dir = dir
	s.process.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	stderr, err := s.process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	go s.collect(stderr)
	select {
	case <-s.ready:
		s.Site.Log, s.Site.Metrics, s.Site.SQL = s.logged, s.metrics, s.sql
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("pagesrun %s has ended:\n%s", verb, s.logged())
	case <-time.After(startTime):
		s.Close()
		return nil, fmt.Errorf("pagesrun %s does not serve within %s:\n%s", verb, startTime, s.logged())
	}
}

// write writes files below dir, by name.
func write(dir string, files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// collect takes in what the process prints, until it ends.
func (s *Server) collect(r io.Reader) {
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		s.mu.Lock()
		s.log.WriteString(line)
		s.mu.Unlock()
		if url, is := strings.CutPrefix(line, "Serving on "); is {
			s.Site.URL = strings.TrimSpace(url)
		}
		if url, is := strings.CutPrefix(line, "Metrics on "); is {
			s.admin = strings.TrimSuffix(strings.TrimSpace(url), "/metrics")
			close(s.ready) // the last thing it says of itself
		}
		if err != nil {
			break
		}
	}
	s.process.Wait()
	close(s.ended)
}

func (s *Server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Close ends the process as Ctrl-C does and waits for it.
func (s *Server) Close() error {
	s.process.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(startTime):
		s.process.Process.Kill()
		<-s.ended
		return errors.New("pagesrun does not end")
	}
	if code := s.process.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("pagesrun ended with status %d:\n%s", code, s.logged())
	}
	return nil
}

func (s *Server) metrics() (string, error) { return s.fetch(http.MethodGet, "/metrics", "", "") }

// sql asks with the token that pagesrun has written down.
func (s *Server) sql(query string) (string, error) {
	token, err := os.ReadFile(filepath.Join(s.dir, ".pagesrun", "analytics", "api-token"))
	if err != nil {
		return "", err
	}
	return s.fetch(http.MethodPost, "/client/v4/accounts/0123/analytics_engine/sql", query, strings.TrimSpace(string(token)))
}

// fetch asks the admin listener.
func (s *Server) fetch(method, path, body, token string) (string, error) {
	req, err := http.NewRequest(method, s.admin+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return string(answer), err
}
