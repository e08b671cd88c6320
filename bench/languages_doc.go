package main

import (
	"fmt"
	"os"
	"strings"
)

// The measured part of docs/languages.md is between these lines.
const (
	measuredBegin = "<!-- measured:begin -->"
	measuredEnd   = "<!-- measured:end -->"
)

// writeLanguages puts the table of languages into a document, in the place of the one that is there.
func (r *report) writeLanguages(path string, all []*languageFigures) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := between(string(document), measuredBegin, measuredEnd, r.languagesTable(all))
	return write(path, text, err)
}

// between replaces what is between two lines of a document, with empty lines around it.
func between(document, begin, end, text string) (string, error) {
	return replace(document, begin, end, "\n\n"+strings.TrimSpace(text)+"\n\n")
}

// line is a line of the table: a figure of every language.
type line struct {
	name string
	cell func(*languageFigures) string
}

// languagesPreface says what the lines of the table are.
const languagesPreface = ` Medians; in brackets the least and the greatest of the rounds, in which the languages take
turns. Every language has the same two programs, built for release: a *hello* that answers with a line of text, and one that reads from KV or reads and writes JSON. Times of events and
reads are processor time, on both sides of the border between host and guest, without HTTP.

`

// languagesNotes says what the table does not.
const languagesNotes = `
- *Compiling* is from source, with the SDK and what the compiler makes of its standard library; Go, Rust and Zig keep that for the next time. *Loading* is what pagesrun does once with a module it
  has not seen before; later starts find the result on the disk.
- *Pages in use* of the image are what it takes of the machine's memory, once for all instances.
- The JSON is an order of 1 KiB whose sum is checked, marked as paid and written again, with the library of the table below. It compares these libraries more than the languages.
- What a program does in its start-up function no event has to do: Go's program has encoding/json look at its types there.
- Rust's program with KV and JSON has the allocator of its SDK that only takes back the last piece of memory.
`

// languagesTable is the measured part.
func (r *report) languagesTable(all []*languageFigures) string {
	var t strings.Builder
	fmt.Fprintf(&t, "`make bench-languages` made this table: %s, %s, %s.", r.Machine, r.Go, r.Time.Format("2006-01-02"))
	if r.Quick {
		t.WriteString(" A quick look, not a measurement.")
	}
	t.WriteString(languagesPreface)
	writeTable(&t, measured(all), languageLines(find(all, "C")))
	for _, f := range all {
		if f.missing != nil {
			fmt.Fprintf(&t, "\n%s was not measured: %s\n", f.name, strings.ReplaceAll(f.missing.Error(), "\n", " "))
		}
	}
	t.WriteString(languagesNotes)
	t.WriteString("\nWhat the programs were built with:\n\n| | compiler | flags | JSON |\n|---|---|---|---|\n")
	for _, f := range measured(all) {
		fmt.Fprintf(&t, "| %s | %s | `%s` | %s |\n", f.name, f.compiler, f.flags, f.json)
	}
	return t.String()
}

// measured leaves out the languages without figures.
func measured(all []*languageFigures) []*languageFigures {
	var some []*languageFigures
	for _, f := range all {
		if f.missing == nil {
			some = append(some, f)
		}
	}
	return some
}

func writeTable(t *strings.Builder, all []*languageFigures, lines []line) {
	t.WriteString("| |")
	for _, f := range all {
		t.WriteString(" " + f.name + " |")
	}
	t.WriteString("\n|---|" + strings.Repeat("---:|", len(all)) + "\n")
	for _, l := range lines {
		t.WriteString("| " + l.name + " |")
		for _, f := range all {
			t.WriteString(" " + l.cell(f) + " |")
		}
		t.WriteString("\n")
	}
}

func languageLines(c *languageFigures) []line {
	return []line{
		{"module of a hello", func(f *languageFigures) string { return kib(f.hello) }},
		{"module of a program with KV and JSON", func(f *languageFigures) string { return kib(f.work) }},
		{"compiling the hello, with an empty cache", func(f *languageFigures) string { return spread(f.compile, "s") }},
		{"loading it, with an empty cache", func(f *languageFigures) string { return spread(f.load, "ms") }},
		{"image: pages in use, of all", func(f *languageFigures) string {
			return kib(float64(f.touchedBytes)/1024) + " of " + kib(float64(f.imageBytes)/1024)
		}},
		{"an event in an instance as after start-up", func(f *languageFigures) string { return spread(f.event, "µs") }},
		{"a KV get", func(f *languageFigures) string { return spread(f.get, "µs") }},
		{"an event that reads and writes 1 KiB of JSON", func(f *languageFigures) string { return spread(f.document, "µs") }},
		{"such events per second, over C", func(f *languageFigures) string {
			if c == nil {
				return "not known"
			}
			return digits(c.document.over(f.document).median()) + " ×"
		}},
	}
}

// kib shows a size, in MiB when it is large.
func kib(v float64) string {
	if v >= 1024 {
		return digits(v/1024) + " MiB"
	}
	return digits(v) + " KiB"
}

// spread shows a median with the least and the greatest figure.
func spread(s samples, unit string) string {
	r := newRow("", unit, s, nil)
	if len(s) == 1 {
		return digits(r.Median) + " " + unit
	}
	return fmt.Sprintf("%s %s (%s – %s)", digits(r.Median), unit, digits(r.Least), digits(r.Most))
}
