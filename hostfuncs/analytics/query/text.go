package query

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"
)

// textFunctions are the functions of texts. Lengths and places are counted in code points.
func (e *environment) textFunctions() map[string]scalar {
	text := func(fn func(string) string) scalar {
		return func(ctx sqlite3.Context, args []sqlite3.Value) { ctx.ResultText(fn(args[0].Text())) }
	}
	test := func(fn func(a, b string) bool) scalar {
		return func(ctx sqlite3.Context, args []sqlite3.Value) { ctx.ResultBool(fn(args[0].Text(), args[1].Text())) }
	}
	return map[string]scalar{
		"length":      func(ctx sqlite3.Context, args []sqlite3.Value) { ctx.ResultInt(utf8.RuneCount(args[0].RawText())) },
		"empty":       func(ctx sqlite3.Context, args []sqlite3.Value) { ctx.ResultBool(len(args[0].RawText()) == 0) },
		"lower":       text(func(s string) string { return mapASCII(s, 'A', 'Z', 'a'-'A') }),
		"upper":       text(func(s string) string { return mapASCII(s, 'a', 'z', 'A'-'a') }),
		"lower_utf8":  text(strings.ToLower),
		"upper_utf8":  text(strings.ToUpper),
		"starts_with": test(strings.HasPrefix),
		"ends_with":   test(strings.HasSuffix),
		"like":        test(func(s, pattern string) bool { return matches(s, pattern) }),
		"ilike":       test(func(s, pattern string) bool { return matches(fold(s), fold(pattern)) }),
		"position":    position,
		"substring":   substring,
		"format":      e.format,
		"bin":         digits("%08b"),
		"hex":         digits("%02X"),
	}
}

// mapASCII moves the letters between two others.
func mapASCII(s string, low, high byte, by int) string {
	b := []byte(s)
	for i, c := range b {
		if low <= c && c <= high {
			b[i] = byte(int(c) + by)
		}
	}
	return string(b)
}

// fold makes texts equal that differ in upper and lower case only.
func fold(s string) string { return strings.Map(unicode.ToLower, s) }

// matches says whether a text is like a pattern: % stands for any text, _ for one code point, and a backslash takes the meaning from what follows.
// It takes time in proportion to the two lengths multiplied at worst.
func matches(s, pattern string) bool {
	backPattern, backText, star := "", "", false
	for {
		literal, any, one, rest := step(pattern)
		switch {
		case any:
			backPattern, backText, star = rest, s, true
			pattern = rest
			continue
		case pattern == "" && s == "":
			return true
		case pattern != "" && s != "":
			c, size := utf8.DecodeRuneInString(s)
			if one || s[:size] == literal || c == utf8.RuneError && literal == s[:size] {
				s, pattern = s[size:], rest
				continue
			}
		}
		if !star || backText == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(backText)
		backText = backText[size:]
		s, pattern = backText, backPattern
	}
}

// step takes the next part off a pattern: a literal code point, or one of the two signs.
func step(pattern string) (literal string, any, one bool, rest string) {
	if pattern == "" {
		return "", false, false, ""
	}
	switch c := pattern[0]; {
	case c == '%':
		return "", true, false, pattern[1:]
	case c == '_':
		return "", false, true, pattern[1:]
	case c == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	}
	_, size := utf8.DecodeRuneInString(pattern)
	return pattern[:size], false, false, pattern[size:]
}

// position gives the place of the first text in the second, counted from 1; 0 when it is not there.
func position(ctx sqlite3.Context, args []sqlite3.Value) {
	haystack := args[1].Text()
	i := strings.Index(haystack, args[0].Text())
	if i < 0 {
		ctx.ResultInt(0)
		return
	}
	ctx.ResultInt(utf8.RuneCountInString(haystack[:i]) + 1)
}

// substring cuts out code points, counted from 1, or from the end where the offset is negative.
func substring(ctx sqlite3.Context, args []sqlite3.Value) {
	runes := []rune(args[0].Text())
	n := int64(len(runes))
	start := args[1].Int64()
	switch {
	case start > 0:
		start--
	case start < 0:
		start = max(n+start, 0)
	default:
		ctx.ResultText("")
		return
	}
	stop := n
	if start = min(start, n); len(args) > 2 {
		length := args[2].Int64()
		if stop = start + length; length < 0 || stop < start {
			stop = max(n+min(length, 0), start)
		}
	}
	ctx.ResultText(string(runes[start:min(max(stop, start), n)]))
}

// format puts its arguments into the places of {}.
func (e *environment) format(ctx sqlite3.Context, args []sqlite3.Value) {
	pattern, rest := args[0].Text(), args[1:]
	var b strings.Builder
	for {
		before, after, found := strings.Cut(pattern, "{}")
		if strings.ContainsAny(before, "{}") {
			e.fail(ctx, "format knows {} only, not %.64q", before)
			return
		}
		b.WriteString(before)
		if !found {
			break
		}
		if len(rest) == 0 {
			e.fail(ctx, "format has more places than arguments")
			return
		}
		b.WriteString(show1(read(rest[0])))
		pattern, rest = after, rest[1:]
	}
	ctx.ResultText(b.String())
}

// show1 writes a value as text.
func show1(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return showFloat(v)
	case string:
		return v
	}
	return ""
}

// showFloat writes a number as ClickHouse does.
func showFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if a := math.Abs(v); a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.Replace(strconv.FormatFloat(v, 'e', -1, 64), "e-0", "e-", 1)
}

// digits writes the bytes of a value in digits: those of a whole number from its first that is not zero, those of a float from its last.
func digits(each string) scalar {
	return func(ctx sqlite3.Context, args []sqlite3.Value) {
		var b []byte
		switch v := read(args[0]).(type) {
		case int64:
			b = binary.BigEndian.AppendUint64(nil, uint64(v))
			for len(b) > 1 && b[0] == 0 {
				b = b[1:]
			}
		case float64:
			b = binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
		case string:
			b = []byte(v)
		}
		var out strings.Builder
		for _, c := range b {
			fmt.Fprintf(&out, each, c)
		}
		ctx.ResultText(out.String())
	}
}
