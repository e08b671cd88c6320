package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs/d1"
	"github.com/pagesrun/pagesrun/hostfuncs/d1/migrations"
)

// d1Cmd is "pagesrun d1", shaped like wrangler's command of that name.
type d1Cmd struct {
	Execute    d1ExecuteCmd    `cmd:"" help:"Run SQL in a database and show what it gives."`
	Migrations d1MigrationsCmd `cmd:"" help:"Change a database step by step with the SQL files of a directory."`
	Export     d1ExportCmd     `cmd:"" help:"Write a database as SQL."`
	Import     d1ImportCmd     `cmd:"" help:"Run a file of SQL of any length: all of it or nothing."`
	List       d1ListCmd       `cmd:"" help:"Show the configured databases."`
	Info       d1InfoCmd       `cmd:"" help:"Show what a database has."`
}

// d1Target says which database a command works with.
type d1Target struct {
	configFlags
	Database string `arg:"" name:"database" help:"The database: its binding, its database_name or its id."`
}

// d1Database is a database that was found.
type d1Database struct {
	*d1.Resource
	cfg *config.Config
	dir string
}

// databases reads the configured databases.
func (f configFlags) databases() ([]d1Database, *config.Config, error) {
	cfg, problems := f.load(bindingFlags{})
	list, more := d1.Databases(cfg)
	if err := append(problems, more...).Err(); err != nil {
		return nil, nil, err
	}
	dir, err := f.storeDir(cfg, d1.Kind)
	if err != nil {
		return nil, nil, err
	}
	found := make([]d1Database, len(list))
	for i, r := range list {
		found[i] = d1Database{r, cfg, dir}
	}
	return found, cfg, nil
}

// find finds the database meant. An id that is not configured counts when there is a file of it.
func (t *d1Target) find() (d1Database, error) {
	list, cfg, err := t.databases()
	if err != nil {
		return d1Database{}, err
	}
	for _, name := range []func(d1Database) string{
		func(d d1Database) string { return d.Binding }, func(d d1Database) string { return d.Name }, func(d d1Database) string { return d.ID },
	} {
		if i := slices.IndexFunc(list, func(d d1Database) bool { return name(d) == t.Database }); i >= 0 {
			return list[i], nil
		}
	}
	dir, err := t.storeDir(cfg, d1.Kind)
	if err != nil {
		return d1Database{}, err
	}
	stored := d1Database{&d1.Resource{ID: t.Database, MigrationsTable: d1.DefaultMigrationsTable, MigrationsDir: d1.DefaultMigrationsDir}, cfg, dir}
	if t.Database != "" && stored.mustBeStored() == nil {
		return stored, nil
	}
	return d1Database{}, t.unknown(list)
}

// unknown says which databases there are.
func (t *d1Target) unknown(list []d1Database) error {
	if len(list) == 0 {
		return fmt.Errorf("no D1 database is configured; add [[d1_databases]] with binding = %q", t.Database)
	}
	names := make([]string, len(list))
	for i, d := range list {
		names[i] = d.Binding
		if d.Name != "" && d.Name != d.Binding {
			names[i] += " (" + d.Name + ")"
		}
	}
	return fmt.Errorf("no D1 database has the binding, name or id %q; configured are: %s", t.Database, strings.Join(names, ", "))
}

// label is what people call the database.
func (d d1Database) label() string { return cmp.Or(d.Name, d.Binding, d.ID) }

// path is the database's file.
func (d d1Database) path() string { return filepath.Join(d.dir, d1.FileName(d.ID)) }

// mustBeStored fails when nothing has been written to the database yet, so that reading does not make one.
func (d d1Database) mustBeStored() error {
	_, err := os.Stat(d.path())
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the database %s does not exist yet; the first \"pagesrun d1 execute\", \"d1 import\", \"d1 migrations apply\" or start of a function makes it", d.label())
	}
	return err
}

// use opens the database for as long as fn runs. Where there is none it is made.
func (d d1Database) use(ctx context.Context, fn func(*d1.Database) error) error {
	db, err := d1.OpenDatabase(ctx, d1.Options{Dir: d.dir, Relaxed: d.cfg.Pagesrun.Durability == "relaxed"}, d.ID)
	if err != nil {
		return err
	}
	return errors.Join(spoken(fn(db)), db.Close())
}

// saidInFull are the codes of errors whose text for guests leaves nothing out.
var saidInFull = []abi.Code{abi.CodeInvalidArgument, abi.CodeTooLarge, abi.CodeCanceled, abi.CodeTimeout}

// spoken leaves out of an error what SQLite says where the text for guests says the same.
func spoken(err error) error {
	var script *d1.ImportError
	var migration *migrations.Error
	var public *abi.Error
	switch {
	case errors.As(err, &migration):
		migration.Err = spoken(migration.Err)
	case errors.As(err, &script):
		script.Err = spoken(script.Err)
	case errors.As(err, &public) && slices.Contains(saidInFull, public.Code):
		return public
	}
	return err
}

// write opens the database meant for as long as fn runs.
func (t *d1Target) write(ctx context.Context, fn func(d1Database, *d1.Database) error) error {
	d, err := t.find()
	if err != nil {
		return err
	}
	return d.use(ctx, func(db *d1.Database) error { return fn(d, db) })
}

// read opens the database meant, which must be there, for as long as fn runs.
func (t *d1Target) read(ctx context.Context, fn func(d1Database, *d1.Database) error) error {
	d, err := t.find()
	if err == nil {
		err = d.mustBeStored()
	}
	if err != nil {
		return err
	}
	return d.use(ctx, func(db *d1.Database) error { return fn(d, db) })
}
