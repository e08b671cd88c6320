package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/torture/rig"
)

// result is what became of an instrument.
type result struct {
	rig   rig.Rig
	found []rig.Finding
	err   error
	took  time.Duration
}

// table is all results.
type table struct {
	began   time.Time
	results []result
}

func (t *table) add(r result) { t.results = append(t.results, r) }

// status is 2 when an instrument failed for a reason that is not the machine's, 1 when a promise does not hold, or else 0.
func (t *table) status() (status int) {
	for _, r := range t.results {
		if r.err != nil && !errors.Is(r.err, rig.ErrUnavailable) {
			return 2
		}
		for _, f := range r.found {
			if !f.Holds {
				status = 1
			}
		}
	}
	return status
}

// verdict is how a finding ends a line.
func verdict(f rig.Finding) string {
	if f.Holds {
		return "holds"
	}
	return "DOES NOT HOLD"
}

// line is a finding on a terminal.
func line(f rig.Finding) string {
	return fmt.Sprintf("%-13s  %s: %s (%s)", verdict(f), f.What, f.Got, f.Bar)
}

// text is the table on a terminal.
func (t *table) text() string {
	var b strings.Builder
	for _, r := range t.results {
		fmt.Fprintf(&b, "%s (%s)\n", r.rig.Name, r.took.Round(time.Second))
		for _, f := range r.found {
			fmt.Fprintf(&b, "  %s\n", line(f))
		}
		if r.err != nil {
			fmt.Fprintf(&b, "  NOT TESTED     %v\n", r.err)
		}
	}
	fmt.Fprintf(&b, "all of it took %s\n", time.Since(t.began).Round(time.Second))
	return b.String()
}

// markdown is the table in a document.
func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("| Instrument | What | Bar | Seen | |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range t.results {
		for _, f := range r.found {
			b.WriteString(row("`"+r.rig.Name+"`", f.What, f.Bar, f.Got, verdict(f)))
		}
		if r.err != nil {
			b.WriteString(row("`"+r.rig.Name+"`", r.rig.Question, "", r.err.Error(), "not tested"))
		}
	}
	return b.String()
}

// row is a line of a Markdown table, whatever its cells have in them.
func row(cells ...string) string {
	for i, cell := range cells {
		cells[i] = strings.NewReplacer("\n", " ", "|", `\|`).Replace(strings.TrimSpace(cell))
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// The markers in a document between which the table is.
const (
	tableBegin = "<!-- torture:begin -->\n"
	tableEnd   = "<!-- torture:end -->\n"
)

// write puts the table into a document that has the markers.
func (t *table) write(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := bytes.Cut(text, []byte(tableBegin))
	_, after, ends := bytes.Cut(rest, []byte(tableEnd))
	if !begins || !ends {
		return fmt.Errorf("%s has no markers %q and %q", path, strings.TrimSpace(tableBegin), strings.TrimSpace(tableEnd))
	}
	head := fmt.Sprintf("%s, in %s:\n\n", t.began.Format(time.DateOnly), time.Since(t.began).Round(time.Second))
	return os.WriteFile(path, bytes.Join([][]byte{before, []byte(tableBegin), []byte(head), []byte(t.markdown()), []byte(tableEnd), after}, nil), 0o644)
}
