package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is where a value was written.
type Pos struct {
	// File is the path of the file as the user would type it, or the flag ("--kv") the value came from.
	File string
	// Line counts from 1; 0 for flags.
	Line int
}

// String gives "wrangler.toml:12", or just the flag.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Kind is the type of a [Node], in the words of TOML and JSON.
type Kind int

// The kinds of node.
const (
	KindNull Kind = iota
	KindString
	KindInteger
	KindFloat
	KindBool
	KindDate
	KindArray
	KindTable
)

var kindNames = [...]string{"null", "string", "integer", "float", "boolean", "date", "array", "table"}

// String gives the kind's name for messages: "string", "table", ...
func (k Kind) String() string { return kindNames[k] }

// Node is one value of a configuration file with the place it was written at. TOML and JSON files and command-line flags
// all become trees of nodes, so that whoever decodes one can name file, line and key whatever the syntax was.
type Node struct {
	Pos   Pos
	Kind  Kind
	Str   string  // KindString; for KindDate the text as written
	Int   int64   // KindInteger
	Float float64 // KindFloat
	Bool  bool    // KindBool
	Items []*Node // KindArray
	Table []Entry // KindTable, in the order written
}

// Entry is one key of a table.
type Entry struct {
	Key   string
	Pos   Pos
	Value *Node
}

// Get gives the value of key in a table, nil when it is absent or n is no table.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Table {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Problem is something wrong with a configuration: what, and where.
type Problem struct {
	Pos Pos
	// Key is the dotted path of the key, such as "kv_namespaces[0].binding".
	Key string
	// Message is a sentence the user can act on.
	Message string
	// Warning marks what does not stop a start.
	Warning bool
}

// Error gives "wrangler.toml:12: kv_namespaces[0].binding: message".
func (p Problem) Error() string {
	parts := []string{}
	if p.Pos.File != "" {
		parts = append(parts, p.Pos.String())
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	return strings.Join(append(parts, p.Message), ": ")
}

// Problems collects what is wrong, so that a user sees all of it at once.
type Problems []Problem

// Add appends an error.
func (ps *Problems) Add(pos Pos, key, format string, args ...any) {
	*ps = append(*ps, Problem{Pos: pos, Key: key, Message: fmt.Sprintf(format, args...)})
}

// Warn appends a warning.
func (ps *Problems) Warn(pos Pos, key, format string, args ...any) {
	*ps = append(*ps, Problem{Pos: pos, Key: key, Message: fmt.Sprintf(format, args...), Warning: true})
}

// Err is nil when there are only warnings, and all the errors otherwise.
func (ps Problems) Err() error {
	var errs Problems
	for _, p := range ps {
		if !p.Warning {
			errs = append(errs, p)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// Sort orders the problems by file and line, keeping the order of those of one line.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line))
	})
}

// Error gives one problem per line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
