package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

func TestTheAdminListener(t *testing.T) {
	var notReady error
	s := start(t, Options{AdminAddr: "127.0.0.1:0", Metrics: prometheus.NewRegistry(), Ready: func() error { return notReady }}, echo)
	ask := func(method, path, host string, header ...string) (*http.Response, string) {
		req := must(http.NewRequest(method, "http://"+s.AdminAddr().String()+path, nil))
		if host != "" {
			req.Host = host
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		return do(t, req)
	}
	get(t, s.url("/"))
	for _, c := range []struct {
		name, method, path, host string
		status                   int
		body                     string
	}{
		{"healthz", "GET", "/healthz", "", 200, "ok\n"},
		{"readyz", "GET", "/readyz", "", 200, "ready\n"},
		{"HEAD", "HEAD", "/readyz", "", 200, ""},
		{"metrics", "GET", "/metrics", "", 200, "pagesrun_http_connections "},
		{"pprof", "GET", "/debug/pprof/goroutine?debug=1", "", 200, "goroutine profile:"},
		{"nothing else", "GET", "/", "", 404, ""},
		{"localhost by name", "GET", "/healthz", "LOCALHOST:1", 200, ""},
		{"IPv6 loopback", "GET", "/healthz", "[::1]:1", 200, ""},
		{"a name that points here", "GET", "/healthz", "evil.example", 403, ""},
		{"a name that looks local", "GET", "/healthz", "localhost.evil.example", 403, ""},
		{"another address", "GET", "/healthz", "10.0.0.1", 403, ""},
		{"POST", "POST", "/healthz", "", 405, ""},
	} {
		resp, body := ask(c.method, c.path, c.host)
		if resp.StatusCode != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, body)
		}
	}
	if resp, _ := ask("GET", "/healthz", "", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Errorf("another site: %d", resp.StatusCode)
	}
	notReady = errors.New("no storage")
	if resp, body := ask("GET", "/readyz", ""); resp.StatusCode != 503 || body != "no storage\n" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestReadyzSaysNoWhileDraining(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	s := start(t, Options{AdminAddr: "127.0.0.1:0"}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		close(begun)
		<-release
		return text(200, ""), nil
	}))
	go http.Get(s.url("/"))
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for !s.draining.Load() {
	}
	resp, body := get(t, "http://"+s.AdminAddr().String()+"/readyz")
	if resp.StatusCode != 503 || body != "draining\n" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	close(release)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestNoPathOfTheAdminListenerIsOnThePublicOne(t *testing.T) {
	s := start(t, Options{AdminAddr: "127.0.0.1:0"}, echo)
	for _, path := range []string{"/metrics", "/healthz", "/debug/pprof/"} {
		if _, body := get(t, s.url(path)); !strings.HasPrefix(body, "GET http://") {
			t.Errorf("%s is not the function's: %s", path, body)
		}
	}
}
