package pagesrun

import (
	"iter"

	"github.com/pagesrun/pagesrun/abi"
)

// Header is an ordered list of HTTP header fields. Names compare without regard to case and keep the spelling they were given. The
// zero value is empty and ready to use.
type Header struct {
	fields []abi.Header
}

// Get returns the first value of the field, or the empty string.
func (h *Header) Get(name string) string {
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			return string(h.fields[i].Value)
		}
	}
	return ""
}

// Has reports whether the field is there, be it empty.
func (h *Header) Has(name string) bool {
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			return true
		}
	}
	return false
}

// Values returns all values of the field in their order, nil when there is none.
func (h *Header) Values(name string) []string {
	var values []string
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			values = append(values, string(h.fields[i].Value))
		}
	}
	return values
}

// Set makes value the field's only value.
func (h *Header) Set(name, value string) {
	for i := range h.fields {
		if equalFold(h.fields[i].Name, name) {
			h.fields[i].Value = abi.ByteString(value)
			h.remove(name, i+1)
			return
		}
	}
	h.Add(name, value)
}

// Add appends a field line, leaving others of that name in place.
func (h *Header) Add(name, value string) {
	h.fields = append(h.fields, abi.Header{Name: name, Value: abi.ByteString(value)})
}

// Del removes every line of the field.
func (h *Header) Del(name string) { h.remove(name, 0) }

// remove drops the lines of the field from index from on.
func (h *Header) remove(name string, from int) {
	kept := h.fields[:from]
	for _, f := range h.fields[from:] {
		if !equalFold(f.Name, name) {
			kept = append(kept, f)
		}
	}
	h.fields = kept
}

// Len returns the number of field lines.
func (h *Header) Len() int { return len(h.fields) }

// All goes through the field lines in their order.
func (h *Header) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range h.fields {
			if !yield(f.Name, string(f.Value)) {
				return
			}
		}
	}
}

// equalFold compares field names: ASCII letters without regard to case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// lower maps A-Z to a-z.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
