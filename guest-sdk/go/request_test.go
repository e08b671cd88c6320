package pagesrun

import (
	"net/url"
	"strings"
	"testing"
)

func TestRequestURLs(t *testing.T) {
	for _, c := range []struct{ name, url, host, path, query string }{
		{"an ordinary URL", "http://localhost:8787/a/b?x=1&q=2&q=3", "localhost:8787", "/a/b", "2"},
		{"no path", "https://example.com", "example.com", "/", "-"},
		{"a query without a path", "https://example.com?q=1", "example.com", "/", "1"},
		{"the path stays escaped", "http://h/a%2Fb%20c?q", "h", "/a%2Fb%20c", ""},
		{"escapes in names and values", "http://h/?%71=a%2Bb+c%C3%A4", "h", "/", "a+b cä"},
		{"broken escapes stay", "http://h/?q=100%&x=%zz", "h", "/", "100%"},
		{"a scheme inside the query", "http://h/?q=http://x/y?z", "h", "/", "http://x/y?z"},
		{"an IPv6 host", "http://[::1]:80/?q=", "[::1]:80", "/", ""},
		{"nothing at all", "", "", "/", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Request{URL: c.url}
			q, ok := r.Query("q")
			if !ok {
				q = "-"
			}
			if r.Host() != c.host || r.Path() != c.path || q != c.query {
				t.Errorf("host %q path %q query %q", r.Host(), r.Path(), q)
			}
		})
	}
}

func FuzzRequestURLs(f *testing.F) {
	f.Add("http://localhost:8787/a/b?x=1&q=%41+b")
	f.Add("://?q=%")
	f.Fuzz(func(t *testing.T, raw string) {
		r := &Request{URL: raw}
		r.Host()
		if p := r.Path(); p == "" || strings.Contains(p, "?") {
			t.Errorf("path %q of %q", p, raw)
		}
		r.Query("q")
		if want, err := url.QueryUnescape(raw); err == nil && unescape(raw) != want {
			t.Errorf("unescape(%q) = %q, want %q", raw, unescape(raw), want)
		}
	})
}
