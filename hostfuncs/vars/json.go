package vars

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/pagesrun/pagesrun/config"
)

// appendJSON appends the JSON form of a value: keys in the order written, integers exact, floats in their shortest form.
func appendJSON(b []byte, n *config.Node) ([]byte, error) {
	switch n.Kind {
	case config.KindNull:
		return append(b, "null"...), nil
	case config.KindString:
		return append(b, quote(n.Str)...), nil
	case config.KindInteger:
		return strconv.AppendInt(b, n.Int, 10), nil
	case config.KindFloat:
		return appendFloat(b, n.Float)
	case config.KindBool:
		return strconv.AppendBool(b, n.Bool), nil
	case config.KindArray:
		return appendArray(b, n.Items)
	case config.KindTable:
		return appendTable(b, n.Table)
	}
	return b, fmt.Errorf("a %s cannot be a variable; write it as a string", n.Kind)
}

func appendArray(b []byte, items []*config.Node) (_ []byte, err error) {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, item); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendTable(b []byte, entries []config.Entry) (_ []byte, err error) {
	b = append(b, '{')
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, quote(e.Key)...), ':')
		if b, err = appendJSON(b, e.Value); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendFloat(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, fmt.Errorf("%v cannot be a variable: JSON has no such number; write it as a string", f)
	}
	text, err := json.Marshal(f)
	return append(b, text...), err
}

// quote gives a JSON string, without the escapes that only HTML needs.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // cannot fail: a buffer takes everything and a string is always encodable
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
