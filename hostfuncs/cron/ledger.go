package cron

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

//go:embed schema.sql
var schema string

// Ticks are remembered for longer than any catch-up time, so that none that could be run is forgotten. A few more are remembered
// whatever the clock says, so that one that is wrong for a while does not empty the ledger.
const (
	kept      = CatchUpMax + 24*time.Hour
	keptTicks = 1000
)

// ledger is the file that says which ticks have been run. Other processes may have it open.
type ledger struct{ db *sqlite.DB }

func openLedger(ctx context.Context, dir string, relaxed bool, log *slog.Logger) (*ledger, error) {
	db, err := sqlite.Open(ctx, sqlite.Options{
		Path: filepath.Join(dir, "cron.sqlite"), Migrations: []string{schema}, Relaxed: relaxed, Readers: 1, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &ledger{db: db}, nil
}

func (l *ledger) close() error { return l.db.Close() }

// entry is what the ledger knows of an expression.
type entry struct {
	id int64
	// since is when the expression was first seen; ticks before it are not run.
	since time.Time
	// last is the last tick that was run, zero when there is none.
	last time.Time
}

// enter gives the entry of an expression and makes one where there is none. An expression that was first seen in the future, by a wrong clock,
// counts from now on.
func (l *ledger) enter(ctx context.Context, app, expression string, now time.Time) (e entry, err error) {
	err = l.db.Write(ctx, 0, func(c *sqlite.Conn) error {
		s, err := c.Stmt(`INSERT INTO crons (app, expression, since) VALUES (?1, ?2, ?3)
			ON CONFLICT (app, expression) DO UPDATE SET since = min(since, excluded.since)
			RETURNING id, since, (SELECT max(tick) FROM ticks WHERE cron = crons.id AND tick <= ?3)`)
		if err != nil {
			return err
		}
		defer s.Reset()
		if err := errors.Join(s.BindText(1, app), s.BindText(2, expression), s.BindInt64(3, now.UnixMilli())); err != nil {
			return err
		}
		if !s.Step() {
			return errors.Join(errors.New("the ledger has no entry"), s.Err())
		}
		e = entry{id: s.ColumnInt64(0), since: time.UnixMilli(s.ColumnInt64(1))}
		if last := s.ColumnInt64(2); last != 0 {
			e.last = time.UnixMilli(last)
		}
		s.Step()
		return s.Err()
	})
	return e, err
}

// claim writes down that a tick is run, and says whether nobody had done so. It returns when that is stored.
func (l *ledger) claim(ctx context.Context, id int64, tick, now time.Time) (mine bool, err error) {
	err = l.db.Write(ctx, 0, func(c *sqlite.Conn) error {
		if err := run(c, forget, id, now.Add(-kept).UnixMilli(), keptTicks); err != nil {
			return err
		}
		if err := run(c, `INSERT OR IGNORE INTO ticks (cron, tick) VALUES (?1, ?2)`, id, tick.UnixMilli()); err != nil {
			return err
		}
		mine = c.Changes() == 1
		return nil
	})
	return mine, err
}

// forget removes old ticks of an expression.
const forget = `DELETE FROM ticks WHERE cron = ?1 AND tick < ?2
	AND tick <= (SELECT tick FROM ticks WHERE cron = ?1 ORDER BY tick DESC LIMIT 1 OFFSET ?3)`

// giveBack forgets a claim: no guest code has seen the tick.
func (l *ledger) giveBack(ctx context.Context, id int64, tick time.Time) error {
	return l.db.Write(ctx, 0, func(c *sqlite.Conn) error {
		return run(c, `DELETE FROM ticks WHERE cron = ?1 AND tick = ?2`, id, tick.UnixMilli())
	})
}

// run executes a statement with numbers for parameters.
func run(c *sqlite.Conn, sql string, args ...int64) error {
	s, err := c.Stmt(sql)
	if err != nil {
		return err
	}
	for i, arg := range args {
		if err := s.BindInt64(i+1, arg); err != nil {
			return err
		}
	}
	return s.Exec()
}
