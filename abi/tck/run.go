package tck

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// run is one case on its way.
type run struct {
	site   *Site
	file   *File
	scope  scope
	client *http.Client
	open   *conversation
}

// Run sends the case with that number to a site that serves a probe with the file's configuration, and says what went wrong.
func (f *File) Run(site *Site, number int) error {
	c := &f.Cases[number]
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext, MaxIdleConnsPerHost: 16, DisableCompression: true}
	r := &run{
		site: site, file: f, scope: scope{index: number, captured: map[string]string{}},
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	defer transport.CloseIdleConnections()
	defer r.leave()
	if site.SetTime != nil {
		site.SetTime(Begin)
	}
	now := int64(Begin)
	for i := range c.steps {
		s := &c.steps[i]
		if s.kind == stepPass {
			now += int64(s.n)
			site.SetTime(now)
			continue
		}
		if err := r.step(s); err != nil {
			return fmt.Errorf("%s.case:%d: %w", f.Name, s.line, err)
		}
	}
	return nil
}

// step takes a step.
func (r *run) step(s *step) error {
	switch s.kind {
	case stepRequest:
		return r.request(s)
	case stepLog:
		return r.logged(s)
	case stepMetric:
		return r.measured(s)
	case stepSQL:
		return r.queried(s)
	}
	if r.open == nil {
		return errors.New("no request is open")
	}
	switch s.kind {
	case stepSay:
		return r.say(s)
	case stepHear:
		return r.hear(s)
	case stepEnd:
		return r.open.body.Close()
	case stepOver:
		return r.over()
	}
	r.leave()
	return nil
}

// request sends a request as its mode says.
func (r *run) request(s *step) error {
	switch s.mode {
	case modeTimes:
		return r.times(s)
	case modeDistinct:
		return r.distinct(s)
	case modeTogether:
		return r.together(s)
	case modeSoon:
		return soon(func() error { return r.once(s, r.scope) })
	case modeOpen:
		return r.begin(s)
	}
	return r.once(s, r.scope)
}

func (r *run) once(s *step, sc scope) error {
	a, err := r.ask(s, sc)
	if err != nil {
		return err
	}
	return r.check(s, sc, a)
}

func (r *run) times(s *step) error {
	sc := r.scope
	for sc.number = range s.times {
		if err := r.once(s, sc); err != nil {
			return fmt.Errorf("time %d: %w", sc.number, err)
		}
	}
	return nil
}

// distinct has a capture named "value" in its answer, which must be another one each time.
func (r *run) distinct(s *step) error {
	seen := map[string]bool{}
	for i := range s.times {
		if err := r.once(s, r.scope); err != nil {
			return err
		}
		if value := r.scope.captured["value"]; seen[value] {
			return fmt.Errorf("the answer number %d has come before: %s", i, value)
		}
		seen[r.scope.captured["value"]] = true
	}
	return nil
}

func (r *run) together(s *step) error {
	errs := make([]error, s.times)
	var wg sync.WaitGroup
	for i := range errs {
		sc := r.scope
		sc.number, sc.captured = i, map[string]string{}
		wg.Go(func() { errs[i] = r.once(s, sc) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// soon tries until it goes well.
func soon(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
	}
}

// logged waits for a line of the log.
func (r *run) logged(s *step) error {
	if r.site.Log == nil {
		return nil
	}
	pattern := s.re
	for name, value := range r.scope.captured {
		pattern = strings.ReplaceAll(pattern, `\<`+name+`>`, regexp.QuoteMeta(value))
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	return soon(func() error {
		if !re.MatchString(r.site.Log()) {
			return fmt.Errorf("the log has no line %s", pattern)
		}
		return nil
	})
}

// measured waits for a line of the metrics.
func (r *run) measured(s *step) error {
	if r.site.Metrics == nil {
		return nil
	}
	want, err := s.text.bytes(r.scope)
	if err != nil {
		return err
	}
	return soon(func() error {
		text, err := r.site.Metrics()
		if err == nil && !strings.Contains(text, want+"\n") {
			err = fmt.Errorf("the metrics have no line %q", want)
		}
		return err
	})
}

// queried waits for the answer to a question in SQL.
func (r *run) queried(s *step) error {
	if r.site.SQL == nil {
		return nil
	}
	query, err := s.text.bytes(r.scope)
	if err != nil {
		return err
	}
	return soon(func() error {
		got, err := r.site.SQL(query)
		if err == nil {
			err = compare(s.answer, got, nil, r.scope)
		}
		return err
	})
}

// conversation is a request whose body is being written while its answer is being read.
type conversation struct {
	body   *io.PipeWriter
	cancel context.CancelFunc
	answer chan opened
	got    *bufio.Reader
	close  func() error
}

// opened is the head of an answer.
type opened struct {
	resp *http.Response
	err  error
}

// begin sends a request. One that is chunked has what is said as its body.
func (r *run) begin(s *step) error {
	r.leave()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	reader, writer := io.Pipe()
	var body io.Reader // nil for the whole body of the step
	if s.chunked {
		body = reader
	}
	req, err := r.message(ctx, s, r.scope, body)
	if err != nil {
		cancel()
		return err
	}
	c := &conversation{body: writer, cancel: cancel, answer: make(chan opened, 1)}
	r.open = c
	go func() {
		resp, err := r.client.Do(req)
		c.answer <- opened{resp, err}
	}()
	return nil
}

func (r *run) say(s *step) error {
	text, err := s.text.bytes(r.scope)
	if err == nil {
		_, err = io.WriteString(r.open.body, text)
	}
	return err
}

// head waits for the head of the answer.
func (c *conversation) head() error {
	if c.got != nil {
		return nil
	}
	a := <-c.answer
	if a.err != nil {
		return a.err
	}
	c.got, c.close = bufio.NewReader(a.resp.Body), a.resp.Body.Close
	return nil
}

// hear reads as much of the answer as is expected next.
func (r *run) hear(s *step) error {
	want, err := s.text.bytes(r.scope)
	if err != nil {
		return err
	}
	if err := r.open.head(); err != nil {
		return err
	}
	got := make([]byte, len(want))
	n, err := io.ReadFull(r.open.got, got)
	if err != nil || string(got) != want {
		return fmt.Errorf("heard %q, want %q: %w", clip(string(got[:n])), clip(want), err)
	}
	return nil
}

// over expects the regular end of the answer.
func (r *run) over() error {
	if err := r.open.head(); err != nil {
		return err
	}
	if _, err := r.open.got.ReadByte(); err != io.EOF {
		return fmt.Errorf("the answer does not end here: %v", err)
	}
	r.leave()
	return nil
}

// leave goes away from the open request, as a client does whose connection is cut.
func (r *run) leave() {
	c := r.open
	if c == nil {
		return
	}
	r.open = nil
	c.body.CloseWithError(context.Canceled)
	c.cancel()
	if c.got == nil {
		if a := <-c.answer; a.err == nil {
			c.close = a.resp.Body.Close
		}
	}
	if c.close != nil {
		c.close()
	}
}
