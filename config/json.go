package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// parseJSON turns JSON text, comments and trailing commas allowed, into a tree, nil when a problem stopped it. A key given twice
// is a problem: readers of JSON disagree about which one counts.
func parseJSON(name string, data []byte, problems *Problems) *Node {
	p := jsonBuilder{name: name, lines: newLines(data), problems: problems}
	if offset, ok := jsonNesting(data); !ok {
		pos := p.pos(offset)
		problems.Add(pos, "", "%v", tooDeep(pos))
		return nil
	}
	value, err := hujson.Parse(data)
	if err != nil {
		line, message := jsonError(err)
		message = strings.Replace(message, "unexpected EOF", "the file ends too early", 1)
		problems.Add(Pos{File: name, Line: line}, "", "is not valid JSON: %s", message)
		return nil
	}
	root := p.value(value, "")
	if p.values > MaxValues {
		problems.Add(Pos{File: name}, "", "%v", tooMany(Pos{}))
		return nil
	}
	return root
}

// jsonNesting says whether brackets lie within one another no deeper than [MaxNesting], and else where they do not. It
// looks before the parser does, which calls itself for each level.
func jsonNesting(data []byte) (offset int, ok bool) {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipJSONString(data, i)
		case '/':
			i = skipJSONComment(data, i)
		case '[', '{':
			if depth++; depth > MaxNesting {
				return i, false
			}
		case ']', '}':
			depth--
		}
	}
	return 0, true
}

// skipJSONString gives the offset of the last byte of the string that starts at i.
func skipJSONString(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// skipJSONComment gives the offset of the last byte of the comment that starts at i; i when none does.
func skipJSONComment(data []byte, i int) int {
	end := ""
	switch {
	case bytes.HasPrefix(data[i:], []byte("//")):
		end = "\n"
	case bytes.HasPrefix(data[i:], []byte("/*")):
		end = "*/"
	default:
		return i
	}
	n := bytes.Index(data[i+2:], []byte(end))
	if n < 0 {
		return len(data)
	}
	return i + 2 + n + len(end) - 1
}

// jsonError takes the line out of a parser's error, "hujson: line 3, column 5: what".
func jsonError(err error) (line int, message string) {
	var column int
	message = err.Error()
	if _, scanErr := fmt.Sscanf(message, "hujson: line %d, column %d:", &line, &column); scanErr != nil {
		return 0, message
	}
	_, message, _ = strings.Cut(message, ": line ")
	_, message, _ = strings.Cut(message, ": ")
	return line, message
}

// jsonBuilder makes a tree of a parsed document.
type jsonBuilder struct {
	name     string
	lines    lines
	problems *Problems
	// values counts entries and array items.
	values int
}

func (b *jsonBuilder) pos(offset int) Pos { return Pos{File: b.name, Line: b.lines.at(offset)} }

func (b *jsonBuilder) value(v hujson.Value, path string) *Node {
	n := &Node{Pos: b.pos(v.StartOffset)}
	if b.values++; b.values > MaxValues {
		return n
	}
	switch v := v.Value.(type) {
	case *hujson.Object:
		b.object(n, v, path)
	case *hujson.Array:
		n.Kind = KindArray
		for i, e := range v.Elements {
			if b.values > MaxValues {
				break
			}
			n.Items = append(n.Items, b.value(e, fmt.Sprintf("%s[%d]", path, i)))
		}
	case hujson.Literal:
		b.literal(n, v, path)
	}
	return n
}

func (b *jsonBuilder) object(n *Node, v *hujson.Object, path string) {
	n.Kind = KindTable
	first := map[string]Pos{}
	for _, m := range v.Members {
		if b.values > MaxValues {
			return
		}
		key := m.Name.Value.(hujson.Literal).String()
		pos := b.pos(m.Name.StartOffset)
		keyPath := joinPath(path, key)
		if before, twice := first[key]; twice {
			b.values++
			b.problems.Add(pos, keyPath, "is given twice; the first is on line %d", before.Line)
			continue
		}
		first[key] = pos
		n.Table = append(n.Table, Entry{Key: key, Pos: pos, Value: b.value(m.Value, keyPath)})
	}
}

func (b *jsonBuilder) literal(n *Node, v hujson.Literal, path string) {
	switch v.Kind() {
	case 'n':
		n.Kind = KindNull
	case 't', 'f':
		n.Kind, n.Bool = KindBool, v.Bool()
	case '"':
		n.Kind, n.Str = KindString, v.String()
	default:
		b.number(n, string(v), path)
	}
}

// number makes an integer where the text is one that fits, and a float otherwise.
func (b *jsonBuilder) number(n *Node, text, path string) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		n.Kind, n.Int = KindInteger, i
		return
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.problems.Add(n.Pos, path, "the number %s is too large", text)
	}
	n.Kind, n.Float = KindFloat, f
}

// joinPath is the dotted path of a key within path.
func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
