package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// Options say which file to open and how.
type Options struct {
	// Path is the file, created when it is missing; its directory must exist.
	Path string
	// Migrations bring a file from one format to the next: the n-th script makes format n+1 of format n. A new file has format 0. The
	// format is kept in PRAGMA user_version. Scripts are only ever appended.
	Migrations []string
	// Relaxed lets an acknowledged write be lost when the machine (not the process) crashes, for speed: durability "relaxed".
	Relaxed bool
	// Readers is the most connections that read at once; 0 means twice the number of CPUs, at least 4.
	Readers int
	// Memory is how much memory each connection may take, in bytes; 0 means the driver's 256 MiB.
	Memory int64
	// Setup prepares every new connection, before anything is read or written: limits, functions, an authoriser that lets this package's own
	// statements pass. Nil means nothing.
	Setup func(*Conn) error
	// Log is told what nobody waits for, such as a checkpoint that failed. Nil means nowhere.
	Log *slog.Logger

	// Tests have a virtual file system of their own and let the log be moved earlier.
	vfs             string
	checkpointPages int
}

// DB is an open file. Its methods may be called by many goroutines at once.
type DB struct {
	path       string
	log        *slog.Logger
	readers    *readers
	writer     *writer
	damaged    error        // why nothing can be done with the file; nil when something can
	complained atomic.Int64 // when the log was told of a failure, in nanoseconds since the Unix epoch
}

// Open opens the file, creating it and bringing it to the newest format where needed. It refuses a file written by a newer
// version and a SQLite that is known to corrupt files. A file that is damaged is opened as [Damaged] does.
func Open(ctx context.Context, o Options) (*DB, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, err
	}
	o.Path = path
	o.Log = o.logger()
	if err := checkHeader(path); err != nil {
		return Damaged(o, err), nil
	}
	if !o.Relaxed { // which may lose the end of the log
		if err := checkLog(path); err != nil {
			o.Log.Error("a write-ahead log is damaged", "file", path, "cause", err)
		}
	}
	c, err := openWriter(ctx, o)
	if IsDamage(err) {
		return Damaged(o, err), nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	r := newReaders(o)
	w, err := newWriter(c, o, r)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return &DB{path: path, log: o.Log, readers: r, writer: w}, nil
}

// logger is where to log.
func (o *Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// readers is how many connections may read at once.
func (o *Options) readers() int {
	if o.Readers > 0 {
		return o.Readers
	}
	return max(4, 2*runtime.GOMAXPROCS(0))
}

// uri names the file for the driver.
func (o *Options) uri() string {
	if o.vfs != "" {
		return fileURI(o.Path, o.vfs)
	}
	return fileURI(o.Path, vfsName)
}

// Path is the file's absolute path.
func (db *DB) Path() string { return db.path }

// Read runs fn with a reading connection, waiting for one while all are busy. All statements of fn that overlap see one state of the
// file. When ctx ends, running statements are interrupted. fn must reset the statements it used; when it returns an error
// that is done for it. A returned error is fn's own or one that [Public] understands.
func (db *DB) Read(ctx context.Context, fn func(*Conn) error) error {
	if db.damaged != nil {
		return db.damaged
	}
	c, err := db.readers.get(ctx)
	if err != nil {
		return err
	}
	if err = c.protect((*Conn).enter); err == nil {
		c.SetInterrupt(ctx)
		err = c.protect(fn)
		c.SetInterrupt(context.Background())
	}
	if err != nil && !c.broken {
		c.protect(rollback)
		c.held = false
	}
	db.readers.put(c)
	return err
}

// Write runs fn with the writing connection, inside a transaction it shares with the others that wait to write, and returns when that is
// committed. Either all of what fn did is stored or, when it returns an error, none. It does not begin, commit or roll back transactions itself,
// and it may be run a second time after what the first run did was undone.
//
// bytes is about how much fn writes; it keeps the shared transactions from growing without bound. When ctx ends before fn
// has begun, nothing is done and the context's error is returned; once begun, a write is not interrupted, unless fn sees to that itself with
// SetInterrupt, which it must undo.
//
// When SQLite answers a statement of fn with the end of the whole transaction (ON CONFLICT ROLLBACK, RAISE(ROLLBACK), an interrupted
// statement), fn must return that error at once. The others who shared the transaction are run again.
func (db *DB) Write(ctx context.Context, bytes int, fn func(*Conn) error) error {
	if db.damaged != nil {
		return db.damaged
	}
	return db.writer.do(ctx, &write{fn: fn, bytes: bytes})
}

// WriteOnce is [DB.Write] for what cannot be run a second time or is large: fn has a transaction to itself.
func (db *DB) WriteOnce(ctx context.Context, fn func(*Conn) error) error {
	if db.damaged != nil {
		return db.damaged
	}
	return db.writer.do(ctx, &write{fn: fn, once: true})
}

// Close finishes the writes that were begun, waits for the readers and closes the file. Later calls of any method fail with [ErrClosed].
func (db *DB) Close() error {
	if db.damaged != nil {
		return nil
	}
	werr := db.writer.drain()
	rerr := db.readers.close()
	if err := db.writer.close(); err != nil {
		return err
	}
	if werr != nil {
		return werr
	}
	return rerr
}

// openWriter opens the writing connection and prepares the file: checksums, write-ahead log, newest format.
func openWriter(ctx context.Context, o Options) (*Conn, error) {
	c, err := open(ctx, o, fmt.Sprintf(`PRAGMA busy_timeout=%d; PRAGMA cache_size=-%d;`,
		writerBusyTimeout.Milliseconds(), cacheKiB))
	if err != nil {
		return nil, err
	}
	if err := c.protect(func(c *Conn) error { return prepare(c, o) }); err != nil {
		c.abandon()
		return nil, err
	}
	return c, nil
}

// walSizeKept is what the write-ahead log is cut back to after it had to grow, in bytes.
const walSizeKept = 4 << 20

func prepare(c *Conn, o Options) error {
	if err := checkVersion(c); err != nil {
		return err
	}
	if err := enableChecksums(c); err != nil {
		return err
	}
	sync := "FULL"
	if o.Relaxed {
		sync = "NORMAL"
	}
	err := c.Exec(fmt.Sprintf(`PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA journal_size_limit=%d;
		PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=ON;`, sync, walSizeKept))
	if err != nil {
		return err
	}
	return migrate(c, o.Migrations)
}

// enableChecksums makes a new file carry a checksum on every page, verified on every read, so that rot on the disk is noticed.
// A file that has content already stays as it is.
func enableChecksums(c *Conn) error {
	pages, err := c.Int(`PRAGMA page_count`)
	if err != nil || pages > 0 {
		return err
	}
	_, err = c.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, 8)
	return err
}

// migrate brings the file to the newest format, all of it in one transaction.
func migrate(c *Conn, migrations []string) (err error) {
	tx, err := c.BeginImmediate()
	if err != nil {
		return err
	}
	defer tx.End(&err)
	format, err := c.Int(`PRAGMA user_version`)
	if err != nil {
		return err
	}
	if int(format) > len(migrations) {
		return fmt.Errorf("the file has format %d and this version of pagesrun knows formats up to %d: it was written by a newer one",
			format, len(migrations))
	}
	for i := int(format); i < len(migrations); i++ {
		if err := c.Exec(fmt.Sprintf("%s; PRAGMA user_version=%d", migrations[i], i+1)); err != nil {
			return fmt.Errorf("migrating to format %d: %w", i+1, err)
		}
	}
	return nil
}
