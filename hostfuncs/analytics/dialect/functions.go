package dialect

// argument says what a function takes in one place.
type argument int

const (
	anything argument = iota
	aText
	aNumber
	aTime     // a DateTime or Date
	aZone     // the name of a time zone, written out
	aSpan     // an interval
	aConstant // a whole number, written out
)

// function describes a scalar function.
type function struct {
	// args are the arguments, the last optional ones of which may be left out.
	args     []argument
	optional int
	// more says that any number of further arguments may follow.
	more bool
	// result is the type of the result.
	result func(args []Type) Type
	// sql is the function of SQLite that computes it.
	sql string
	// write writes the call where it is not simply sql with the arguments.
	write func(w *writer, c *call, args []value) string
}

// always is the type of functions whose result has one type.
func always(k Kind) func([]Type) Type { return func([]Type) Type { return Type{Kind: k} } }

// first is the type of functions whose result has the type of their first argument.
func first(args []Type) Type { return args[0] }

// inZone is the type of functions that give a moment: shown as their argument is, or in the zone they are given.
func inZone(args []Type) Type { return Type{Kind: DateTime, Zone: args[0].Zone} }

// wider is the type of functions of two whole numbers.
func wider(args []Type) Type {
	t := commonNumber(args[0], args[1])
	if t.Kind == Float64 {
		return Type{Kind: UInt64}
	}
	return t
}

// bitsOf is the type of functions that move the bits of a number.
func bitsOf(args []Type) Type {
	if args[0].Kind == Float64 {
		return Type{Kind: UInt64}
	}
	return args[0]
}

// scalars are the functions that are no aggregates, by name in lower case.
func scalars() map[string]*function {
	all := map[string]*function{}
	for _, group := range []map[string]*function{textFunctions(), timeFunctions(), partFunctions(), numberFunctions(), bitFunctions()} {
		for name, f := range group {
			all[name] = f
		}
	}
	return all
}

func textFunctions() map[string]*function {
	one, two := []argument{aText}, []argument{aText, aText}
	lower := &function{args: one, result: always(String), sql: "ae_lower_utf8"}
	upper := &function{args: one, result: always(String), sql: "ae_upper_utf8"}
	return map[string]*function{
		"length":     {args: one, result: always(UInt64), sql: "ae_length"},
		"empty":      {args: one, result: always(UInt8), sql: "ae_empty"},
		"lower":      {args: one, result: always(String), sql: "ae_lower"},
		"upper":      {args: one, result: always(String), sql: "ae_upper"},
		"lowerutf8":  lower,
		"tolower":    lower,
		"upperutf8":  upper,
		"toupper":    upper,
		"startswith": {args: two, result: always(UInt8), sql: "ae_starts_with"},
		"endswith":   {args: two, result: always(UInt8), sql: "ae_ends_with"},
		"position":   {args: two, result: always(UInt64), sql: "ae_position"},
		"substring":  {args: []argument{aText, aNumber, aNumber}, optional: 1, result: always(String), sql: "ae_substring"},
		"format":     {args: one, more: true, result: always(String), sql: "ae_format", write: writeFormat},
		"bin":        {args: []argument{anything}, result: always(String), sql: "ae_bin"},
		"hex":        {args: []argument{anything}, result: always(String), sql: "ae_hex"},
	}
}

func timeFunctions() map[string]*function {
	all := map[string]*function{
		"now":               {result: always(DateTime), write: func(w *writer, _ *call, _ []value) string { return w.parameter(w.opts.Now.Unix()) }},
		"today":             {result: always(Date), write: func(w *writer, _ *call, _ []value) string { return w.parameter(w.opts.Now.Unix() / 86400 * 86400) }},
		"todatetime":        {args: []argument{anything, aZone}, optional: 1, result: inZone, write: writeToDateTime},
		"tounixtimestamp":   {args: []argument{aTime}, result: always(UInt32), write: func(_ *writer, _ *call, args []value) string { return args[0].sql }},
		"formatdatetime":    {args: []argument{aTime, aText, aZone}, optional: 1, result: always(String), write: writeFormatDateTime},
		"tostartofinterval": {args: []argument{aTime, aSpan, aZone}, optional: 1, result: inZone, write: writeStartOfInterval},
	}
	starts := map[string]struct {
		n    int64
		unit string
	}{
		"year": {1, "YEAR"}, "month": {1, "MONTH"}, "week": {1, "WEEK"}, "day": {1, "DAY"}, "hour": {1, "HOUR"}, "fifteenminutes": {15, "MINUTE"},
		"tenminutes": {10, "MINUTE"}, "fiveminutes": {5, "MINUTE"}, "minute": {1, "MINUTE"},
	}
	for name, s := range starts {
		all["tostartof"+name] = &function{args: []argument{aTime}, result: inZone, write: func(w *writer, _ *call, args []value) string {
			return w.call("ae_start_of", args[0].sql, w.parameter(s.n), w.parameter(s.unit), w.parameter(args[0].Zone))
		}}
	}
	return all
}

// partFunctions give parts of a moment.
func partFunctions() map[string]*function {
	part := func(unit string, k Kind) *function {
		return &function{args: []argument{aTime}, result: always(k), write: func(w *writer, _ *call, args []value) string {
			return w.call("ae_part", args[0].sql, w.parameter(unit), w.parameter(args[0].Zone))
		}}
	}
	return map[string]*function{
		"toyear": part("YEAR", UInt16), "tomonth": part("MONTH", UInt8), "todayofmonth": part("DAY", UInt8), "todayofweek": part("WEEKDAY", UInt8),
		"tohour": part("HOUR", UInt8), "tominute": part("MINUTE", UInt8), "tosecond": part("SECOND", UInt8), "toyyyymm": part("YEARMONTH", UInt32),
		"extract": {args: []argument{aTime}, result: always(UInt16), write: func(w *writer, c *call, args []value) string {
			return w.call("ae_part", args[0].sql, w.parameter(c.unit), w.parameter(args[0].Zone))
		}},
	}
}

func numberFunctions() map[string]*function {
	one, two := []argument{aNumber}, []argument{aNumber, aNumber}
	rounding := func(sql string) *function { return &function{args: two, optional: 1, result: first, sql: sql} }
	log := &function{args: one, result: always(Float64), sql: "ae_log"}
	return map[string]*function{
		"intdiv":   {args: two, result: always(Int64), sql: "ae_int_div"},
		"log":      log,
		"ln":       log,
		"pow":      {args: two, result: always(Float64), sql: "ae_pow"},
		"round":    rounding("ae_round"),
		"floor":    rounding("ae_floor"),
		"ceil":     rounding("ae_ceil"),
		"touint8":  {args: []argument{anything}, result: always(UInt8), sql: "ae_unsigned", write: writeUnsigned},
		"touint32": {args: []argument{anything}, result: always(UInt32), sql: "ae_unsigned", write: writeUnsigned},
		"if":       {args: []argument{aNumber, anything, anything}, write: writeIf},
	}
}

func bitFunctions() map[string]*function {
	two := []argument{aNumber, aNumber}
	all := map[string]*function{
		"bitcount":           {args: two[:1], result: always(UInt8), sql: "ae_bit_count"},
		"bithammingdistance": {args: two, result: always(UInt8), sql: "ae_bit_hamming"},
		"bittest":            {args: two, result: always(UInt8), sql: "ae_bit_test"},
		"bitand":             {args: two, result: wider, sql: "ae_bit_and"},
		"bitor":              {args: two, result: wider, sql: "ae_bit_or"},
		"bitxor":             {args: two, result: wider, sql: "ae_bit_xor"},
	}
	moved := map[string]string{"bitnot": "ae_bit_not", "bitshiftleft": "ae_bit_left", "bitshiftright": "ae_bit_right", "bitrotateleft": "ae_bit_rotate_left",
		"bitrotateright": "ae_bit_rotate_right"}
	for name, sql := range moved {
		f := &function{args: two, result: bitsOf, write: func(w *writer, _ *call, args []value) string {
			list := []string{args[0].sql}
			if len(args) > 1 {
				list = append(list, args[1].sql)
			}
			return w.call(sql, append(list, w.parameter(args[0].bits()))...)
		}}
		if name == "bitnot" {
			f.args = two[:1]
		}
		all[name] = f
	}
	return all
}

// writeFormat hands over what each argument is, as moments are written as such.
func writeFormat(w *writer, _ *call, args []value) string {
	list := []string{args[0].sql}
	for _, a := range args[1:] {
		if a.time() {
			a.sql = w.call("ae_show_time", a.sql, w.parameter(a.Type.String()), w.parameter(a.Zone))
		}
		list = append(list, a.sql)
	}
	return w.call("ae_format", list...)
}

func writeToDateTime(w *writer, c *call, args []value) string {
	if args[0].Kind == String {
		return w.call("ae_parse_time", args[0].sql, w.parameter(w.zone(c, 1, "")))
	}
	return "CAST(" + args[0].sql + " AS INTEGER)"
}

func writeFormatDateTime(w *writer, c *call, args []value) string {
	return w.call("ae_format_time", args[0].sql, args[1].sql, w.parameter(w.zone(c, 2, args[0].Zone)))
}

func writeStartOfInterval(w *writer, c *call, args []value) string {
	i := c.args[1].(*interval)
	if i.n < 1 {
		i.at.fail("toStartOfInterval takes an interval of at least one")
	}
	return w.call("ae_start_of", args[0].sql, w.parameter(i.n), w.parameter(i.unit), w.parameter(w.zone(c, 2, args[0].Zone)))
}

func writeUnsigned(w *writer, c *call, args []value) string {
	bits := int64(8)
	if c.name == "touint32" {
		bits = 32
	}
	return w.call("ae_unsigned", args[0].sql, w.parameter(bits))
}

func writeIf(w *writer, c *call, args []value) string {
	return "(CASE WHEN " + args[0].sql + " THEN " + args[1].sql + " ELSE " + args[2].sql + " END)"
}
