package dialect

import "fmt"

// ListMax is the most values that topK gives.
const ListMax = 65_536

// listDefault is how many values topK gives where it is not told.
const listDefault = 10

// aggregate describes an aggregate function.
type aggregate struct {
	args     []argument
	distinct bool // may stand before the argument
	// parameter is what the first parameter must be; empty for aggregates without.
	parameter string
	// result is the type of the result.
	result func(args []Type) Type
	// write writes it; distinct is empty or "DISTINCT ".
	write func(w *writer, a *aggregation) string
}

// aggregation is an aggregate being written.
type aggregation struct {
	call     *call
	args     []value
	types    []Type
	result   Type
	distinct string
	// number is the value of the parameter.
	number any
	// rowOrder is the order in which rows are wanted.
	rowOrder string
}

// aggregates are the aggregate functions, by name in lower case.
func aggregates() map[string]*aggregate {
	all := map[string]*aggregate{
		"count": {args: []argument{anything}, distinct: true, result: always(UInt64), write: writeCount},
		"sum":   {args: []argument{aNumber}, distinct: true, result: sumType, write: writeSum},
		"avg": {args: []argument{aNumber}, distinct: true, result: always(Float64), write: func(w *writer, a *aggregation) string {
			return "avg(" + a.distinct + a.args[0].sql + ")"
		}},
		"min":     {args: []argument{anything}, result: first, write: writeExtreme("min")},
		"max":     {args: []argument{anything}, result: first, write: writeExtreme("max")},
		"countif": {args: []argument{aNumber}, result: always(UInt64), write: func(w *writer, a *aggregation) string { return "count(CASE WHEN " + a.args[0].sql + " THEN 1 END)" }},
		"sumif":   {args: []argument{aNumber, aNumber}, result: sumType, write: writeSum},
		"avgif": {args: []argument{aNumber, aNumber}, result: always(Float64), write: func(w *writer, a *aggregation) string {
			return "avg(CASE WHEN " + a.args[1].sql + " THEN " + a.args[0].sql + " END)"
		}},
	}
	for name, sql := range map[string]string{"argmax": "ae_arg_max", "argmin": "ae_arg_min"} {
		all[name] = &aggregate{args: []argument{anything, anything}, result: first, write: plain(sql)}
	}
	for name, sql := range map[string]string{"first_value": "ae_first", "last_value": "ae_last"} {
		all[name] = &aggregate{args: []argument{anything}, result: first, write: plain(sql)}
	}
	for _, name := range []string{"quantileexactweighted", "quantileweighted"} {
		all[name] = &aggregate{args: []argument{aNumber, aNumber}, parameter: "level", result: always(Float64), write: writeQuantile}
	}
	list := func(args []Type) Type { return Type{Kind: Array, Item: args[0].Kind, Zone: args[0].Zone} }
	all["topk"] = &aggregate{args: []argument{anything}, parameter: "count", result: list, write: writeTop}
	all["topkweighted"] = &aggregate{args: []argument{anything, aNumber}, parameter: "count", result: list, write: writeTop}
	return all
}

func sumType(args []Type) Type {
	switch {
	case args[0].Kind == Float64:
		return Type{Kind: Float64}
	case args[0].unsigned():
		return Type{Kind: UInt64}
	}
	return Type{Kind: Int64}
}

func writeCount(_ *writer, a *aggregation) string {
	if len(a.args) == 0 {
		return "count(*)"
	}
	return "count(DISTINCT " + a.args[0].sql + ")"
}

// writeSum writes a sum. SQLite's total never overflows and its sum is exact, so each has its use.
func writeSum(_ *writer, a *aggregation) string {
	x := a.args[0].sql
	if len(a.args) > 1 {
		x = "CASE WHEN " + a.args[1].sql + " THEN " + x + " END"
	}
	if a.types[0].Kind == Float64 {
		return "total(" + a.distinct + x + ")"
	}
	return "ifnull(sum(" + a.distinct + x + "), 0)"
}

// writeExtreme writes min or max. Of no rows they are the type's zero, as in ClickHouse.
func writeExtreme(name string) func(*writer, *aggregation) string {
	return func(w *writer, a *aggregation) string {
		zero := "0"
		if a.types[0].Kind == String {
			zero = "''"
		}
		return "ifnull(" + name + "(" + a.args[0].sql + "), " + zero + ")"
	}
}

// plain writes an aggregate that is a function of its arguments, in the order of rows that is wanted.
func plain(sql string) func(*writer, *aggregation) string {
	return func(w *writer, a *aggregation) string {
		out := sql + "(" + a.args[0].sql
		for _, arg := range a.args[1:] {
			out += ", " + arg.sql
		}
		return out + a.rowOrder + ")"
	}
}

func writeQuantile(w *writer, a *aggregation) string {
	return w.call("ae_quantile", w.parameter(a.number), a.args[0].sql, a.args[1].sql)
}

func writeTop(w *writer, a *aggregation) string {
	weight := w.parameter(int64(1))
	if len(a.args) > 1 {
		weight = a.args[1].sql
	}
	return w.call("ae_top", w.parameter(a.number), a.args[0].sql, weight, w.parameter(a.types[0].String()), w.parameter(a.types[0].Zone))
}

// aggregate writes an aggregate.
func (w *writer) aggregate(c *call, a *aggregate, s *scope) value {
	switch {
	case s.inside != nil:
		c.at.fail("an aggregate cannot stand within another")
	case s.forbidden != "":
		c.at.fail("an aggregate cannot stand in %s", s.forbidden)
	case c.distinct && !a.distinct:
		c.at.fail("takes no DISTINCT")
	}
	out := &aggregation{call: c, rowOrder: s.rowOrder}
	given := w.parameters(c, a, out)
	w.checkArguments(c, a, given)
	s.inside = c
	for i, e := range given {
		v := w.argument(c, i, a.args[i], e, s)
		if v.Kind == Array {
			e.place().fail("%s takes no %s", c.at.text, v.Type)
		}
		out.args, out.types = append(out.args, v), append(out.types, v.Type)
	}
	s.inside = nil
	if c.distinct {
		out.distinct = "DISTINCT "
	}
	return value{Type: a.result(out.types), sql: a.write(w, out), aggregated: true}
}

// checkArguments refuses the wrong number of arguments. Only count may have none, and then has nothing to be distinct in.
func (w *writer) checkArguments(c *call, a *aggregate, given []expression) {
	if c.name == "count" {
		switch {
		case c.distinct && len(given) != 1:
			c.at.fail("takes one argument after DISTINCT, not %d", len(given))
		case !c.distinct && len(given) > 0:
			given[0].place().fail("count() takes no argument, except count(DISTINCT x)")
		}
		return
	}
	w.checkCount(c, len(given), len(a.args), len(a.args), false)
}

// parameters reads the parameters of an aggregate and gives its arguments.
func (w *writer) parameters(c *call, a *aggregate, out *aggregation) []expression {
	switch a.parameter {
	case "":
		if c.params != nil {
			c.at.fail("takes no parameters, only arguments")
		}
		return c.args
	case "count":
		out.number = int64(listDefault)
		if c.params != nil {
			out.number = listLength(c)
		}
		return c.args
	}
	params, args := c.params, c.args
	if params == nil && len(args) > 0 {
		params, args = args[:1], args[1:] // quantileWeighted(q, x, w)
	}
	if len(params) != 1 {
		c.at.fail("takes one parameter, the level: %s(0.5)(x, weight)", c.at.text)
	}
	out.number = level(params[0])
	return args
}

// listLength is the parameter of topK.
func listLength(c *call) int64 {
	if len(c.params) != 1 {
		c.at.fail("takes one parameter, the number of values")
	}
	l, ok := c.params[0].(*literal)
	n, whole := int64(0), false
	if ok {
		n, whole = l.value.(int64)
	}
	if !whole || n < 1 || n > ListMax {
		c.params[0].place().fail("a whole number from 1 to %d expected", ListMax)
	}
	return n
}

// level is the parameter of a quantile.
func level(e expression) float64 {
	q := -1.0
	if l, ok := e.(*literal); ok {
		switch v := l.value.(type) {
		case int64:
			q = float64(v)
		case float64:
			q = v
		}
	}
	if !(q >= 0 && q <= 1) {
		e.place().fail("a number from 0 to 1 expected")
	}
	return q
}

// counted says how many arguments there may be.
func counted(least, most int, more bool) string {
	s := "arguments"
	if most == 1 && !more {
		s = "argument"
	}
	switch {
	case more:
		return fmt.Sprintf("%d or more %s", least, s)
	case least == most:
		return fmt.Sprintf("%d %s", most, s)
	}
	return fmt.Sprintf("%d to %d %s", least, most, s)
}
