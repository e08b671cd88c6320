package dialect

import (
	"slices"
	"strings"
)

const (
	// treeDepthMax is how deep a tree of expressions may be, with its aliases replaced. SQLite refuses one of 1000.
	treeDepthMax = 400
	// workBytesMax bounds what is written in all, also what is written again for each use of an alias.
	workBytesMax = 16 << 20
)

// write writes an expression.
func (w *writer) write(e expression, s *scope) value {
	if w.depth++; w.depth > treeDepthMax {
		e.place().fail("the expression is nested more than %d deep", treeDepthMax)
	}
	v := w.node(e, s)
	w.depth--
	if w.written += len(v.sql) + 1; w.written > workBytesMax || len(v.sql) > WrittenBytesMax {
		e.place().fail("the query is too large with its aliases written out")
	}
	if s.groups[v.sql] && s.inside == nil {
		v.bare = nil
	}
	return v
}

func (w *writer) node(e expression, s *scope) value {
	switch e := e.(type) {
	case *literal:
		return value{Type: Type{Kind: e.kind}, sql: w.parameter(e.value)}
	case *column:
		return w.column(e, s)
	case *star:
		return w.stored(&e.column, s)
	case *unary:
		return w.unary(e, s)
	case *binary:
		return w.binary(e, s)
	case *in:
		return w.in(e, s)
	case *between:
		return w.between(e, s)
	case *like:
		return w.like(e, s)
	case *call:
		return w.function(e, s)
	}
	e.place().fail("an interval can only be added to a time or taken from one")
	return value{}
}

// column writes what a name stands for: an alias, or a column. In what an alias stands for, its own name means the column.
func (w *writer) column(e *column, s *scope) value {
	name := e.at.value
	aliased := s.aliases[name]
	if n := len(s.expanding); aliased == nil || n > 0 && s.expanding[n-1] == name {
		return w.stored(e, s)
	}
	if slices.Contains(s.expanding, name) {
		e.at.fail("aliases stand for each other in a circle")
	}
	return w.item(name, aliased, s)
}

// item writes an expression that may have an alias.
func (w *writer) item(alias string, e expression, s *scope) value {
	if s.aliases[alias] != e {
		return w.write(e, s)
	}
	s.expanding = append(s.expanding, alias)
	v := w.write(e, s)
	s.expanding = s.expanding[:len(s.expanding)-1]
	return v
}

// stored writes a column of what is read.
func (w *writer) stored(e *column, s *scope) value {
	v, ok := s.columns[e.at.value]
	if !ok {
		e.at.fail("there is no column or alias of this name")
	}
	if s.inside == nil && v.sql != "" {
		v.bare = e
	}
	return v
}

// of joins what is known about the parts of an expression.
func of(parts ...value) value {
	var v value
	for _, p := range parts {
		if v.bare == nil {
			v.bare = p.bare
		}
		v.aggregated = v.aggregated || p.aggregated
	}
	return v
}

// as makes a value of its parts.
func (v value) as(t Type, sql string) value {
	v.Type, v.sql = t, sql
	return v
}

func (w *writer) unary(e *unary, s *scope) value {
	if l, ok := e.x.(*literal); ok && e.op == "-" && l.kind != String {
		return w.negative(e, l)
	}
	x := w.write(e.x, s)
	if !x.numeric() {
		e.at.fail("takes a number, not %s", x.Type)
	}
	if e.op == "NOT" {
		return of(x).as(Type{Kind: UInt8}, "(NOT "+x.sql+")")
	}
	t := Type{Kind: Int64}
	if x.Kind == Float64 {
		t = x.Type
	}
	return of(x).as(t, "(- "+x.sql+")")
}

// negative writes a negative number as one value.
func (w *writer) negative(_ *unary, l *literal) value {
	if f, ok := l.value.(float64); ok {
		return value{Type: Type{Kind: Float64}, sql: w.parameter(-f)}
	}
	return value{Type: Type{Kind: Int64}, sql: w.parameter(-l.value.(int64))}
}

func (w *writer) binary(e *binary, s *scope) value {
	if i, ok := e.y.(*interval); ok {
		return w.shifted(e, w.write(e.x, s), i)
	}
	if i, ok := e.x.(*interval); ok && e.op == "+" {
		return w.shifted(e, w.write(e.y, s), i)
	}
	x, y := w.write(e.x, s), w.write(e.y, s)
	switch e.op {
	case "AND", "OR":
		if !x.numeric() || !y.numeric() {
			e.at.fail("takes conditions, not %s and %s", x.Type, y.Type)
		}
		return of(x, y).as(Type{Kind: UInt8}, "("+x.sql+" "+e.op+" "+y.sql+")")
	case "+", "-", "*", "/", "%":
		return w.arithmetic(e, x, y)
	}
	x, y = w.comparable(e.at, e.x, x, e.y, y)
	return of(x, y).as(Type{Kind: UInt8}, "("+x.sql+" "+e.op+" "+y.sql+")")
}

// shifted writes a time plus or minus an interval.
func (w *writer) shifted(e *binary, x value, i *interval) value {
	if e.op != "+" && e.op != "-" || !x.time() {
		e.at.fail("an interval can only be added to a time or taken from one")
	}
	n := i.n
	if e.op == "-" {
		n = -n
	}
	t := x.Type
	if t.Kind == Date && (i.unit == "HOUR" || i.unit == "MINUTE" || i.unit == "SECOND") {
		t.Kind = DateTime
	}
	seconds := map[string]int64{"SECOND": 1, "MINUTE": 60, "HOUR": 3600}
	if x.Zone == "" {
		seconds["DAY"] = 86400
	}
	if each, fixed := seconds[i.unit]; fixed {
		return of(x).as(t, "("+x.sql+" + "+w.parameter(n*each)+")")
	}
	return of(x).as(t, w.call("ae_shift", x.sql, w.parameter(n), w.parameter(i.unit), w.parameter(x.Zone)))
}

func (w *writer) arithmetic(e *binary, x, y value) value {
	v := of(x, y)
	sql := "(" + x.sql + " " + e.op + " " + y.sql + ")"
	switch {
	case x.time() && y.whole() && (e.op == "+" || e.op == "-"):
		return v.as(Type{Kind: DateTime, Zone: x.Zone}, sql)
	case x.time() && y.time() && e.op == "-":
		return v.as(Type{Kind: Int64}, sql)
	case !x.numeric() || !y.numeric():
		e.at.fail("takes numbers, not %s and %s", x.Type, y.Type)
	}
	float := x.Kind == Float64 || y.Kind == Float64
	switch {
	case e.op == "/":
		return v.as(Type{Kind: Float64}, "(CAST("+x.sql+" AS REAL) / "+y.sql+")")
	case e.op == "%" && float:
		return v.as(Type{Kind: Float64}, w.call("ae_mod", x.sql, y.sql))
	case float:
		return v.as(Type{Kind: Float64}, sql)
	case e.op == "-" || !x.unsigned() || !y.unsigned():
		return v.as(Type{Kind: Int64}, sql)
	}
	return v.as(Type{Kind: min(max(x.Kind, y.Kind)+1, UInt64)}, sql) // of twice the width
}

// comparable makes two values comparable: a text written out becomes a time where it meets one.
func (w *writer) comparable(at token, xe expression, x value, ye expression, y value) (value, value) {
	x, y = w.asTime(xe, x, y), w.asTime(ye, y, x)
	same := x.numeric() && y.numeric() || x.Kind == String && y.Kind == String || x.time() && (y.time() || y.numeric()) || x.numeric() && y.time()
	if !same {
		at.fail("cannot compare %s with %s", x.Type, y.Type)
	}
	return x, y
}

func (w *writer) asTime(e expression, v, other value) value {
	if l, ok := e.(*literal); ok && l.kind == String && other.time() {
		return v.as(Type{Kind: DateTime, Zone: other.Zone}, w.call("ae_parse_time", v.sql, w.parameter(other.Zone)))
	}
	return v
}

func negated(not bool) string {
	if not {
		return " NOT"
	}
	return ""
}

func (w *writer) in(e *in, s *scope) value {
	x := w.write(e.x, s)
	parts, list := []value{x}, make([]string, len(e.list))
	for i, item := range e.list {
		_, y := w.comparable(item.place(), e.x, x, item, w.write(item, s))
		parts, list[i] = append(parts, y), y.sql
	}
	return of(parts...).as(Type{Kind: UInt8}, "("+x.sql+negated(e.not)+" IN ("+strings.Join(list, ", ")+"))")
}

func (w *writer) between(e *between, s *scope) value {
	x := w.write(e.x, s)
	_, low := w.comparable(e.low.place(), e.x, x, e.low, w.write(e.low, s))
	_, high := w.comparable(e.high.place(), e.x, x, e.high, w.write(e.high, s))
	return of(x, low, high).as(Type{Kind: UInt8}, "("+x.sql+negated(e.not)+" BETWEEN "+low.sql+" AND "+high.sql+")")
}

func (w *writer) like(e *like, s *scope) value {
	x, pattern := w.write(e.x, s), w.write(e.pattern, s)
	if x.Kind != String || pattern.Kind != String {
		e.at.fail("takes texts, not %s and %s", x.Type, pattern.Type)
	}
	name := "ae_like"
	if e.fold {
		name = "ae_ilike"
	}
	sql := w.call(name, x.sql, pattern.sql)
	if e.not {
		sql = "(NOT " + sql + ")"
	}
	return of(x, pattern).as(Type{Kind: UInt8}, sql)
}

// function writes a call of a scalar function or an aggregate.
func (w *writer) function(c *call, s *scope) value {
	if a := w.aggregates[c.name]; a != nil {
		return w.aggregate(c, a, s)
	}
	f := w.functions[c.name]
	switch {
	case f == nil:
		c.at.fail("there is no function of this name")
	case c.params != nil:
		c.at.fail("takes no parameters, only arguments")
	case c.distinct:
		c.at.fail("takes no DISTINCT")
	}
	w.checkCount(c, len(c.args), len(f.args)-f.optional, len(f.args), f.more)
	args := make([]value, len(c.args))
	for i, e := range c.args {
		kind := anything
		if i < len(f.args) {
			kind = f.args[i]
		}
		args[i] = w.argument(c, i, kind, e, s)
		if args[i].Kind == Array && c.name != "if" {
			e.place().fail("%s takes no %s", c.at.text, args[i].Type)
		}
	}
	return w.finish(c, f, args)
}

// finish writes a call whose arguments are written.
func (w *writer) finish(c *call, f *function, args []value) value {
	types, list := make([]Type, len(args)), make([]string, len(args))
	for i, a := range args {
		types[i], list[i] = a.Type, a.sql
	}
	v := of(args...)
	if f.write != nil {
		v.sql = f.write(w, c, args)
	} else {
		v.sql = w.call(f.sql, list...)
	}
	if c.name == "if" {
		t, ok := common(types[1], types[2])
		if !ok {
			c.at.fail("cannot give %s or %s", types[1], types[2])
		}
		return v.as(t, v.sql)
	}
	v.Type = f.result(types)
	if i := zoneArgument(f); i > 0 && i < len(args) && v.Kind == DateTime {
		v.Zone = w.zone(c, i, "")
	}
	return v
}

// zoneArgument is the place of the argument that names a time zone; 0 when there is none.
func zoneArgument(f *function) int {
	for i, a := range f.args {
		if a == aZone {
			return i
		}
	}
	return 0
}

// zone is the time zone that an argument names, and otherwise where there is none.
func (w *writer) zone(c *call, i int, otherwise string) string {
	if i >= len(c.args) {
		return otherwise
	}
	return c.args[i].(*literal).value.(string)
}

func (w *writer) checkCount(c *call, n, least, most int, more bool) {
	if n < least || n > most && !more {
		c.at.fail("takes %s, not %d", counted(least, most, more), n)
	}
}

// argument writes an argument and checks its type.
func (w *writer) argument(c *call, i int, kind argument, e expression, s *scope) value {
	switch kind {
	case aZone:
		l, ok := e.(*literal)
		if !ok || l.kind != String || !isZone(l.value.(string)) {
			e.place().fail("the name of a time zone expected, such as 'Europe/Berlin'; SHOW TIMEZONES lists them")
		}
		return value{}
	case aSpan:
		if _, ok := e.(*interval); !ok {
			e.place().fail("an interval expected, such as INTERVAL '1' DAY")
		}
		return value{}
	}
	v := w.write(e, s)
	wrong := kind == aText && v.Kind != String || kind == aNumber && !v.numeric() || kind == aTime && !v.time()
	if wrong {
		e.place().fail("%s takes %s in place %d, not %s", c.at.text, map[argument]string{aText: "a String", aNumber: "a number", aTime: "a DateTime"}[kind], i+1, v.Type)
	}
	return v
}
