package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// timeFunctions are the functions of moments, which are seconds since the Unix epoch.
func (e *environment) timeFunctions() map[string]scalar {
	at := func(v, zone sqlite3.Value) time.Time { return time.Unix(v.Int64(), 0).In(e.zone(zone)) }
	return map[string]scalar{
		"parse_time": e.parseTime,
		"show_time": func(ctx sqlite3.Context, args []sqlite3.Value) {
			ctx.ResultText(showTime(args[0].Int64(), args[1].Text() == "Date", e.zone(args[2])))
		},
		"format_time": func(ctx sqlite3.Context, args []sqlite3.Value) {
			text, err := formatTime(at(args[0], args[2]), args[1].Text())
			if err != nil {
				e.fail(ctx, "%w", err)
				return
			}
			ctx.ResultText(text)
		},
		"part": func(ctx sqlite3.Context, args []sqlite3.Value) {
			ctx.ResultInt(part(at(args[0], args[2]), args[1].Text()))
		},
		"shift": func(ctx sqlite3.Context, args []sqlite3.Value) {
			ctx.ResultInt64(shift(at(args[0], args[3]), args[1].Int(), args[2].Text()).Unix())
		},
		"start_of": func(ctx sqlite3.Context, args []sqlite3.Value) {
			ctx.ResultInt64(startOf(at(args[0], args[3]), args[1].Int64(), args[2].Text()).Unix())
		},
	}
}

// parseTime reads a time: "2026-05-01 12:30:00", "2026-05-01", or seconds since the Unix epoch.
func (e *environment) parseTime(ctx sqlite3.Context, args []sqlite3.Value) {
	text := args[0].Text()
	for _, layout := range []string{time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, e.zone(args[1])); err == nil && len(text) == len(layout) {
			ctx.ResultInt64(t.Unix())
			return
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		ctx.ResultInt64(n)
		return
	}
	e.fail(ctx, "%.64q is no time; 'YYYY-MM-DD hh:mm:ss' is one", text)
}

// showTime writes a moment as it stands in answers.
func showTime(seconds int64, date bool, loc *time.Location) string {
	t := time.Unix(seconds, 0).In(loc)
	if date {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.DateTime)
}

// part gives a part of a moment.
func part(t time.Time, unit string) int {
	switch unit {
	case "YEAR":
		return t.Year()
	case "MONTH":
		return int(t.Month())
	case "DAY":
		return t.Day()
	case "HOUR":
		return t.Hour()
	case "MINUTE":
		return t.Minute()
	case "SECOND":
		return t.Second()
	case "WEEKDAY":
		return weekday(t)
	}
	return t.Year()*100 + int(t.Month()) // YEARMONTH
}

// weekday counts the days of the week from Monday, 1, to Sunday, 7.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// shift adds calendar units to a moment. A month that lacks the day has its last day instead.
func shift(t time.Time, n int, unit string) time.Time {
	switch unit {
	case "DAY":
		return t.AddDate(0, 0, n)
	case "YEAR":
		n *= 12
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(t.Day(), last), t.Hour(), t.Minute(), t.Second(), 0, t.Location())
}

// startOf rounds a moment down to a whole number of units of its zone's time.
func startOf(t time.Time, n int64, unit string) time.Time {
	midnight := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, t.Location()) }
	switch unit {
	case "YEAR":
		return midnight(t.Year()-t.Year()%int(n), 1, 1)
	case "MONTH":
		months := int64(t.Year())*12 + int64(t.Month()) - 1
		return midnight(int((months-months%n)/12), time.Month((months-months%n)%12+1), 1)
	case "WEEK":
		return midnight(t.Year(), t.Month(), t.Day()+1-weekday(t))
	case "DAY":
		_, offset := t.Zone()
		days := floorDiv(t.Unix()+int64(offset), 86400)
		start := time.Unix((days-mod(days, n))*86400, 0).UTC()
		return midnight(start.Year(), start.Month(), start.Day())
	case "HOUR":
		n *= 3600
	case "MINUTE":
		n *= 60
	}
	_, offset := t.Zone()
	start := t.Add(-time.Duration(mod(t.Unix()+int64(offset), n)) * time.Second)
	_, before := start.Zone()
	return start.Add(time.Duration(offset-before) * time.Second)
}

func floorDiv(a, b int64) int64 { return int64(math.Floor(float64(a) / float64(b))) }

// mod is the rest of a division, never negative.
func mod(a, b int64) int64 { return ((a % b) + b) % b }

// formatTime writes a moment by a pattern of ClickHouse's formatDateTime.
func formatTime(t time.Time, pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			b.WriteByte(pattern[i])
			continue
		}
		if i++; i == len(pattern) {
			return "", fmt.Errorf("formatDateTime: the pattern ends with a single %%")
		}
		text, ok := timeField(t, pattern[i])
		if !ok {
			return "", fmt.Errorf("formatDateTime: there is no %%%c", pattern[i])
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// layouts are the fields that Go's own formatting has.
var layouts = map[byte]string{
	'a': "Mon", 'b': "Jan", 'c': "01", 'd': "02", 'D': "01/02/06", 'e': "_2", 'F': time.DateOnly, 'h': "03", 'H': "15", 'i': "04", 'I': "03",
	'j': "002", 'm': "01", 'M': "January", 'p': "PM", 'r': "03:04 PM", 'R': "15:04", 's': "05", 'S': "05", 'T': time.TimeOnly, 'W': "Monday",
	'y': "06", 'Y': "2006", 'z': "-0700",
}

// timeField writes one field of a moment.
func timeField(t time.Time, field byte) (string, bool) {
	if layout, ok := layouts[field]; ok {
		return t.Format(layout), true
	}
	year, week := t.ISOWeek()
	switch field {
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'f':
		return "000000", true
	case 'g':
		return fmt.Sprintf("%02d", year%100), true
	case 'G':
		return fmt.Sprintf("%04d", year), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'n':
		return "\n", true
	case 'Q':
		return strconv.Itoa((int(t.Month()) + 2) / 3), true
	case 't':
		return "\t", true
	case 'u':
		return strconv.Itoa(weekday(t)), true
	case 'V':
		return fmt.Sprintf("%02d", week), true
	case 'w':
		return strconv.Itoa(int(t.Weekday())), true
	case '%':
		return "%", true
	}
	return "", false
}
