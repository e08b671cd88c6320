package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Times for which a connection waits for a lock that another process or a checkpoint holds.
const (
	writerBusyTimeout  = 10 * time.Second
	readerBusyTimeout  = 5 * time.Second
	restartBusyTimeout = 200 * time.Millisecond
)

// cacheKiB is each connection's page cache.
const cacheKiB = 4096

// Conn is one connection, lent to a function for as long as it runs.
type Conn struct {
	*sqlite3.Conn
	hold
	stmts map[string]*sqlite3.Stmt
	// broken is set when a panic went through the connection, whose state is unknown then, or when it is retired. It must not be used again.
	broken bool
	// State is the owner's, set by [Options].Setup.
	State any
	// walPages is how many pages the write-ahead log had after the last commit.
	walPages int
}

// Stmt gives the prepared statement of sql, preparing it once per connection. The statement belongs to the connection: reset it after
// use, never close it. Only constant texts belong here, as none is ever forgotten; the bindings of the last use stay.
func (c *Conn) Stmt(sql string) (*sqlite3.Stmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	s, tail, err := c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(tail) != "" {
		s.Close()
		return nil, fmt.Errorf("more than one statement in %q", sql)
	}
	c.stmts[sql] = s
	return s, nil
}

// run executes a prepared statement that has neither parameters nor rows.
func (c *Conn) run(sql string) error {
	s, err := c.Stmt(sql)
	if err != nil {
		return err
	}
	return s.Exec()
}

// text gives the first column of the first row of sql.
func (c *Conn) text(sql string) (string, error) {
	s, _, err := c.Prepare(sql)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if !s.Step() {
		return "", s.Err()
	}
	return s.ColumnText(0), nil
}

// Int gives the first value of the first row of a query without parameters, through a cached statement.
func (c *Conn) Int(sql string) (int64, error) {
	s, err := c.Stmt(sql)
	if err != nil {
		return 0, err
	}
	defer s.Reset()
	if !s.Step() {
		return 0, s.Err()
	}
	return s.ColumnInt64(0), nil
}

// Snapshot runs fn, all of whose reads see one state of the file. Several reads also cost less that way. It is for reading connections,
// and not to be nested.
func (c *Conn) Snapshot(fn func() error) error {
	if c.held {
		return fn()
	}
	if err := c.run(`BEGIN`); err != nil {
		return err
	}
	err := fn()
	c.tidy()
	return errors.Join(err, c.run(`COMMIT`))
}

// tidy resets every statement, so that one left in the middle of its rows does not hold on to an old state of the file.
func (c *Conn) tidy() {
	for s := range c.Stmts() {
		s.Reset()
	}
}

// Seen identifies the state of the file that the read in progress shows, or an older one: while it stays the same, nothing was committed.
// False where that cannot be told.
func (c *Conn) Seen() (Version, bool) {
	return Version(c.seen), c.index != nil
}

// Version is a state of the file as [Conn.Seen] gives it.
type Version stamp

// Retire has the connection closed once it is not used any more, and another one opened when one is needed: for one that took much memory, which
// it would never give back.
func (c *Conn) Retire() { c.broken = true }

// protect runs fn with the connection. A panic (the driver panics when it is out of memory) becomes an error and
// marks the connection broken.
func (c *Conn) protect(fn func(*Conn) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.broken = true
			err = fmt.Errorf("panic in a database operation: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(c)
}

// close closes the connection and everything prepared on it.
func (c *Conn) close() error {
	for _, s := range slices.Collect(c.Stmts()) {
		s.Close()
	}
	c.index.close()
	c.index = nil
	return c.Conn.Close()
}

// shut closes a connection, whatever state it is in.
func (c *Conn) shut() error {
	if c.broken {
		c.abandon()
		return nil
	}
	return c.protect((*Conn).close)
}

// abandon closes a broken connection, or one that was never opened, as well as that can still be done. It may be called again.
func (c *Conn) abandon() {
	defer func() { recover() }()
	if c.Conn != nil {
		c.close()
	}
}

// open opens one connection to the file.
func open(ctx context.Context, o Options, pragmas string) (*Conn, error) {
	registerVFS()
	if o.Memory > 0 {
		ctx = sqlite3.WithMaxMemory(ctx, o.Memory)
	}
	c := &Conn{stmts: map[string]*sqlite3.Stmt{}}
	err := c.protect(func(c *Conn) (err error) {
		if c.Conn, err = sqlite3.OpenContext(ctx, o.uri()); err != nil {
			return err
		}
		if err = c.Exec(pragmas); err == nil && o.Setup != nil {
			err = o.Setup(c)
		}
		return err
	})
	if err != nil {
		c.abandon()
		return nil, err
	}
	return c, nil
}

// fileURI names a path and a virtual file system in the one form in which SQLite accepts both.
func fileURI(path, vfs string) string {
	p := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: p, RawQuery: "vfs=" + vfs}).String()
}
