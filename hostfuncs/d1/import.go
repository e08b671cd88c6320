package d1

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// ImportOptions say how [Database.Import] reads.
type ImportOptions struct {
	// Progress is told now and then how many bytes were read and how many statements were run; nil for nobody.
	Progress func(bytes, statements int64)
}

// ImportResult is what [Database.Import] did.
type ImportResult struct {
	// Statements is how many statements were run, without those that begin or end a transaction.
	Statements int64
	// Changes is how many rows were inserted, updated or deleted, those of triggers included.
	Changes int64
	// Bookmark names the state of the database afterwards.
	Bookmark string
}

// ImportError is the failure of a statement of a script.
type ImportError struct {
	// Line is where the statement begins, counted from 1.
	Line int64
	// Statement is which one it is, counted from 1.
	Statement int64
	// Err is what is wrong, as a guest would see it.
	Err error
}

// Error names the place and the problem.
func (e *ImportError) Error() string {
	return fmt.Sprintf("line %d (statement %d): %s", e.Line, e.Statement, e.Err)
}

// Unwrap gives the problem.
func (e *ImportError) Unwrap() error { return e.Err }

// Import runs a script of any length, statement by statement, in one transaction: all of it is stored or nothing. Foreign keys are
// looked at when it ends; PRAGMA foreign_keys=OFF works within the script, but what it leaves must still fit together. BEGIN and
// COMMIT, which dumps have, are passed over. A statement may have up to 5,000,000 bytes; all other limits are those of guests. An error is an [*ImportError] where a statement is to blame. Nobody else writes meanwhile.
func (d *Database) Import(ctx context.Context, r io.Reader, o ImportOptions) (ImportResult, error) {
	if err := d.state.begin(ctx, d.db); err != nil {
		return ImportResult{}, d.public(err)
	}
	im := importer{from: newSplitter(r), progress: o.Progress}
	var at position
	err := d.db.WriteOnce(ctx, func(conn *sqlite.Conn) error {
		c := of(conn)
		c.SetInterrupt(ctx)
		c.Limit(sqlite3.LIMIT_SQL_LENGTH, statementBytesMax)
		changes := c.TotalChanges()
		err := c.end(errors.Join(im.run(c), c.enforce(true)))
		c.Limit(sqlite3.LIMIT_SQL_LENGTH, abi.D1SQLBytesMax)
		im.result.Changes = c.TotalChanges() - changes
		d.lastRowID.Store(c.LastInsertRowID())
		at = d.state.next()
		return err
	})
	if err != nil {
		return ImportResult{}, im.public(d, err)
	}
	im.result.Bookmark = d.state.publish(at)
	return im.result, nil
}

// importer is an import in progress.
type importer struct {
	from     *splitter
	progress func(bytes, statements int64)
	result   ImportResult
	// unchecked says that the script has turned foreign keys off.
	unchecked bool
}

// progressStatements is after how many statements the caller is told of the progress.
const progressStatements = 256

// run runs all statements.
func (im *importer) run(c *connection) error {
	if err := c.Exec(`PRAGMA defer_foreign_keys=ON`); err != nil {
		return err
	}
	c.changed |= deferForeignKeys
	for {
		text, err := im.from.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = im.statement(c, text)
		}
		if err != nil {
			return &ImportError{Line: im.from.began, Statement: im.result.Statements + 1, Err: err}
		}
		im.tell(false)
	}
	im.tell(true)
	return im.check(c)
}

// enforce turns foreign keys on or off, which SQLite lets a PRAGMA do only outside of transactions.
func (c *connection) enforce(on bool) error {
	_, err := c.Config(sqlite3.DBCONFIG_ENABLE_FKEY, on)
	return err
}

// check looks at all foreign keys where the script had them turned off.
func (im *importer) check(c *connection) error {
	if !im.unchecked {
		return nil
	}
	const all = `PRAGMA foreign_key_check`
	s, _, err := c.Prepare(all)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Step() {
		return refuse(abi.CodeInvalidArgument, textForeignKey)
	}
	if err := s.Err(); err != nil {
		return sqlError(err, all)
	}
	return nil
}

func (im *importer) tell(last bool) {
	if im.progress != nil && (last || im.result.Statements%progressStatements == 0) {
		im.progress(im.from.bytes, im.result.Statements)
	}
}

// statement runs one statement; its rows are dropped.
func (im *importer) statement(c *connection, text string) error {
	s, _, err := c.prepare(text)
	if err != nil && c.notes.transaction && isFrame(text) {
		return nil
	}
	if err != nil || s == nil {
		return err
	}
	defer s.Close()
	if s.BindCount() > 0 {
		return refuse(abi.CodeInvalidArgument, textWrongCount)
	}
	if c.notes.settings&foreignKeys != 0 {
		im.unchecked = im.unchecked || c.notes.unchecked
		err = c.enforce(!c.notes.unchecked)
	} else {
		err = c.execute(s, text)
	}
	if err == nil {
		im.result.Statements++
	}
	return err
}

// execute runs a statement of a script.
func (c *connection) execute(s *sqlite3.Stmt, text string) (err error) {
	defer c.outOfMemory(&err)
	c.guest, c.running = true, true
	if err := s.Exec(); err != nil {
		return sqlError(err, text)
	}
	return nil
}

// isFrame says whether a statement begins or ends the transaction of a dump.
func isFrame(text string) bool {
	switch firstWord(text) {
	case "BEGIN", "COMMIT", "END":
		return true
	}
	return false
}

// public keeps the place of an error and makes the rest fit to be seen.
func (im *importer) public(d *Database, err error) error {
	var at *ImportError
	if !errors.As(err, &at) {
		return d.public(err)
	}
	var public *abi.Error
	if !errors.As(at.Err, &public) {
		at.Err = d.public(at.Err)
	}
	return at
}
