package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestASecretIsInNoLogMetricOrAnswer asks for a secret in every way that could put it somewhere: it is in the answer of the function that was given it, and nowhere else.
func TestASecretIsInNoLogMetricOrAnswer(t *testing.T) {
	t.Parallel()
	const secret = "tWq7-not-to-be-seen-5Yb"
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"app.wasm":      string(cProbe.bytes(t)),
		"wrangler.toml": "main = \"app.wasm\"\nname = \"secretive\"\ncompatibility_date = \"2026-01-01\"\n[vars]\nOPEN = \"seen\"\n[[kv_namespaces]]\nbinding = \"KV\"\nid = \"kv\"\n[pagesrun]\nadmin = \"127.0.0.1:0\"\n",
		".dev.vars":     "HIDDEN=" + secret + "\n",
	})
	s := start(t, dir, "serve", "--port", "0", "--admin", "127.0.0.1:0", "--log-level", "debug")
	wantAnswer(t, s, variable, "HIDDEN", "text "+secret+"\n")
	for _, target := range []string{"HIDDEN", "KV", "NOBODY", ""} {
		for _, op := range []string{"kv.get", "vars.get", "secrets.get", "d1.query", "queues.send", "abi.call", "trap", "fail", "nothing"} {
			resp, err := http.Get(fmt.Sprintf("%s/?op=%s&target=%s", s.URL, op, target))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/vars", "/"} {
		if _, body := fetch(t, s.AdminURL()+path); strings.Contains(body, secret) {
			t.Errorf("the admin listener's %s shows it", path)
		}
	}
	if end := s.Stop(); strings.Contains(end.Stderr, secret) || !strings.Contains(end.Stderr, "HIDDEN") {
		t.Errorf("the log shows it, or not that there is one:\n%s", end.Stderr)
	}
}
