package abi

// Constraints of a D1 session, the values of [D1QueryRequest].Session besides bookmarks.
const (
	// D1FirstUnconstrained lets the first query of a session see any state of the database. The default.
	D1FirstUnconstrained = "first-unconstrained"
	// D1FirstPrimary has the first query of a session see the newest state. Every query here does.
	D1FirstPrimary = "first-primary"
)

// Limits of D1, the platform's numbers.
const (
	// D1SQLBytesMax is the longest text of one statement, in bytes.
	D1SQLBytesMax = 100_000
	// D1ValueBytesMax is the longest text, blob or row, in bytes.
	D1ValueBytesMax = 2_000_000
	// D1ParamsMax is the most parameters of one statement.
	D1ParamsMax = 100
	// D1ColumnsMax is the most columns of a table or a result.
	D1ColumnsMax = 100
	// D1FunctionArgsMax is the most arguments of a SQL function.
	D1FunctionArgsMax = 32
	// D1PatternBytesMax is the longest LIKE or GLOB pattern, in bytes.
	D1PatternBytesMax = 50
	// D1CompoundTermsMax is the most terms of a compound SELECT. The rows of VALUES do not count.
	D1CompoundTermsMax = 5
	// D1ExpressionDepthMax is the deepest nesting of an expression.
	D1ExpressionDepthMax = 100
	// D1ResultBytesMax is the most the rows of one reply may have together, in bytes of their CBOR form. pagesrun's own: the platform
	// limits the memory of a Worker instead.
	D1ResultBytesMax = 30 << 20
	// D1BatchStatementsMax is the most statements of one batch. pagesrun's own.
	D1BatchStatementsMax = 10_000
	// D1QueriesMax is the most statements one event may run.
	D1QueriesMax = 1000
	// D1QueryMSMax is the longest a query (all of a batch) may take, in milliseconds.
	D1QueryMSMax = 30_000
)

// D1QueryRequest runs one statement, or several as a batch: in one transaction, all or nothing.
//
// Values go in as a CBOR sequence (RFC 8742) of scalars, one after the other without anything around them: null is NULL, an integer of 64 bits is
// INTEGER, a float is REAL (NaN is NULL), a text string is TEXT, a byte string is BLOB, false and true are the integers 0 and 1.
//
//pagesrun:op d1.query
//pagesrun:errors invalid_argument too_large limit_exceeded timeout storage_full storage_failed unavailable
type D1QueryRequest struct {
	// Statements are the statements in order, at least one.
	Statements []D1Statement `cbor:"1"`
	// Session is empty outside of a session, else "first-unconstrained", "first-primary" or the newest bookmark seen.
	Session string `cbor:"2"`
}

// D1Statement is one prepared statement with its parameters.
type D1Statement struct {
	// SQL is the text, up to 100,000 bytes. Several statements may stand in it, of which the last may have parameters and gives the result.
	SQL ByteString `cbor:"1"`
	// Params are the values for ?, ?NNN, :name, @name and $name in the order of their numbers: a CBOR sequence of at most 100 scalars.
	Params []byte `cbor:"2"`
}

// D1QueryReply has one result per statement.
type D1QueryReply struct {
	// Results are in the order of the statements.
	Results []D1Result `cbor:"1"`
	// Bookmark names the state of the database that this reply shows: 8-8-8-32 hexadecimal digits, growing with every write.
	Bookmark string `cbor:"2"`
}

// D1Result is what one statement gave.
type D1Result struct {
	// Columns are the names of the columns; empty where the statement gives no rows by nature. A name may stand there twice.
	Columns []ByteString `cbor:"1"`
	// Rows are the values of all rows, row after row: a CBOR sequence of scalars (null, integer, float of 64 bits, text string, byte
	// string), as many in each row as there are columns. Text that is not UTF-8 comes with U+FFFD in the place of each bad byte.
	Rows []byte `cbor:"2"`
	// RowCount is how many rows there are.
	RowCount uint32 `cbor:"3"`
	// Meta is what the statement did.
	Meta *D1Meta `cbor:"4"`
}

// D1Meta is what a statement did and cost.
type D1Meta struct {
	// DurationMS is the time the statement took in SQLite, in milliseconds.
	DurationMS float64 `cbor:"1"`
	// Changes is how many rows were inserted, updated or deleted, those of triggers included.
	Changes int64 `cbor:"2"`
	// LastRowID is the rowid of the newest row inserted by this connection's statements, carried over from earlier ones.
	LastRowID int64 `cbor:"3"`
	// ChangedDB says whether the database is another one than before.
	ChangedDB bool `cbor:"4"`
	// SizeAfter is the size of the database afterwards, in bytes.
	SizeAfter int64 `cbor:"5"`
	// RowsRead is how many rows of tables and indexes were read.
	RowsRead int64 `cbor:"6"`
	// RowsWritten is how many rows of tables and indexes were written.
	RowsWritten int64 `cbor:"7"`
	// ServedBy names what ran the statement.
	ServedBy string `cbor:"8"`
}

// D1ExecRequest runs a text of SQL, one item per line, in one transaction and without parameters.
//
//pagesrun:op d1.exec
//pagesrun:errors invalid_argument too_large limit_exceeded timeout storage_full storage_failed unavailable
type D1ExecRequest struct {
	// SQL is the text. Lines are trimmed, empty ones left out; each must be a whole statement (or several).
	SQL ByteString `cbor:"1"`
}

// D1ExecReply says how much was run.
type D1ExecReply struct {
	// Count is how many lines were run.
	Count uint32 `cbor:"1"`
	// DurationMS is how long that took, in milliseconds.
	DurationMS float64 `cbor:"2"`
}

// D1DumpRequest asks for the database as a file. The platform answers it with an error, and so does pagesrun; "pagesrun d1 export" gives the data.
//
//pagesrun:op d1.dump
//pagesrun:errors unsupported
type D1DumpRequest struct{}

// D1DumpReply never comes.
type D1DumpReply struct{}
