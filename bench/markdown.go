package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// marks are the lines of a document between which the figures of a part are.
func (p part) marks() (begin, end string) {
	return fmt.Sprintf("<!-- bench-%s:begin -->\n", p), fmt.Sprintf("<!-- bench-%s:end -->\n", p)
}

// parts are those of the report, in its order.
func (r *report) parts() (list []part) {
	for _, s := range r.Sections {
		if !slices.Contains(list, s.part) {
			list = append(list, s.part)
		}
	}
	return list
}

// writeMarkdown puts the report into a document that has marks for its parts, or makes the document. plots are in the folder of that name beside it.
func (r *report) writeMarkdown(path, plots string) error {
	document, err := os.ReadFile(path)
	text := string(document)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = "# Figures\n", nil
		for _, p := range r.parts() {
			begin, end := p.marks()
			text += "\n" + begin + end
		}
	}
	for _, p := range r.parts() {
		if err == nil {
			begin, end := p.marks()
			text, err = replace(text, begin, end, r.markdown(p, plots))
		}
	}
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

// markdown is a part of the report. plots is where its plots are, "" where there are none.
func (r *report) markdown(p part, plots string) string {
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
		if s.part == p {
			s.markdown(&b)
			s.images(&b, plots)
		}
	}
	return b.String()
}

// images appends the plots of a section.
func (s *section) images(b *strings.Builder, plots string) {
	if plots == "" {
		return
	}
	for _, d := range drawings() {
		if d.of(s) != nil {
			fmt.Fprintf(b, "\n![%s](%s/%s)\n", d.title, plots, d.file)
		}
	}
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
	if len(missing) > 0 {
		b.WriteString("\nNot run:\n\n")
	}
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

// commitFacts say which commit is measured, and how busy the machine was before.
func commitFacts(root string) (facts []string) {
	if commit, err := exec.Command("git", "-C", root, "rev-parse", "--short", "HEAD").Output(); err == nil {
		text := "commit " + strings.TrimSpace(string(commit))
		if exec.Command("git", "-C", root, "diff", "--quiet", "HEAD").Run() != nil {
			text += " with changes"
		}
		facts = append(facts, text)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		now, _, _ := strings.Cut(string(load), " ")
		facts = append(facts, "load before it "+now)
	}
	return facts
}
