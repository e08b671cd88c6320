package query

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// What a value that is kept counts, with what is around it.
const (
	numberBytes = 32
	valueBytes  = 160
)

// aggregates are the aggregates that SQLite does not have.
func (e *environment) aggregates() map[string]sqlite3.AggregateConstructor {
	return map[string]sqlite3.AggregateConstructor{
		"first":    func() sqlite3.AggregateFunction { return &edge{} },
		"last":     func() sqlite3.AggregateFunction { return &edge{last: true} },
		"arg_min":  func() sqlite3.AggregateFunction { return &extreme{sign: -1} },
		"arg_max":  func() sqlite3.AggregateFunction { return &extreme{sign: 1} },
		"quantile": func() sqlite3.AggregateFunction { return &quantile{environment: e} },
		"top":      func() sqlite3.AggregateFunction { return &top{environment: e, weights: map[any]*weighted{}} },
	}
}

// edge is first_value or last_value.
type edge struct {
	last, found bool
	value       any
}

// Step implements [sqlite3.AggregateFunction].
func (a *edge) Step(_ sqlite3.Context, args ...sqlite3.Value) {
	if a.last || !a.found {
		a.found, a.value = true, read(args[0])
	}
}

// Value implements [sqlite3.AggregateFunction].
func (a *edge) Value(ctx sqlite3.Context) { give(ctx, a.value) }

// extreme is argMin or argMax.
type extreme struct {
	sign         int
	value, bound any
}

// Step implements [sqlite3.AggregateFunction].
func (a *extreme) Step(_ sqlite3.Context, args ...sqlite3.Value) {
	if bound := read(args[1]); bound != nil && (a.bound == nil || compare(bound, a.bound)*a.sign > 0) {
		a.value, a.bound = read(args[0]), bound
	}
}

// Value implements [sqlite3.AggregateFunction].
func (a *extreme) Value(ctx sqlite3.Context) { give(ctx, a.value) }

// compare compares two values of one type.
func compare(a, b any) int {
	if x, ok := a.(string); ok {
		y, _ := b.(string)
		return strings.Compare(x, y)
	}
	return cmp.Compare(float(a), float(b))
}

func float(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

// quantile is quantileExactWeighted: the least value at which the weights of it and all below come to the level's share of all weights.
type quantile struct {
	*environment
	level  float64
	values []weightedNumber
}

type weightedNumber struct{ value, weight float64 }

// Step implements [sqlite3.AggregateFunction].
func (a *quantile) Step(ctx sqlite3.Context, args ...sqlite3.Value) {
	a.level = args[0].Float()
	v := weightedNumber{args[1].Float(), math.Floor(args[2].Float())}
	if args[1].Type() != sqlite3.NULL && v.weight > 0 && a.hold(ctx, numberBytes) {
		a.values = append(a.values, v)
	}
}

// Value implements [sqlite3.AggregateFunction].
func (a *quantile) Value(ctx sqlite3.Context) {
	a.held -= numberBytes * len(a.values)
	if len(a.values) == 0 {
		ctx.ResultNull()
		return
	}
	slices.SortFunc(a.values, func(x, y weightedNumber) int { return cmp.Compare(x.value, y.value) })
	all := 0.0
	for _, v := range a.values {
		all += v.weight
	}
	share, below := math.Ceil(all*a.level), 0.0
	for _, v := range a.values {
		if below += v.weight; below >= share {
			ctx.ResultFloat(v.value)
			return
		}
	}
	ctx.ResultFloat(a.values[len(a.values)-1].value)
}

// top is topK and topKWeighted, exactly: the values with the greatest weights, and among equals the first seen.
type top struct {
	*environment
	most    int
	kind    string
	zone    string
	weights map[any]*weighted
	order   []*weighted
}

type weighted struct {
	value  any
	weight float64
}

// Step implements [sqlite3.AggregateFunction].
func (a *top) Step(ctx sqlite3.Context, args ...sqlite3.Value) {
	a.most, a.kind, a.zone = args[0].Int(), args[3].Text(), args[4].Text()
	v := read(args[1])
	if v == nil {
		return
	}
	w := a.weights[v]
	if w == nil {
		text, _ := v.(string)
		if !a.hold(ctx, valueBytes+len(text)) {
			return
		}
		w = &weighted{value: v}
		a.weights[v], a.order = w, append(a.order, w)
	}
	w.weight += args[2].Float()
}

// Value implements [sqlite3.AggregateFunction].
func (a *top) Value(ctx sqlite3.Context) {
	for _, w := range a.order {
		text, _ := w.value.(string)
		a.held -= valueBytes + len(text)
	}
	slices.SortStableFunc(a.order, func(x, y *weighted) int { return cmp.Compare(y.weight, x.weight) })
	var items []byte
	for i, w := range a.order[:min(a.most, len(a.order))] {
		if i > 0 {
			items = append(items, ',')
		}
		items = appendJSON(items, a.item(w.value))
	}
	ctx.ResultText("[" + string(items) + "]")
}

// item gives a value as it stands in an answer of the format JSON.
func (a *top) item(v any) any {
	n, ok := v.(int64)
	switch {
	case !ok:
		return v
	case a.kind == "UInt64" || a.kind == "Int64":
		return strconv.FormatInt(n, 10)
	case strings.HasPrefix(a.kind, "Date"):
		return showTime(n, a.kind == "Date", a.zones.Get(a.zone))
	}
	return v
}
