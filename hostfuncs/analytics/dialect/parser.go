package dialect

import (
	"slices"
	"strconv"
	"strings"
)

// parser reads the tokens of a query.
type parser struct {
	tokens []token
	depth  int
}

// parse reads a query.
func parse(source string) (s *statement, err error) {
	defer rescue(&err)
	if len(source) > QueryBytesMax {
		token{kind: symbol, source: source}.fail("the query has %d bytes, at most %d", len(source), QueryBytesMax)
	}
	p := &parser{tokens: scan(source)}
	return p.statement(), nil
}

func (p *parser) peek() token { return p.tokens[0] }

// take gives the next token; the end stays.
func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token when it is the keyword or sign.
func (p *parser) accept(what string) bool {
	if p.peek().is(what) {
		p.take()
		return true
	}
	return false
}

// expect takes the keyword or sign that must come.
func (p *parser) expect(what string) token {
	t := p.peek()
	if !t.is(what) {
		t.fail("%s", unexpected(t, what))
	}
	return p.take()
}

// unexpected says what is wrong about a token that cannot stand where it does.
func unexpected(t token, want string) string {
	if why := outside(t); why != "" {
		return why
	}
	return want + " expected"
}

// outside says what is known about words that other dialects have.
func outside(t token) string {
	switch strings.ToUpper(t.text) {
	case "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "ARRAY", "GLOBAL", "ASOF", "ANY":
		return "a query reads one table: joins are not supported"
	case "UNION", "INTERSECT", "EXCEPT":
		return "queries cannot be combined: " + strings.ToUpper(t.text) + " is not supported"
	case "WITH", "OVER", "WINDOW", "CASE", "CAST", "EXISTS", "IS", "NULL", "DISTINCT", "PREWHERE", "SAMPLE", "FINAL", "SETTINGS", "INSERT", "UPDATE",
		"DELETE", "CREATE", "DROP", "ALTER", "ATTACH", "PRAGMA", "TRUNCATE", "EXPLAIN", "DESCRIBE", "SET", "USE":
		return strings.ToUpper(t.text) + " is not supported"
	}
	return ""
}

// deeper counts a level of nesting until the function it returns is called.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > DepthMax {
		p.peek().fail("nested more than %d deep", DepthMax)
	}
	return func() { p.depth-- }
}

func (p *parser) statement() *statement {
	s := &statement{}
	if p.accept("SHOW") {
		t := p.take()
		if s.show = strings.ToUpper(t.text); !slices.Contains([]string{"TABLES", "TIMEZONES", "TIMEZONE"}, s.show) {
			t.fail("TABLES, TIMEZONES or TIMEZONE expected")
		}
	} else {
		s.query = p.selection()
	}
	if p.accept("FORMAT") {
		t := p.take()
		i := slices.IndexFunc(Formats(), t.is)
		if i < 0 {
			t.fail("one of %s expected", strings.Join(Formats(), ", "))
		}
		s.format = Formats()[i]
	}
	p.accept(";")
	if t := p.peek(); t.kind != end {
		t.fail("%s", unexpected(t, "the end of the query"))
	}
	return s
}

// selection reads a SELECT without its FORMAT.
func (p *parser) selection() *selection {
	defer p.deeper()()
	s := &selection{at: p.expect("SELECT"), aliases: map[string]expression{}}
	s.items = list(p, func() item { return p.item(s) })
	if p.accept("FROM") {
		p.from(s)
	}
	if p.accept("WHERE") {
		s.where = p.expression()
	}
	if p.accept("GROUP") {
		p.expect("BY")
		s.group = list(p, p.expression)
	}
	if p.accept("HAVING") {
		s.having = p.expression()
	}
	if p.accept("ORDER") {
		p.expect("BY")
		s.order = list(p, p.ordering)
	}
	if p.accept("LIMIT") && !p.accept("ALL") {
		s.limit = p.count()
	}
	if p.accept("OFFSET") {
		s.offset = p.count()
	}
	return s
}

// list reads one or more things with commas between them.
func list[T any](p *parser, one func() T) []T {
	all := []T{one()}
	for p.accept(",") {
		all = append(all, one())
	}
	return all
}

// item reads an expression of a SELECT's list and its alias.
func (p *parser) item(s *selection) item {
	t := p.peek()
	if p.accept("*") {
		return item{at: t}
	}
	i := item{at: t, value: p.expression()}
	next := p.peek()
	i.name = strings.TrimSpace(t.source[t.start:next.start])
	if c, plain := i.value.(*column); plain {
		i.name = c.at.value
	}
	if p.accept("AS") {
		alias := p.name()
		i.name = alias.value
		if s.aliases[i.name] != nil {
			alias.fail("is the alias of another expression already")
		}
		s.aliases[i.name] = i.value
	}
	return i
}

// name reads the name of a column, alias or table.
func (p *parser) name() token {
	t := p.take()
	if t.kind != quoted && (t.kind != word || isReserved(t)) {
		t.fail("%s", unexpected(t, "a name"))
	}
	return t
}

// isReserved says whether a word means something else than a name.
func isReserved(t token) bool {
	return slices.ContainsFunc([]string{"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "BY", "LIMIT", "OFFSET", "FORMAT", "AS", "AND", "OR", "NOT", "IN",
		"BETWEEN", "LIKE", "ILIKE", "INTERVAL", "TRUE", "FALSE", "ASC", "DESC", "ALL", "SHOW", "CASE", "CAST", "DISTINCT", "EXISTS", "NULL", "WITH"}, t.is)
}

func (p *parser) from(s *selection) {
	if p.accept("(") {
		s.from = p.selection()
		p.expect(")")
		return
	}
	s.table = p.name()
}

func (p *parser) ordering() ordering {
	o := ordering{value: p.expression()}
	if p.accept("DESC") {
		o.desc = true
	} else {
		p.accept("ASC")
	}
	return o
}

// count reads the number of a LIMIT or OFFSET.
func (p *parser) count() *uint64 {
	t := p.take()
	n, err := strconv.ParseUint(t.text, 10, 63)
	if t.kind != number || err != nil {
		t.fail("a whole number expected")
	}
	return &n
}
