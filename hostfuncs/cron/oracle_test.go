package cron

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// choice is one entry of a field as the generator makes it, apart from its text.
type choice struct{ low, high, step int }

// has says whether v is among the values, found by counting.
func (c choice) has(v, first, last int) bool {
	for n, at := 0, c.low; ; n++ {
		if at == v && n%c.step == 0 {
			return true
		}
		if at == c.high {
			return false
		}
		if at++; at > last {
			at = first
		}
	}
}

// drawField makes a field's text and what it means.
func drawField(t *rapid.T, name string, first, last int, names []string) (string, func(int) bool) {
	if rapid.IntRange(0, 3).Draw(t, name+" is a star") == 0 {
		return "*", func(int) bool { return true }
	}
	var items []string
	var choices []choice
	for range rapid.IntRange(1, 3).Draw(t, name+" items") {
		text, c := drawItem(t, name, first, last, names)
		items, choices = append(items, text), append(choices, c)
	}
	return strings.Join(items, ","), func(v int) bool {
		for _, c := range choices {
			if c.has(v, first, last) {
				return true
			}
		}
		return false
	}
}

func drawItem(t *rapid.T, name string, first, last int, names []string) (string, choice) {
	value := func(v int) string {
		if names != nil && rapid.Bool().Draw(t, name+" by name") {
			return names[v-first]
		}
		return fmt.Sprint(v)
	}
	low := rapid.IntRange(first, last).Draw(t, name+" low")
	high := rapid.IntRange(first, last).Draw(t, name+" high")
	step := rapid.IntRange(1, last-first).Draw(t, name+" step")
	switch rapid.IntRange(0, 4).Draw(t, name+" form") {
	case 0:
		return value(low), choice{low, low, 1}
	case 1:
		return value(low) + "-" + value(high), choice{low, high, 1}
	case 2:
		return fmt.Sprintf("%s/%d", value(low), step), choice{low, last, step}
	case 3:
		return fmt.Sprintf("*/%d", step), choice{first, last, step}
	}
	return fmt.Sprintf("%s-%s/%d", value(low), value(high), step), choice{low, high, step}
}

// lastWithin says whether the month ends in fewer than n days.
func lastWithin(day time.Time, n int) bool { return day.AddDate(0, 0, n).Month() != day.Month() }

// nearest finds the weekday nearest to a day of the same month by looking further and further away.
func nearest(day time.Time) time.Time {
	for away := 0; ; away++ {
		for _, d := range []time.Time{day.AddDate(0, 0, -away), day.AddDate(0, 0, away)} {
			if d.Month() == day.Month() && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
				return d
			}
		}
	}
}

// fromEnd is the day that lies n days before the end of a day's month, if the month has it.
func fromEnd(day time.Time, n int) (time.Time, bool) {
	d := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -n)
	return d, d.Month() == day.Month()
}

type dayTest func(day time.Time) bool

// drawMonthDays makes the third field; a nil test stands for "*".
func drawMonthDays(t *rapid.T) (string, dayTest) {
	n := rapid.IntRange(1, 30).Draw(t, "offset")
	ofEnd := func(n int, weekday bool) dayTest {
		return func(day time.Time) bool {
			d, ok := fromEnd(day, n)
			if ok && weekday {
				d = nearest(d)
			}
			return ok && d.Equal(day)
		}
	}
	switch rapid.IntRange(0, 7).Draw(t, "form of days") {
	case 0:
		return "L", ofEnd(0, false)
	case 1:
		return "LW", ofEnd(0, true)
	case 2:
		return fmt.Sprintf("L-%d", n), ofEnd(n, false)
	case 3:
		return fmt.Sprintf("L-%dW", n), ofEnd(n, true)
	case 4:
		return fmt.Sprintf("%dW", n+1), func(day time.Time) bool {
			d := time.Date(day.Year(), day.Month(), n+1, 0, 0, 0, 0, time.UTC)
			return d.Month() == day.Month() && nearest(d).Equal(day)
		}
	}
	text, has := drawField(t, "day", 1, 31, nil)
	if text == "*" {
		return text, nil
	}
	return text, func(day time.Time) bool { return has(day.Day()) }
}

// drawWeekdays makes the fifth field; a nil test stands for "*".
func drawWeekdays(t *rapid.T) (string, dayTest) {
	names := []string{"sun", "MON", "Tue", "WED", "thU", "FRI", "SAT"}
	w, n := rapid.IntRange(1, 7).Draw(t, "weekday"), rapid.IntRange(1, 5).Draw(t, "count")
	is := func(day time.Time) bool { return int(day.Weekday())+1 == w }
	switch rapid.IntRange(0, 4).Draw(t, "form of weekdays") {
	case 0:
		return fmt.Sprintf("%dL", w), func(day time.Time) bool { return is(day) && lastWithin(day, 7) }
	case 1:
		return fmt.Sprintf("%s#%d", names[w-1], n), func(day time.Time) bool {
			count := 0
			for d := day; d.Month() == day.Month(); d = d.AddDate(0, 0, -7) {
				count++
			}
			return is(day) && count == n
		}
	}
	text, has := drawField(t, "weekday", 1, 7, names)
	if text == "*" {
		return text, nil
	}
	return text, func(day time.Time) bool { return has(int(day.Weekday()) + 1) }
}

// TestEveryMinuteIsWhatTheOracleSays walks through weeks minute by minute, with an oracle that knows what the expression was made of and
// shares no code with the parser.
func TestEveryMinuteIsWhatTheOracleSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minute, hasMinute := drawField(t, "minute", 0, 59, nil)
		hour, hasHour := drawField(t, "hour", 0, 23, nil)
		days, onDay := drawMonthDays(t)
		month, hasMonth := drawField(t, "month", 1, 12, strings.Fields("Jan FEB mar APR MAY JUN JUL AUG SEP OCT NOV dec"))
		weekdays, onWeekday := drawWeekdays(t)
		expression := strings.Join([]string{minute, hour, days, month, weekdays}, " ")
		s, err := Parse(expression)
		if err != nil {
			t.Fatalf("%q: %v", expression, err)
		}
		start := time.Date(2023, time.Month(rapid.IntRange(1, 24).Draw(t, "start")), 1, 0, 0, 0, 0, time.UTC)
		next, ok := s.Next(start.Add(-time.Second))
		for now, end := start, start.AddDate(0, 0, 33); now.Before(end); now = now.Add(time.Minute) {
			want := hasMinute(now.Minute()) && hasHour(now.Hour()) && hasMonth(int(now.Month()))
			if want {
				day := now.Truncate(24 * time.Hour)
				switch {
				case onDay == nil && onWeekday == nil:
				case onDay == nil:
					want = onWeekday(day)
				case onWeekday == nil:
					want = onDay(day)
				default:
					want = onDay(day) || onWeekday(day)
				}
			}
			if got := s.Match(now); got != want {
				t.Fatalf("%q at %v: %v, want %v", expression, now, got, want)
			}
			if isNext := ok && next.Equal(now); isNext != want {
				t.Fatalf("%q: next is %v, and at %v the oracle says %v", expression, next, now, want)
			}
			if want {
				next, ok = s.Next(now)
			}
		}
	})
}
