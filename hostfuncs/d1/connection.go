package d1

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Limits that only SQLite knows about.
const (
	triggerDepthMax = 10
	programOpsMax   = 25_000
)

// limits are what statements may ask of SQLite.
var limits = map[sqlite3.LimitCategory]int{
	sqlite3.LIMIT_LENGTH:              abi.D1ValueBytesMax,
	sqlite3.LIMIT_SQL_LENGTH:          abi.D1SQLBytesMax,
	sqlite3.LIMIT_COLUMN:              abi.D1ColumnsMax,
	sqlite3.LIMIT_EXPR_DEPTH:          abi.D1ExpressionDepthMax,
	sqlite3.LIMIT_COMPOUND_SELECT:     abi.D1CompoundTermsMax,
	sqlite3.LIMIT_VDBE_OP:             programOpsMax,
	sqlite3.LIMIT_FUNCTION_ARG:        abi.D1FunctionArgsMax,
	sqlite3.LIMIT_ATTACHED:            0,
	sqlite3.LIMIT_LIKE_PATTERN_LENGTH: abi.D1PatternBytesMax,
	sqlite3.LIMIT_VARIABLE_NUMBER:     abi.D1ParamsMax,
	sqlite3.LIMIT_TRIGGER_DEPTH:       triggerDepthMax,
	sqlite3.LIMIT_WORKER_THREADS:      0,
}

// options are how statements are read. A name in double quotes that names nothing is a string, as on the platform; a
// statement cannot damage the file.
var options = map[sqlite3.DBConfig]bool{
	sqlite3.DBCONFIG_DQS_DML:   true,
	sqlite3.DBCONFIG_DQS_DDL:   true,
	sqlite3.DBCONFIG_DEFENSIVE: true,
}

// connection is what this package keeps with each connection to a file.
type connection struct {
	*sqlite.Conn
	// guest says that SQLite works on a statement of a guest, so that the authoriser has a say.
	guest bool
	// running says that the statement was compiled and runs: what is asked about now are the statements of full-text indexes.
	running bool
	// reading says that the connection is lent for reading only.
	reading bool
	// notes are what the authoriser saw of the statement in hand.
	notes notes
	// changed are the settings that the query in hand has changed.
	changed setting
	// shaped says that the query in hand makes, drops or renames full-text tables.
	shaped bool
	cache  cache
	// size is the size of the database at the state sized, in bytes.
	size  int64
	sized sqlite.Version
}

// of gives what this package keeps with a connection.
func of(c *sqlite.Conn) *connection { return c.State.(*connection) }

// setup prepares a new connection.
func setup(conn *sqlite.Conn) error {
	if err := fts5.Register(conn.Conn); err != nil {
		return err
	}
	c := &connection{Conn: conn}
	conn.State = c
	for option, value := range options {
		if _, err := c.Config(option, value); err != nil {
			return err
		}
	}
	if err := c.Exec(`PRAGMA recursive_triggers=OFF`); err != nil {
		return err
	}
	for category, value := range limits {
		c.Limit(category, value)
	}
	return c.SetAuthorizer(c.authorize)
}

// prepare compiles the first statement of a guest's text. It is nil when the text has none.
func (c *connection) prepare(sql string) (s *sqlite3.Stmt, tail string, err error) {
	defer c.outOfMemory(&err)
	s, tail, err = c.compile(sql)
	if errors.Is(err, sqlite3.ERROR) && !c.notes.transaction && !c.notes.writer {
		// It may be about a table that was made since this connection read the schema. SQLite looks for a newer one by itself, but when the
		// disk fails at that, it keeps the failure to itself and says that there is no such table.
		if err = c.freshen(); err == nil {
			s, tail, err = c.compile(sql)
		}
	}
	switch {
	case err == nil:
		return s, tail, nil
	case c.notes.transaction:
		return nil, "", refuse(abi.CodeInvalidArgument, textTransaction)
	case c.notes.writer:
		return nil, "", errWriter
	}
	return nil, "", sqlError(err, sql)
}

// compile is prepare without its care for errors.
func (c *connection) compile(sql string) (s *sqlite3.Stmt, tail string, err error) {
	c.notes = notes{}
	c.guest = true
	s, tail, err = c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	c.guest = false
	c.changed |= c.notes.settings
	return s, tail, err
}

// freshen has the connection notice that others have changed the schema. Statements that touch tables notice by themselves; those that
// only ask about them do not.
func (c *connection) freshen() error {
	_, err := c.Int(`SELECT count(*) FROM sqlite_schema WHERE 0`)
	return err
}

// freshenFor is [connection.freshen] where the statement about to be compiled needs it: a PRAGMA is answered when it is compiled.
func (c *connection) freshenFor(sql string) error {
	if !strings.EqualFold(firstWord(sql), "PRAGMA") {
		return nil
	}
	return c.freshen()
}

// checkNames fails when something has a reserved name: SQLite does not ask about the names that ALTER TABLE gives.
func (c *connection) checkNames() error {
	n, err := c.Int(`SELECT count(*) FROM sqlite_schema WHERE lower(substr(name, 1, 4)) = '_cf_'`)
	if err == nil && n > 0 {
		return refuse(abi.CodeInvalidArgument, textRefused)
	}
	return err
}

// restore undoes the settings that the query has changed.
func (c *connection) restore() error {
	for s := range c.Stmts() {
		s.Reset()
	}
	for i, name := range settings {
		if c.changed&(1<<i) == 0 {
			continue
		}
		if err := c.Exec(`PRAGMA ` + name + `=` + defaults[name]); err != nil {
			return err
		}
	}
	c.changed = 0
	return nil
}

// memoryBytesMax is how much memory a connection may take.
const memoryBytesMax = 128 << 20

// outOfMemory is deferred where guests' statements are compiled and run. SQLite says that it is out of memory also where a statement
// is compiled to a program that is too long; the driver makes a panic of that, though the connection is as good as before.
func (c *connection) outOfMemory(err *error) {
	c.guest, c.running = false, false
	if p := recover(); p != nil {
		mustBeOutOfMemory(p)
		*err = refuse(abi.CodeTooLarge, textOutOfMemory)
	}
}

// retireIfFull is deferred where statements run: a connection whose memory one has filled is not kept.
func (c *connection) retireIfFull(err *error) {
	if *err == nil {
		return
	}
	var public *abi.Error
	if errors.As(*err, &public) && public.Message == prefixQuery+textOutOfMemory {
		c.Retire()
	}
}

// mustBeOutOfMemory panics again with what is anything else.
func mustBeOutOfMemory(p any) {
	if fmt.Sprint(p) != sqlite3.NOMEM.Error() {
		panic(p)
	}
}

// reset resets a statement, which reports its last error again.
func reset(s *sqlite3.Stmt) {
	defer func() {
		if p := recover(); p != nil {
			mustBeOutOfMemory(p)
		}
	}()
	s.Reset()
}

// pageBytes is the size of a page, SQLite's default.
const pageBytes = 4096

// bytes is the size of the database in bytes, without the pages that are free.
func (c *connection) bytes() (int64, error) {
	seen, known := c.Seen()
	known = known && c.reading
	if known && c.size > 0 && seen == c.sized {
		return c.size, nil
	}
	pages, err := c.Int(`PRAGMA page_count`)
	if err != nil {
		return 0, err
	}
	free, err := c.Int(`PRAGMA freelist_count`)
	if err != nil {
		return 0, err
	}
	size := (pages - free) * pageBytes
	if known {
		c.size, c.sized = size, seen
	}
	return size, nil
}
