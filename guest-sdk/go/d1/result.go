package d1

import (
	"iter"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// Result is what a statement gave.
type Result struct {
	// Columns are the names of the columns; there are none where a statement gives no rows by nature. A name may be there twice.
	Columns []string
	// Meta is what the statement did and cost.
	Meta Meta

	rows  []byte
	count int
}

// Meta is what a statement did and cost.
type Meta struct {
	// Duration is the time the statement took in SQLite.
	Duration time.Duration
	// Changes is how many rows were inserted, updated or deleted, those of triggers included.
	Changes int64
	// LastRowID is the rowid of the newest row inserted, by this statement or an earlier one.
	LastRowID int64
	// ChangedDB says whether the database is another one than before.
	ChangedDB bool
	// SizeAfter is the size of the database afterwards, in bytes.
	SizeAfter int64
	// RowsRead and RowsWritten are how many rows of tables and indexes were read and written.
	RowsRead, RowsWritten int64
	// ServedBy names what ran the statement.
	ServedBy string
}

// milliseconds is a duration given as a number of them.
func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func newResult(r *abi.D1Result) Result {
	result := Result{Columns: make([]string, len(r.Columns)), rows: r.Rows, count: int(r.RowCount)}
	for i, name := range r.Columns {
		result.Columns[i] = string(name)
	}
	if m := r.Meta; m != nil {
		result.Meta = Meta{
			Duration: milliseconds(m.DurationMS), Changes: m.Changes, LastRowID: m.LastRowID, ChangedDB: m.ChangedDB, SizeAfter: m.SizeAfter,
			RowsRead: m.RowsRead, RowsWritten: m.RowsWritten, ServedBy: m.ServedBy,
		}
	}
	return result
}

// Len is how many rows there are.
func (r *Result) Len() int { return r.count }

// Rows goes through the rows. They may be kept; their values are decoded when they are asked for.
func (r *Result) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		rest := cbor.NewReader(r.rows)
		for left := r.count; left > 0; left-- {
			if !yield(r.next(&rest)) {
				return
			}
		}
	}
}

// next takes a row off the sequence.
func (r *Result) next(rest *cbor.Reader) Row {
	before := *rest
	for range r.Columns {
		if rest.Scalar().Kind == cbor.KindNone {
			return Row{columns: r.Columns, err: broken("a row is broken")}
		}
	}
	return Row{columns: r.Columns, values: before}
}

// broken is the error of a reply that is not what the schema says.
func broken(what string) error {
	return &abi.Error{Code: abi.CodeBadMessage, Message: "pagesrun d1.query: " + what}
}

// Row is one row of a result. Text and bytes are those of the result itself, not copies: as long as one of them is in use, so is the memory
// of the whole result.
type Row struct {
	columns []string
	values  cbor.Reader // at the first value
	err     error
}

// Columns are the names of the columns.
func (r Row) Columns() []string { return r.columns }

// Values are the values in the order of the columns: int64, float64, string, []byte or nil.
func (r Row) Values() ([]any, error) {
	if r.err != nil {
		return nil, r.err
	}
	values := make([]any, len(r.columns))
	for i := range values {
		values[i] = value(r.values.Scalar())
	}
	return values, nil
}

// Value is the value in the column of that name: int64, float64, string, []byte or nil. Of several with the name it is the last. Where there
// is none the error is "D1_COLUMN_NOTFOUND: Column not found (name)".
func (r Row) Value(column string) (any, error) {
	s, err := r.scalar(column)
	return value(s), err
}

// scalar finds the value in the column of that name.
func (r Row) scalar(column string) (found cbor.Scalar, err error) {
	if r.err != nil {
		return found, r.err
	}
	for _, name := range r.columns {
		if s := r.values.Scalar(); name == column {
			found = s
		}
	}
	if found.Kind == cbor.KindNone {
		return found, &abi.Error{Code: abi.CodeInvalidArgument, Message: "D1_COLUMN_NOTFOUND: Column not found (" + column + ")"}
	}
	return found, nil
}

// value is a scalar as Go has it.
func value(s cbor.Scalar) any {
	switch s.Kind {
	case cbor.KindInt, cbor.KindBool:
		return s.Int
	case cbor.KindFloat:
		return s.Float
	case cbor.KindText:
		return s.String()
	case cbor.KindBytes:
		return blob(s)
	}
	return nil
}

// blob are the bytes of a BLOB; an empty one is not nil, which is NULL.
func blob(s cbor.Scalar) []byte {
	if s.Bytes == nil {
		return []byte{}
	}
	return s.Bytes
}
