package cron

import (
	"math/bits"
	"time"
)

// Schedule is a parsed expression: a set of minutes. Two expressions that name the same minutes in the same manner are equal.
type Schedule struct {
	minutes  uint64 // bit 0 to 59
	hours    uint64 // bit 0 to 23
	months   uint64 // bit 1 to 12
	days     daysOfMonth
	weekdays daysOfWeek
}

// dayKind says how days are chosen.
type dayKind uint8

const (
	// everyDay is "*": the other day field decides.
	everyDay dayKind = iota
	// listedDays are the days in the mask.
	listedDays
	// lastDay is "L" or "L-n" of the month and "nL" of the week.
	lastDay
	// nearestWeekday is "nW".
	nearestWeekday
	// lastWeekday is "LW" or "L-nW".
	lastWeekday
	// nthDay is "n#m" of the week.
	nthDay
)

// daysOfMonth is the third field.
type daysOfMonth struct {
	kind dayKind
	mask uint64 // listedDays: bit 1 to 31
	n    int    // nearestWeekday: the day; lastDay, lastWeekday: how many days before the last
}

// daysOfWeek is the fifth field.
type daysOfWeek struct {
	kind dayKind
	mask uint64 // bit 1 (Sunday) to 7 (Saturday); a single one for lastDay and nthDay
	nth  int    // nthDay: 1 to 5
}

// Match says whether t lies in one of the schedule's minutes.
func (s Schedule) Match(t time.Time) bool {
	t = t.UTC()
	return s.minutes>>t.Minute()&1 == 1 && s.hours>>t.Hour()&1 == 1 && s.matchDay(t)
}

// matchDay says whether the schedule has the day. When both day fields choose, it is enough that one of them does.
func (s Schedule) matchDay(t time.Time) bool {
	switch {
	case s.months>>t.Month()&1 == 0:
		return false
	case s.days.kind == everyDay:
		return s.weekdays.match(t)
	case s.weekdays.kind == everyDay:
		return s.days.match(t)
	}
	return s.days.match(t) || s.weekdays.match(t)
}

func (d daysOfMonth) match(t time.Time) bool {
	length := monthLength(t)
	switch d.kind {
	case listedDays:
		return d.mask>>t.Day()&1 == 1
	case lastDay:
		return t.Day() == length-d.n
	case nearestWeekday:
		return t.Day() == weekdayNear(t, d.n, length)
	case lastWeekday:
		return t.Day() == weekdayNear(t, length-d.n, length)
	}
	return true
}

func (d daysOfWeek) match(t time.Time) bool {
	if d.kind == everyDay {
		return true
	}
	if d.mask>>(t.Weekday()+1)&1 == 0 {
		return false
	}
	switch d.kind {
	case lastDay:
		return t.Day()+7 > monthLength(t)
	case nthDay:
		return (t.Day()-1)/7+1 == d.nth
	}
	return true
}

// weekdayNear gives the weekday (Monday to Friday) nearest to a day of t's month, in the same month; 0 when the month has no such day.
func weekdayNear(t time.Time, day, length int) int {
	if day < 1 || day > length {
		return 0
	}
	switch time.Date(t.Year(), t.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == length {
			return day - 2
		}
		return day + 1
	}
	return day
}

// monthLength is the number of days in t's month.
func monthLength(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// searchYears is how far [Schedule.Next] looks: the longest wait is that for a 29 February on a certain day of the week, 40 years where a
// century without a leap year lies between.
const searchYears = 41

// Next gives the first minute of the schedule that begins after t; false when there is none, such as for 30 February.
func (s Schedule) Next(t time.Time) (time.Time, bool) {
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	year, month, day := t.Date()
	fromHour, fromMinute := t.Hour(), t.Minute()
	for end := year + searchYears; year <= end; {
		date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		if s.matchDay(date) {
			if hour, minute, ok := s.nextOfDay(fromHour, fromMinute); ok {
				return time.Date(year, month, day, hour, minute, 0, 0, time.UTC), true
			}
		}
		fromHour, fromMinute = 0, 0
		if s.months>>month&1 == 0 {
			year, month, day = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).Date()
		} else {
			year, month, day = date.AddDate(0, 0, 1).Date()
		}
	}
	return time.Time{}, false
}

// nextOfDay gives the schedule's first minute of a day that is not before the given one.
func (s Schedule) nextOfDay(hour, minute int) (int, int, bool) {
	if s.hours>>hour&1 == 1 {
		if m := firstFrom(s.minutes, minute); m < 60 {
			return hour, m, true
		}
	}
	if h := firstFrom(s.hours, hour+1); h < 24 {
		return h, firstFrom(s.minutes, 0), true
	}
	return 0, 0, false
}

// firstFrom gives the lowest number in the set that is at least low; 64 when there is none.
func firstFrom(set uint64, low int) int { return bits.TrailingZeros64(set >> low << low) }
