package migrations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
	"github.com/pagesrun/pagesrun/hostfuncs/d1"
)

// Folder is a directory of migrations.
type Folder struct {
	// Dir is the directory. It need not be there before the first migration is made.
	Dir string
	// Table is the table that records what was applied.
	Table string
}

// number is what a file's name begins with; ok is false where that is no number.
func number(name string) (n int, ok bool) {
	digits, _, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0
}

// Files gives the names of all migrations in the order in which they are applied: by number, then by name.
func (f Folder) Files() ([]string, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".sql") {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		m, _ := number(a)
		n, _ := number(b)
		return cmp.Or(cmp.Compare(m, n), strings.Compare(a, b))
	})
	return names, nil
}

// Create makes an empty migration with the next number and gives the path of its file. Spaces in name become underscores.
func (f Folder) Create(name string, now time.Time) (string, error) {
	name = strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
	if name == "" || strings.ContainsAny(name, "/\\\x00") {
		return "", fmt.Errorf("%q cannot be the name of a migration: it becomes part of a file's name", name)
	}
	files, err := f.Files()
	if err != nil {
		return "", err
	}
	last := 0
	for _, file := range files {
		n, _ := number(file)
		last = max(last, n)
	}
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(f.Dir, fmt.Sprintf("%04d_%s.sql", last+1, name))
	text := fmt.Sprintf("-- Migration number: %04d \t %s\n", last+1, now.UTC().Format("2006-01-02T15:04:05.000Z"))
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(out, text)
	return path, errors.Join(err, out.Close())
}

// quote writes a name so that it is nothing else.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Pending gives the names of the migrations that db does not record as applied, in order. Nothing is changed.
func (f Folder) Pending(ctx context.Context, db *d1.Database) ([]string, error) {
	files, err := f.Files()
	if err != nil || len(files) == 0 {
		return nil, err
	}
	applied, err := f.applied(ctx, db)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(name string) bool { return applied[name] }), nil
}

// applied are the migrations that the table records, none when there is no table.
func (f Folder) applied(ctx context.Context, db *d1.Database) (map[string]bool, error) {
	exists, err := texts(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", f.Table)
	if err != nil || len(exists) == 0 {
		return nil, err
	}
	names, err := texts(ctx, db, "SELECT name FROM "+quote(f.Table)+" WHERE typeof(name) = 'text'")
	applied := map[string]bool{}
	for _, name := range names {
		applied[name] = true
	}
	return applied, err
}

// texts runs a query with text parameters that gives one column of texts.
func texts(ctx context.Context, db *d1.Database, sql string, values ...string) ([]string, error) {
	s := abi.D1Statement{SQL: abi.ByteString(sql)}
	for _, v := range values {
		s.Params = cbor.AppendText(s.Params, v)
	}
	reply, err := db.Query(ctx, &abi.D1QueryRequest{Statements: []abi.D1Statement{s}})
	if err != nil {
		return nil, err
	}
	var list []string
	for r := cbor.NewReader(reply.Results[0].Rows); r.More(); {
		list = append(list, string(r.Scalar().Bytes))
	}
	return list, nil
}

// Error is the failure of one migration, which has changed nothing.
type Error struct {
	// File is the path of the migration.
	File string
	// Line is where the statement that failed begins, 0 when it is none's fault.
	Line int64
	// Err is what SQLite says.
	Err error
}

// Error names the file, the line and the problem.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap gives the problem.
func (e *Error) Unwrap() error { return e.Err }

// Apply applies the pending migrations in order, each in a transaction of its own together with its entry in the table, and tells done of each
// that was applied. The first that fails ends it with an [*Error]; those before stay.
func (f Folder) Apply(ctx context.Context, db *d1.Database, done func(name string)) error {
	pending, err := f.Pending(ctx, db)
	if err != nil || len(pending) == 0 {
		return err
	}
	if err := f.makeTable(ctx, db); err != nil {
		return err
	}
	for _, name := range pending {
		if err := f.apply(ctx, db, name); err != nil {
			return err
		}
		done(name)
	}
	return nil
}

func (f Folder) makeTable(ctx context.Context, db *d1.Database) error {
	_, err := texts(ctx, db, "CREATE TABLE IF NOT EXISTS "+quote(f.Table)+
		"(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)")
	return err
}

// apply applies one migration. Its entry is written before it, in the same transaction and on the same line as the file's first, so that an
// unfinished comment or string at its end cannot swallow the entry and lines count as in the file.
func (f Folder) apply(ctx context.Context, db *d1.Database, name string) error {
	path := filepath.Join(f.Dir, name)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	entry := fmt.Sprintf("INSERT INTO %s (name) VALUES ('%s'); ", quote(f.Table), strings.ReplaceAll(name, "'", "''"))
	_, err = db.Import(ctx, io.MultiReader(strings.NewReader(entry), file), d1.ImportOptions{})
	if err == nil {
		return nil
	}
	failure := &Error{File: path, Err: err}
	var at *d1.ImportError
	if errors.As(err, &at) {
		failure.Line, failure.Err = at.Line, at.Err
	}
	return failure
}
