package dialect

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a query that is not in the dialect.
type Error struct {
	// Line and Column are where, counted from 1; columns in characters.
	Line, Column int
	// Token is what stands there, empty at the end of the query.
	Token string
	// Message says what is wrong.
	Message string
}

// Error gives `line 1, column 15, at "JOIN": …`.
func (e *Error) Error() string {
	where := "at the end"
	if e.Token != "" {
		where = fmt.Sprintf("at %q", e.Token)
	}
	return fmt.Sprintf("line %d, column %d, %s: %s", e.Line, e.Column, where, e.Message)
}

// shownMax is how much of a token an error shows, in bytes.
const shownMax = 64

// failure stops the reading of a query; see rescue.
type failure struct{ err *Error }

// rescue turns a failure into the error that a function returns.
func rescue(err *error) {
	switch p := recover().(type) {
	case nil:
	case failure:
		*err = p.err
	default:
		panic(p)
	}
}

// fail reports what is wrong at a token.
func (t token) fail(format string, args ...any) {
	before := t.source[:t.start]
	shown := strings.ToValidUTF8(t.text, "\ufffd")
	if len(shown) > shownMax {
		shown = strings.ToValidUTF8(shown[:shownMax], "") + "…"
	}
	panic(failure{&Error{
		Line:    1 + strings.Count(before, "\n"),
		Column:  1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
		Token:   shown,
		Message: fmt.Sprintf(format, args...),
	}})
}
