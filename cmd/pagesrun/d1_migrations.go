package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/d1"
	"github.com/pagesrun/pagesrun/hostfuncs/d1/migrations"
)

// d1MigrationsCmd is "pagesrun d1 migrations".
type d1MigrationsCmd struct {
	Create d1MigrationsCreateCmd `cmd:"" help:"Make an empty migration with the next number."`
	List   d1MigrationsListCmd   `cmd:"" help:"Show the migrations that are not applied yet."`
	Apply  d1MigrationsApplyCmd  `cmd:"" help:"Apply the migrations that are not applied yet, in order."`
}

// folder is where the database's migrations are.
func (d d1Database) folder() migrations.Folder {
	dir := d.MigrationsDir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(d.cfg.Dir, dir)
	}
	return migrations.Folder{Dir: dir, Table: d.MigrationsTable}
}

// pending gives the migrations that are not applied: all of them where there is no database yet.
func (d d1Database) pending(ctx context.Context) (names []string, err error) {
	if d.mustBeStored() != nil {
		return d.folder().Files()
	}
	err = d.use(ctx, func(db *d1.Database) error {
		names, err = d.folder().Pending(ctx, db)
		return err
	})
	return names, err
}

type d1MigrationsCreateCmd struct {
	d1Target
	Name string `arg:"" help:"What the migration does, for the file's name."`
}

// Run makes the file.
func (c *d1MigrationsCreateCmd) Run() error {
	d, err := c.find()
	if err != nil {
		return err
	}
	path, err := d.folder().Create(c.Name, time.Now())
	if err == nil {
		_, err = fmt.Fprintln(os.Stdout, path)
	}
	return err
}

type d1MigrationsListCmd struct {
	d1Target
	Local bool `help:"Accepted for wrangler's sake: all data is on this machine."`
	JSON  bool `help:"Print the names as JSON."`
}

// Run shows what is not applied.
func (c *d1MigrationsListCmd) Run(ctx context.Context) error {
	d, err := c.find()
	if err != nil {
		return err
	}
	names, err := d.pending(ctx)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printIndented(os.Stdout, append([]string{}, names...))
	case len(names) == 0:
		_, err = fmt.Fprintln(os.Stdout, "No migrations to apply.")
		return err
	}
	t := textTable{head: []string{"Migrations to be applied"}}
	for _, name := range names {
		t.rows = append(t.rows, []string{shownCell(name)})
	}
	return t.print(os.Stdout)
}

type d1MigrationsApplyCmd struct {
	d1Target
	Yes   bool `short:"y" help:"Accepted for wrangler's sake: nothing is asked."`
	Local bool `help:"Accepted for wrangler's sake: all data is on this machine."`
}

// Run applies what is not applied.
func (c *d1MigrationsApplyCmd) Run(ctx context.Context) error {
	return c.write(ctx, func(d d1Database, db *d1.Database) error {
		n := int64(0)
		err := d.folder().Apply(ctx, db, func(name string) {
			n++
			fmt.Fprintln(os.Stdout, "applied "+shownCell(name))
		})
		if err != nil {
			return fmt.Errorf("%w; this migration and those after it were not applied", spoken(err))
		}
		if n == 0 {
			_, err = fmt.Fprintln(os.Stdout, "No migrations to apply.")
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "%s applied to %s\n", counted(n, "migration"), d.label())
		return err
	})
}
