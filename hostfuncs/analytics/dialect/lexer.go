package dialect

import (
	"strings"
	"unicode/utf8"
)

// Limits of a query. They keep the work of translating one small.
const (
	// QueryBytesMax is the longest query.
	QueryBytesMax = 64 << 10
	// DepthMax is how deeply expressions and subqueries may nest.
	DepthMax = 64
	// WrittenBytesMax is the longest text a query may become, with its aliases replaced by what they stand for.
	WrittenBytesMax = 256 << 10
)

// kind is what a token is.
type kind int

const (
	end kind = iota
	word
	quoted // a name in double quotes or backticks
	number
	text
	symbol
)

// token is one word, name, value or sign of a query.
type token struct {
	kind   kind
	text   string // as written
	value  string // of names and texts, without quotes
	start  int
	source string
}

// is says whether the token is the keyword or sign, which is given in upper case.
func (t token) is(what string) bool {
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(t.text, what)
}

// lexer cuts a query into tokens.
type lexer struct {
	source string
	at     int
}

// scan gives all tokens of a query, the end included.
func scan(source string) []token {
	l := &lexer{source: source}
	var list []token
	for {
		t := l.next()
		list = append(list, t)
		if t.kind == end {
			return list
		}
	}
}

func (l *lexer) token(k kind, start int) token {
	return token{kind: k, text: l.source[start:l.at], start: start, source: l.source}
}

// next cuts off the next token.
func (l *lexer) next() token {
	l.skip()
	start := l.at
	if start == len(l.source) {
		return l.token(end, start)
	}
	c := l.source[start]
	switch {
	case isLetter(c):
		l.while(func(c byte) bool { return isLetter(c) || isDigit(c) })
		t := l.token(word, start)
		t.value = t.text
		return t
	case isDigit(c), c == '.' && start+1 < len(l.source) && isDigit(l.source[start+1]):
		return l.number()
	case c == '\'':
		return l.enclosed(text)
	case c == '"', c == '`':
		return l.enclosed(quoted)
	}
	return l.symbol()
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (l *lexer) while(fn func(byte) bool) {
	for l.at < len(l.source) && fn(l.source[l.at]) {
		l.at++
	}
}

// skip passes over white space and comments.
func (l *lexer) skip() {
	for {
		l.while(func(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' })
		rest := l.source[l.at:]
		switch {
		case strings.HasPrefix(rest, "--"):
			l.while(func(c byte) bool { return c != '\n' })
		case strings.HasPrefix(rest, "/*"):
			close := strings.Index(rest[2:], "*/")
			if close < 0 {
				start := l.at
				l.at += 2
				l.token(symbol, start).fail("the comment has no end")
			}
			l.at += close + 4
		default:
			return
		}
	}
}

func (l *lexer) number() token {
	start := l.at
	l.while(isDigit)
	if l.at < len(l.source) && l.source[l.at] == '.' {
		l.at++
		l.while(isDigit)
	}
	if rest := l.source[l.at:]; len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		signed := len(rest) > 2 && (rest[1] == '+' || rest[1] == '-') && isDigit(rest[2])
		if signed || isDigit(rest[1]) {
			l.at += 2
			l.while(isDigit)
		}
	}
	t := l.token(number, start)
	if l.at < len(l.source) && isLetter(l.source[l.at]) {
		l.while(func(c byte) bool { return isLetter(c) || isDigit(c) })
		l.token(number, start).fail("is no number")
	}
	return t
}

// enclosed cuts off a text or a name in quotes. Two quotes stand for one.
func (l *lexer) enclosed(k kind) token {
	start, quote := l.at, l.source[l.at]
	var value strings.Builder
	for l.at++; l.at < len(l.source); l.at++ {
		if l.source[l.at] != quote {
			value.WriteByte(l.source[l.at])
			continue
		}
		if l.at+1 < len(l.source) && l.source[l.at+1] == quote {
			value.WriteByte(quote)
			l.at++
			continue
		}
		l.at++
		t := l.token(k, start)
		t.value = value.String()
		return t
	}
	l.token(k, start).fail("the closing quote is missing")
	return token{}
}

func (l *lexer) symbol() token {
	start := l.at
	for _, two := range []string{"<=", ">=", "<>", "!="} {
		if strings.HasPrefix(l.source[start:], two) {
			l.at += 2
			return l.token(symbol, start)
		}
	}
	_, size := utf8.DecodeRuneInString(l.source[start:])
	l.at += size
	t := l.token(symbol, start)
	if !strings.Contains("()*+-/%=<>,;", t.text) {
		t.fail("is not part of the dialect")
	}
	return t
}
