package config

import (
	"regexp"
	"strings"
)

// expandAll replaces references to other variables in the values of secrets: $NAME, ${NAME}, ${NAME:-word} and ${NAME-word} (word where
// NAME is empty or unknown), ${NAME:+word} and ${NAME+word} (word where it is not). Unknown names, and a variable within its own value,
// become empty; \$ is a dollar sign. Variables for which literal is true are not expanded themselves.
func expandAll(secrets []Secret, literal func(Secret) bool, problems *Problems) {
	e := expander{secrets: secrets, index: map[string]int{}, state: make([]expansion, len(secrets)), literal: literal, problems: problems}
	for i, s := range secrets {
		e.index[s.Name] = i
	}
	for i := range secrets {
		e.resolve(i, 0)
	}
}

// expansion is how far a variable is expanded.
type expansion int

const (
	untouched expansion = iota
	underway
	expanded
)

// expander expands the variables of one set of files.
type expander struct {
	secrets  []Secret
	index    map[string]int
	state    []expansion
	literal  func(Secret) bool
	problems *Problems
	// written is how many bytes came out so far. A few lines can ask for gigabytes.
	written int
	failed  bool
}

// resolve gives the value of a variable, expanding it first where that has not happened.
func (e *expander) resolve(i, depth int) string {
	s := &e.secrets[i]
	switch {
	case e.state[i] == underway:
		return ""
	case e.state[i] == expanded || e.literal(*s):
		return s.Value
	case depth > MaxNesting:
		e.fail(*s, "its references lie deeper in one another than the limit of %d (MaxNesting)", MaxNesting)
		return ""
	}
	e.state[i] = underway
	s.Value = e.expand(*s, s.Value, depth)
	e.state[i] = expanded
	return s.Value
}

// fail reports the first problem only: one is enough to make all others.
func (e *expander) fail(s Secret, format string, args ...any) {
	if !e.failed {
		e.problems.Add(s.Pos, s.Name, format, args...)
	}
	e.failed = true
}

// referencePattern matches a reference or an escaped dollar sign.
var referencePattern = regexp.MustCompile(`\\\$|\$\{([^{}]+)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// operatorPattern splits what stands between braces.
var operatorPattern = regexp.MustCompile(`^(.*?)(?:(:?[-+])(.*))?$`)

func (e *expander) expand(s Secret, text string, depth int) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var out strings.Builder
	last := 0
	for _, m := range referencePattern.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[last:m[0]])
		last = m[1]
		replacement := e.replacement(s, text, m, depth)
		if e.written += len(replacement); e.written > MaxFileBytes {
			e.fail(s, "the references of the file expand to more than the limit of %d bytes (MaxFileBytes)", MaxFileBytes)
			return ""
		}
		out.WriteString(replacement)
	}
	out.WriteString(text[last:])
	return out.String()
}

// replacement gives what one match of [referencePattern] becomes.
func (e *expander) replacement(s Secret, text string, match []int, depth int) string {
	switch {
	case match[2] >= 0:
		return e.braced(s, text[match[2]:match[3]], depth)
	case match[4] >= 0:
		return e.lookup(text[match[4]:match[5]], depth)
	}
	return "$"
}

func (e *expander) braced(s Secret, expression string, depth int) string {
	parts := operatorPattern.FindStringSubmatch(expression)
	if parts == nil {
		return ""
	}
	name, operator, word := parts[1], parts[2], parts[3]
	value := e.lookup(name, depth)
	switch {
	case strings.HasSuffix(operator, "-") && value == "":
		return e.expand(s, word, depth)
	case strings.HasSuffix(operator, "+") && value != "":
		return e.expand(s, word, depth)
	case strings.HasSuffix(operator, "+"):
		return ""
	}
	return value
}

func (e *expander) lookup(name string, depth int) string {
	if i, ok := e.index[name]; ok {
		return e.resolve(i, depth+1)
	}
	return ""
}
