package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// fieldSpec is what one of the five fields may have.
type fieldSpec struct {
	name      string
	low, high int
	// names stand for low, low+1, ...
	names []string
	// want completes "must be".
	want string
}

// fields gives the five in their order.
func fields() [5]fieldSpec {
	return [5]fieldSpec{
		{"minute", 0, 59, nil, "0 to 59"},
		{"hour", 0, 23, nil, "0 to 23"},
		{"day of the month", 1, 31, nil, "1 to 31, L, L-1 to L-30, LW or a day with W"},
		{"month", 1, 12, strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"), "1 to 12 or a name from JAN to DEC"},
		{"day of the week", 1, 7, strings.Fields("SUN MON TUE WED THU FRI SAT"), "1 (Sunday) to 7 (Saturday) or a name from SUN to SAT"},
	}
}

// Parse reads an expression: minute, hour, day of the month, month and day of the week with spaces or tabs between.
//
// A field is "*" or a list of values, ranges and steps with commas between: "5", "1-5", "*/10", "3/10" (from 3 to the end), "10-40/5". A
// range whose end is before its start goes on from the field's beginning: "22-2", "FRI-MON". Months and days of the
// week may be given by three letters of any case; 1 is Sunday. Steps are at least 1 and less than what the field spans.
//
// The day of the month may also be "L" (the last), "L-3" (three days before it), "LW" (the last Monday to Friday), "L-3W", or "15W" (the
// Monday to Friday nearest to the 15th, in the same month); the day of the week "6L" (the last Friday of the month), "2#1" (the first Monday),
// or "L" (Saturday). These stand alone in their field, in capitals. When both day fields choose, a day that one of them has is enough.
//
// The error is a sentence that names the field.
func Parse(expression string) (Schedule, error) {
	spec := fields()
	parts := strings.FieldsFunc(expression, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(parts) != len(spec) {
		return Schedule{}, fmt.Errorf("must have five fields (minute, hour, day of the month, month, day of the week), not %d", len(parts))
	}
	if strings.Trim(expression, " \t") != expression {
		return Schedule{}, errors.New("must not begin or end with a space")
	}
	var s Schedule
	var errs [5]error
	s.minutes, errs[0] = spec[0].set(parts[0])
	s.hours, errs[1] = spec[1].set(parts[1])
	s.days, errs[2] = spec[2].daysOfMonth(parts[2])
	s.months, errs[3] = spec[3].set(parts[3])
	s.weekdays, errs[4] = spec[4].daysOfWeek(parts[4])
	return s, sentence(errs[:])
}

// sentence makes one error of those that are there.
func sentence(errs []error) error {
	var parts []string
	for _, err := range errs {
		if err != nil {
			parts = append(parts, err.Error())
		}
	}
	if parts == nil {
		return nil
	}
	return errors.New(strings.Join(parts, "; "))
}

// set reads a field without letters of its own.
func (f fieldSpec) set(text string) (uint64, error) {
	if text == "*" {
		return f.span(f.low, f.high, 1), nil
	}
	var set uint64
	for item := range strings.SplitSeq(text, ",") {
		some, err := f.item(item)
		if err != nil {
			return 0, err
		}
		set |= some
	}
	return set, nil
}

// item reads one entry of a list.
func (f fieldSpec) item(text string) (uint64, error) {
	values, step, stepped := strings.Cut(text, "/")
	first, last, ranged := strings.Cut(values, "-")
	switch {
	case text == "?":
		return 0, fmt.Errorf(`the %s cannot be "?": write "*"`, f.name)
	case text == "*":
		return 0, fmt.Errorf(`the %s has a "*" within a list: "*" stands alone`, f.name)
	case values == "*":
		return f.stepped(f.low, f.high, step)
	}
	low, err := f.value(first)
	if err != nil {
		return 0, err
	}
	high := low
	if ranged {
		high, err = f.value(last)
	} else if stepped {
		high = f.high
	}
	if err != nil || !stepped {
		return f.span(low, high, 1), err
	}
	return f.stepped(low, high, step)
}

// stepped is a range of which every so manieth value is taken.
func (f fieldSpec) stepped(low, high int, step string) (uint64, error) {
	n, ok := number(step)
	if !ok || n < 1 || n > f.high-f.low {
		return 0, fmt.Errorf(`the %s has a step that must be 1 to %d, not %q`, f.name, f.high-f.low, step)
	}
	return f.span(low, high, n), nil
}

// span is the set of values from low to high, over the end of the field when high is before low.
func (f fieldSpec) span(low, high, step int) uint64 {
	width := f.high - f.low + 1
	if high < low {
		high += width
	}
	var set uint64
	for v := low; v <= high; v += step {
		set |= 1 << ((v-f.low)%width + f.low)
	}
	return set
}

// value reads a number or a name.
func (f fieldSpec) value(text string) (int, error) {
	for i, name := range f.names {
		if len(text) == len(name) && strings.EqualFold(text, name) {
			return f.low + i, nil
		}
	}
	n, ok := number(text)
	if !ok || n < f.low || n > f.high {
		return 0, fmt.Errorf("the %s must be %s, not %q", f.name, f.want, text)
	}
	return n, nil
}

// number reads digits, and nothing that [strconv] takes beyond them.
func number(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// daysOfMonth reads the third field.
func (f fieldSpec) daysOfMonth(text string) (daysOfMonth, error) {
	if text == "*" {
		return daysOfMonth{kind: everyDay}, nil
	}
	if special := strings.ContainsAny(text, "LW"); !special {
		set, err := f.set(text)
		return daysOfMonth{kind: listedDays, mask: set}, err
	}
	if strings.Contains(text, ",") {
		return daysOfMonth{}, fmt.Errorf(`the %s has L or W within a list: they stand alone, not in %q`, f.name, text)
	}
	rest, isWeekday := strings.CutSuffix(text, "W")
	if offset, isLast := strings.CutPrefix(rest, "L"); isLast {
		return f.lastOfMonth(text, offset, isWeekday)
	}
	day, ok := number(rest)
	if !ok || day < f.low || day > f.high {
		return daysOfMonth{}, fmt.Errorf("the %s must be %s, not %q", f.name, f.want, text)
	}
	return daysOfMonth{kind: nearestWeekday, n: day}, nil
}

// lastOfMonth reads what stands between L and W.
func (f fieldSpec) lastOfMonth(text, offset string, isWeekday bool) (daysOfMonth, error) {
	d := daysOfMonth{kind: lastDay}
	if isWeekday {
		d.kind = lastWeekday
	}
	if offset == "" {
		return d, nil
	}
	digits, isOffset := strings.CutPrefix(offset, "-")
	n, ok := number(digits)
	if !isOffset || !ok || n < 1 || n > 30 {
		return d, fmt.Errorf("the %s must be %s, not %q", f.name, f.want, text)
	}
	d.n = n
	return d, nil
}

// daysOfWeek reads the fifth field.
func (f fieldSpec) daysOfWeek(text string) (daysOfWeek, error) {
	if text == "*" {
		return daysOfWeek{kind: everyDay}, nil
	}
	if text == "L" {
		return daysOfWeek{kind: listedDays, mask: 1 << f.high}, nil
	}
	if name, ok := strings.CutSuffix(text, "L"); ok {
		day, err := f.alone(text, name)
		return daysOfWeek{kind: lastDay, mask: 1 << day}, err
	}
	if name, count, ok := strings.Cut(text, "#"); ok {
		day, err := f.alone(text, name)
		nth, isNumber := number(count)
		if err == nil && (!isNumber || nth < 1 || nth > 5) {
			err = fmt.Errorf(`the %s has a "#" that must be followed by 1 to 5, not in %q`, f.name, text)
		}
		return daysOfWeek{kind: nthDay, mask: 1 << day, nth: nth}, err
	}
	set, err := f.set(text)
	return daysOfWeek{kind: listedDays, mask: set}, err
}

// alone reads the day before L or #.
func (f fieldSpec) alone(text, name string) (int, error) {
	if strings.ContainsAny(name, ",-/") {
		return 0, fmt.Errorf(`the %s has L or # within a list: they stand alone, not in %q`, f.name, text)
	}
	return f.value(name)
}
