package tck

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Site is a probe that is being served with the configuration of a file. What is nil is not to be had there, and the steps that need it are left out.
type Site struct {
	// URL is where it is served, without a slash at the end.
	URL string
	// SetTime sets the site's clock, in seconds since the Unix epoch. Files that need a clock cannot be run without.
	SetTime func(seconds int64)
	// Log gives what the site has logged so far.
	Log func() string
	// Metrics gives the site's metrics as text.
	Metrics func() (string, error)
	// SQL asks the SQL interface of Analytics Engine.
	SQL func(query string) (string, error)
}

// patience is how long anything may take that should be quick, on a busy machine.
const patience = 45 * time.Second

// reply is an answer to a request.
type reply struct {
	status int
	header http.Header
	body   string
	cut    bool // the body broke off
}

// message builds the HTTP request of a step.
func (r *run) message(ctx context.Context, s *step, sc scope, body io.Reader) (*http.Request, error) {
	method, address := s.method, r.site.URL+s.path
	if method == "" {
		query, err := s.query(sc)
		if err != nil {
			return nil, err
		}
		method, address = http.MethodPost, r.site.URL+"/?"+query
	}
	if body == nil && (s.hasBody || s.method == "") {
		text, err := s.body.bytes(sc)
		if err != nil {
			return nil, err
		}
		body = strings.NewReader(text)
	}
	if s.chunked {
		body = io.MultiReader(body) // hides how long it is
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tck")
	for _, f := range s.send {
		value, err := f.value.bytes(sc)
		if err != nil {
			return nil, err
		}
		req.Header.Add(f.name, value)
	}
	return req, nil
}

// query is the query of an operation. Its fields come in their order, after op and target.
func (s *step) query(sc scope) (string, error) {
	fields := append([]field{{"op", s.op}, {"target", s.target}}, s.fields...)
	var b strings.Builder
	for i, f := range fields {
		value, err := f.value.bytes(sc)
		if err != nil {
			return "", err
		}
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(f.name + "=" + url.QueryEscape(value))
	}
	return b.String(), nil
}

// ask sends the request of a step and takes the answer in.
func (r *run) ask(s *step, sc scope) (*reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := r.message(ctx, s, sc, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &reply{resp.StatusCode, resp.Header, string(body), err != nil}, nil
}

// check compares an answer with what a step expects.
func (r *run) check(s *step, sc scope, a *reply) error {
	if a.status != s.status {
		return fmt.Errorf("status %d, want %d: %s", a.status, s.status, clip(a.body))
	}
	if a.cut != s.cut {
		return fmt.Errorf("the answer breaks off: %v, want %v", a.cut, s.cut)
	}
	for _, f := range s.header {
		want, err := f.value.bytes(sc)
		if err != nil {
			return err
		}
		if got := strings.Join(a.header.Values(f.name), ", "); got != want {
			return fmt.Errorf("header field %s is %q, want %q", f.name, got, want)
		}
	}
	if !s.hasAnswer {
		return nil
	}
	return compare(s.answer, a.body, r.file.ignore, sc)
}

// compare compares an answer. Lines that ignore matches are left out, unless some are expected.
func compare(expected text, got string, ignore *regexp.Regexp, sc scope) error {
	plain, err := expected.bytes(sc)
	if err != nil {
		return err
	}
	if ignore != nil && !ignore.MatchString(plain) {
		got = ignore.ReplaceAllString(got, "")
	}
	ok, want, err := expected.match(got, sc)
	if err == nil && !ok {
		err = fmt.Errorf("got  %q\nwant %q", clip(got), clip(want))
	}
	return err
}
