package main

import (
	"regexp"
	"strings"
	"unicode"
)

// initialisms are the words that are written in capitals in Go names, longest first where one begins another.
var initialisms = []string{"HTTP", "JSON", "MTLS", "HTML", "ETAG", "UUID", "TTL", "URL", "CPU", "SQL", "MS", "NS", "KV", "ID", "IP", "AI", "DB", "S"}

// words splits a Go name into lower-case words: CacheTTLS becomes cache, ttl, s.
func words(name string) []string {
	var out []string
	rs := []rune(name)
	for i := 0; i < len(rs); {
		end := i + 1
		for end < len(rs) && unicode.IsUpper(rs[end]) {
			end++
		}
		if end < len(rs) && end > i+1 {
			end-- // the last capital begins the next word
		}
		if end > i+1 || end == len(rs) {
			out = append(out, splitCapitals(string(rs[i:end]))...)
			i = end
			continue
		}
		for end < len(rs) && !unicode.IsUpper(rs[end]) {
			end++
		}
		out = append(out, strings.ToLower(string(rs[i:end])))
		i = end
	}
	return out
}

// splitCapitals splits a run of capitals into initialisms; what is none stays together.
func splitCapitals(run string) []string {
	var out []string
	for run != "" {
		n := len(run)
		for _, w := range initialisms {
			if strings.HasPrefix(run, w) {
				n = len(w)
				break
			}
		}
		out = append(out, strings.ToLower(run[:n]))
		run = run[n:]
	}
	return out
}

// snake turns a Go name into snake_case.
func snake(name string) string { return strings.Join(words(name), "_") }

var (
	docLink   = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
	docIdents = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`)
)

// neutral rewrites Go documentation for readers of other languages: links lose their brackets, the field names of the messages it
// speaks of become snake_case, and names has the rest.
func neutral(doc string, names map[string]string, about ...*message) string {
	fields := map[string]bool{}
	for _, m := range about {
		for _, f := range m.fields {
			fields[f.name] = f.name != strings.ToUpper(f.name) // URL and ID are words of their own
		}
	}
	doc = docLink.ReplaceAllString(doc, "$1")
	return docIdents.ReplaceAllStringFunc(doc, func(w string) string {
		if n, ok := names[w]; ok {
			return n
		}
		if fields[w] {
			return snake(w)
		}
		return w
	})
}

// joinLines makes one line of a wrapped comment.
func joinLines(doc string) string { return strings.Join(strings.Fields(doc), " ") }

// docNames maps the identifiers that documentation mentions to their names in another language.
func docNames(s *schema, message, constant func(string) string) map[string]string {
	names := map[string]string{}
	for _, m := range s.messages {
		names[m.name] = message(m.name)
	}
	for _, c := range s.consts {
		if cHas(c) {
			names[c.name] = constant(c.name)
		}
	}
	return names
}

// verb is the part of the names of codec functions that says which kind of item they handle.
func verb(base string) string {
	switch base {
	case "string", "JSON":
		return "text"
	case "ByteString", "bytes":
		return "bytes"
	case "Code":
		return "uint32"
	}
	return strings.ToLower(base)
}
