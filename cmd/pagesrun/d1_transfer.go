package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/d1"
)

type d1ImportCmd struct {
	d1Target
	File string `arg:"" help:"File of SQL, such as \"d1 export\" or \"sqlite3 .dump\" write it; \"-\" is standard input."`
	JSON bool   `help:"Print the result as JSON."`
}

// Run runs a file.
func (c *d1ImportCmd) Run(ctx context.Context) error {
	e := d1ExecuteCmd{d1Target: c.d1Target, File: c.File, JSON: c.JSON}
	return e.runFile(ctx)
}

// importFile runs a file of SQL and shows how far it has come.
func importFile(ctx context.Context, db *d1.Database, name string) (r d1.ImportResult, took time.Duration, err error) {
	in, size, err := openSQL(name)
	if err != nil {
		return r, 0, err
	}
	defer in.Close()
	began := time.Now()
	p := newProgress("bytes read", size, false)
	r, err = db.Import(ctx, in, d1.ImportOptions{Progress: func(bytes, _ int64) {
		if size > 0 {
			p.set(int(bytes))
		}
	}})
	p.leave()
	if err != nil {
		return r, 0, fmt.Errorf("%s: %w; nothing was changed", name, spoken(err))
	}
	return r, time.Since(began), nil
}

// openSQL opens a file and gives its size, 0 where that is not known.
func openSQL(name string) (io.ReadCloser, int, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, int(info.Size()), nil
}

// importSentence says what a file has done.
func importSentence(r d1.ImportResult, took time.Duration, d d1Database) string {
	return fmt.Sprintf("%s run in %s, %s changed, in %v", counted(r.Statements, "statement"), d.label(), counted(r.Changes, "row"), took.Round(time.Millisecond))
}

type d1ExportCmd struct {
	d1Target
	Output   string   `required:"" placeholder:"FILE" help:"File to write; \"-\" is standard output. One that is there is replaced when all is written."`
	Table    []string `sep:"none" placeholder:"NAME" help:"Only this table, with its indexes and triggers; repeatable."`
	NoSchema bool     `xor:"part" help:"Only the rows."`
	NoData   bool     `xor:"part" help:"Only the tables, indexes, triggers and views, without rows."`
	Local    bool     `help:"Accepted for wrangler's sake: all data is on this machine."`
}

// Run writes the database as SQL.
func (c *d1ExportCmd) Run(ctx context.Context) error {
	return c.read(ctx, func(d d1Database, db *d1.Database) error {
		o := d1.ExportOptions{Tables: c.Table, NoSchema: c.NoSchema, NoData: c.NoData}
		if c.Output == "-" {
			return db.Export(ctx, os.Stdout, o)
		}
		p := newProgress("rows written", 0, false)
		var rows int64
		o.Progress = func(n int64) {
			rows = n
			p.count(int(n))
		}
		err := replaceFile(c.Output, func(w io.Writer) error { return db.Export(ctx, w, o) })
		p.leave()
		if err == nil {
			_, err = fmt.Fprintf(os.Stdout, "%s of %s written to %s\n", counted(rows, "row"), d.label(), c.Output)
		}
		return err
	})
}

// replaceFile writes a file beside the one of that name and puts it in its place when all went well.
func replaceFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, errors.Unwrap(err))
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
