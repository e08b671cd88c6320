package kv

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

//go:embed schema.sql
var schema string

// migrations are the formats of a namespace's file, in order; see [sqlite.Options].
var migrations = []string{schema}

// largeBytes is the length over which a value is moved in pieces of that size, so that a connection's memory, which never
// shrinks, stays small.
const largeBytes = 1 << 20

// never is the expiration of what does not expire, in seconds since the Unix epoch.
const never = math.MaxInt64

// fileName gives the name of the file of the namespace id, see [sqlite.FileName].
func fileName(id string) string { return sqlite.FileName(Kind, id) }

// Options say how to open namespaces.
type Options struct {
	// Dir is the directory of the namespaces' files. It is made when it is missing.
	Dir string
	// Relaxed is durability "relaxed".
	Relaxed bool
	// Now is the clock; nil for the system's.
	Now func() time.Time
	// Log is told what nobody waits for; nil for nowhere.
	Log *slog.Logger
}

// Namespace is one open namespace. Its methods may be called by many goroutines, and other processes may have the same
// namespace open. Their errors are what a guest may see, some with the cause for the log behind (see hostfuncs.Failure).
type Namespace struct {
	id  string
	db  *sqlite.DB
	now func() time.Time
}

// OpenNamespace opens the namespace with the given id, an empty one when there is no file yet.
func OpenNamespace(ctx context.Context, o Options, id string) (*Namespace, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := datadir.Make(o.Dir); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, sqlite.Options{
		Path:       filepath.Join(o.Dir, fileName(id)),
		Migrations: migrations,
		Relaxed:    o.Relaxed,
		Log:        o.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Namespace{id: id, db: db, now: o.Now}, nil
}

// Close finishes what is running and closes the file.
func (n *Namespace) Close() error { return n.db.Close() }

// seconds is the clock, in whole seconds since the Unix epoch.
func (n *Namespace) seconds() int64 { return n.now().Unix() }

// Two statements read an entry. Every column that is selected takes time, so what a get needs most often has a statement of its own. A
// large value is left out of both, to be read in pieces.
const (
	selectValue = `SELECT CASE WHEN length(value) <= 1048576 THEN value END, ifnull(expiration, 9223372036854775807)
		FROM entries WHERE key = ?1`
	selectEntry = `SELECT CASE WHEN length(value) <= 1048576 THEN value END, ifnull(expiration, 9223372036854775807),
		metadata, id, length(value) FROM entries WHERE key = ?1`
)

// row is the entry that a reading connection stands on. It is valid until the function it was passed to returns.
type row struct {
	conn *sqlite.Conn
	stmt *sqlite3.Stmt
	// small is the value, unless it is a large one. SQLite owns the bytes.
	small []byte
	// brief says that the row is one of selectValue, for a value that is not large.
	brief bool
}

// readValue is [Namespace.read] for when the metadata is not wanted.
func (n *Namespace) readValue(c *sqlite.Conn, key string, fn func(row) error) error {
	large := false
	err := n.step(c, selectValue, key, func(r row) error {
		if large = len(r.small) == 0 && r.stmt.ColumnType(0) == sqlite3.NULL; large {
			return nil
		}
		r.brief = true
		return fn(r)
	})
	if large && err == nil {
		err = n.read(c, key, fn)
	}
	return err
}

// read calls fn with the entry of key, unless there is none or it has expired.
func (n *Namespace) read(c *sqlite.Conn, key string, fn func(row) error) error {
	return n.step(c, selectEntry, key, fn)
}

// step runs one of the two statements.
func (n *Namespace) step(c *sqlite.Conn, sql, key string, fn func(row) error) error {
	s, err := c.Stmt(sql)
	if err != nil {
		return err
	}
	if err := s.BindText(1, key); err != nil {
		return err
	}
	if s.Step() {
		if expiration := s.ColumnInt64(1); expiration == never || expiration > n.seconds() {
			err = fn(row{conn: c, stmt: s, small: s.ColumnRawBlob(0)})
		}
	}
	if rerr := s.Reset(); err == nil {
		err = rerr
	}
	return err
}

// length is the value's length in bytes.
func (r row) length() int {
	if r.brief || len(r.small) > 0 {
		return len(r.small)
	}
	return r.stmt.ColumnInt(4)
}

// appendValue appends the value, of the given length, to dst.
func (r row) appendValue(dst []byte, length int) ([]byte, error) {
	if len(r.small) == length {
		return append(dst, r.small...), nil
	}
	blob, err := r.conn.OpenBlob("main", "entries", "value", r.stmt.ColumnInt64(3), false)
	if err != nil {
		return dst, err
	}
	defer blob.Close()
	start := len(dst)
	dst = append(dst, make([]byte, length)...)
	for piece := dst[start:]; len(piece) > 0; {
		got, err := blob.Read(piece[:min(len(piece), largeBytes)])
		piece = piece[got:]
		if err != nil && err != io.EOF || got == 0 {
			return dst[:start], errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	return dst, nil
}

// metadata is the metadata's JSON, nil when there is none. SQLite owns the bytes.
func (r row) metadata() []byte { return r.stmt.ColumnRawText(2) }

const upsertEntry = `INSERT INTO entries (key, expiration, metadata, value) VALUES (?1, ?2, ?3, ?4)
	ON CONFLICT (key) DO UPDATE SET expiration = excluded.expiration, metadata = excluded.metadata, value = excluded.value`

// entry is what a put stores.
type entry struct {
	key        string
	expiration int64 // never, or seconds since the Unix epoch
	metadata   string
	value      []byte
}

// store writes an entry, whatever was there before.
func (e *entry) store(c *sqlite.Conn) error {
	s, err := c.Stmt(upsertEntry)
	if err != nil {
		return err
	}
	if err := e.bind(s); err != nil {
		return err
	}
	if err := s.Exec(); err != nil || len(e.value) <= largeBytes {
		return err
	}
	return e.storeLarge(c)
}

func (e *entry) bind(s *sqlite3.Stmt) error {
	errs := []error{s.BindText(1, e.key), s.BindNull(2), s.BindNull(3)}
	if e.expiration != never {
		errs = append(errs, s.BindInt64(2, e.expiration))
	}
	if e.metadata != "" {
		errs = append(errs, s.BindText(3, e.metadata))
	}
	if len(e.value) > largeBytes {
		errs = append(errs, s.BindZeroBlob(4, int64(len(e.value))))
	} else {
		errs = append(errs, s.BindBlob(4, e.value))
	}
	return errors.Join(errs...)
}

// storeLarge fills in the value of an entry that was written with zeros.
func (e *entry) storeLarge(c *sqlite.Conn) error {
	id, err := entryID(c, e.key)
	if err != nil {
		return err
	}
	blob, err := c.OpenBlob("main", "entries", "value", id, true)
	if err != nil {
		return err
	}
	for rest := e.value; len(rest) > 0 && err == nil; {
		piece := rest[:min(len(rest), largeBytes)]
		_, err = blob.Write(piece)
		rest = rest[len(piece):]
	}
	return errors.Join(err, blob.Close())
}

func entryID(c *sqlite.Conn, key string) (int64, error) {
	s, err := c.Stmt(`SELECT id FROM entries WHERE key = ?1`)
	if err != nil {
		return 0, err
	}
	defer s.Reset()
	if err := s.BindText(1, key); err != nil {
		return 0, err
	}
	if !s.Step() {
		return 0, errors.Join(s.Err(), errors.New("the entry just written is not there"))
	}
	return s.ColumnInt64(0), nil
}

// removeKey deletes one entry, if it is there.
func removeKey(c *sqlite.Conn, key string) error {
	s, err := c.Stmt(`DELETE FROM entries WHERE key = ?1`)
	if err != nil {
		return err
	}
	if err := s.BindText(1, key); err != nil {
		return err
	}
	return s.Exec()
}

// selectPage lists the entries from one key (included) to another (not included).
const selectPage = `SELECT key, ifnull(expiration, 9223372036854775807), metadata FROM entries
	WHERE key >= ?1 AND key < ?2 AND (expiration IS NULL OR expiration > ?3) ORDER BY key LIMIT ?4`

// page is a range of keys to list.
type page struct {
	from  string
	below string // empty for no upper bound
	now   int64
	limit int
}

// each calls fn for every entry of the page, in the order of keys. The bytes are SQLite's.
func (p *page) each(c *sqlite.Conn, fn func(key []byte, expiration int64, metadata []byte)) error {
	s, err := c.Stmt(selectPage)
	if err != nil {
		return err
	}
	bound := s.BindText(2, p.below)
	if p.below == "" {
		bound = s.BindZeroBlob(2, 0) // any text is less than any blob
	}
	if err := errors.Join(s.BindText(1, p.from), bound, s.BindInt64(3, p.now), s.BindInt(4, p.limit)); err != nil {
		return err
	}
	for s.Step() {
		fn(s.ColumnRawText(0), s.ColumnInt64(1), s.ColumnRawText(2))
	}
	return errors.Join(s.Err(), s.Reset())
}

// upperBound gives the least text greater than all that begin with prefix, empty when there is none.
func upperBound(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}
