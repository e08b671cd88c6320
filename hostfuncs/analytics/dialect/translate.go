package dialect

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// Options say what a translation needs to know.
type Options struct {
	// Now is the time that now() gives.
	Now time.Time
	// Format is the format of the answer where the query names none; empty for JSON.
	Format string
}

// Query is a translated query.
type Query struct {
	// Show is "TABLES", "TIMEZONES" or "TIMEZONE" for a SHOW, which has no SQL.
	Show string
	// SQL is the statement for SQLite: one SELECT.
	SQL string
	// Args are the values of its parameters ?1, ?2 and so on: int64, float64 or string.
	Args []any
	// Dataset is the dataset to read; empty for a query without FROM.
	Dataset string
	// Columns are the columns of the result.
	Columns []Column
	// Format is one of [Formats].
	Format string

	table token
}

// UnknownDataset is the error for a query whose dataset does not exist.
func (q *Query) UnknownDataset() (err error) {
	defer rescue(&err)
	q.table.fail("there is no dataset of this name; the first data point makes it")
	return nil
}

// Translate reads a query and writes it for SQLite. Its error is an [*Error].
func Translate(source string, o Options) (q *Query, err error) {
	s, err := parse(source)
	if err != nil {
		return nil, err
	}
	defer rescue(&err)
	q = &Query{Show: s.show, Format: cmp.Or(s.format, o.Format, FormatJSON)}
	if s.show != "" {
		name := "timezone"
		if s.show == "TABLES" {
			name = "dataset"
		}
		q.Columns = []Column{{name, Type{Kind: String}}}
		return q, nil
	}
	w := &writer{opts: o, query: q, functions: scalars(), aggregates: aggregates(), params: map[any]int{}}
	q.SQL, q.Columns, _ = w.selection(s.query)
	return q, nil
}

// writer writes a tree as SQL.
type writer struct {
	opts       Options
	query      *Query
	functions  map[string]*function
	aggregates map[string]*aggregate
	params     map[any]int
	written    int // bytes, each time an expression is written
	depth      int
	selections int
}

// value is a written expression.
type value struct {
	Type
	sql string
	// bare is a column that stands outside of aggregates and is no part of GROUP BY; nil when there is none.
	bare *column
	// aggregated says that there is an aggregate in it.
	aggregated bool
}

// parameter gives the parameter that has a value.
func (w *writer) parameter(v any) string {
	key := v
	if f, ok := v.(float64); ok {
		key = math.Float64bits(f)
	}
	n, ok := w.params[key]
	if !ok {
		w.query.Args = append(w.query.Args, v)
		n = len(w.query.Args)
		w.params[key] = n
	}
	return fmt.Sprintf("?%d", n)
}

// call writes a call of a function of SQLite.
func (w *writer) call(name string, args ...string) string {
	return name + "(" + strings.Join(args, ", ") + ")"
}

// table are the columns of a dataset.
func table(dataset string, w *writer) *scope {
	s := &scope{columns: map[string]value{}}
	add := func(name, sql string, k Kind) {
		s.columns[name] = value{Type: Type{Kind: k}, sql: sql}
		s.order = append(s.order, name)
	}
	add("dataset", w.parameter(dataset), String)
	add("timestamp", "timestamp", DateTime)
	add("_sample_interval", "_sample_interval", UInt32)
	add("index1", "index1", String)
	for i := range abi.AnalyticsBlobsMax {
		name := fmt.Sprintf("blob%d", i+1)
		add(name, name, String)
	}
	for i := range abi.AnalyticsDoublesMax {
		name := fmt.Sprintf("double%d", i+1)
		add(name, name, Float64)
	}
	return s
}

// scope is what names mean in a SELECT.
type scope struct {
	columns map[string]value
	order   []string
	aliases map[string]expression
	// expanding are the aliases being replaced, the innermost last.
	expanding []string
	// inside is the aggregate whose arguments are being written, where others may not stand.
	inside *call
	// forbidden says where aggregates may not stand; empty where they may.
	forbidden string
	// groups are the expressions of GROUP BY, as written.
	groups map[string]bool
	// rowOrder is the order in which aggregates see rows, as written; empty for any.
	rowOrder string
}

// selection writes a SELECT and gives its columns. What they are called in it is told by name.
func (w *writer) selection(s *selection) (sql string, columns []Column, name func(int) string) {
	scope, from := w.source(s)
	w.selections++
	prefix := fmt.Sprintf("s%dc", w.selections)
	name = func(i int) string { return prefix + strconv.Itoa(i) }
	scope.aliases = s.aliases
	items := expandStars(s, scope)
	where := w.condition(s.where, scope, "WHERE")
	groups := w.groups(s, scope)
	grouped := len(s.group) > 0 || w.makesOneRow(s, items, scope)
	order, rows := w.ordering(s, scope, grouped)
	scope.rowOrder = rows
	having := w.having(s, scope, grouped)

	columns = make([]Column, len(items))
	list := make([]string, len(items))
	for i, item := range items {
		v := w.item(item.name, item.value, scope)
		w.checkItem(item.value, v, grouped)
		columns[i] = Column{item.name, v.Type}
		list[i] = v.sql + " AS " + name(i)
	}
	sql = "SELECT " + strings.Join(list, ", ") + from + where + groups + having + order + w.limit(s)
	if len(sql) > WrittenBytesMax {
		s.at.fail("the query is too large with its aliases written out")
	}
	return sql, columns, name
}

// source gives the columns of what is read, and the FROM.
func (w *writer) source(s *selection) (*scope, string) {
	switch {
	case s.from != nil:
		sql, columns, name := w.selection(s.from)
		scope := &scope{columns: map[string]value{}}
		for i, c := range columns {
			if _, double := scope.columns[c.Name]; !double {
				scope.columns[c.Name] = value{Type: c.Type, sql: name(i)}
				scope.order = append(scope.order, c.Name)
			}
		}
		return scope, " FROM (" + sql + ")"
	case s.table.kind != end:
		w.query.Dataset, w.query.table = s.table.value, s.table
		return table(s.table.value, w), " FROM points"
	}
	return &scope{}, ""
}

// expandStars puts all columns in the place of a star.
func expandStars(s *selection, scope *scope) []item {
	var items []item
	for _, i := range s.items {
		if i.value != nil {
			items = append(items, i)
			continue
		}
		if len(scope.order) == 0 {
			i.at.fail("there is no FROM that has columns")
		}
		for _, name := range scope.order {
			t := i.at
			t.kind, t.value = quoted, name
			items = append(items, item{at: i.at, value: &star{column{t}}, name: name})
		}
	}
	return items
}

// star is a column that a star stands for, whatever aliases there are.
type star struct{ column }

// makesOneRow says whether aggregates make one row of many.
func (w *writer) makesOneRow(s *selection, items []item, scope *scope) bool {
	if s.having != nil && w.write(s.having, scope).aggregated {
		return true
	}
	for _, i := range items {
		if w.item(i.name, i.value, scope).aggregated {
			return true
		}
	}
	for _, o := range s.order {
		if w.write(o.value, scope).aggregated {
			return true
		}
	}
	return false
}

// condition writes a WHERE.
func (w *writer) condition(e expression, scope *scope, what string) string {
	if e == nil {
		return ""
	}
	scope.forbidden = what
	defer func() { scope.forbidden = "" }()
	v := w.write(e, scope)
	if !v.numeric() {
		e.place().fail("a condition expected, not %s", v.Type)
	}
	return " " + what + " " + v.sql
}

// groups writes the GROUP BY and notes its expressions.
func (w *writer) groups(s *selection, scope *scope) string {
	if len(s.group) == 0 {
		return ""
	}
	scope.forbidden = "GROUP BY"
	defer func() { scope.forbidden = "" }()
	written, list := map[string]bool{}, make([]string, len(s.group))
	for i, e := range s.group {
		if _, constant := e.(*literal); constant {
			e.place().fail("GROUP BY takes columns and expressions, not positions")
		}
		list[i] = w.write(e, scope).sql
		written[list[i]] = true
	}
	scope.groups = written
	return " GROUP BY " + strings.Join(list, ", ")
}

// having writes the HAVING.
func (w *writer) having(s *selection, scope *scope, grouped bool) string {
	if s.having == nil {
		return ""
	}
	if !grouped {
		s.having.place().fail("HAVING needs GROUP BY or an aggregate")
	}
	v := w.write(s.having, scope)
	w.checkItem(s.having, v, grouped)
	if !v.numeric() {
		s.having.place().fail("a condition expected, not %s", v.Type)
	}
	return " HAVING " + v.sql
}

// checkItem refuses columns that have no single value in a group.
func (w *writer) checkItem(e expression, v value, grouped bool) {
	if grouped && v.bare != nil {
		v.bare.at.fail("a column outside of an aggregate must be in GROUP BY")
	}
}

// ordering writes the ORDER BY. Where all rows become one, it is the order in which aggregates such as first_value see the rows.
func (w *writer) ordering(s *selection, scope *scope, grouped bool) (order, rows string) {
	var list []string
	ofRows := false
	for _, o := range s.order {
		if _, constant := o.value.(*literal); constant {
			o.value.place().fail("ORDER BY takes columns and expressions, not positions")
		}
		v := w.write(o.value, scope)
		if grouped && v.bare != nil {
			if len(s.group) > 0 || v.aggregated {
				w.checkItem(o.value, v, grouped)
			}
			ofRows = true
		}
		sql := v.sql
		if o.desc {
			sql += " DESC"
		}
		list = append(list, sql)
	}
	switch joined := strings.Join(list, ", "); {
	case len(list) == 0:
		return "", ""
	case ofRows:
		return "", " ORDER BY " + joined
	default:
		return " ORDER BY " + joined, ""
	}
}

// limit writes LIMIT and OFFSET.
func (w *writer) limit(s *selection) string {
	limit := int64(-1)
	if s.limit != nil {
		limit = int64(*s.limit)
	}
	switch {
	case s.offset != nil:
		return " LIMIT " + w.parameter(limit) + " OFFSET " + w.parameter(int64(*s.offset))
	case s.limit != nil:
		return " LIMIT " + w.parameter(limit)
	}
	return ""
}
