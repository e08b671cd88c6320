package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
	"github.com/pagesrun/pagesrun/hostfuncs/d1"
)

// d1Description is what "d1 list" and "d1 info" tell of a database.
type d1Description struct {
	ID       string `json:"uuid"`
	Name     string `json:"name"`
	Binding  string `json:"binding"`
	File     string `json:"file"`
	FileSize int64  `json:"file_size"`
	Tables   *int64 `json:"num_tables,omitempty"`
}

func describeD1(d d1Database) d1Description {
	about := d1Description{ID: d.ID, Name: d.label(), Binding: d.Binding, File: d.path()}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(d.path() + suffix); err == nil {
			about.FileSize += info.Size()
		}
	}
	return about
}

// size is the size for people.
func (about d1Description) size() string {
	const kib = 1 << 10
	switch n := float64(about.FileSize); {
	case n == 0:
		return "nothing stored"
	case n < kib*kib:
		return fmt.Sprintf("%.0f KiB", n/kib)
	case n < kib*kib*kib:
		return fmt.Sprintf("%.1f MiB", n/kib/kib)
	default:
		return fmt.Sprintf("%.1f GiB", n/kib/kib/kib)
	}
}

type d1ListCmd struct {
	configFlags
	JSON bool `help:"Print the databases as JSON."`
}

// Run shows the configured databases.
func (c *d1ListCmd) Run() error {
	list, _, err := c.databases()
	if err != nil {
		return err
	}
	all := make([]d1Description, len(list))
	t := textTable{head: []string{"binding", "name", "id", "size"}}
	for i, d := range list {
		all[i] = describeD1(d)
		t.rows = append(t.rows, []string{d.Binding, d.label(), d.ID, all[i].size()})
	}
	switch {
	case c.JSON:
		return printIndented(os.Stdout, all)
	case len(list) == 0:
		_, err = fmt.Fprintln(os.Stdout, "No D1 databases are configured.")
		return err
	}
	return t.print(os.Stdout)
}

type d1InfoCmd struct {
	d1Target
	JSON bool `help:"Print the facts as JSON."`
}

// Run shows what a database has.
func (c *d1InfoCmd) Run(ctx context.Context) error {
	return c.read(ctx, func(d d1Database, db *d1.Database) error {
		q := abi.D1QueryRequest{Statements: []abi.D1Statement{
			{SQL: `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`},
			{SQL: `SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type DESC, name`},
		}}
		reply, err := db.Query(ctx, &q)
		if err != nil {
			return err
		}
		about := describeD1(d)
		count := cbor.NewReader(reply.Results[0].Rows)
		about.Tables = new(int64)
		*about.Tables = count.Scalar().Int
		if c.JSON {
			return printIndented(os.Stdout, about)
		}
		facts := textTable{head: []string{"name", shownCell(about.Name)}, rows: [][]string{
			{"binding", about.Binding}, {"id", about.ID}, {"file", about.File}, {"size", about.size()}, {"tables", fmt.Sprint(*about.Tables)},
		}}
		if err := facts.print(os.Stdout); err != nil {
			return err
		}
		return printD1Objects(&reply.Results[1])
	})
}

// printD1Objects lists tables, indexes and the like.
func printD1Objects(r *abi.D1Result) error {
	t := textTable{head: []string{"type", "name"}}
	err := eachD1Row(r, func(row []cbor.Scalar) { t.rows = append(t.rows, []string{d1Cell(row[0]), d1Cell(row[1])}) })
	if err != nil || len(t.rows) == 0 {
		return err
	}
	return t.print(os.Stdout)
}
