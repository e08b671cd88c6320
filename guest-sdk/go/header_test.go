package pagesrun

import (
	"slices"
	"testing"
)

func headerOf(pairs ...string) *Header {
	h := &Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func lines(h *Header) []string {
	var out []string
	for name, value := range h.All() {
		out = append(out, name+": "+value)
	}
	return out
}

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Header)
		want   []string
	}{
		{"fields keep their order and spelling", func(h *Header) {}, []string{"A: 1", "b: 2", "a: 3"}},
		{"Set replaces the first line and drops the others", func(h *Header) { h.Set("a", "9") }, []string{"A: 9", "b: 2"}},
		{"Set adds a field that is not there", func(h *Header) { h.Set("C", "9") }, []string{"A: 1", "b: 2", "a: 3", "C: 9"}},
		{"Add keeps the other lines", func(h *Header) { h.Add("B", "4") }, []string{"A: 1", "b: 2", "a: 3", "B: 4"}},
		{"Del drops every line", func(h *Header) { h.Del("a") }, []string{"b: 2"}},
		{"Del of a missing field changes nothing", func(h *Header) { h.Del("x") }, []string{"A: 1", "b: 2", "a: 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := headerOf("A", "1", "b", "2", "a", "3")
			c.change(h)
			if got := lines(h); !slices.Equal(got, c.want) || h.Len() != len(c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestHeaderLookups(t *testing.T) {
	h := headerOf("Content-Type", "text/plain", "X", "", "x", "2")
	if h.Get("content-TYPE") != "text/plain" || h.Get("x") != "" || h.Get("y") != "" {
		t.Error("Get")
	}
	if !h.Has("x") || h.Has("y") {
		t.Error("Has")
	}
	if !slices.Equal(h.Values("X"), []string{"", "2"}) || h.Values("y") != nil {
		t.Error("Values")
	}
	if h.Has("X\x20") || equalFold("[", "{") {
		t.Error("only letters fold")
	}
	for range h.All() {
		break
	}
}
