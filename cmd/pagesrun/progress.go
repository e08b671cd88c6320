package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	// progressWidth is the width of the bar, in characters.
	progressWidth = 30
	// progressLineEvery is how often a line is printed where there is no terminal.
	progressLineEvery = 5 * time.Second
)

// progress shows how far long work has come: a bar on a terminal, a line now and then elsewhere. It goes to standard
// error; the result goes to standard output.
type progress struct {
	verb     string // "written"
	total    int
	done     int
	json     bool
	terminal bool
	w        io.Writer
	result   io.Writer
	lastLine time.Time
}

func newProgress(verb string, total int, json bool) *progress {
	return &progress{
		verb: verb, total: total, json: json,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
		w:        os.Stderr, result: os.Stdout, lastLine: time.Now(),
	}
}

// set says how many of the total are done.
func (p *progress) set(done int) {
	p.done = done
	switch {
	case p.terminal:
		filled := progressWidth * done / max(p.total, 1)
		fmt.Fprintf(p.w, "\r[%s%s] %d/%d", strings.Repeat("#", filled), strings.Repeat(".", progressWidth-filled), done, p.total)
	case time.Since(p.lastLine) >= progressLineEvery && done < p.total:
		fmt.Fprintf(p.w, "%d of %d %s\n", done, p.total, p.verb)
		p.lastLine = time.Now()
	}
}

// count says how many are done where nobody knows of how many.
func (p *progress) count(done int) {
	p.done = done
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r%d %s", done, p.verb)
	case time.Since(p.lastLine) >= progressLineEvery:
		fmt.Fprintf(p.w, "%d %s\n", done, p.verb)
		p.lastLine = time.Now()
	}
}

// leave ends the line of the bar.
func (p *progress) leave() {
	if p.terminal && p.done > 0 {
		fmt.Fprintln(p.w)
	}
}

// end shows the result; failure is why the work stopped early, if it did.
func (p *progress) end(failure error) error {
	p.leave()
	if p.json {
		return json.NewEncoder(p.result).Encode(map[string]int{p.verb: p.done, "total": p.total})
	}
	if failure != nil {
		_, err := fmt.Fprintf(p.result, "%d of %d keys %s\n", p.done, p.total, p.verb)
		return err
	}
	_, err := fmt.Fprintf(p.result, "%d keys %s\n", p.done, p.verb)
	return err
}
