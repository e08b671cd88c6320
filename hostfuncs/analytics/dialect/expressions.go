package dialect

import (
	"slices"
	"strconv"
	"strings"
)

// expression reads an expression: OR, AND, NOT, comparisons, sums, products, signs, from weak to strong.
func (p *parser) expression() expression {
	defer p.deeper()()
	x := p.conjunction()
	for p.peek().is("OR") {
		t := p.take()
		x = &binary{t, "OR", x, p.conjunction()}
	}
	return x
}

func (p *parser) conjunction() expression {
	x := p.negation()
	for p.peek().is("AND") {
		t := p.take()
		x = &binary{t, "AND", x, p.negation()}
	}
	return x
}

func (p *parser) negation() expression {
	if !p.peek().is("NOT") {
		return p.comparison()
	}
	defer p.deeper()()
	t := p.take()
	return &unary{t, "NOT", p.negation()}
}

func (p *parser) comparison() expression {
	x := p.sum()
	t := p.peek()
	if t.kind == symbol && slices.Contains([]string{"=", "<>", "!=", "<", ">", "<=", ">="}, t.text) {
		p.take()
		op := t.text
		if op == "!=" {
			op = "<>"
		}
		return &binary{t, op, x, p.sum()}
	}
	not := p.accept("NOT")
	t = p.peek()
	switch {
	case p.accept("IN"):
		p.expect("(")
		e := &in{at: t, not: not, x: x, list: list(p, p.expression)}
		p.expect(")")
		return e
	case p.accept("BETWEEN"):
		e := &between{at: t, not: not, x: x, low: p.sum()}
		p.expect("AND")
		e.high = p.sum()
		return e
	case p.accept("LIKE"):
		return &like{t, not, false, x, p.sum()}
	case p.accept("ILIKE"):
		return &like{t, not, true, x, p.sum()}
	case not:
		t.fail("%s", unexpected(t, "IN, BETWEEN, LIKE or ILIKE"))
	}
	return x
}

func (p *parser) sum() expression {
	x := p.product()
	for p.peek().is("+") || p.peek().is("-") {
		t := p.take()
		x = &binary{t, t.text, x, p.product()}
	}
	return x
}

func (p *parser) product() expression {
	x := p.signed()
	for p.peek().is("*") || p.peek().is("/") || p.peek().is("%") {
		t := p.take()
		x = &binary{t, t.text, x, p.signed()}
	}
	return x
}

func (p *parser) signed() expression {
	if !p.peek().is("-") {
		return p.primary()
	}
	defer p.deeper()()
	t := p.take()
	return &unary{t, "-", p.signed()}
}

func (p *parser) primary() expression {
	t := p.peek()
	switch {
	case t.kind == number:
		p.take()
		return numeral(t)
	case t.kind == text:
		p.take()
		return &literal{t, t.value, String}
	case p.accept("TRUE"):
		return &literal{t, int64(1), UInt8}
	case p.accept("FALSE"):
		return &literal{t, int64(0), UInt8}
	case p.accept("INTERVAL"):
		return p.interval(t)
	case p.accept("("):
		x := p.expression()
		p.expect(")")
		return x
	}
	formats := t.is("FORMAT") && p.tokens[1].is("(") // the function, not the clause
	if t.kind != word && t.kind != quoted || isReserved(t) && !formats {
		t.fail("%s", unexpected(t, "an expression"))
	}
	p.take()
	if t.kind == word && p.accept("(") {
		return p.call(t)
	}
	return &column{t}
}

// numeral makes a number of its digits.
func numeral(t token) expression {
	if strings.ContainsAny(t.text, ".eE") {
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			t.fail("the number is too large")
		}
		return &literal{t, f, Float64}
	}
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil {
		t.fail("the number is too large")
	}
	return &literal{t, n, smallest(n)}
}

// smallest is the type of a whole number that is not negative.
func smallest(n int64) Kind {
	switch {
	case n < 1<<8:
		return UInt8
	case n < 1<<16:
		return UInt16
	case n < 1<<32:
		return UInt32
	}
	return UInt64
}

// interval reads what follows INTERVAL.
func (p *parser) interval(at token) expression {
	t := p.take()
	n, err := strconv.ParseInt(t.value, 10, 32)
	if t.kind != text || err != nil {
		t.fail("a whole number in quotes expected, such as INTERVAL '1' DAY")
	}
	return &interval{at, n, p.unit()}
}

// unit reads a unit of time.
func (p *parser) unit() string {
	t := p.take()
	unit := strings.ToUpper(t.text)
	if t.kind != word || !slices.Contains([]string{"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}, unit) {
		t.fail("YEAR, MONTH, DAY, HOUR, MINUTE or SECOND expected")
	}
	return unit
}

// call reads what follows the opening parenthesis of a function.
func (p *parser) call(t token) expression {
	c := &call{at: t, name: strings.ToLower(t.text)}
	switch c.name {
	case "position":
		needle := p.sum()
		p.expect("IN")
		c.args = []expression{needle, p.sum()}
	case "extract":
		c.unit = p.unit()
		p.expect("FROM")
		c.args = []expression{p.expression()}
	default:
		c.distinct = p.accept("DISTINCT")
		c.args = p.arguments()
	}
	p.expect(")")
	if !p.accept("(") {
		return c
	}
	c.params = c.args
	if c.params == nil {
		c.params = []expression{}
	}
	if c.distinct {
		t.fail("DISTINCT stands before arguments, not before parameters")
	}
	c.args = p.arguments()
	p.expect(")")
	return c
}

// arguments reads the arguments of a function up to the closing parenthesis.
func (p *parser) arguments() []expression {
	if p.peek().is(")") {
		return nil
	}
	return list(p, p.expression)
}
