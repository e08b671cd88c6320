package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML turns TOML text into a tree, nil when a problem stopped it.
//
// The tree comes from the library's expression parser, which knows where everything stands but not what a document may not say
// (a key set twice, a table reopened). So the text goes through the library's decoder as well, whose verdict counts.
func parseTOML(name string, data []byte, problems *Problems) *Node {
	b := tomlBuilder{name: name, lines: newLines(data), keys: map[*Node]map[string]int{}}
	root, buildErr := b.build(data)
	var own *treeError
	if errors.As(buildErr, &own) {
		problems.Add(own.pos, own.key, "%s", own.message)
		return nil
	}
	var document map[string]any
	if err := toml.Unmarshal(data, &document); err != nil {
		problems.Add(b.errorPos(err), errorKey(err), "%s", tomlMessage(err))
		return nil
	}
	if buildErr != nil {
		problems.Add(Pos{File: name}, "", "%s", tomlMessage(buildErr))
		return nil
	}
	return root
}

// conflict says that two expressions disagree about what a key is.
func (b *tomlBuilder) conflict(k *unstable.Node, first *Node) error {
	return &treeError{b.pos(k), string(k.Data), fmt.Sprintf("is given twice; the first is on line %d", first.Pos.Line)}
}

// tomlBuilder makes a tree of the expressions of one document.
type tomlBuilder struct {
	name   string
	lines  lines
	parser unstable.Parser
	// keys finds a table's entries by name, for documents with very many.
	keys map[*Node]map[string]int
	// values counts entries and array items.
	values int
}

// build makes the tree. The root is nesting level 1, so a table or array reached through depth keys and indexes is level depth+1.
func (b *tomlBuilder) build(data []byte) (*Node, error) {
	root := &Node{Kind: KindTable, Pos: Pos{File: b.name, Line: 1}}
	current, depth := root, 0
	b.parser.Reset(data)
	for b.parser.NextExpression() {
		var err error
		switch e := b.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			current, depth, err = b.header(root, e)
		case unstable.KeyValue:
			err = b.keyValue(current, e, depth)
		}
		if err != nil {
			return nil, err
		}
	}
	return root, b.parser.Error()
}

// header gives the table a [table] or [[array]] line opens, and how deep it lies.
func (b *tomlBuilder) header(root *Node, e *unstable.Node) (table *Node, depth int, err error) {
	table = root
	for keys := e.Key(); keys.Next(); {
		k := keys.Node()
		depth++
		if depth >= MaxNesting {
			return nil, 0, tooDeep(b.pos(k))
		}
		if e.Kind == unstable.ArrayTable && keys.IsLast() {
			table, err = b.appendTable(table, k)
			depth++
		} else {
			table, err = b.subtable(table, k)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return table, depth, nil
}

// keyValue sets a possibly dotted key of a table.
func (b *tomlBuilder) keyValue(table *Node, e *unstable.Node, depth int) error {
	for keys := e.Key(); keys.Next(); {
		k := keys.Node()
		depth++
		if keys.IsLast() {
			value, err := b.value(e.Value(), b.pos(k), depth)
			if err != nil {
				return err
			}
			return b.set(table, k, value)
		}
		if depth >= MaxNesting {
			return tooDeep(b.pos(k))
		}
		var err error
		if table, err = b.subtable(table, k); err != nil {
			return err
		}
	}
	return nil
}

// subtable gives the table under a key, made when absent; for an array of tables its last one, as TOML has it.
func (b *tomlBuilder) subtable(table *Node, k *unstable.Node) (*Node, error) {
	found := b.get(table, string(k.Data))
	switch {
	case found == nil:
		sub := &Node{Kind: KindTable, Pos: b.pos(k)}
		return sub, b.set(table, k, sub)
	case found.Kind == KindTable:
		return found, nil
	case found.Kind == KindArray && len(found.Items) > 0 && found.Items[len(found.Items)-1].Kind == KindTable:
		return found.Items[len(found.Items)-1], nil
	}
	return nil, b.conflict(k, found)
}

// appendTable gives a new table at the end of the array under a key, which is made when absent.
func (b *tomlBuilder) appendTable(table *Node, k *unstable.Node) (*Node, error) {
	array := b.get(table, string(k.Data))
	if array == nil {
		array = &Node{Kind: KindArray, Pos: b.pos(k)}
		if err := b.set(table, k, array); err != nil {
			return nil, err
		}
	}
	if array.Kind != KindArray {
		return nil, b.conflict(k, array)
	}
	item := &Node{Kind: KindTable, Pos: b.pos(k)}
	return item, b.append(array, item)
}

func (b *tomlBuilder) get(table *Node, key string) *Node {
	if i, ok := b.keys[table][key]; ok {
		return table.Table[i].Value
	}
	return nil
}

func (b *tomlBuilder) set(table *Node, k *unstable.Node, value *Node) error {
	index := b.keys[table]
	if index == nil {
		index = map[string]int{}
		b.keys[table] = index
	}
	key := string(k.Data)
	if i, twice := index[key]; twice {
		return b.conflict(k, table.Table[i].Value)
	}
	if b.values++; b.values > MaxValues {
		return tooMany(b.pos(k))
	}
	index[key] = len(table.Table)
	table.Table = append(table.Table, Entry{Key: key, Pos: b.pos(k), Value: value})
	return nil
}

// value makes a node of a value. pos is for arrays, of which the parser does not know where they start.
func (b *tomlBuilder) value(v *unstable.Node, pos Pos, depth int) (*Node, error) {
	if v.Raw.Length > 0 {
		pos = b.pos(v)
	}
	n := &Node{Pos: pos}
	if nests := v.Kind == unstable.Array || v.Kind == unstable.InlineTable; nests && depth >= MaxNesting {
		return nil, tooDeep(pos)
	}
	switch v.Kind {
	case unstable.Array:
		return n, b.array(n, v, depth)
	case unstable.InlineTable:
		return n, b.inlineTable(n, v, depth)
	}
	return n, setTOMLScalar(n, v)
}

func (b *tomlBuilder) array(n *Node, v *unstable.Node, depth int) error {
	n.Kind = KindArray
	for items := v.Children(); items.Next(); {
		item, err := b.value(items.Node(), n.Pos, depth+1)
		if err != nil {
			return err
		}
		if err := b.append(n, item); err != nil {
			return err
		}
	}
	return nil
}

func (b *tomlBuilder) append(array, item *Node) error {
	if b.values++; b.values > MaxValues {
		return tooMany(item.Pos)
	}
	array.Items = append(array.Items, item)
	return nil
}

func (b *tomlBuilder) inlineTable(n *Node, v *unstable.Node, depth int) error {
	n.Kind = KindTable
	for items := v.Children(); items.Next(); {
		if err := b.keyValue(n, items.Node(), depth); err != nil {
			return err
		}
	}
	return nil
}

// setTOMLScalar fills a node with a value that holds no others.
func setTOMLScalar(n *Node, v *unstable.Node) (err error) {
	text := string(v.Data)
	switch v.Kind {
	case unstable.String:
		n.Kind, n.Str = KindString, text
	case unstable.Bool:
		n.Kind, n.Bool = KindBool, text == "true"
	case unstable.Integer:
		n.Kind = KindInteger
		n.Int, err = strconv.ParseInt(text, 0, 64)
	case unstable.Float:
		n.Kind = KindFloat
		n.Float, err = parseTOMLFloat(text)
	default:
		n.Kind, n.Str = KindDate, text
	}
	return err
}

func parseTOMLFloat(text string) (float64, error) {
	if strings.HasSuffix(text, "nan") {
		return math.NaN(), nil
	}
	return strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
}

func (b *tomlBuilder) pos(n *unstable.Node) Pos {
	return Pos{File: b.name, Line: b.lines.at(int(n.Raw.Offset))}
}

// errorPos gives the place a decoder's error names.
func (b *tomlBuilder) errorPos(err error) Pos {
	var decodeError *toml.DecodeError
	if errors.As(err, &decodeError) {
		row, _ := decodeError.Position()
		return Pos{File: b.name, Line: max(row, 1)}
	}
	return Pos{File: b.name}
}

func errorKey(err error) string {
	var decodeError *toml.DecodeError
	if errors.As(err, &decodeError) {
		return strings.Join(decodeError.Key(), ".")
	}
	return ""
}

func tomlMessage(err error) string {
	return "is not valid TOML: " + strings.TrimPrefix(err.Error(), "toml: ")
}
