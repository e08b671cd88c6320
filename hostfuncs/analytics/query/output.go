package query

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
)

// output writes an answer.
type output struct {
	query *dialect.Query
	zones []*time.Location // of the columns
	names [][]byte         // of the columns, in JSON
	buf   []byte
	rows  int
}

func newOutput(q *dialect.Query) *output {
	o := &output{query: q}
	var known dialect.Locations
	for _, c := range q.Columns {
		zone := c.Type.Zone
		o.zones = append(o.zones, known.Get(zone))
		o.names = append(o.names, appendJSON(nil, c.Name))
	}
	if q.Format == dialect.FormatJSON {
		o.begin()
	}
	return o
}

// begin writes what stands before the rows in JSON.
func (o *output) begin() {
	o.buf = append(o.buf, "{\"meta\":["...)
	for i, c := range o.query.Columns {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(append(o.buf, "{\"name\":"...), o.names[i]...)
		o.buf = append(appendJSON(append(o.buf, ",\"type\":"...), c.Type.String()), '}')
	}
	o.buf = append(o.buf, "],\"data\":["...)
}

// row writes one row of nil, int64, float64 and string.
func (o *output) row(values []any) error {
	if o.rows++; o.rows > RowsMax {
		return fmt.Errorf("the answer has more than %d rows; add a LIMIT", RowsMax)
	}
	switch o.query.Format {
	case dialect.FormatTabSeparated:
		o.tabRow(values)
	case dialect.FormatJSON:
		if o.rows > 1 {
			o.buf = append(o.buf, ',')
		}
		o.jsonRow(values)
	default:
		o.jsonRow(values)
		o.buf = append(o.buf, '\n')
	}
	if len(o.buf) > AnswerBytesMax {
		return fmt.Errorf("the answer is longer than %d MiB; select less", AnswerBytesMax>>20)
	}
	return nil
}

// end gives the whole answer.
func (o *output) end() []byte {
	if o.query.Format == dialect.FormatJSON {
		o.buf = fmt.Appendf(o.buf, "],\"rows\":%d}\n", o.rows)
	}
	return o.buf
}

func (o *output) jsonRow(values []any) {
	o.buf = append(o.buf, '{')
	for i, v := range values {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(append(o.buf, o.names[i]...), ':')
		o.buf = o.appendValue(o.buf, i, v)
	}
	o.buf = append(o.buf, '}')
}

// appendValue writes a value in JSON as ClickHouse does: whole numbers of 64 bits as texts, as JavaScript's numbers do not hold them all, and
// null for what is no number.
func (o *output) appendValue(b []byte, i int, v any) []byte {
	t := o.query.Columns[i].Type
	switch v := v.(type) {
	case int64:
		switch t.Kind {
		case dialect.DateTime, dialect.Date:
			return appendJSON(b, showTime(v, t.Kind == dialect.Date, o.zones[i]))
		case dialect.UInt64:
			return appendJSON(b, strconv.FormatUint(uint64(v), 10))
		case dialect.Int64:
			return appendJSON(b, strconv.FormatInt(v, 10))
		}
		return strconv.AppendInt(b, v, 10)
	case string:
		if t.Kind == dialect.Array {
			return append(b, v...)
		}
		return appendJSON(b, v)
	}
	return appendJSON(b, v)
}

// appendJSON writes a nil, int64, float64 or string in JSON.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...)
		}
		return append(b, showFloat(v)...)
	case string:
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		e.Encode(v)
		return append(b, strings.TrimSuffix(text.String(), "\n")...)
	}
	return append(b, "null"...)
}

// tabRow writes a row of TabSeparated.
func (o *output) tabRow(values []any) {
	for i, v := range values {
		if i > 0 {
			o.buf = append(o.buf, '\t')
		}
		o.buf = append(o.buf, o.tabValue(i, v)...)
	}
	o.buf = append(o.buf, '\n')
}

// escapes are those of TabSeparated.
func escape(s string) string {
	return strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r", "\x00", "\\0", "\b", "\\b", "\f", "\\f", "'", "\\'").Replace(s)
}

func (o *output) tabValue(i int, v any) string {
	t := o.query.Columns[i].Type
	switch v := v.(type) {
	case nil:
		if t.Kind == dialect.Float64 {
			return "nan"
		}
		return `\N`
	case string:
		if t.Kind == dialect.Array {
			return tabArray(v)
		}
		return escape(v)
	case int64:
		switch t.Kind {
		case dialect.DateTime, dialect.Date:
			return showTime(v, t.Kind == dialect.Date, o.zones[i])
		case dialect.UInt64:
			return strconv.FormatUint(uint64(v), 10)
		}
	}
	return show1(v)
}

// tabArray writes an array that is there in JSON.
func tabArray(text string) string {
	var items []any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&items); err != nil {
		return escape(text)
	}
	list := make([]string, len(items))
	for i, item := range items {
		switch v := item.(type) {
		case string:
			list[i] = "'" + escape(v) + "'"
		case nil:
			list[i] = "nan"
		default:
			list[i] = fmt.Sprint(v)
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}
