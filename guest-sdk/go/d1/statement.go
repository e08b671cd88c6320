package d1

import (
	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Statement is a prepared statement with the values of its parameters. It is made by [Database.Prepare] and [Session.Prepare]; it is a value that
// may be copied, kept and used any number of times.
type Statement struct {
	on     connection
	sql    string
	params []byte
	err    error
}

// Bind gives values to the parameters ?, ?NNN, :name, @name and $name, in the order of their numbers, and returns the new statement. Values of
// an earlier Bind are replaced. A value of a type that cannot be stored makes the statement fail, when it is run, with
// "D1_TYPE_ERROR: Type '…' not supported for value '…'". The package's introduction lists the types.
func (s Statement) Bind(values ...any) Statement {
	s.params, s.err = appendValues(nil, values)
	return s
}

// message is the statement as the host gets it.
func (s *Statement) message() abi.D1Statement {
	return abi.D1Statement{SQL: abi.ByteString(s.sql), Params: s.params}
}

// All runs the statement and returns all rows.
func (s Statement) All() (Result, error) { return s.AllAsync().Await() }

// Run is [Statement.All] under the name the platform gives statements that write.
func (s Statement) Run() (Result, error) { return s.All() }

// First runs the statement and returns the first row; ok is false when there is none. Where it may find many rows, say LIMIT 1.
func (s Statement) First() (row Row, ok bool, err error) { return s.FirstAsync().Await() }

// FirstColumn runs the statement and returns the value in one column of the first row: int64, float64, string, []byte, or nil where it is
// NULL or there is no row. A row without that column is an error: "D1_COLUMN_NOTFOUND: Column not found (name)".
func (s Statement) FirstColumn(column string) (any, error) {
	row, ok, err := s.First()
	if !ok || err != nil {
		return nil, err
	}
	return row.Value(column)
}

// Raw runs the statement and returns the rows as slices of int64, float64, string, []byte and nil. With columnNames the first of
// them has the names of the columns, even when there are no rows.
func (s Statement) Raw(columnNames bool) ([][]any, error) {
	result, err := s.All()
	if err != nil {
		return nil, err
	}
	rows := make([][]any, 0, result.Len()+1)
	if columnNames {
		names := make([]any, len(result.Columns))
		for i, name := range result.Columns {
			names[i] = name
		}
		rows = append(rows, names)
	}
	for row := range result.Rows() {
		values, err := row.Values()
		if err != nil {
			return nil, err
		}
		rows = append(rows, values)
	}
	return rows, nil
}

// AllAsync starts the statement.
func (s Statement) AllAsync() ResultFuture {
	if s.err != nil {
		return ResultFuture{query{err: s.err}}
	}
	one := [1]abi.D1Statement{s.message()}
	return ResultFuture{s.on.send(&abi.D1QueryRequest{Statements: one[:]})}
}

// RunAsync is [Statement.AllAsync] under another name.
func (s Statement) RunAsync() ResultFuture { return s.AllAsync() }

// FirstAsync starts the statement.
func (s Statement) FirstAsync() RowFuture { return RowFuture{s.AllAsync()} }

// query is statements being run.
type query struct {
	future  *pagesrun.Future[abi.D1QueryReply]
	session *Session
	err     error
}

// await waits for the reply.
func (q query) await() ([]abi.D1Result, error) {
	if q.err != nil {
		return nil, q.err
	}
	reply, err := q.future.Await()
	if err == nil && q.session != nil {
		q.session.saw(reply.Bookmark)
	}
	return reply.Results, err
}

// cancel gives the query up.
func (q query) cancel() {
	if q.future != nil {
		q.future.Cancel()
	}
}

// ResultFuture is a statement being run.
type ResultFuture struct{ q query }

// Await waits for the result.
func (f ResultFuture) Await() (Result, error) {
	results, err := f.q.await()
	if err != nil {
		return Result{}, err
	}
	if len(results) != 1 {
		return Result{}, broken("a result is missing")
	}
	return newResult(&results[0]), nil
}

// Cancel says that nobody will ask for the result any more. The statement may or may not take effect.
func (f ResultFuture) Cancel() { f.q.cancel() }

// RowFuture is a statement being run for its first row.
type RowFuture struct{ f ResultFuture }

// Await waits for the row; ok is false when there is none.
func (f RowFuture) Await() (row Row, ok bool, err error) {
	result, err := f.f.Await()
	if err != nil {
		return Row{}, false, err
	}
	for row := range result.Rows() {
		return row, row.err == nil, row.err
	}
	return Row{}, false, nil
}

// Cancel says that nobody will ask for the row any more. The statement may or may not take effect.
func (f RowFuture) Cancel() { f.f.Cancel() }

// BatchFuture is a batch being run.
type BatchFuture struct{ q query }

// Await waits for the results.
func (f BatchFuture) Await() ([]Result, error) {
	replies, err := f.q.await()
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(replies))
	for i := range replies {
		results[i] = newResult(&replies[i])
	}
	return results, nil
}

// Cancel says that nobody will ask for the results any more. The batch takes effect whole or not at all.
func (f BatchFuture) Cancel() { f.q.cancel() }

// ExecFuture is a text of SQL being run.
type ExecFuture struct {
	f *pagesrun.Future[abi.D1ExecReply]
}

// Await waits until all is run.
func (f ExecFuture) Await() (ExecResult, error) {
	r, err := f.f.Await()
	return ExecResult{Count: int(r.Count), Duration: milliseconds(r.DurationMS)}, err
}

// Cancel says that nobody will ask for the outcome any more. The text takes effect whole or not at all.
func (f ExecFuture) Cancel() { f.f.Cancel() }
