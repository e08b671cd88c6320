package dialect

// statement is a query as it was read.
type statement struct {
	show   string // "TABLES", "TIMEZONES" or "TIMEZONE"; empty for a SELECT
	query  *selection
	format string
}

// selection is a SELECT.
type selection struct {
	at      token
	items   []item
	table   token // of kind end when there is none
	from    *selection
	where   expression
	group   []expression
	having  expression
	order   []ordering
	limit   *uint64
	offset  *uint64
	aliases map[string]expression
}

// item is one expression of a SELECT's list; a star has none.
type item struct {
	at    token
	value expression
	name  string
}

// ordering is one expression of an ORDER BY.
type ordering struct {
	value expression
	desc  bool
}

// expression is a node of the tree: one of the types below.
type expression interface{ place() token }

type (
	// column is the name of a column or an alias.
	column struct{ at token }
	// literal is an int64, float64 or string. A boolean is an int64.
	literal struct {
		at    token
		value any
		kind  Kind
	}
	// interval is a span of time.
	interval struct {
		at   token
		n    int64
		unit string
	}
	// call is a function's or an aggregate's.
	call struct {
		at       token
		name     string       // in lower case
		params   []expression // of name(params)(args); nil when there are none
		args     []expression
		distinct bool
		unit     string // of extract
	}
	// unary is "-" or "NOT".
	unary struct {
		at token
		op string
		x  expression
	}
	// binary is an operator between two expressions, in upper case.
	binary struct {
		at   token
		op   string
		x, y expression
	}
	// in is x [NOT] IN (list).
	in struct {
		at   token
		not  bool
		x    expression
		list []expression
	}
	// between is x [NOT] BETWEEN low AND high.
	between struct {
		at           token
		not          bool
		x, low, high expression
	}
	// like is x [NOT] LIKE or ILIKE pattern.
	like struct {
		at         token
		not, fold  bool
		x, pattern expression
	}
)

func (e *column) place() token   { return e.at }
func (e *literal) place() token  { return e.at }
func (e *interval) place() token { return e.at }
func (e *call) place() token     { return e.at }
func (e *unary) place() token    { return e.at }
func (e *binary) place() token   { return e.at }
func (e *in) place() token       { return e.at }
func (e *between) place() token  { return e.at }
func (e *like) place() token     { return e.at }
