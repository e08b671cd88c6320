package d1

import (
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Database is the name of a D1 binding in the configuration.
type Database string

// Constraints of [Database.WithSession].
const (
	// FirstUnconstrained lets the first query of a session see any state of the database.
	FirstUnconstrained = abi.D1FirstUnconstrained
	// FirstPrimary has the first query of a session see the newest state. Here every query does.
	FirstPrimary = abi.D1FirstPrimary
)

// Prepare makes a statement of SQL text of up to 100,000 bytes. Nothing is checked before it is run.
func (db Database) Prepare(sql string) Statement { return Statement{on: connection{db: db}, sql: sql} }

// Batch runs statements in order, in one transaction: all of them take effect, or none. There is a result for each. The error is that of
// the first statement that failed.
func (db Database) Batch(statements ...Statement) ([]Result, error) {
	return db.BatchAsync(statements...).Await()
}

// BatchAsync starts a [Database.Batch].
func (db Database) BatchAsync(statements ...Statement) BatchFuture {
	return BatchFuture{connection{db: db}.start(statements)}
}

// ExecResult says how much [Database.Exec] has run.
type ExecResult struct {
	// Count is how many lines were run.
	Count int
	// Duration is how long that took.
	Duration time.Duration
}

// Exec runs a text of SQL in which every line that is not blank is a whole statement, or several. All of them are one transaction.
func (db Database) Exec(sql string) (ExecResult, error) { return db.ExecAsync(sql).Await() }

// ExecAsync starts a [Database.Exec].
func (db Database) ExecAsync(sql string) ExecFuture {
	return ExecFuture{pagesrun.Start[abi.D1ExecReply](string(db), abi.OpD1Exec, &abi.D1ExecRequest{SQL: abi.ByteString(sql)})}
}

// Dump always fails, as it does on the platform; "pagesrun d1 export" gives a database's content.
func (db Database) Dump() ([]byte, error) {
	_, err := pagesrun.Invoke[abi.D1DumpReply](string(db), abi.OpD1Dump, &abi.D1DumpRequest{})
	return nil, err
}

// WithSession begins a session: a chain of queries of which each sees at least what the one before has seen. from is [FirstUnconstrained],
// [FirstPrimary], or a bookmark that [Session.Bookmark] of another session gave; empty means FirstUnconstrained.
func (db Database) WithSession(from string) *Session {
	s := &Session{db: db, from: from}
	switch from {
	case "":
		s.from = FirstUnconstrained
	case FirstUnconstrained, FirstPrimary:
	default:
		s.bookmark = from
	}
	return s
}

// Session is a chain of queries. It may be used by several goroutines.
type Session struct {
	db       Database
	from     string
	mu       sync.Mutex
	bookmark string
}

// Prepare is [Database.Prepare] for a statement that runs in the session.
func (s *Session) Prepare(sql string) Statement {
	return Statement{on: connection{db: s.db, session: s}, sql: sql}
}

// Batch is [Database.Batch] in the session.
func (s *Session) Batch(statements ...Statement) ([]Result, error) {
	return s.BatchAsync(statements...).Await()
}

// BatchAsync starts a [Session.Batch].
func (s *Session) BatchAsync(statements ...Statement) BatchFuture {
	return BatchFuture{connection{db: s.db, session: s}.start(statements)}
}

// Bookmark names the newest state of the database that the session has seen. It is empty before the first query of a session that
// did not begin with a bookmark.
func (s *Session) Bookmark() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bookmark
}

// begin is what a query of the session tells the host.
func (s *Session) begin() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bookmark != "" {
		return s.bookmark
	}
	return s.from
}

// saw keeps the newer of two bookmarks, which are ordered as text.
func (s *Session) saw(bookmark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bookmark = max(s.bookmark, bookmark)
}

// connection is where a statement runs.
type connection struct {
	db      Database
	session *Session
}

// start begins to run statements as one operation.
func (c connection) start(statements []Statement) query {
	q := abi.D1QueryRequest{Statements: make([]abi.D1Statement, len(statements))}
	for i := range statements {
		if err := statements[i].err; err != nil {
			return query{err: err}
		}
		q.Statements[i] = statements[i].message()
	}
	return c.send(&q)
}

// send begins a query.
func (c connection) send(q *abi.D1QueryRequest) query {
	if c.session != nil {
		q.Session = c.session.begin()
	}
	return query{future: pagesrun.Start[abi.D1QueryReply](string(c.db), abi.OpD1Query, q), session: c.session}
}
