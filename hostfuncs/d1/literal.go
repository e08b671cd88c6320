package d1

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"
)

// appendLiterals appends the row that a statement stands on, in parentheses, each value as a literal that gives exactly it.
func appendLiterals(dst []byte, s *sqlite3.Stmt, columns int) []byte {
	dst = append(dst, '(')
	for i := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendLiteral(dst, s, i)
	}
	return append(dst, ')')
}

func appendLiteral(dst []byte, s *sqlite3.Stmt, i int) []byte {
	switch s.ColumnType(i) {
	case sqlite3.INTEGER:
		return appendInteger(dst, s.ColumnInt64(i))
	case sqlite3.FLOAT:
		return appendReal(dst, s.ColumnFloat(i))
	case sqlite3.TEXT:
		return appendString(dst, s.ColumnRawText(i))
	case sqlite3.BLOB:
		return appendBlob(dst, s.ColumnRawBlob(i))
	}
	return append(dst, "NULL"...)
}

// appendInteger appends an integer. The least one has no literal: its digits without the sign are too large.
func appendInteger(dst []byte, v int64) []byte {
	if v == math.MinInt64 {
		return append(dst, "(-9223372036854775807-1)"...)
	}
	return strconv.AppendInt(dst, v, 10)
}

// appendReal appends a number that stays REAL.
func appendReal(dst []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "9.0e999"...)
	case math.IsInf(v, -1):
		return append(dst, "-9.0e999"...)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	if !bytes.ContainsAny(dst[start:], ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendString appends text. What no string literal can hold goes as bytes.
func appendString(dst, v []byte) []byte {
	if bytes.IndexByte(v, 0) >= 0 || !utf8.Valid(v) {
		return append(appendBlob(append(dst, "CAST("...), v), " AS TEXT)"...)
	}
	dst = append(dst, '\'')
	for {
		n := bytes.IndexByte(v, '\'')
		if n < 0 {
			return append(append(dst, v...), '\'')
		}
		dst = append(append(dst, v[:n+1]...), '\'')
		v = v[n+1:]
	}
}

func appendBlob(dst, v []byte) []byte {
	return append(hex.AppendEncode(append(dst, "X'"...), v), '\'')
}
