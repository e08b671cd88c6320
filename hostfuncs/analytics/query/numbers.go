package query

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/ncruces/go-sqlite3"
)

// numberFunctions are the functions of numbers.
func (e *environment) numberFunctions() map[string]scalar {
	float := func(fn func(x, y float64) float64) scalar {
		return func(ctx sqlite3.Context, args []sqlite3.Value) {
			y := 0.0
			if len(args) > 1 {
				y = args[1].Float()
			}
			ctx.ResultFloat(fn(args[0].Float(), y))
		}
	}
	return map[string]scalar{
		"log":      float(func(x, _ float64) float64 { return math.Log(x) }),
		"pow":      float(math.Pow),
		"mod":      float(math.Mod),
		"round":    rounded(math.RoundToEven),
		"floor":    rounded(math.Floor),
		"ceil":     rounded(math.Ceil),
		"int_div":  e.intDiv,
		"unsigned": e.unsigned,
	}
}

// decimalsMax is beyond what rounding to so many places can change.
const decimalsMax = 300

// rounded rounds a number to the places the second argument asks for; negative ones are before the point. A whole number stays one.
func rounded(fn func(float64) float64) scalar {
	return func(ctx sqlite3.Context, args []sqlite3.Value) {
		places := 0.0
		if len(args) > 1 {
			places = math.Trunc(args[1].Float())
		}
		x := args[0].Float()
		whole := args[0].Type() == sqlite3.INTEGER
		if scale := math.Pow(10, math.Abs(places)); whole && places >= 0 || math.Abs(places) > decimalsMax || math.IsInf(x*scale, 0) {
			give(ctx, read(args[0]))
			return
		} else if places < 0 {
			x = fn(x/scale) * scale
		} else {
			x = fn(decimal(x*scale)) / scale
		}
		if whole {
			ctx.ResultInt64(int64(x))
			return
		}
		ctx.ResultFloat(x)
	}
}

// decimal takes away what multiplying by a power of ten has added to a number that has few places: 3.14 times 100 is 314.
func decimal(x float64) float64 {
	if r := math.Round(x); math.Abs(x-r) <= 1e-14*math.Abs(x) {
		return r
	}
	return x
}

func (e *environment) intDiv(ctx sqlite3.Context, args []sqlite3.Value) {
	a, b := read(args[0]), read(args[1])
	x, whole := a.(int64)
	y, too := b.(int64)
	switch {
	case args[1].Float() == 0:
		e.fail(ctx, "intDiv: division by zero")
	case whole && too:
		q := x / y
		if x%y != 0 && (x < 0) != (y < 0) {
			q--
		}
		ctx.ResultInt64(q)
	default:
		ctx.ResultInt64(int64(math.Floor(args[0].Float() / args[1].Float())))
	}
}

// unsigned makes a whole number of so many bits.
func (e *environment) unsigned(ctx sqlite3.Context, args []sqlite3.Value) {
	v := read(args[0])
	if text, ok := v.(string); ok {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			e.fail(ctx, "%.64q is no number", text)
			return
		}
		v = f
	}
	ctx.ResultInt64(int64(whole(v) & mask(args[1].Int64())))
}

// whole gives the bits of a number, with what is behind the point cut off.
func whole(v any) uint64 {
	if f, ok := v.(float64); ok {
		return uint64(int64(f))
	}
	n, _ := v.(int64)
	return uint64(n)
}

func mask(width int64) uint64 {
	if width >= 64 {
		return math.MaxUint64
	}
	return 1<<width - 1
}

// bitFunctions are the functions of bits. Those that move bits have the width of the number as their last argument.
func bitFunctions() map[string]scalar {
	two := func(fn func(a, b uint64) uint64) scalar {
		return func(ctx sqlite3.Context, args []sqlite3.Value) {
			ctx.ResultInt64(int64(fn(whole(read(args[0])), whole(read(args[1])))))
		}
	}
	moved := func(fn func(a uint64, n, width int64) uint64) scalar {
		return func(ctx sqlite3.Context, args []sqlite3.Value) {
			width := args[2].Int64()
			ctx.ResultInt64(int64(fn(whole(read(args[0]))&mask(width), int64(whole(read(args[1]))), width) & mask(width)))
		}
	}
	return map[string]scalar{
		"bit_and":     two(func(a, b uint64) uint64 { return a & b }),
		"bit_or":      two(func(a, b uint64) uint64 { return a | b }),
		"bit_xor":     two(func(a, b uint64) uint64 { return a ^ b }),
		"bit_hamming": two(func(a, b uint64) uint64 { return uint64(bits.OnesCount64(a ^ b)) }),
		"bit_test":    two(func(a, n uint64) uint64 { return a >> n & 1 }),
		"bit_count": func(ctx sqlite3.Context, args []sqlite3.Value) {
			n := whole(read(args[0]))
			if f, ok := read(args[0]).(float64); ok {
				n = math.Float64bits(f)
			}
			ctx.ResultInt(bits.OnesCount64(n))
		},
		"bit_not": func(ctx sqlite3.Context, args []sqlite3.Value) {
			ctx.ResultInt64(int64(^whole(read(args[0])) & mask(args[1].Int64())))
		},
		"bit_left":         moved(func(a uint64, n, _ int64) uint64 { return a << uint64(n) }),
		"bit_right":        moved(func(a uint64, n, _ int64) uint64 { return a >> uint64(n) }),
		"bit_rotate_left":  moved(rotate),
		"bit_rotate_right": moved(func(a uint64, n, width int64) uint64 { return rotate(a, width-mod(n, width), width) }),
	}
}

func rotate(a uint64, n, width int64) uint64 {
	n = mod(n, width)
	return a<<n | a>>(width-n)
}
