package d1

import (
	"context"
	"strings"
	"time"

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
	// reply takes the results of the items; nil when nobody wants them.
	reply *reply
	limit limitContext
	now   func() time.Time
	// clock is when the clock was looked at last.
	clock time.Time
	// at is the item that is run.
	at int
	// rowID is what meta.last_row_id is on a reading connection.
	rowID int64
	// wrote says that some statement was not one that only reads.
	wrote bool
	// writer says that a reading connection could not do it.
	writer bool
	// toWriter says that it was given to the writing connection.
	toWriter bool
}

// begin begins a run: the job may take until limit from now, and ends with ctx.
func (j *job) begin(ctx context.Context, limit time.Duration) {
	j.clock = j.now()
	j.limit = limitContext{Context: ctx, now: j.now, deadline: j.clock.Add(limit)}
}

// run runs all items in order until one fails.
func (j *job) run(c *connection) error {
	j.wrote = false
	if j.reply != nil {
		j.reply.begin(len(j.items))
	}
	for i := range j.items {
		j.at = i
		if err := j.item(c, &j.items[i]); err != nil {
			return err
		}
	}
	return nil
}

// item runs one item between two looks at what it changes.
func (j *job) item(c *connection, it *item) error {
	var m meter
	if err := m.start(c, j.clock); err != nil {
		return err
	}
	if err := j.text(c, it, &m); err != nil {
		return err
	}
	if j.reply == nil {
		return nil
	}
	meta, err := m.stop(c, j)
	if err == nil {
		j.reply.meta(&meta)
	}
	return err
}

// text runs the statements of an item. Only the last may have parameters, and it gives the result.
func (j *job) text(c *connection, it *item, m *meter) error {
	if s := c.cache.get(it.sql); s != nil {
		return j.statement(c, s, it, j.reply, m)
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
			return j.last(c, st, it, m)
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
func (j *job) last(c *connection, s *statement, it *item, m *meter) error {
	if len(s.sql) == len(it.sql) && !s.notes.pragma {
		c.cache.put(s)
	} else {
		defer s.Close()
	}
	return j.statement(c, s, it, j.reply, m)
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

// statement runs one statement with the item's parameters; what it gives goes to r unless that is nil.
func (j *job) statement(c *connection, s *statement, it *item, r *reply, m *meter) error {
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
	count, err := c.rows(s, r)
	j.wrote = j.wrote || !s.readOnly
	m.count(c, s, count)
	reset(s.Stmt)
	if len(it.params) > keptParamsBytes {
		s.ClearBindings()
	}
	if err == nil && s.notes.alters {
		err = c.checkNames()
	}
	return err
}

// rows steps through all rows of a statement and writes them to r, unless that is nil.
func (c *connection) rows(s *statement, r *reply) (count int64, err error) {
	defer c.retireIfFull(&err)
	defer c.outOfMemory(&err)
	c.guest, c.running = true, true
	for s.Step() {
		if count++; r == nil {
			continue
		}
		if count == 1 {
			s.describe()
		}
		if err := r.row(s); err != nil {
			return count, err
		}
	}
	if err := s.Err(); err != nil {
		return count, sqlError(err, s.sql)
	}
	if r != nil {
		if count == 0 {
			s.describe()
		}
		r.endRows(s, count)
	}
	return count, nil
}

// limitContext ends with its parent, if it has one, or when a query has taken too long.
type limitContext struct {
	context.Context
	now      func() time.Time
	deadline time.Time
	asked    uint
	expired  bool
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
