package main

import (
	"testing"

	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

func TestItGreets(t *testing.T) {
	f := pagesruntest.Start(t, pagesruntest.Config{}, main)
	for url, want := range map[string]string{
		"/":                "Hello, world!\n",
		"/?name=Ada":       "Hello, Ada!\n",
		"/?name=Ada%20L.":  "Hello, Ada L.!\n",
		"/?x=1&name=B%2BC": "Hello, B+C!\n",
	} {
		if r := f.Fetch("GET", url, ""); r.Status != 200 || r.Body != want || r.Get("content-type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %+v", url, r)
		}
	}
}
