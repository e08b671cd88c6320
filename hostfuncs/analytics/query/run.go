package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
)

// Limits of a query.
const (
	// RowsMax is the most rows of an answer.
	RowsMax = 100_000
	// AnswerBytesMax is the longest answer.
	AnswerBytesMax = 64 << 20
	// TimeMax is how long a query may take.
	TimeMax = 30 * time.Second
	// HeldBytesMax is how much memory the aggregates of a query that need all values, such as quantiles, may take.
	HeldBytesMax = 256 << 20
	// heapBytesMax is how much memory SQLite may take for a query.
	heapBytesMax = 512 << 20
	// busyTimeout is how long a query waits for a lock.
	busyTimeout = 5 * time.Second
)

// Options say what is asked, and of what.
type Options struct {
	// Dir is the directory of the datasets.
	Dir string
	// Now is the time that now() gives.
	Now time.Time
	// Format is the format of the answer where the query names none; empty for JSON.
	Format string

	// Tests have less time and room.
	timeMax time.Duration
	heldMax int
}

// Answer is what a query gave.
type Answer struct {
	// Format is one of [dialect.Formats].
	Format string
	// Body is the answer in that format.
	Body []byte
}

// ErrTooSlow is the error of a query that took longer than [TimeMax].
var ErrTooSlow = fmt.Errorf("the query took longer than %v; let it read less, such as with WHERE timestamp > now() - INTERVAL '1' DAY", TimeMax)

// Refused is an error that whoever asks can do something about: a query that is wrong, or that asks for too much.
type Refused struct{ Cause error }

// Error gives the cause.
func (r *Refused) Error() string { return r.Cause.Error() }

// Unwrap gives the cause.
func (r *Refused) Unwrap() error { return r.Cause }

// Run answers a query. Its error is a [*Refused] unless the machine is to blame, or ctx has ended.
func Run(ctx context.Context, sql string, o Options) (*Answer, error) {
	q, err := dialect.Translate(sql, dialect.Options{Now: o.Now, Format: o.Format})
	if err != nil {
		return nil, &Refused{err}
	}
	out := newOutput(q)
	if q.Show != "" {
		err = show(q, o.Dir, out)
	} else {
		err = selectRows(ctx, q, o, out)
	}
	if err != nil {
		return nil, err
	}
	return &Answer{q.Format, out.end()}, nil
}

// show answers a SHOW.
func show(q *dialect.Query, dir string, out *output) error {
	var names []string
	switch q.Show {
	case "TIMEZONE":
		names = []string{dialect.DefaultZone}
	case "TIMEZONES":
		names = dialect.Zones()
	default:
		stored, err := store.Stored(dir)
		if err != nil {
			return err
		}
		names = stored
	}
	for _, name := range names {
		if err := out.row([]any{name}); err != nil {
			return &Refused{err}
		}
	}
	return nil
}

// selectRows answers a SELECT.
func selectRows(ctx context.Context, q *dialect.Query, o Options, out *output) error {
	limited, cancel := context.WithTimeout(ctx, cmp.Or(o.timeMax, TimeMax))
	defer cancel()
	e := &environment{heldMax: cmp.Or(o.heldMax, HeldBytesMax)}
	err := e.selectRows(limited, q, o.Dir, out)
	switch {
	case err == nil || ctx.Err() != nil:
		return errors.Join(err, ctx.Err())
	case e.refused != nil:
		return &Refused{e.refused}
	case limited.Err() != nil:
		return &Refused{ErrTooSlow}
	case errors.Is(err, sqlite3.NOMEM):
		return &Refused{fmt.Errorf("the query needs more than %d MiB of memory", heapBytesMax>>20)}
	case errors.Is(err, sqlite3.ERROR), errors.Is(err, sqlite3.TOOBIG):
		return &Refused{err}
	}
	return err
}

func (e *environment) selectRows(ctx context.Context, q *dialect.Query, dir string, out *output) error {
	c, err := e.open(ctx, q, dir)
	if err != nil {
		return err
	}
	defer c.Close()
	s, tail, err := c.Prepare(q.SQL)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") { // the file is just being made
			return e.refuse(q.UnknownDataset())
		}
		return err
	}
	defer s.Close()
	if tail != "" || !s.ReadOnly() {
		return fmt.Errorf("a translation is more than one statement, or one that writes: %s", q.SQL)
	}
	for i, v := range q.Args[:min(len(q.Args), s.BindCount())] { // the last ones may be of parts that were not needed
		if err := bind(s, i+1, v); err != nil {
			return err
		}
	}
	row := make([]any, len(q.Columns))
	for s.Step() {
		for i := range row {
			row[i] = column(s, i)
		}
		if err := out.row(row); err != nil {
			return e.refuse(err)
		}
	}
	return s.Err()
}

// open opens the file of the dataset for reading, or nothing at all for a query without FROM.
func (e *environment) open(ctx context.Context, q *dialect.Query, dir string) (*sqlite3.Conn, error) {
	uri := ":memory:"
	if q.Dataset != "" {
		stored, err := store.Has(dir, q.Dataset)
		if err != nil {
			return nil, err
		}
		if !stored {
			return nil, e.refuse(q.UnknownDataset())
		}
		if uri, err = readOnly(store.Path(dir, q.Dataset)); err != nil {
			return nil, err
		}
	}
	c, err := sqlite3.OpenContext(ctx, uri)
	if err != nil {
		return nil, err
	}
	c.SetInterrupt(ctx)
	c.HardHeapLimit(heapBytesMax)
	err = errors.Join(c.BusyTimeout(busyTimeout), e.register(c), c.SetAuthorizer(authorize))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// readOnly names a file in the form in which SQLite opens it for reading.
func readOnly(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	p := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: p, RawQuery: "mode=ro"}).String(), nil
}

// authorize lets a statement read the points and call functions, and do nothing else: a second lock behind that of the dialect.
func authorize(action sqlite3.AuthorizerActionCode, name3rd, name4th, _, _ string) sqlite3.AuthorizerReturnCode {
	switch action {
	case sqlite3.AUTH_SELECT:
		return sqlite3.AUTH_OK
	case sqlite3.AUTH_READ:
		if name3rd == "points" {
			return sqlite3.AUTH_OK
		}
	case sqlite3.AUTH_FUNCTION:
		switch name4th {
		case "count", "sum", "total", "avg", "min", "max", "ifnull":
			return sqlite3.AUTH_OK
		}
		if strings.HasPrefix(name4th, "ae_") {
			return sqlite3.AUTH_OK
		}
	}
	return sqlite3.AUTH_DENY
}

func bind(s *sqlite3.Stmt, n int, v any) error {
	switch v := v.(type) {
	case int64:
		return s.BindInt64(n, v)
	case float64:
		return s.BindFloat(n, v)
	case string:
		return s.BindText(n, v)
	}
	return fmt.Errorf("no parameter can be a %T", v)
}

// column gives the value of a column: nil, int64, float64 or string.
func column(s *sqlite3.Stmt, i int) any {
	switch s.ColumnType(i) {
	case sqlite3.INTEGER:
		return s.ColumnInt64(i)
	case sqlite3.FLOAT:
		return s.ColumnFloat(i)
	case sqlite3.TEXT, sqlite3.BLOB:
		return s.ColumnText(i)
	}
	return nil
}
