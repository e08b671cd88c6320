package d1

import (
	"math"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// Scan stores the values of the row in the variables that dest points to, column after column; there must be as many of the one as of the other. What can be
// stored where:
//
//	*int64, *int     INTEGER; REAL that is a whole number
//	*float64         REAL; INTEGER
//	*bool            INTEGER, and REAL: 0 is false and everything else is true
//	*string          TEXT; BLOB
//	*[]byte          BLOB; TEXT; NULL as nil. The bytes of a BLOB are not copied
//	*any             anything, as [Row.Values] gives it
//	**int64 …        the same as without the second star, and NULL as nil
//
// Everything else is an error that names the column, and so is a number that does not fit. nil as a dest leaves a column out.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	if len(dest) != len(r.columns) {
		return invalid("Scan: the row has " + decimal(uint64(len(r.columns))) + " columns, and there are " + decimal(uint64(len(dest))) + " variables")
	}
	for i, d := range dest {
		if why := store(d, r.values.Scalar()); why != "" {
			return invalid("Scan: column " + r.columns[i] + ": " + why)
		}
	}
	return nil
}

func invalid(text string) error {
	return &abi.Error{Code: abi.CodeInvalidArgument, Message: text}
}

// Type are the types [Column] and [FirstAs] know.
type Type interface {
	int | int64 | float64 | bool | string | []byte
}

// Column returns the values in one column of all rows. NULL is an error, except as []byte.
func Column[T Type](r Result, column string) ([]T, error) {
	values := make([]T, r.count)
	i := 0
	for row := range r.Rows() {
		s, err := row.scalar(column)
		if err != nil {
			return nil, err
		}
		if why := store(&values[i], s); why != "" {
			return nil, invalid("column " + column + ": " + why)
		}
		i++
	}
	return values, nil
}

// FirstAs is [Statement.FirstColumn] for a value whose type is known; ok is false when it is NULL or there is no row.
//
//	price, ok, err := d1.FirstAs[float64](byName.Bind("tea"), "price")
func FirstAs[T Type](s Statement, column string) (value T, ok bool, err error) {
	row, ok, err := s.First()
	if !ok || err != nil {
		return value, false, err
	}
	found, err := row.scalar(column)
	if err != nil || found.Kind == cbor.KindNull {
		return value, false, err
	}
	if why := store(&value, found); why != "" {
		return value, false, invalid("column " + column + ": " + why)
	}
	return value, true, nil
}

// store puts a value into the variable that dest points to, or says why it cannot.
func store(dest any, s cbor.Scalar) (why string) {
	switch d := dest.(type) {
	case nil:
		return ""
	case *any:
		*d = value(s)
		return ""
	case *[]byte:
		return storeBytes(d, s)
	}
	if done, why := storePointer(dest, s); done {
		return why
	}
	if s.Kind == cbor.KindNull {
		return "NULL needs a pointer to a pointer, such as **" + pointed(dest)
	}
	return storeValue(dest, s)
}

// storeValue stores what is not NULL.
func storeValue(dest any, s cbor.Scalar) (why string) {
	switch d := dest.(type) {
	case *int64:
		return storeInt(d, s)
	case *int:
		var n int64
		why := storeInt(&n, s)
		if *d = int(n); int64(*d) != n {
			return "the number does not fit into an int"
		}
		return why
	case *float64:
		return storeFloat(d, s)
	case *bool:
		var f float64
		why := storeFloat(&f, s)
		*d = f != 0
		return why
	case *string:
		return storeString(d, s)
	}
	return "a variable of this type cannot be used: " + typeName(dest)
}

// storePointer stores through pointers to pointers.
func storePointer(dest any, s cbor.Scalar) (done bool, why string) {
	switch d := dest.(type) {
	case **int64:
		return true, storeOr(d, s)
	case **int:
		return true, storeOr(d, s)
	case **float64:
		return true, storeOr(d, s)
	case **bool:
		return true, storeOr(d, s)
	case **string:
		return true, storeOr(d, s)
	}
	return false, ""
}

func storeOr[T any](d **T, s cbor.Scalar) (why string) {
	if s.Kind == cbor.KindNull {
		*d = nil
		return ""
	}
	*d = new(T)
	return storeValue(*d, s)
}

func storeInt(d *int64, s cbor.Scalar) (why string) {
	switch s.Kind {
	case cbor.KindInt, cbor.KindBool:
		*d = s.Int
		return ""
	case cbor.KindFloat:
		// Every float from -2^63 up to but not including 2^63 can become an integer.
		if s.Float != math.Trunc(s.Float) || s.Float < math.MinInt64 || s.Float >= -math.MinInt64 {
			return "the REAL is not an integer of 64 bits"
		}
		*d = int64(s.Float)
		return ""
	}
	return kindName(s) + " is not an integer"
}

func storeFloat(d *float64, s cbor.Scalar) (why string) {
	switch s.Kind {
	case cbor.KindInt, cbor.KindBool:
		*d = float64(s.Int)
		return ""
	case cbor.KindFloat:
		*d = s.Float
		return ""
	}
	return kindName(s) + " is not a number"
}

func storeString(d *string, s cbor.Scalar) (why string) {
	switch s.Kind {
	case cbor.KindText:
		*d = s.String()
		return ""
	case cbor.KindBytes:
		*d = string(s.Bytes)
		return ""
	}
	return kindName(s) + " is not text"
}

func storeBytes(d *[]byte, s cbor.Scalar) (why string) {
	switch s.Kind {
	case cbor.KindNull:
		*d = nil
		return ""
	case cbor.KindText:
		*d = append([]byte{}, s.Bytes...) // the text may be in use as a string
		return ""
	case cbor.KindBytes:
		*d = blob(s)
		return ""
	}
	return kindName(s) + " is not bytes"
}

// kindName is SQLite's name for the type of a value.
func kindName(s cbor.Scalar) string {
	switch s.Kind {
	case cbor.KindInt, cbor.KindBool:
		return "INTEGER"
	case cbor.KindFloat:
		return "REAL"
	case cbor.KindText:
		return "TEXT"
	case cbor.KindBytes:
		return "BLOB"
	}
	return "NULL"
}

// pointed is the name of the type that dest points to.
func pointed(dest any) string {
	if name := typeName(dest); name[0] == '*' {
		return name[1:]
	}
	return "string"
}
