package d1

import (
	"context"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

// item is one statement of a query, or one text of several.
type item struct {
	sql    string
	params []byte
	// values is how many params there are.
	values int
}

// job is a query in progress. It may be run several times, each time from the beginning; only the last counts.
type job struct {
	items []item
	// results are those of the items; nil when nobody wants them.
	results []abi.D1Result
	limit   *limitContext
	now     func() time.Time
	// at is the item that is run.
	at int
	// left is how many bytes the rows may still have.
	left int
	// rowID is what meta.last_row_id is on a reading connection.
	rowID int64
	// wrote says that some statement was not one that only reads.
	wrote bool
	// writer says that a reading connection could not do it.
	writer bool
}

// run runs all items in order until one fails.
func (j *job) run(c *connection) error {
	j.left, j.wrote = abi.D1ResultBytesMax, false
	for i := range j.items {
		j.at = i
		var result *abi.D1Result
		if j.results != nil {
			result = &j.results[i]
			*result = abi.D1Result{Rows: result.Rows[:0]}
		}
		if err := j.item(c, &j.items[i], result); err != nil {
			return err
		}
	}
	return nil
}

// item runs one item between two looks at what it changes.
func (j *job) item(c *connection, it *item, result *abi.D1Result) error {
	var m meter
	if err := m.start(c, j.now); err != nil {
		return err
	}
	if err := j.text(c, it, result, &m); err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	meta, err := m.stop(c, j)
	result.Meta = meta
	return err
}

// text runs the statements of an item. Only the last may have parameters, and it gives the result.
func (j *job) text(c *connection, it *item, result *abi.D1Result, m *meter) error {
	if s := c.cache.get(it.sql); s != nil {
		return j.statement(c, s, it, result, m)
	}
	rest := it.sql
	for {
		if err := c.freshenFor(rest); err != nil {
			return err
		}
		s, tail, err := c.prepare(rest)
		if err != nil {
			return err
		}
		if s == nil {
			return refuse(abi.CodeInvalidArgument, textNoStatement)
		}
		st := c.newStatement(s, rest)
		if isEnd(tail) {
			return j.last(c, st, it, result, m)
		}
		err = j.early(c, st, m)
		s.Close()
		if err != nil {
			return err
		}
		rest = tail
	}
}

// last runs the last statement of an item and keeps it if it is the only one.
func (j *job) last(c *connection, s *statement, it *item, result *abi.D1Result, m *meter) error {
	if len(s.sql) == len(it.sql) && !s.notes.pragma {
		c.cache.put(s)
	} else {
		defer s.Close()
	}
	return j.statement(c, s, it, result, m)
}

// early runs a statement that is not the last of its item.
func (j *job) early(c *connection, s *statement, m *meter) error {
	if s.params > 0 {
		return refuse(abi.CodeInvalidArgument, textOnlyLast)
	}
	return j.statement(c, s, &item{}, nil, m)
}

// isEnd says that nothing follows the last statement of a text.
func isEnd(tail string) bool { return strings.Trim(tail, " \t\n\f\r") == "" }

// statement runs one statement with the item's parameters.
func (j *job) statement(c *connection, s *statement, it *item, result *abi.D1Result, m *meter) error {
	if c.reading && !s.readOnly {
		return errWriter
	}
	if it.values != s.params {
		return refuse(abi.CodeInvalidArgument, textWrongCount)
	}
	if err := bind(s, it); err != nil {
		return err
	}
	if s.notes.pragma {
		if err := c.freshen(); err != nil {
			return err
		}
	}
	count, err := j.rows(c, s, result)
	j.wrote = j.wrote || !s.readOnly
	m.count(c, s, count)
	s.Reset()
	if len(it.params) > keptParamsBytes {
		s.ClearBindings()
	}
	if err == nil && s.notes.alters {
		err = c.checkNames()
	}
	return err
}

// rows steps through all rows of a statement, encoding them where the result is wanted.
func (j *job) rows(c *connection, s *statement, result *abi.D1Result) (count int64, err error) {
	defer c.outOfMemory(&err)
	c.guest, c.running = true, true
	for s.Step() {
		count++
		if result == nil {
			continue
		}
		if count == 1 {
			j.columns(s, result)
		}
		before := len(result.Rows)
		result.Rows = appendRow(result.Rows, s.Stmt, len(result.Columns))
		if j.left -= len(result.Rows) - before; j.left < 0 {
			return count, refuse(abi.CodeTooLarge, textResultTooLarge)
		}
	}
	if err := s.Err(); err != nil {
		return count, sqlError(err, s.sql)
	}
	if result != nil {
		j.columns(s, result)
		result.RowCount = uint32(count)
	}
	return count, nil
}

// columns gives a result the names of its columns. A statement may be compiled anew when it begins to run, so it comes after that.
func (j *job) columns(s *statement, result *abi.D1Result) {
	if s.Status(sqlite3.STMTSTATUS_REPREPARE, true) > 0 {
		s.columns, s.entries = nil, 0
	}
	if n := s.ColumnCount(); s.columns == nil && n > 0 {
		s.columns = make([]abi.ByteString, n)
		for i := range s.columns {
			s.columns[i] = abi.ByteString(s.ColumnName(i))
		}
	}
	result.Columns = s.columns
}

// limitContext ends with its parent, if it has one, or when a query has taken too long.
type limitContext struct {
	context.Context
	now      func() time.Time
	deadline time.Time
	asked    uint
	expired  bool
}

// newLimit makes a context for [sqlite3.Conn.SetInterrupt] that expires after the time a query may take.
func newLimit(parent context.Context, now func() time.Time, limit time.Duration) *limitContext {
	return &limitContext{Context: parent, now: now, deadline: now().Add(limit)}
}

// Err is asked by the driver between rows and every thousand operations in between. It looks at the clock only now and then.
func (c *limitContext) Err() error {
	if c.expired {
		return context.DeadlineExceeded
	}
	if c.asked++; c.asked%8 == 0 && c.now().After(c.deadline) {
		c.expired = true
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}
