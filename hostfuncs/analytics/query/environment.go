package query

import (
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
)

// environment is what the functions of one query share. One goroutine uses it.
type environment struct {
	zones dialect.Locations
	// held is how many bytes the aggregates hold, and heldMax how many they may.
	held, heldMax int
	// refused is why a function cannot go on.
	refused error
}

// refuse notes why the query cannot be answered.
func (e *environment) refuse(err error) error {
	if e.refused == nil {
		e.refused = err
	}
	return err
}

// fail ends the query from within a function.
func (e *environment) fail(ctx sqlite3.Context, format string, args ...any) {
	ctx.ResultError(e.refuse(fmt.Errorf(format, args...)))
}

// hold counts bytes that an aggregate keeps.
func (e *environment) hold(ctx sqlite3.Context, bytes int) bool {
	if e.held += bytes; e.held > e.heldMax {
		e.fail(ctx, "the query has aggregates over more values than fit into %d MiB; let it read less", e.heldMax>>20)
		return false
	}
	return true
}

// zone gives a time zone by its name.
func (e *environment) zone(v sqlite3.Value) *time.Location {
	if loc := e.zones.Get(v.Text()); loc != nil {
		return loc
	}
	return time.UTC
}

// flags are those of all functions: they depend on nothing but their arguments, and do nothing.
const flags = sqlite3.DETERMINISTIC | sqlite3.INNOCUOUS

// register makes the functions known to a connection.
func (e *environment) register(c *sqlite3.Conn) error {
	var errs []error
	for _, group := range []map[string]scalar{e.textFunctions(), e.timeFunctions(), e.numberFunctions(), bitFunctions()} {
		for name, fn := range group {
			errs = append(errs, c.CreateFunction("ae_"+name, -1, flags, strict(fn)))
		}
	}
	for name, make := range e.aggregates() {
		errs = append(errs, c.CreateWindowFunction("ae_"+name, -1, flags, make))
	}
	return errors.Join(errs...)
}

// scalar computes a function of values none of which is NULL.
type scalar func(ctx sqlite3.Context, args []sqlite3.Value)

// strict makes a function that gives NULL where an argument is NULL.
func strict(fn scalar) sqlite3.ScalarFunction {
	return func(ctx sqlite3.Context, args ...sqlite3.Value) {
		for _, a := range args {
			if a.Type() == sqlite3.NULL {
				ctx.ResultNull()
				return
			}
		}
		fn(ctx, args)
	}
}

// read gives a value as int64, float64, string, or nil for NULL.
func read(v sqlite3.Value) any {
	switch v.Type() {
	case sqlite3.INTEGER:
		return v.Int64()
	case sqlite3.FLOAT:
		return v.Float()
	case sqlite3.TEXT, sqlite3.BLOB:
		return v.Text()
	}
	return nil
}

// give returns what read has read.
func give(ctx sqlite3.Context, v any) {
	switch v := v.(type) {
	case int64:
		ctx.ResultInt64(v)
	case float64:
		ctx.ResultFloat(v)
	case string:
		ctx.ResultText(v)
	default:
		ctx.ResultNull()
	}
}
