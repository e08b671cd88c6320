package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
	"github.com/pagesrun/pagesrun/hostfuncs/d1"
)

// eachD1Row gives the rows of a result one after the other.
func eachD1Row(r *abi.D1Result, fn func([]cbor.Scalar)) error {
	row := make([]cbor.Scalar, len(r.Columns))
	in := cbor.NewReader(r.Rows)
	for range r.RowCount {
		for i := range row {
			row[i] = in.Scalar()
		}
		fn(row)
	}
	return in.Close()
}

// d1JSONResult is the result of one statement as wrangler prints it.
type d1JSONResult struct {
	Results []d1JSONRow `json:"results"`
	Success bool        `json:"success"`
	Meta    any         `json:"meta"`
}

// d1JSONMeta is what a statement did and cost.
type d1JSONMeta struct {
	ServedBy    string  `json:"served_by"`
	Duration    float64 `json:"duration"`
	Changes     int64   `json:"changes"`
	LastRowID   int64   `json:"last_row_id"`
	ChangedDB   bool    `json:"changed_db"`
	SizeAfter   int64   `json:"size_after"`
	RowsRead    int64   `json:"rows_read"`
	RowsWritten int64   `json:"rows_written"`
}

func newD1JSONMeta(m *abi.D1Meta) d1JSONMeta {
	return d1JSONMeta{
		ServedBy: m.ServedBy, Duration: m.DurationMS, Changes: m.Changes, LastRowID: m.LastRowID, ChangedDB: m.ChangedDB,
		SizeAfter: m.SizeAfter, RowsRead: m.RowsRead, RowsWritten: m.RowsWritten,
	}
}

// d1JSONRow is a row as an object whose keys keep the order of the columns.
type d1JSONRow json.RawMessage

// MarshalJSON gives the object.
func (r d1JSONRow) MarshalJSON() ([]byte, error) { return r, nil }

// newD1JSONRow makes an object of a row. Of several columns with one name the last counts, in the place of the first.
func newD1JSONRow(columns []abi.ByteString, row []cbor.Scalar) (d1JSONRow, error) {
	var names []abi.ByteString
	values := map[abi.ByteString]cbor.Scalar{}
	for i, name := range columns {
		if _, twice := values[name]; !twice {
			names = append(names, name)
		}
		values[name] = row[i]
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	between := "{"
	for _, name := range names {
		b.WriteString(between)
		if err := e.Encode(string(name)); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(d1JSONValue(values[name])); err != nil {
			return nil, err
		}
		between = ","
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// d1JSONValue is a value in JSON: a BLOB is an array of numbers, as on the platform, and what JSON cannot say is null.
func d1JSONValue(s cbor.Scalar) any {
	switch s.Kind {
	case cbor.KindInt:
		return s.Int
	case cbor.KindFloat:
		if math.IsInf(s.Float, 0) || math.IsNaN(s.Float) {
			return nil
		}
		return s.Float
	case cbor.KindText:
		return string(s.Bytes)
	case cbor.KindBytes:
		numbers := make([]int, len(s.Bytes))
		for i, c := range s.Bytes {
			numbers[i] = int(c)
		}
		return numbers
	}
	return nil
}

// printD1JSON prints results as wrangler does.
func printD1JSON(w io.Writer, results []abi.D1Result) error {
	list := make([]d1JSONResult, len(results))
	for i := range results {
		r := &results[i]
		list[i] = d1JSONResult{Results: []d1JSONRow{}, Success: true, Meta: newD1JSONMeta(r.Meta)}
		var failed error
		err := eachD1Row(r, func(row []cbor.Scalar) {
			object, err := newD1JSONRow(r.Columns, row)
			if err != nil {
				failed = err
			}
			list[i].Results = append(list[i].Results, object)
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
	}
	return printIndented(w, list)
}

// printIndented prints JSON for people and scripts.
func printIndented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// d1ImportTotals is what wrangler prints of a file in place of rows.
type d1ImportTotals struct {
	Queries int64 `json:"Total queries executed"`
	Changes int64 `json:"Rows changed"`
}

// printD1ImportJSON prints what a file has done.
func printD1ImportJSON(w io.Writer, r d1.ImportResult, took time.Duration) error {
	return printIndented(w, []any{struct {
		Results  []d1ImportTotals `json:"results"`
		Success  bool             `json:"success"`
		Bookmark string           `json:"finalBookmark"`
		Meta     map[string]any   `json:"meta"`
	}{
		[]d1ImportTotals{{r.Statements, r.Changes}}, true, r.Bookmark,
		map[string]any{"duration": float64(took.Microseconds()) / 1000, "changes": r.Changes},
	}})
}

// printD1Tables prints results for a person: a table for each statement that gives rows by nature, a line for the others.
func printD1Tables(w io.Writer, results []abi.D1Result) error {
	for i := range results {
		r := &results[i]
		if len(r.Columns) > 0 {
			t := textTable{}
			for _, name := range r.Columns {
				t.head = append(t.head, shownCell(string(name)))
			}
			err := eachD1Row(r, func(row []cbor.Scalar) {
				cells := make([]string, len(row))
				for j, v := range row {
					cells[j] = d1Cell(v)
				}
				t.rows = append(t.rows, cells)
			})
			if err != nil {
				return err
			}
			if err := t.print(w); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w, d1Sentence(r)); err != nil {
			return err
		}
	}
	return nil
}

// d1Sentence says what a statement did.
func d1Sentence(r *abi.D1Result) string {
	took := time.Duration(r.Meta.DurationMS * float64(time.Millisecond)).Round(10 * time.Microsecond)
	if len(r.Columns) > 0 && r.Meta.Changes == 0 {
		return fmt.Sprintf("%s in %v", counted(int64(r.RowCount), "row"), took)
	}
	return fmt.Sprintf("%s changed in %v", counted(r.Meta.Changes, "row"), took)
}

// counted is a number of things.
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.FormatInt(n, 10) + " " + thing + "s"
}

// d1Cell is a value for people.
func d1Cell(s cbor.Scalar) string {
	switch s.Kind {
	case cbor.KindInt:
		return strconv.FormatInt(s.Int, 10)
	case cbor.KindFloat:
		text := strconv.FormatFloat(s.Float, 'g', -1, 64)
		if !strings.ContainsAny(text, ".einIN") {
			text += ".0"
		}
		return text
	case cbor.KindText:
		return shownCell(string(s.Bytes))
	case cbor.KindBytes:
		return shownCell(fmt.Sprintf("x'%x'", s.Bytes))
	}
	return "NULL"
}

// cellRunesMax is the widest cell of a table, in characters.
const cellRunesMax = 120

// shownCell is text on one line: control characters, which could also move a terminal's cursor, are written as escapes.
func shownCell(s string) string {
	var b strings.Builder
	n := 0
	for _, c := range s {
		if n++; n > cellRunesMax {
			return b.String() + "…"
		}
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			quoted := strconv.QuoteRune(c)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// textTable is a table drawn with lines.
type textTable struct {
	head []string
	rows [][]string
}

// print draws the table.
func (t *textTable) print(w io.Writer) error {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	line(&b, widths, "┌", "┬", "┐")
	cells(&b, widths, t.head)
	for i, row := range t.rows {
		if i == 0 {
			line(&b, widths, "├", "┼", "┤")
		}
		cells(&b, widths, row)
	}
	line(&b, widths, "└", "┴", "┘")
	_, err := io.WriteString(w, b.String())
	return err
}

// line draws a line between rows.
func line(b *strings.Builder, widths []int, left, between, right string) {
	parts := make([]string, len(widths))
	for i, n := range widths {
		parts[i] = strings.Repeat("─", n+2)
	}
	b.WriteString(left + strings.Join(parts, between) + right + "\n")
}

// cells draws a row.
func cells(b *strings.Builder, widths []int, row []string) {
	for i, cell := range row {
		b.WriteString("│ " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
	}
	b.WriteString("│\n")
}
