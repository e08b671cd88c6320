package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Presence says whether a key may be left out.
type Presence bool

// The two presences.
const (
	Optional Presence = false
	Required Presence = true
)

// Table reads one table of the configuration and reports what is wrong with it. Every key asked for counts as known;
// [Table.RejectUnknown] reports the rest. The methods give zero values, or the fallback they were handed, for what is absent
// or wrong, so that a decoder can go on and find everything at once.
//
//	t := config.NewTable(node, c.Key("kv_namespaces")+"[0]", &problems)
//	binding := t.String("binding", config.Required)
//	t.RejectUnknown()
type Table struct {
	node     *Node
	path     string
	problems *Problems
	known    []string
}

// NewTable starts reading node, which path names in problems. A node that is no table is reported and reads as an empty one; a nil
// node is an empty table.
func NewTable(node *Node, path string, problems *Problems) *Table {
	if node == nil {
		node = &Node{Kind: KindTable}
	}
	if node.Kind != KindTable {
		problems.Add(node.Pos, path, "must be a table, not %s", node.Kind.article())
		node = &Node{Kind: KindTable, Pos: node.Pos}
	}
	return &Table{node: node, path: path, problems: problems}
}

// EachTable calls fn for every entry of an array of tables such as kv_namespaces. Entries that are no tables, and a node that is no
// array, are reported and left out. A nil node is an empty array.
func EachTable(node *Node, path string, problems *Problems, fn func(*Table)) {
	if node == nil {
		return
	}
	if node.Kind != KindArray {
		problems.Add(node.Pos, path, "must be an array of tables, not %s", node.Kind.article())
		return
	}
	for i, item := range node.Items {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		if item.Kind != KindTable {
			problems.Add(item.Pos, itemPath, "must be a table, not %s", item.Kind.article())
			continue
		}
		fn(NewTable(item, itemPath, problems))
	}
}

// Pos is where the table was written.
func (t *Table) Pos() Pos { return t.node.Pos }

// Path is the dotted path of a key of the table; of the table itself when key is empty.
func (t *Table) Path(key string) string {
	if t.path == "" || key == "" {
		return t.path + key
	}
	return t.path + "." + key
}

// PosOf is where the value of key was written; the table's place when it is absent.
func (t *Table) PosOf(key string) Pos {
	if v := t.node.Get(key); v != nil {
		return v.Pos
	}
	return t.node.Pos
}

// Has says whether the key is there, and makes it known.
func (t *Table) Has(key string) bool { return t.Node(key) != nil }

// Node gives the value of key as it is, nil when it is absent, and makes the key known.
func (t *Table) Node(key string) *Node {
	if !slices.Contains(t.known, key) {
		t.known = append(t.known, key)
	}
	return t.node.Get(key)
}

// Fail reports an error at the value of key, or at the table when the key is absent or empty.
func (t *Table) Fail(key, format string, args ...any) {
	t.problems.Add(t.PosOf(key), t.Path(key), format, args...)
}

// Warn reports a warning at the value of key, or at the table when the key is absent or empty.
func (t *Table) Warn(key, format string, args ...any) {
	t.problems.Warn(t.PosOf(key), t.Path(key), format, args...)
}

// value gives the value of key when it has one of the kinds wanted, and reports it when it has another.
func (t *Table) value(key string, presence Presence, want string, kinds ...Kind) *Node {
	v := t.Node(key)
	switch {
	case v == nil && presence == Required:
		t.Fail(key, "is required and must be %s", want)
	case v != nil && !slices.Contains(kinds, v.Kind):
		t.Fail(key, "must be %s, not %s", want, v.Kind.article())
		return nil
	}
	return v
}

// String gives a string. A required one must not be empty.
func (t *Table) String(key string, presence Presence) string {
	v := t.value(key, presence, "a string", KindString)
	if v == nil {
		return ""
	}
	if presence == Required && v.Str == "" {
		t.Fail(key, "must not be empty")
	}
	return v.Str
}

// OneOf gives a string that is one of the options, and fallback when it is absent or another.
func (t *Table) OneOf(key, fallback string, options ...string) string {
	want := "one of " + quoteList(options)
	v := t.value(key, Optional, want, KindString)
	if v == nil {
		return fallback
	}
	if !slices.Contains(options, v.Str) {
		t.Fail(key, "must be %s, not %q", want, v.Str)
		return fallback
	}
	return v.Str
}

// Bool gives a boolean, and fallback when it is absent.
func (t *Table) Bool(key string, fallback bool) bool {
	v := t.value(key, Optional, "a boolean", KindBool)
	if v == nil {
		return fallback
	}
	return v.Bool
}

// Int gives an integer between low and high, both included, and fallback when it is absent or out of bounds. A float
// without a fraction, as JSON may write one, counts as an integer.
func (t *Table) Int(key string, fallback, low, high int64) int64 {
	v := t.value(key, Optional, "an integer", KindInteger, KindFloat)
	if v == nil {
		return fallback
	}
	n, ok := v.integer()
	if !ok {
		t.Fail(key, "must be an integer, not %v", v.Float)
		return fallback
	}
	if n < low || n > high {
		t.Fail(key, "must be between %d and %d, not %d", low, high, n)
		return fallback
	}
	return n
}

// Strings gives an array of strings; nil when it is absent.
func (t *Table) Strings(key string) []string {
	v := t.value(key, Optional, "an array of strings", KindArray)
	if v == nil {
		return nil
	}
	list := make([]string, 0, len(v.Items))
	for i, item := range v.Items {
		if item.Kind != KindString {
			t.problems.Add(item.Pos, fmt.Sprintf("%s[%d]", t.Path(key), i), "must be a string, not %s", item.Kind.article())
			continue
		}
		list = append(list, item.Str)
	}
	return list
}

// Table gives the table under key, an empty one when it is absent. Its problems go where t's go.
func (t *Table) Table(key string) *Table {
	return NewTable(t.Node(key), t.Path(key), t.problems)
}

// RejectUnknown reports every key that was not asked for as an error, with the known key it resembles most.
func (t *Table) RejectUnknown() { t.unknown(t.problems.Add) }

// WarnUnknown is [Table.RejectUnknown] with warnings.
func (t *Table) WarnUnknown() { t.unknown(t.problems.Warn) }

func (t *Table) unknown(report func(Pos, string, string, ...any)) {
	for _, e := range t.node.Table {
		if !slices.Contains(t.known, e.Key) {
			report(e.Pos, t.Path(e.Key), "%s", unexpected(t.path, e.Key, t.known))
		}
	}
}

// unexpected is the message for an unknown key, in wrangler's words, with a suggestion where one of known is near.
func unexpected(path, key string, known []string) string {
	if path == "" {
		path = "top-level"
	}
	message := fmt.Sprintf("Unexpected fields found in %s field: %q", path, key)
	if near := nearest(key, known); near != "" {
		message += fmt.Sprintf(". Did you mean %q?", near)
	}
	return message
}

// integer gives the node's number when it is whole and a float holds it exactly.
func (n *Node) integer() (int64, bool) {
	if n.Kind == KindInteger {
		return n.Int, true
	}
	const exact = 1 << 53
	if n.Float != math.Trunc(n.Float) || math.Abs(n.Float) > exact {
		return 0, false
	}
	return int64(n.Float), true
}

// article gives the kind's name with its article: "a string", "an array".
func (k Kind) article() string {
	if strings.ContainsRune("aeiou", rune(k.String()[0])) {
		return "an " + k.String()
	}
	return "a " + k.String()
}

func quoteList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(quoted, ", ")
}

// nearest gives the candidate that differs from word in at most a third of its letters and at most three, and in no more than any
// other; empty when there is none. Case and the choice between "-" and "_" count as nothing.
func nearest(word string, candidates []string) string {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, bestDistance := "", min(max(len(word)/3, 1), 3)+1
	for _, c := range candidates {
		if max(len(c)-len(word), len(word)-len(c)) >= bestDistance {
			continue
		}
		if d := editDistance(fold(word), fold(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance is the number of bytes to insert, remove, replace or swap with their neighbour to turn a into b.
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
