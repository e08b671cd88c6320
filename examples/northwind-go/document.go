package main

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
)

// appendResult appends a result as {"columns": [...], "rows": [[...], ...]}. A REAL always has a point or an exponent, so that whoever
// reads it can tell it from an INTEGER; a BLOB is {"hex": "..."}.
func appendResult(b []byte, result *d1.Result) ([]byte, error) {
	b = append(b, `{"columns":[`...)
	for i, name := range result.Columns {
		b = appendText(comma(b, i), name)
	}
	b = append(b, `],"rows":[`...)
	i := 0
	for row := range result.Rows() {
		values, err := row.Values()
		if err != nil {
			return nil, err
		}
		b = append(comma(b, i), '[')
		for i, v := range values {
			b = appendValue(comma(b, i), v)
		}
		b = append(b, ']')
		i++
	}
	return append(b, `]}`...), nil
}

// appendList appends reports as a list of {"name", "title", "sql", "params"}.
func appendList(b []byte, reports []report) []byte {
	b = append(b, '[')
	for i, r := range reports {
		b = appendText(append(comma(b, i), `{"name":`...), r.name)
		b = appendText(append(b, `,"title":`...), r.title)
		b = appendText(append(b, `,"sql":`...), r.sql)
		b = append(b, `,"params":[`...)
		for i, p := range r.params {
			b = appendText(append(comma(b, i), `{"name":`...), p.name)
			b = appendValue(append(b, `,"value":`...), p.value)
			b = append(b, '}')
		}
		b = append(b, `]}`...)
	}
	return append(b, ']')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return append(b, text...)
	case string:
		return appendText(b, v)
	case []byte:
		return append(append(append(b, `{"hex":"`...), hex.EncodeToString(v)...), `"}`...)
	}
	return append(b, "null"...)
}

// appendText appends a JSON string.
func appendText(b []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // of a string it does not fail
	return append(b, quoted...)
}
