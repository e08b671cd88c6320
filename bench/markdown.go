package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// The markers in a document between which the tables are.
const (
	markdownBegin = "<!-- bench-peers:begin -->\n"
	markdownEnd   = "<!-- bench-peers:end -->\n"
)

// writeMarkdown puts the report into a document that has the markers, or makes the document.
func (r *report) writeMarkdown(path string) error {
	document, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		document, err = []byte("# Figures\n\n"+markdownBegin+markdownEnd), nil
	}
	if err != nil {
		return err
	}
	text, err := replace(string(document), markdownBegin, markdownEnd, r.markdown())
	return write(path, text, err)
}

// replace puts a text in the place of what is between two marks of a document.
func replace(document, begin, end, text string) (string, error) {
	before, rest, begins := strings.Cut(document, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("it has no lines %s and %s", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + text + end + after, nil
}

// write writes a document that could be made.
func write(path, document string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(document), 0o644)
}

// markdown is the whole report.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s", r.Time.Format(time.DateOnly), r.Machine, r.Go)
	for _, fact := range r.Facts {
		b.WriteString("; " + fact)
	}
	b.WriteString(".\n")
	if r.Quick {
		b.WriteString("\nA quick run: few and short rounds, so a look and not a measurement.\n")
	}
	for _, s := range r.Sections {
		s.markdown(&b)
	}
	return b.String()
}

// markdown appends a section: its definition, its figures, and what could not be measured.
func (s *section) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n| figure | median | least – most | goal | |\n|---|---:|---:|---|---|\n", s.Name, strings.TrimSpace(s.Definition))
	var missing []row
	for _, r := range s.Rows {
		if r.Missing != "" {
			missing = append(missing, r)
			continue
		}
		fmt.Fprintf(b, "| %s | %s %s | %s – %s | %s | %s |\n", r.Name, digits(r.Median), r.Unit, digits(r.Least), digits(r.Most), r.Promise, r.Verdict)
	}
	if len(missing) == 0 {
		return
	}
	b.WriteString("\nNot run:\n\n")
	for _, r := range missing {
		fmt.Fprintf(b, "- %s: %s\n", r.Name, strings.Join(strings.Fields(r.Missing), " "))
	}
}

// systemFacts are the kernel and the memory of this machine, as far as it tells.
func systemFacts() (facts []string) {
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-")
		facts = append(facts, "Linux "+version)
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		if mib, err := statusMiB(string(info), "MemTotal"); err == nil {
			facts = append(facts, fmt.Sprintf("%.1f GiB of memory", mib/1024))
		}
	}
	return facts
}
