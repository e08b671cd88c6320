package tck

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// text is a piece of a case file that stands for bytes: what is sent or expected.
type text []node

// node is a part of a text; the fields of its kind are set.
type node struct {
	kind    nodeKind
	literal string
	inner   text   // of repetition and count
	from    int    // of count
	to      int    // the last number of count; how often, of repetition
	name    string // of capture and captured
	pattern string // of capture
}

type nodeKind int

const (
	nodeLiteral    nodeKind = iota
	nodeRepetition          // \{N*TEXT\}
	nodeCount               // \(A..B:TEXT\)
	nodeNumber              // \#
	nodeCase                // \@
	nodeCapture             // \<NAME:REGEXP>
	nodeCaptured            // \<NAME>
)

// textBytesMax is the longest a text may become.
const textBytesMax = 64 << 20

// simpleEscapes are the escapes that stand for one byte.
var simpleEscapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 's': " ", '\\': "\\"}

// parser reads a text.
type parser struct {
	rest  string
	depth int
}

// depthMax is how deeply repetitions may be nested.
const depthMax = 4

// parseText reads a text as a line of a case file has it.
func parseText(s string) (text, error) {
	p := &parser{rest: s}
	t, err := p.text(0)
	if err != nil {
		return nil, fmt.Errorf("%w at %q", err, clip(p.rest))
	}
	return t, nil
}

// clip cuts a text to what fits a message.
func clip(s string) string {
	const longest = 1500
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}

// text reads up to the end, or to a backslash and the closing byte.
func (p *parser) text(closing byte) (t text, err error) {
	for {
		i := strings.IndexByte(p.rest, '\\')
		if i < 0 {
			i = len(p.rest)
		}
		if i > 0 {
			t = append(t, node{kind: nodeLiteral, literal: p.rest[:i]})
			p.rest = p.rest[i:]
		}
		switch {
		case p.rest == "" && closing == 0:
			return t, nil
		case len(p.rest) < 2:
			return nil, errors.New("the text ends too early")
		case closing != 0 && p.rest[1] == closing:
			p.rest = p.rest[2:]
			return t, nil
		}
		n, err := p.escape()
		if err != nil {
			return nil, err
		}
		t = append(t, n)
	}
}

// escape reads what begins with a backslash.
func (p *parser) escape() (node, error) {
	c := p.rest[1]
	if literal, ok := simpleEscapes[c]; ok {
		p.rest = p.rest[2:]
		return node{kind: nodeLiteral, literal: literal}, nil
	}
	switch c {
	case '#':
		p.rest = p.rest[2:]
		return node{kind: nodeNumber}, nil
	case '@':
		p.rest = p.rest[2:]
		return node{kind: nodeCase}, nil
	case 'x':
		return p.hex()
	case '{':
		return p.repetition()
	case '(':
		return p.count()
	case '<':
		return p.capture()
	}
	return node{}, errors.New("no such escape")
}

func (p *parser) hex() (node, error) {
	if len(p.rest) < 4 {
		return node{}, errors.New("two hexadecimal digits are missing")
	}
	n, err := strconv.ParseUint(p.rest[2:4], 16, 8)
	if err != nil {
		return node{}, errors.New("no hexadecimal digits")
	}
	p.rest = p.rest[4:]
	return node{kind: nodeLiteral, literal: string([]byte{byte(n)})}, nil
}

// head reads the number before a separator.
func (p *parser) head(separator string) (int, error) {
	number, rest, found := strings.Cut(p.rest, separator)
	n, err := strconv.Atoi(number)
	if !found || err != nil || n < 0 || n > textBytesMax {
		return 0, errors.New("no number before " + separator)
	}
	p.rest = rest
	return n, nil
}

// nested reads the text of a repetition.
func (p *parser) nested(closing byte) (text, error) {
	if p.depth++; p.depth > depthMax {
		return nil, errors.New("nested too deeply")
	}
	t, err := p.text(closing)
	p.depth--
	return t, err
}

func (p *parser) repetition() (n node, err error) {
	n.kind = nodeRepetition
	p.rest = p.rest[2:]
	if n.to, err = p.head("*"); err != nil {
		return n, err
	}
	n.inner, err = p.nested('}')
	return n, err
}

func (p *parser) count() (n node, err error) {
	n.kind = nodeCount
	p.rest = p.rest[2:]
	if n.from, err = p.head(".."); err != nil {
		return n, err
	}
	if n.to, err = p.head(":"); err != nil {
		return n, err
	}
	n.inner, err = p.nested(')')
	return n, err
}

var captureName = regexp.MustCompile(`^[a-z0-9_]+$`)

func (p *parser) capture() (node, error) {
	inside, rest, found := strings.Cut(p.rest[2:], ">")
	if !found {
		return node{}, errors.New("a > is missing")
	}
	name, pattern, isCapture := strings.Cut(inside, ":")
	if !captureName.MatchString(name) {
		return node{}, errors.New("no name of small letters and digits")
	}
	n := node{kind: nodeCaptured, name: name}
	if isCapture {
		if _, err := regexp.Compile(pattern); err != nil {
			return node{}, err
		}
		n.kind, n.pattern = nodeCapture, pattern
	}
	p.rest = rest
	return n, nil
}

// scope is what a text can refer to.
type scope struct {
	index    int // of the case in its file
	number   int // of the repetition
	captured map[string]string
}

var errTooLong = errors.New("the text becomes too long")

// bytes gives what the text stands for. A capture stands for nothing.
func (t text) bytes(s scope) (string, error) {
	out, err := t.append(nil, s)
	return string(out), err
}

func (t text) append(out []byte, s scope) ([]byte, error) {
	var err error
	for i := range t {
		n := &t[i]
		switch n.kind {
		case nodeLiteral:
			out = append(out, n.literal...)
		case nodeNumber:
			out = fmt.Appendf(out, "%04d", s.number)
		case nodeCase:
			out = strconv.AppendInt(out, int64(s.index), 10)
		case nodeCaptured:
			out = append(out, s.captured[n.name]...)
		case nodeRepetition, nodeCount:
			if out, err = n.repeat(out, s); err != nil {
				return nil, err
			}
		}
		if len(out) > textBytesMax {
			return nil, errTooLong
		}
	}
	return out, nil
}

// repeat appends the inner text as often as it is to stand there.
func (n *node) repeat(out []byte, s scope) ([]byte, error) {
	if n.kind == nodeRepetition {
		once, err := n.inner.append(nil, s)
		if err != nil {
			return nil, err
		}
		if len(out)+len(once)*n.to > textBytesMax {
			return nil, errTooLong
		}
		return append(out, strings.Repeat(string(once), n.to)...), nil
	}
	for s.number = n.from; s.number <= n.to; s.number++ {
		var err error
		if out, err = n.inner.append(out, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// captures says whether the text has any, outside of repetitions.
func (t text) captures() bool {
	for i := range t {
		if t[i].kind == nodeCapture {
			return true
		}
	}
	return false
}

// match compares an answer with the text and remembers what it captures. want is the text in a readable form.
func (t text) match(answer string, s scope) (ok bool, want string, err error) {
	if !t.captures() {
		want, err := t.bytes(s)
		return answer == want, want, err
	}
	expression, names, err := t.expression(s)
	if err != nil {
		return false, "", err
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		return false, "", err
	}
	found := re.FindStringSubmatch(answer)
	if found == nil {
		return false, expression, nil
	}
	for i, name := range names {
		s.captured[name] = found[i+1]
	}
	return true, "", nil
}

// expression is the text as a regular expression with a group per capture. What a capture captures must not have groups.
func (t text) expression(s scope) (expression string, names []string, err error) {
	var b strings.Builder
	b.WriteString(`\A`)
	for i := range t {
		if n := &t[i]; n.kind == nodeCapture {
			b.WriteString("(" + n.pattern + ")")
			names = append(names, n.name)
			continue
		}
		plain, err := t[i : i+1].bytes(s)
		if err != nil {
			return "", nil, err
		}
		b.WriteString(regexp.QuoteMeta(plain))
	}
	return b.String() + `\z`, names, nil
}
