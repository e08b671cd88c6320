package d1

import (
	"math"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

// appendValues appends parameters as a sequence of scalars.
func appendValues(b []byte, values []any) ([]byte, error) {
	for _, v := range values {
		var ok bool
		if b, ok = appendValue(b, v); !ok {
			return nil, refused(v)
		}
	}
	return b, nil
}

// appendValue appends one parameter, if it is of a type that can be stored.
func appendValue(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return cbor.AppendNull(b), true
	case string:
		return cbor.AppendText(b, v), true
	case []byte:
		if v == nil {
			return cbor.AppendNull(b), true
		}
		return cbor.AppendBytes(b, v), true
	case float64:
		return cbor.AppendFloat64(b, v), true
	case float32:
		return cbor.AppendFloat64(b, float64(v)), true
	case bool:
		return cbor.AppendBool(b, v), true
	}
	if n, ok := integer(v); ok {
		return cbor.AppendInt(b, n), true
	}
	return appendPointer(b, v)
}

// integer is the value of any integer type that fits into 64 bits with a sign.
func integer(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint:
		return int64(v), uint64(v) <= math.MaxInt64
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}

// appendPointer appends what a pointer points to, NULL where it is nil.
func appendPointer(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case *string:
		return appendPointed(b, v)
	case *int64:
		return appendPointed(b, v)
	case *int:
		return appendPointed(b, v)
	case *float64:
		return appendPointed(b, v)
	case *bool:
		return appendPointed(b, v)
	}
	return b, false
}

func appendPointed[T any](b []byte, v *T) ([]byte, bool) {
	if v == nil {
		return cbor.AppendNull(b), true
	}
	return appendValue(b, *v)
}

// refused is the platform's error for a value of a type that cannot be stored.
func refused(v any) error {
	return &abi.Error{Code: abi.CodeInvalidArgument, Message: "D1_TYPE_ERROR: Type '" + typeName(v) + "' not supported for value '" + describe(v) + "'"}
}

// describe is a short text of a value of a type nothing is known about.
func describe(v any) string {
	switch v := v.(type) {
	case interface{ String() string }:
		return v.String()
	case interface{ Error() string }:
		return v.Error()
	case uint64:
		return decimal(v)
	case uint:
		return decimal(uint64(v))
	}
	return "[" + typeName(v) + "]"
}

func decimal(v uint64) string {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = byte('0' + v%10)
		if v /= 10; v == 0 {
			return string(digits[i:])
		}
	}
}

// nothing is a type that no value has.
type nothing struct{}

// typeName is the name of a value's type, such as "time.Time". The Go runtime says it where a type assertion fails; package reflect would add more
// to a function than everything else here.
func typeName(v any) (name string) {
	defer func() {
		failure, _ := recover().(error)
		name = between(failure, " is ", ", not ")
	}()
	_ = v.(nothing)
	return ""
}

// between is what an error's text has between two marks.
func between(err error, before, after string) string {
	if err == nil {
		return "unknown"
	}
	text := err.Error()
	start, end := 0, len(text)
	for i := range text {
		if start == 0 && i >= len(before) && text[i-len(before):i] == before {
			start = i
		}
		if i+len(after) <= len(text) && text[i:i+len(after)] == after {
			end = i
		}
	}
	return text[start:end]
}
