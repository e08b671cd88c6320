package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rubyCGI serves CRuby. Its machine code is kept from one run of the test to the next: making it takes a minute.
func rubyCGI(t *testing.T, e example) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	cache := filepath.Join(base, "pagesrun-test", "machine-code")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(cache, filepath.Join(e.data, "cache")); err != nil {
		t.Fatal(err)
	}
	callsOf(t, "ruby-cgi")(t, e)
	s := e.serve(t)
	for range 2 {
		if resp, body := call(t, "GET", s.URL+"/error", ""); resp.StatusCode != 500 || strings.Contains(body, "on purpose") {
			t.Errorf("/error: %d %q", resp.StatusCode, body)
		}
	}
	resp, body := form(t, s.URL+"/words", url.Values{"text": {"Ein Wort, zwei Wörter; ein wort"}})
	if resp != 200 || body != `{"ein":2,"wort":2,"wörter":1,"zwei":1}`+"\n" {
		t.Errorf("/words: %d %q", resp, body)
	}
	rubyIsPristine(t, s.URL)
}

// rubyIsPristine sends 500 requests in a row: each is the first one of its program, with random numbers of its own and the time it is.
func rubyIsPristine(t *testing.T, base string) {
	t.Helper()
	seen := map[any]bool{}
	start := time.Now()
	for range 500 {
		var state struct {
			Served       int
			Random       float64
			Secure       string
			Now, Started time.Time
		}
		_, body := call(t, "GET", base+"/state", "")
		if err := json.Unmarshal([]byte(body), &state); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if state.Served != 1 || seen[state.Random] || seen[state.Secure] {
			t.Fatalf("a request shows in another one: %s", body)
		}
		if state.Now.Before(start.Add(-2*time.Second)) || state.Started.Year() != 2026 || state.Started.YearDay() != 1 {
			t.Fatalf("the time is wrong: %s", body)
		}
		seen[state.Random], seen[state.Secure] = true, true
	}
	t.Logf("%v for each request", time.Since(start)/500)
}

// form posts a form.
func form(t *testing.T, to string, values url.Values) (status int, body string) {
	t.Helper()
	r, err := http.PostForm(to, values)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}
