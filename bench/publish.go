package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// outputs are where a run's figures go; "" for nowhere.
type outputs struct{ results, markdown, json string }

// publish writes a report to where it is wanted. Without plots, which need modules from elsewhere, there are tables.
func (b *bench) publish(r *report, o outputs) error {
	folder := filepath.Join(b.work, "report")
	if o.results != "" {
		folder = filepath.Join(o.results, r.Time.Format("20060102T150405Z"))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	plots, err := b.plot(r, folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: there are no plots:", err)
	}
	err = errors.Join(r.write(filepath.Join(folder, "report.json")), r.writeMarkdown(filepath.Join(folder, "report.md"), inFolder(plots, ".")))
	if o.json != "" {
		err = errors.Join(err, r.write(o.json))
	}
	if o.markdown != "" {
		err = errors.Join(err, r.document(o.markdown, folder, plots))
	}
	if o.results != "" && err == nil {
		fmt.Printf("\nThis run's figures and plots are in %s.\n", folder)
	}
	return err
}

// inFolder is the folder of plots, "" when there are none.
func inFolder(plots []string, folder string) string {
	if len(plots) == 0 {
		return ""
	}
	return folder
}

// plotsFolder is the folder beside a document that has its plots.
const plotsFolder = "plots"

// document puts the report into a document, and its plots beside it.
func (r *report) document(path, folder string, plots []string) error {
	beside := filepath.Join(filepath.Dir(path), plotsFolder)
	if len(plots) > 0 {
		if err := os.MkdirAll(beside, 0o755); err != nil {
			return err
		}
	}
	for _, file := range plots {
		svg, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(beside, file), svg, 0o644); err != nil {
			return err
		}
	}
	return r.writeMarkdown(path, inFolder(plots, plotsFolder))
}
