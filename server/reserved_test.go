package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// site is a function that says it is one.
var site = fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
	return text(200, "function "+req.Fetch.Method), nil
})

// routes answers as the routes of bindings do: one path, the rest is not found.
func routes(path string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		io.WriteString(w, "route "+r.Method+string(b))
	})
	return mux
}

// asked is a request and its answer.
type asked struct {
	name, method, path, host string
	header                   [2]string
	status                   int
	body                     string
}

func (c asked) check(t *testing.T, addr string) {
	t.Run(c.name, func(t *testing.T) {
		req := must(http.NewRequest(c.method, "http://"+addr+c.path, strings.NewReader(map[string]string{"POST": " sent"}[c.method])))
		if c.host != "" {
			req.Host = c.host
		}
		if c.header[0] != "" {
			req.Header.Set(c.header[0], c.header[1])
		}
		if resp, body := do(t, req); resp.StatusCode != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%d %q, want %d %q", resp.StatusCode, body, c.status, c.body)
		}
	})
}

func TestDevelopmentRoutes(t *testing.T) {
	s := start(t, Options{DevRoutes: routes("/cdn-cgi/handler/x")}, site)
	for _, c := range []asked{
		{"answer with any method", "GET", "/cdn-cgi/handler/x", "", [2]string{}, 200, "route GET"},
		{"take bodies", "POST", "/cdn-cgi/handler/x", "", [2]string{}, 200, "route POST sent"},
		{"have their prefix to themselves", "GET", "/cdn-cgi/other", "", [2]string{}, 404, "not found"},
		{"leave the rest to the function", "GET", "/cdn-cgi", "", [2]string{}, 200, "function GET"},
		{"leave other cases to the function", "GET", "/CDN-CGI/handler/x", "", [2]string{}, 200, "function GET"},
		{"are found in other spellings of the path", "GET", "/cdn%2Dcgi/handler/x", "", [2]string{}, 200, "route GET"},
		{"answer to localhost", "GET", "/cdn-cgi/handler/x", "localhost:8787", [2]string{}, 200, "route GET"},
		{"answer to no other name", "GET", "/cdn-cgi/handler/x", "evil.example", [2]string{}, 403, "answer this machine only"},
		{"answer to no other address", "GET", "/cdn-cgi/handler/x", "192.0.2.1:8787", [2]string{}, 403, "answer this machine only"},
		{"answer no page of another site", "GET", "/cdn-cgi/handler/x", "", [2]string{"Sec-Fetch-Site", "cross-site"}, 403, "answer this machine only"},
		{"answer no page of another origin", "POST", "/cdn-cgi/handler/x", "", [2]string{"Sec-Fetch-Site", "same-site"}, 403, "answer this machine only"},
		{"answer a page of their own", "GET", "/cdn-cgi/handler/x", "", [2]string{"Sec-Fetch-Site", "same-origin"}, 200, "route GET"},
	} {
		c.check(t, s.Addr().String())
	}
}

func TestWithoutDevelopmentTheFunctionHasEveryPath(t *testing.T) {
	s := start(t, Options{}, site)
	for _, c := range []asked{
		{"GET", "GET", "/cdn-cgi/handler/scheduled", "", [2]string{}, 200, "function GET"},
		{"POST", "POST", "/cdn-cgi/handler/scheduled", "", [2]string{}, 200, "function POST"},
		{"another host", "GET", "/cdn-cgi/mf/scheduled", "example.com", [2]string{}, 200, "function GET"},
	} {
		c.check(t, s.Addr().String())
	}
}

func TestRoutesOfBindingsOnTheAdminListener(t *testing.T) {
	s := start(t, Options{AdminAddr: "127.0.0.1:0", Metrics: prometheus.NewRegistry(), AdminRoutes: routes("/client/v4/x")}, site)
	for _, c := range []asked{
		{"answer GET", "GET", "/client/v4/x", "", [2]string{}, 200, "route GET"},
		{"answer POST with its body", "POST", "/client/v4/x", "", [2]string{}, 200, "route POST sent"},
		{"answer to no other name", "POST", "/client/v4/x", "evil.example", [2]string{}, 403, ""},
		{"answer no other site", "POST", "/client/v4/x", "", [2]string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"know what there is not", "GET", "/client/v4/y", "", [2]string{}, 404, ""},
		{"leave metrics alone", "GET", "/metrics", "", [2]string{}, 200, "pagesrun_http_connections"},
		{"do not take POST to metrics", "POST", "/metrics", "", [2]string{}, 405, ""},
		{"do not take POST to health", "POST", "/healthz", "", [2]string{}, 405, ""},
		{"do not take POST to readiness", "PUT", "/readyz", "", [2]string{}, 405, ""},
		{"do not take POST to profiles", "POST", "/debug/pprof/heap", "", [2]string{}, 405, ""},
		{"nor to a named profile", "DELETE", "/debug/pprof/profile", "", [2]string{}, 405, ""},
	} {
		c.check(t, s.AdminAddr().String())
	}
	asked{"are not on the public listener", "GET", "/client/v4/x", "", [2]string{}, 200, "function GET"}.check(t, s.Addr().String())
}
