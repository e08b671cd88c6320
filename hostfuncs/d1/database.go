package d1

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Options say how to open databases.
type Options struct {
	// Dir is the directory of the databases' files. It is made when it is missing.
	Dir string
	// Relaxed is durability "relaxed": a write that was acknowledged survives a crash of the process but perhaps not of the machine.
	Relaxed bool
	// Now is the clock that durations and the time limit are measured with; nil for the system's.
	Now func() time.Time
	// Log is told what nobody waits for; nil for nowhere.
	Log *slog.Logger
}

// Database is one open database. Its methods may be called by many goroutines, and other processes may have the same database open.
// Their errors are what a guest may see, some with the cause for the log behind (see hostfuncs.Failure).
type Database struct {
	id  string
	db  *sqlite.DB
	now func() time.Time
	// limit is how long a query may take.
	limit time.Duration
	// lastRowID is the rowid of the newest row that a query stored.
	lastRowID atomic.Int64
	state     bookmarks
	writing   texts
	idle      sync.Pool // of *query
}

// FileName gives the name of the file of the database id, see [sqlite.FileName].
func FileName(id string) string { return sqlite.FileName(Kind, id) }

// OpenDatabase opens the database with the given id, an empty one when there is no file yet.
func OpenDatabase(ctx context.Context, o Options, id string) (*Database, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := datadir.Make(o.Dir); err != nil {
		return nil, err
	}
	file := sqlite.Options{Path: filepath.Join(o.Dir, FileName(id)), Relaxed: o.Relaxed, Setup: setup, Memory: memoryBytesMax, Log: o.Log}
	db, err := sqlite.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	d := &Database{id: id, db: db, now: o.Now, limit: abi.D1QueryMSMax * time.Millisecond}
	if err := db.Read(ctx, d.state.load); err != nil {
		err = errors.Join(err, db.Close())
		if !sqlite.IsDamage(err) {
			return nil, err
		}
		d.db = sqlite.Damaged(file, err)
	}
	return d, nil
}

// Path is the database's file.
func (d *Database) Path() string { return d.db.Path() }

// Close finishes what is running and closes the file.
func (d *Database) Close() error { return d.db.Close() }
