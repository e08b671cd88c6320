package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

type writer = bufio.Writer

// rowsPerInsert keeps a statement well below the 100,000 bytes that D1 takes.
const rowsPerInsert = 200

// table writes the rows of one table, many in each statement.
type table struct {
	out  *writer
	name string
	rows int
}

func newTable(out *writer, name string) *table { return &table{out: out, name: name} }

// row adds one row. Values are ints, float64s, strings, or nil for NULL.
func (t *table) row(values ...any) {
	switch {
	case t.rows%rowsPerInsert != 0:
		fmt.Fprint(t.out, ",\n")
	case t.rows > 0:
		fmt.Fprint(t.out, ";\n")
		fallthrough
	default:
		fmt.Fprintf(t.out, "INSERT INTO %s VALUES\n", t.name)
	}
	t.rows++
	for i, v := range values {
		if i == 0 {
			fmt.Fprint(t.out, "(")
		} else {
			fmt.Fprint(t.out, ", ")
		}
		fmt.Fprint(t.out, literal(v))
	}
	fmt.Fprint(t.out, ")")
}

// end ends the last statement.
func (t *table) end() { fmt.Fprint(t.out, ";\n") }

// literal is a value as SQL has it.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int:
		return strconv.Itoa(v)
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	panic(fmt.Sprintf("no literal for %T", v))
}

// absentIf is NULL where it says so, and v elsewhere.
func absentIf(absent bool, v any) any {
	if absent {
		return nil
	}
	return v
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
