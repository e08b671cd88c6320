package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/pagesrun/pagesrun/runtime"
)

// inspectCmd is "pagesrun inspect".
type inspectCmd struct {
	Module string `arg:"" name:"app.wasm" help:"The module to look at."`
	JSON   bool   `help:"Print JSON."`
}

// Run shows what is in a module and whether pagesrun would serve it. The exit status says the same.
func (c *inspectCmd) Run() error {
	code, err := readModule(c.Module)
	if err != nil {
		return err
	}
	report := runtime.Inspect(code)
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = printInspection(os.Stdout, c.Module, report)
	}
	if err == nil && len(report.Problems) > 0 {
		return exitStatus(exitFailed)
	}
	return err
}

func printInspection(w io.Writer, path string, r *runtime.Inspection) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	printHead(t, path, r)
	if r.Kind != "" {
		fmt.Fprintf(t, "functions\t%d, the largest of %d bytes\n", r.Functions, r.LargestBody)
		fmt.Fprintf(t, "reset\t%s\n", r.Reset)
	}
	if len(r.Producers) > 0 {
		fmt.Fprintf(t, "built with\t%s\n", strings.Join(r.Producers, ", "))
	}
	err := t.Flush()
	printList(w, "imports", r.Imports)
	printList(w, "exports", r.Exports)
	if len(r.Problems) == 0 {
		fmt.Fprintln(w, "\npagesrun can serve this module.")
		return err
	}
	printProblems(w, r)
	return err
}

// printHead prints what matters most: size, kind, events and memory.
func printHead(w io.Writer, path string, r *runtime.Inspection) {
	fmt.Fprintf(w, "%s\t%d bytes\n", path, r.Bytes)
	if r.Kind != "" {
		fmt.Fprintf(w, "kind\t%s\n", r.Kind)
		fmt.Fprintf(w, "events\t%s\n", r.Events)
		fmt.Fprintf(w, "memory\t%s\n", r.Memory)
	}
}

func printProblems(w io.Writer, r *runtime.Inspection) {
	fmt.Fprintln(w, "\npagesrun cannot serve this module:")
	for _, p := range r.Problems {
		fmt.Fprintf(w, "  %s: %s\n", p.Code, p.Message)
		if p.Hint != "" {
			fmt.Fprintf(w, "    %s\n", p.Hint)
		}
	}
}

func printList(w io.Writer, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, item := range items {
		fmt.Fprintf(w, "  %s\n", item)
	}
}
