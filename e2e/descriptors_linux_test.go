package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// TestStorageHasDescriptorsThoughClientsTakeTheRest offers a server that may open 256 files 1,000 connections. Clients that were there before read and write all the while.
func TestStorageHasDescriptorsThoughClientsTakeTheRest(t *testing.T) {
	t.Parallel()
	s := process.Command{Binary: "/bin/sh", Dir: t.TempDir(), Args: []string{
		"-c", `ulimit -n 256; exec "$0" "$@"`, pagesrunBinary.path(t), "serve", cProbe.path(t), "--port", "0", "-k", "KV", "-k", "OTHER", "--log-level", "warn",
	}}.Start(t)
	early := &http.Client{Transport: &http.Transport{}, Timeout: patience}
	use := func(i int) {
		for _, target := range []string{"KV", "OTHER"} {
			key := fmt.Sprint("k", i)
			if _, err := askWith(early, s.URL, "kv.put", target, key, key); err != nil {
				t.Fatal(err)
			}
			if got, err := askWith(early, s.URL, "kv.get", target, key, ""); err != nil || !strings.Contains(got, "value="+key) {
				t.Fatalf("%q %v", got, err)
			}
		}
	}
	use(0)
	address := strings.TrimPrefix(s.URL, "http://")
	var crowd []net.Conn
	for range 1000 {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			crowd = append(crowd, c)
			defer c.Close()
		}
	}
	for i := range 50 {
		use(i + 1)
	}
	late := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 300 * time.Millisecond}
	if _, err := late.Get(s.URL); err == nil {
		t.Error("the crowd has not taken every connection there is")
	}
	for _, c := range crowd {
		c.Close()
	}
	late.Timeout = patience
	if got, err := askWith(late, s.URL, "kv.get", "KV", "k1", ""); err != nil || !strings.Contains(got, "value=k1") {
		t.Errorf("after the crowd has gone: %q %v", got, err)
	}
	end := s.Stop()
	if n := strings.Count(end.Stderr, "accept"); end.Code != 0 || n > 1 || strings.Contains(end.Stderr, "too many open files") {
		t.Errorf("status %d, and %d lines about connections:\n%s", end.Code, n, end.Stderr)
	}
}

// askWith sends one operation with a client of its own.
func askWith(client *http.Client, site, op, target, key, body string) (string, error) {
	q := url.Values{"op": {op}, "target": {target}, "key": {key}}
	resp, err := client.Post(site+"/?"+q.Encode(), "text/plain", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return string(answer), err
}
