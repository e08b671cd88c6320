package cron

import (
	"strings"
	"testing"
	"time"
)

// at reads "2026-01-31 10:05".
func at(t testing.TB, text string) time.Time {
	t.Helper()
	tm, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

// parse reads an expression that must be right.
func parse(t testing.TB, expression string) Schedule {
	t.Helper()
	s, err := Parse(expression)
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	return s
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		name, expression, after string
		want                    string // with commas between; "never" for none
	}{
		{"every minute", "* * * * *", "2026-03-14 09:26", "2026-03-14 09:27,2026-03-14 09:28"},
		{"a step begins at the field's first value", "*/25 * * * *", "2026-01-01 00:00", "2026-01-01 00:25,2026-01-01 00:50,2026-01-01 01:00"},
		{"a step from a value goes to the end", "50/4 3 * * *", "2026-01-01 00:00", "2026-01-01 03:50,2026-01-01 03:54,2026-01-01 03:58,2026-01-02 03:50"},
		{"a step in a range", "10-20/5 3 * * *", "2026-01-01 03:10", "2026-01-01 03:15,2026-01-01 03:20,2026-01-02 03:10"},
		{"a list", "5,1,3 0 * * *", "2026-01-01 00:01", "2026-01-01 00:03,2026-01-01 00:05,2026-01-02 00:01"},
		{"a list of everything", "0,10-12,40/10 0 1 1 *", "2026-01-01 00:00", "2026-01-01 00:10,2026-01-01 00:11,2026-01-01 00:12,2026-01-01 00:40,2026-01-01 00:50,2027-01-01 00:00"},
		{"steps may be listed", "*/30,*/20 0 1 1 *", "2026-01-01 00:00", "2026-01-01 00:20,2026-01-01 00:30,2026-01-01 00:40,2027-01-01 00:00"},
		{"zeros in front are fine", "007 09 01 1 *", "2026-01-01 00:00", "2026-01-01 09:07"},
		{"tabs and many spaces part fields", "0\t0  1 \t 1 *", "2026-01-01 00:00", "2027-01-01 00:00"},
		{"hours over midnight", "0 22-1 * * *", "2026-01-01 00:30", "2026-01-01 01:00,2026-01-01 22:00,2026-01-01 23:00,2026-01-02 00:00"},
		{"minutes over the hour with a step", "58-3/2 0 1 1 *", "2026-01-01 00:00", "2026-01-01 00:02,2026-01-01 00:58,2027-01-01 00:00"},
		{"months over the year", "0 0 1 NOV-feb *", "2026-01-15 00:00", "2026-02-01 00:00,2026-11-01 00:00,2026-12-01 00:00,2027-01-01 00:00"},
		{"months by number", "0 0 1 2,12 *", "2026-01-15 00:00", "2026-02-01 00:00,2026-12-01 00:00"},
		{"weekday 1 is Sunday", "0 0 * * 1", "2026-03-02 00:00", "2026-03-08 00:00,2026-03-15 00:00"},
		{"weekday 7 is Saturday", "0 0 * * 7", "2026-03-02 00:00", "2026-03-07 00:00,2026-03-14 00:00"},
		{"weekdays 2 to 6 are Monday to Friday", "0 0 * * 2-6", "2026-03-05 00:00", "2026-03-06 00:00,2026-03-09 00:00"},
		{"weekdays by name of any case", "0 0 * * mOn,FRI", "2026-03-01 00:00", "2026-03-02 00:00,2026-03-06 00:00"},
		{"weekdays over the week", "0 0 * * FRI-MON", "2026-03-04 00:00", "2026-03-06 00:00,2026-03-07 00:00,2026-03-08 00:00,2026-03-09 00:00,2026-03-13 00:00"},
		{"every second weekday is Sunday, Tuesday, Thursday, Saturday", "0 0 * * */2", "2026-03-01 00:00", "2026-03-03 00:00,2026-03-05 00:00,2026-03-07 00:00,2026-03-08 00:00"},
		{"L among weekdays is Saturday", "0 0 * * L", "2026-03-01 00:00", "2026-03-07 00:00,2026-03-14 00:00"},
		{"the last Friday", "0 0 * * 6L", "2026-03-01 00:00", "2026-03-27 00:00,2026-04-24 00:00,2026-05-29 00:00"},
		{"the last Friday by name", "0 0 * * friL", "2026-03-01 00:00", "2026-03-27 00:00"},
		{"the first Monday", "0 0 * * 2#1", "2026-03-01 00:00", "2026-03-02 00:00,2026-04-06 00:00"},
		{"the fifth Monday where there is one", "0 0 * * MON#5", "2026-03-01 00:00", "2026-03-30 00:00,2026-06-29 00:00"},
		{"the last day", "59 23 L * *", "2026-01-31 23:59", "2026-02-28 23:59,2026-03-31 23:59,2026-04-30 23:59"},
		{"the last day of a leap February", "0 0 L 2 *", "2026-03-01 00:00", "2027-02-28 00:00,2028-02-29 00:00"},
		{"three days before the last", "0 0 L-3 * *", "2026-02-01 00:00", "2026-02-25 00:00,2026-03-28 00:00"},
		{"thirty days before the last is the first of a long month", "0 0 L-30 * *", "2026-01-15 00:00", "2026-03-01 00:00,2026-05-01 00:00"},
		{"the last weekday, on a Friday before a Saturday", "0 0 LW * *", "2026-01-15 00:00", "2026-01-30 00:00"},
		{"the last weekday, on a Friday before a Sunday", "0 0 LW 5 *", "2026-01-15 00:00", "2026-05-29 00:00"},
		{"the last weekday, on a weekday", "0 0 LW 6 *", "2026-01-15 00:00", "2026-06-30 00:00"},
		{"the weekday nearest to three before the last, forward from a Sunday", "0 0 L-2W 3 *", "2026-01-15 00:00", "2026-03-30 00:00"},
		{"the weekday nearest to a Saturday is the Friday before", "0 0 14W 3 *", "2026-01-15 00:00", "2026-03-13 00:00"},
		{"the weekday nearest to a Sunday is the Monday after", "0 0 15W 3 *", "2026-01-15 00:00", "2026-03-16 00:00"},
		{"the weekday nearest to a weekday is that day", "0 0 16W 3 *", "2026-01-15 00:00", "2026-03-16 00:00"},
		{"the weekday nearest to a Saturday the first stays in the month", "0 0 1W 8 *", "2026-01-15 00:00", "2026-08-03 00:00"},
		{"the weekday nearest to a last Sunday stays in the month", "0 0 31W 5 *", "2026-01-15 00:00", "2026-05-29 00:00"},
		{"a month without the day is passed over", "0 0 31W * *", "2026-01-31 00:00", "2026-03-31 00:00,2026-05-29 00:00"},
		{"a day that few months have", "0 0 31 * *", "2026-01-31 00:00", "2026-03-31 00:00,2026-05-31 00:00"},
		{"one of two day fields is enough", "0 0 13 * FRI", "2026-03-01 00:00", "2026-03-06 00:00,2026-03-13 00:00,2026-03-20 00:00,2026-03-27 00:00,2026-04-03 00:00,2026-04-10 00:00,2026-04-13 00:00"},
		{"a step in a day field chooses, too", "0 0 */20 * 2", "2026-03-01 00:00", "2026-03-02 00:00,2026-03-09 00:00,2026-03-16 00:00,2026-03-21 00:00"},
		{"the month holds for both day fields", "0 0 13 3 2#1", "2026-01-01 00:00", "2026-03-02 00:00,2026-03-13 00:00,2027-03-01 00:00"},
		{"29 February", "0 12 29 2 *", "2026-01-01 00:00", "2028-02-29 12:00,2032-02-29 12:00"},
		{"a fifth Monday in February takes 28 years", "0 0 * 2 2#5", "2044-03-01 00:00", "2072-02-29 00:00"},
		{"and 40 over a century without leap year", "0 0 * 2 1#5", "2088-03-01 00:00", "2128-02-29 00:00"},
		{"30 February never comes", "0 0 30 2 *", "2026-01-01 00:00", "never"},
		{"31 November never comes", "0 0 31 11 *", "2026-01-01 00:00", "never"},
		{"thirty days before the end of a short month never comes", "0 0 L-30 4 *", "2026-01-01 00:00", "never"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, now := parse(t, c.expression), at(t, c.after)
			for want := range strings.SplitSeq(c.want, ",") {
				next, ok := s.Next(now)
				got := next.Format("2006-01-02 15:04")
				if !ok {
					got = "never"
				}
				if got != want {
					t.Fatalf("%q after %s: %s, want %s", c.expression, now.Format("2006-01-02 15:04"), got, want)
				}
				now = next
			}
		})
	}
}

func TestTicksAreInUTC(t *testing.T) {
	zone := time.FixedZone("somewhere", 5*3600+1800)
	next, _ := parse(t, "0 12 * * *").Next(time.Date(2026, 1, 1, 17, 29, 59, 1, zone))
	if want := at(t, "2026-01-01 12:00"); !next.Equal(want) || next.Location() != time.UTC {
		t.Errorf("next is %v, want %v", next, want)
	}
}

func TestWhatIsNoExpression(t *testing.T) {
	for _, c := range []struct{ name, expression, want string }{
		{"nothing", "", "must have five fields (minute, hour, day of the month, month, day of the week), not 0"},
		{"four fields", "* * * *", "not 4"},
		{"a field for seconds", "0 * * * * *", "not 6"},
		{"a word", "@daily", "not 1"},
		{"a space in front", " * * * * *", "must not begin or end with a space"},
		{"a line end parts no fields", "* * * *\n*", "not 4"},
		{"minute 60", "60 * * * *", `the minute must be 0 to 59, not "60"`},
		{"hour 24", "0 24 * * *", `the hour must be 0 to 23, not "24"`},
		{"day 0", "0 0 0 * *", `the day of the month must be 1 to 31, L, L-1 to L-30, LW or a day with W, not "0"`},
		{"day 32", "0 0 32 * *", `the day of the month must be 1 to 31`},
		{"month 0", "0 0 1 0 *", `the month must be 1 to 12 or a name from JAN to DEC, not "0"`},
		{"month 13", "0 0 1 13 *", `the month must be`},
		{"weekday 0, which is Sunday elsewhere", "0 0 * * 0", `the day of the week must be 1 (Sunday) to 7 (Saturday) or a name from SUN to SAT, not "0"`},
		{"weekday 8", "0 0 * * 8", `the day of the week must be`},
		{"a long name", "0 0 * * monday", `not "monday"`},
		{"a name in another alphabet's letters", "0 0 * * ſUN", "the day of the week must be"},
		{"a month's name as a day", "0 0 * * JAN", "the day of the week must be"},
		{"a number with a sign", "+5 * * * *", `not "+5"`},
		{"a number beyond all bounds", "99999999999999999999 * * * *", "the minute must be"},
		{"a step of nothing", "*/0 * * * *", `the minute has a step that must be 1 to 59, not "0"`},
		{"a step as wide as the field", "*/60 * * * *", `must be 1 to 59, not "60"`},
		{"a step as wide as the week", "0 0 * * */7", `must be 1 to 6, not "7"`},
		{"a step of days", "0 0 */31 * *", `must be 1 to 30, not "31"`},
		{"a step without number", "*/ * * * *", `not ""`},
		{"two steps", "*/5/5 * * * *", `not "5/5"`},
		{"an open range", "5- * * * *", `the minute must be 0 to 59, not ""`},
		{"a range from a star", "*-5 * * * *", `the minute must be 0 to 59, not "*"`},
		{"a range of three", "1-2-3 * * * *", `not "2-3"`},
		{"an empty place in a list", "1,,2 * * * *", `the minute must be 0 to 59, not ""`},
		{"a star in a list", "1,* * * * *", `the minute has a "*" within a list: "*" stands alone`},
		{"a question mark", "0 0 ? * MON", `the day of the month cannot be "?": write "*"`},
		{"L in a list", "0 0 1,L * *", `the day of the month has L or W within a list: they stand alone, not in "1,L"`},
		{"W in a list", "0 0 1W,15 * *", "they stand alone"},
		{"W on a range", "0 0 1-5W * *", "the day of the month must be"},
		{"W on nothing", "0 0 W * *", "the day of the month must be"},
		{"W on day 32", "0 0 32W * *", `not "32W"`},
		{"L before nothing", "0 0 L- * *", `not "L-"`},
		{"L before 0", "0 0 L-0 * *", `not "L-0"`},
		{"L before 31", "0 0 L-31 * *", `not "L-31"`},
		{"L with a number", "0 0 L3 * *", `not "L3"`},
		{"L in small letters", "0 0 l * *", `not "l"`},
		{"LW of weekdays", "0 0 * * LW", `not "LW"`},
		{"L of weekday 8", "0 0 * * 8L", "the day of the week must be"},
		{"L on a range of weekdays", "0 0 * * 2-6L", `L or # within a list: they stand alone, not in "2-6L"`},
		{"# on a list of weekdays", "0 0 * * 2,3#1", "they stand alone"},
		{"# of 0", "0 0 * * 2#0", `the day of the week has a "#" that must be followed by 1 to 5, not in "2#0"`},
		{"# of 6", "0 0 * * 2#6", "1 to 5"},
		{"# of a word", "0 0 * * 2#first", "1 to 5"},
		{"L of hours", "0 L * * *", `the hour must be 0 to 23, not "L"`},
		{"several fields", "60 24 * * *", `the minute must be 0 to 59, not "60"; the hour must be 0 to 23, not "24"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.expression)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %s", c.expression, err, c.want)
			}
		})
	}
}

func TestExpressionsOfOneMeaningAreEqual(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"0 0 * * MON", "0-0 0-0/1 * * MON,Mon", true},
		{"*/15 * * * *", "0,15,30,45 0-23 * 1-12 *", true},
		{"0 0 * * L", "0 0 * * 7", true},
		{"0 0 L * *", "0 0 31 * *", false},
		{"0 0 * * 6L", "0 0 * * 6", false},
		{"0 0 1 * *", "0 0 1W * *", false},
		{"0 0 1-31 * MON", "0 0 * * MON", false},
	} {
		if got := parse(t, c.a) == parse(t, c.b); got != c.equal {
			t.Errorf("%q and %q: equal is %v", c.a, c.b, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"* * * * *", "*/5 0-6/2 L-3W JAN-3 6L", "0 22-2 15W 11-2 2#1", "1,2,3 */7 LW dec FRI-MON/2", "0 0 30 2 *", "? ? ? ? ?", "0 0 L-30 4 *", "a,b c-d e/f g#h iL",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		s, err := Parse(expression)
		if err != nil {
			return
		}
		now := time.Date(2026, 2, 27, 23, 58, 30, 0, time.UTC)
		for range 3 {
			next, ok := s.Next(now)
			if !ok {
				return
			}
			if !next.After(now) || !s.Match(next) || next.Second() != 0 {
				t.Fatalf("%q after %v: %v", expression, now, next)
			}
			now = next
		}
	})
}
