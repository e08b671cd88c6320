package query

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
)

// now is the time of the queries.
var now = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

// reading is a data point of the tests: a place, a temperature, and what it weighs.
type reading struct {
	at      time.Time
	index   string
	blobs   []abi.ByteString
	doubles []float64
}

// fill stores points in a dataset.
func fill(t testing.TB, dir, dataset string, points []reading) {
	t.Helper()
	w, err := store.New(context.Background(), store.Options{
		Path: store.Path(dir, dataset), Now: time.Now, Log: slog.New(slog.DiscardHandler), Limits: store.Limits{Retention: 1e6 * time.Hour, MaxBytes: 1 << 40},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		q := abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{abi.ByteString(p.index)}, Blobs: p.blobs, Doubles: p.doubles}
		for msg := q.AppendCBOR(nil); !w.Add(p.at, msg); {
			time.Sleep(time.Millisecond)
		}
	}
	if lost, err := w.Close(); lost != 0 || err != nil {
		t.Fatal(lost, err)
	}
}

// weather is the dataset of the tests.
func weather(t testing.TB) string {
	dir := t.TempDir()
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	fill(t, dir, "weather", []reading{
		{at(-50), "a", []abi.ByteString{"Seattle", "USA"}, []float64{10, 1}},
		{at(-30), "a", []abi.ByteString{"Seattle", "USA"}, []float64{20, 2}},
		{at(-3), "b", []abi.ByteString{"München", "DE"}, []float64{30.5, 3}},
		{at(-2), "b", []abi.ByteString{"münchen", "DE"}, []float64{-5, 4}},
		{at(-1), "c", nil, nil},
	})
	return dir
}

// ask gives the answer to a query, or its error's text after "! ".
func ask(t testing.TB, dir, sql, format string) string {
	t.Helper()
	answer, err := Run(context.Background(), sql, Options{Dir: dir, Now: now, Format: format})
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		return "! " + err.Error()
	case err != nil:
		t.Fatalf("%s: %v", sql, err)
	}
	return string(answer.Body)
}

// queryCase is a query and its answer in TabSeparated, with | for tabs and / between rows.
type queryCase struct{ sql, want string }

func check(t *testing.T, dir string, cases []queryCase) {
	t.Helper()
	for _, c := range cases {
		got := strings.TrimSuffix(ask(t, dir, c.sql, dialect.FormatTabSeparated), "\n")
		if got = strings.NewReplacer("\t", "|", "\n", " / ").Replace(got); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
}

func TestSelect(t *testing.T) {
	check(t, weather(t), []queryCase{
		{"SELECT 1", "1"},
		{"select blob1, double1 from weather order by double1", "münchen|-5 / |0 / Seattle|10 / Seattle|20 / München|30.5"},
		{"SELECT index1, blob1, blob20, double20, _sample_interval, dataset FROM weather WHERE index1 = 'c'", "c|||0|1|weather"},
		{"SELECT timestamp FROM weather ORDER BY timestamp DESC LIMIT 1", "2026-05-06 11:00:00"},
		{"SELECT blob1 AS city, double1 AS t FROM weather WHERE t > 15 AND city = 'Seattle'", "Seattle|20"},
		{"SELECT blob1 FROM weather LIMIT 2 OFFSET 1", "Seattle / München"},
		{"SELECT blob1 FROM weather OFFSET 3", "münchen / "},
		{"SELECT count() FROM weather LIMIT ALL", "5"},
		{"SELECT blob2, count() AS n FROM weather GROUP BY blob2 ORDER BY n DESC, blob2", "DE|2 / USA|2 / |1"},
		{"SELECT blob2, avg(double1) AS a FROM weather GROUP BY blob2 HAVING a > 13 ORDER BY blob2", "USA|15"},
		{"SELECT blob2, count() FROM weather GROUP BY blob2 HAVING count() = 1", "|1"},
		{"SELECT c, n * 2 FROM (SELECT blob2 AS c, count() AS n FROM weather GROUP BY c) WHERE n > 1 ORDER BY c", "DE|4 / USA|4"},
		{"SELECT x AS y, z FROM (SELECT index1 AS x, blob2 AS y, double2 AS z FROM weather) ORDER BY y DESC, z DESC LIMIT 2", "c|0 / b|4"},
		{"SELECT double1 + 1 AS double1, double1 * 2 AS more FROM weather WHERE double1 = 11", "11|22"},
		{"SELECT sum(n) FROM (SELECT index1, count() AS n FROM weather GROUP BY index1)", "5"},
		{"SELECT max(timestamp) FROM weather WHERE timestamp > now() - INTERVAL '1' DAY", "2026-05-06 11:00:00"},
		{"SELECT count() FROM weather WHERE timestamp >= '2026-05-06 09:00:00' AND timestamp < '2026-05-06 11:00:00'", "2"},
		{"SELECT count() FROM weather WHERE timestamp BETWEEN '2026-05-05' AND '2026-05-06'", "1"},
		{`SELECT "blob1" FROM "weather" WHERE ` + "`index1` = 'c'", ""},
		{"SELECT 1 -- a comment\n, /* another */ 2;", "1|2"},
		{"SELECT blob1 AS blob2 FROM weather WHERE blob2 = 'München'", "München"},
		{"SELECT first_value(double2) FROM weather ORDER BY timestamp ASC", "1"},
		{"SELECT last_value(double2) FROM weather ORDER BY timestamp DESC", "1"},
		{"SELECT double1 > 0, count() FROM weather GROUP BY double1 > 0 ORDER BY double1 > 0", "0|2 / 1|3"},
	})
}

func TestOperators(t *testing.T) {
	check(t, weather(t), []queryCase{
		{"SELECT 1 + 2 * 3, (1 + 2) * 3, 7 / 2, 7 % 4, 7.5 % 2, -3 + 1, 2 - 5", "7|9|3.5|3|1.5|-2|-3"},
		{"SELECT 1 / 0, 0.1 + 0.2", "nan|0.30000000000000004"},
		{"SELECT 1 = 1, 1 <> 1, 1 != 2, 1 < 2, 2 > 1, 1 <= 1, 1 >= 2", "1|0|1|1|1|1|0"},
		{"SELECT 1 IN (1, 2), 3 IN (1, 2), 3 NOT IN (1, 2), 'a' IN ('a', 'b')", "1|0|1|1"},
		{"SELECT 2 BETWEEN 1 AND 3, 4 BETWEEN 1 AND 3, 4 NOT BETWEEN 1 AND 3", "1|0|1"},
		{"SELECT NOT true, NOT false, true AND false, true OR false, NOT 1 = 2", "0|1|0|1|1"},
		{"SELECT true OR false AND false, 1 + 1 = 2 AND 2 > 1", "1|1"},
		{"SELECT 'abc' LIKE 'a%', 'abc' LIKE 'A%', 'abc' ILIKE 'A%', 'abc' NOT LIKE 'a_c', 'abc' NOT ILIKE 'X%'", "1|0|1|0|1"},
		{`SELECT '100%' LIKE '100\%', '1000' LIKE '100\%', 'ab' LIKE '__', 'é' LIKE '_', '' LIKE '%', '' LIKE '_', 'aXbXc' LIKE 'a%b%c'`, "1|0|1|1|1|0|1"},
		{"SELECT count() FROM weather WHERE blob1 ILIKE 'MÜNCHEN'", "2"},
		{"SELECT 'it''s', -4.2, 1e3, .5, 42", `it\'s|-4.2|1000|0.5|42`},
		{"SELECT toDateTime('2026-01-31 00:00:00') + INTERVAL '1' MONTH, toDateTime('2024-02-29 10:00:00') + INTERVAL '1' YEAR", "2026-02-28 00:00:00|2025-02-28 10:00:00"},
		{"SELECT now() - INTERVAL '1' DAY, now() + INTERVAL '90' MINUTE, now() - INTERVAL '1' SECOND, INTERVAL '2' HOUR + now()", "2026-05-05 12:00:00|2026-05-06 13:30:00|2026-05-06 11:59:59|2026-05-06 14:00:00"},
		{"SELECT now() + 60, now() - toDateTime('2026-05-06 11:00:00')", "2026-05-06 12:01:00|3600"},
	})
}

func TestAggregates(t *testing.T) {
	check(t, weather(t), []queryCase{
		{"SELECT count(), count(DISTINCT index1), COUNT(DISTINCT blob2) FROM weather", "5|3|3"},
		{"SELECT sum(double1), avg(double1), min(double1), max(double1) FROM weather", "55.5|11.1|-5|30.5"},
		{"SELECT sum(DISTINCT double2), avg(DISTINCT _sample_interval) FROM weather", "10|1"},
		{"SELECT sum(_sample_interval), sum(_sample_interval * double1) / sum(_sample_interval) FROM weather", "5|11.1"},
		{"SELECT quantileExactWeighted(0.5)(double1, _sample_interval), quantileWeighted(0.5, double1, _sample_interval) FROM weather", "10|10"},
		{"SELECT quantileExactWeighted(0)(double1, 1), quantileExactWeighted(1)(double1, 1), quantileExactWeighted(0.9)(double1, double2) FROM weather", "-5|30.5|30.5"},
		{"SELECT argMax(blob1, double1), argMin(blob1, double1), argMax(timestamp, double1) FROM weather", "München|münchen|2026-05-06 09:00:00"},
		{"SELECT first_value(blob1), last_value(index1) FROM weather", "Seattle|c"},
		{"SELECT topK(2)(blob2), topK(double1), topKWeighted(1)(blob1, double2) FROM weather", "['USA','DE']|[10,20,30.5,-5,0]|['münchen']"},
		{"SELECT countIf(double1 > 0), sumIf(double1, blob2 = 'USA'), avgIf(double1, blob2 = 'USA'), sumIf(_sample_interval, double1 > 0) FROM weather", "3|30|15|3"},
		{"SELECT count(), sum(double1), avg(double1), min(double1), max(blob1), countIf(true) FROM weather WHERE index1 = 'none'", "0|0|nan|0||0"},
		{"SELECT blob2, quantileExactWeighted(0.5)(double1, 1) FROM weather GROUP BY blob2 ORDER BY blob2", "|0 / DE|-5 / USA|10"},
	})
}

func TestTimes(t *testing.T) {
	check(t, weather(t), []queryCase{
		{"SELECT now(), today(), toUnixTimestamp(now())", "2026-05-06 12:00:00|2026-05-06|1778068800"},
		{"SELECT toDateTime(355924804), toDateTime('355924804'), toDateTime('1981-04-12 12:00:04'), toDateTime(1.9)", "1981-04-12 12:00:04|1981-04-12 12:00:04|1981-04-12 12:00:04|1970-01-01 00:00:01"},
		{"SELECT toDateTime('2022-12-01 16:17:00', 'America/New_York'), toUnixTimestamp(toDateTime('2022-12-01 16:17:00', 'America/New_York'))", "2022-12-01 16:17:00|1669929420"},
		{"SELECT toDateTime(toDateTime('2022-12-01 16:17:00'), 'America/New_York')", "2022-12-01 11:17:00"},
		{"SELECT formatDateTime(toDateTime('2022-12-01 16:17:00', 'America/New_York'), '%Y-%m-%d %H'), formatDateTime(toDateTime('2022-12-01 22:17:00', 'America/New_York'), '%F %T', 'Etc/UTC')", "2022-12-01 16|2022-12-02 03:17:00"},
		{"SELECT formatDateTime(toDateTime('2026-01-04 05:06:07'), '%a %b %c %C %d %D %e %f %F %g %G %h %H %i %I %j %k %l %m %M %p %Q %r %R %s %S %T %u %V %w %W %y %Y %z %%')",
			"Sun Jan 01 20 04 01/04/26  4 000000 2026-01-04 26 2026 05 05 06 05 004  5  5 01 January AM 1 05:06 AM 05:06 07 07 05:06:07 7 01 0 Sunday 26 2026 +0000 %"},
		{"SELECT toStartOfInterval(toDateTime('2026-05-06 11:44:59'), INTERVAL '15' MINUTE), toStartOfInterval(now(), INTERVAL '1' DAY), toStartOfInterval(now(), INTERVAL '5' HOUR)", "2026-05-06 11:30:00|2026-05-06 00:00:00|2026-05-06 09:00:00"},
		{"SELECT toStartOfInterval(toDateTime('2026-05-06 11:44:59'), INTERVAL '1' MONTH), toStartOfInterval(now(), INTERVAL '1' YEAR), toStartOfInterval(now(), INTERVAL '30' SECOND)", "2026-05-01 00:00:00|2026-01-01 00:00:00|2026-05-06 12:00:00"},
		{"SELECT toStartOfInterval(toDateTime('2026-05-06 01:00:00'), INTERVAL '1' DAY, 'America/New_York')", "2026-05-05 00:00:00"},
		{"SELECT toStartOfInterval(toDateTime('2026-03-29 10:30:00', 'Europe/Berlin'), INTERVAL '6' HOUR), toStartOfInterval(toDateTime('2026-10-25 00:30:00', 'Europe/Berlin'), INTERVAL '1' DAY)", "2026-03-29 06:00:00|2026-10-25 00:00:00"},
		{"SELECT toDateTime('2026-03-28 12:00:00', 'Europe/Berlin') + INTERVAL '1' DAY", "2026-03-29 12:00:00"},
		{"SELECT extract(YEAR from now()), extract(MONTH FROM now()), extract(DAY FROM now()), extract(HOUR FROM now()), extract(MINUTE FROM now()), extract(SECOND from toDateTime('2022-06-06 11:30:15'))", "2026|5|6|12|0|15"},
		{"SELECT toYear(now()), toMonth(now()), toDayOfMonth(now()), toDayOfWeek(now()), toHour(now()), toMinute(now()), toSecond(now()), toYYYYMM(now())", "2026|5|6|3|12|0|0|202605"},
		{"SELECT toStartOfYear(now()), toStartOfMonth(now()), toStartOfWeek(now()), toStartOfDay(now()), toStartOfHour(now())", "2026-01-01 00:00:00|2026-05-01 00:00:00|2026-05-04 00:00:00|2026-05-06 00:00:00|2026-05-06 12:00:00"},
		{"SELECT toStartOfFifteenMinutes(toDateTime('2025-10-27 16:55:25')), toStartOfTenMinutes(toDateTime('2025-10-27 16:55:25')), toStartOfFiveMinutes(toDateTime('2025-10-27 16:55:25')), toStartOfMinute(toDateTime('2025-10-27 16:55:25'))",
			"2025-10-27 16:45:00|2025-10-27 16:50:00|2025-10-27 16:55:00|2025-10-27 16:55:00"},
		{"SELECT toStartOfInterval(timestamp, INTERVAL '1' DAY) AS day, count() FROM weather GROUP BY day ORDER BY day", "2026-05-04 00:00:00|1 / 2026-05-05 00:00:00|1 / 2026-05-06 00:00:00|3"},
	})
}

func TestTexts(t *testing.T) {
	check(t, weather(t), []queryCase{
		{"SELECT length('München'), length(''), empty(''), empty('x')", "7|0|1|0"},
		{"SELECT lower('ÄB'), upper('äb'), lowerUTF8('ÄB'), toLower('ÄB'), upperUTF8('äb'), toUpper('äb')", "Äb|äB|äb|äb|ÄB|ÄB"},
		{"SELECT startsWith('prefix ...', 'prefix'), startsWith('x', 'y'), endsWith('prefix suffix', 'suffix'), endsWith('x', 'y')", "1|0|1|0"},
		{"SELECT position(':' IN 'hello: world'), position('ü' IN 'aü'), position('x' IN 'abc'), position('n' IN 'München')", "6|2|0|3"},
		{"SELECT substring('hello world', 6), substring('hello: world', 1, position(':' IN 'hello: world')-1), substring('München', 2, 2), substring('abc', 10), substring('abc', -2), substring('abc', 0)", " world|hello|ün||bc|"},
		{"SELECT format('blob1: {}', blob1), format('{} {} {} {}', 1, 2.5, 'x', timestamp), format('none') FROM weather LIMIT 1", "blob1: Seattle|1 2.5 x 2026-05-04 10:00:00|none"},
		{"SELECT bin(1), bin('abc'), bin(256), hex(1), hex('abc'), hex(0), hex(255), hex(256), hex(1.5)", "00000001|011000010110001001100011|0000000100000000|01|616263|00|FF|0100|000000000000F83F"},
	})
}

func TestNumbers(t *testing.T) {
	check(t, weather(t), []queryCase{
		{"SELECT intDiv(7, 2), intDiv(-7, 2), intDiv(7.9, 2)", "3|-4|3"},
		{"SELECT log(1), ln(1), pow(2, 10), pow(double1, 2) FROM weather LIMIT 1", "0|0|1024|100"},
		{"SELECT round(5.5), round(3.14, 1), round(-2.5), floor(5.5), floor(3.14, 1), ceil(5.5), ceil(3.14, 1), ceil(3.1, 1), round(1234, -2), round(7)", "6|3.1|-2|5|3.1|6|3.2|3.1|1200|7"},
		{"SELECT toUInt8(300), toUInt8('12'), toUInt32(2.9), toUInt32('4000000000')", "44|12|2|4000000000"},
		{"SELECT if(1 > 2, 'a', 'b'), if(true, 1, 2.5)", "b|1"},
		{"SELECT bitAnd(1, 3), bitOr(1, 2), bitXor(1, 2), bitXor(3, 3), bitNot(1), bitCount(7), bitHammingDistance(1, 1), bitHammingDistance(3, 0), bitTest(3, 1), bitTest(4, 1)", "1|3|3|0|254|3|0|2|1|0"},
		{"SELECT bitRotateLeft(1, 1), bitRotateLeft(128, 1), bitRotateRight(1, 1), bitRotateRight(12, 2), bitShiftLeft(1, 1), bitShiftLeft(128, 1), bitShiftRight(1, 1), bitShiftRight(12, 2)", "2|1|128|3|2|0|0|3"},
		{"SELECT bitAnd(toUInt8(double1), 1), bitCount(double1) FROM weather WHERE double1 = 10", "0|3"},
	})
}

func TestShow(t *testing.T) {
	dir := weather(t)
	fill(t, dir, "Other.set", []reading{{at: now}})
	check(t, dir, []queryCase{{"SHOW TABLES", "Other.set / weather"}, {"SHOW TIMEZONE", "Etc/UTC"}, {`SELECT count() FROM "Other.set"`, "1"}})
	if got := ask(t, dir, "show timezones format TabSeparated", ""); strings.Count(got, "\n") < 500 || !strings.Contains(got, "\nEurope/Berlin\n") {
		t.Errorf("SHOW TIMEZONES gives %d bytes", len(got))
	}
	if got := ask(t, t.TempDir()+"/none", "SHOW TABLES", ""); got != `{"meta":[{"name":"dataset","type":"String"}],"data":[],"rows":0}`+"\n" {
		t.Errorf("SHOW TABLES of nothing is %s", got)
	}
}

func TestEveryZoneIsThere(t *testing.T) {
	var l dialect.Locations
	for _, name := range dialect.Zones() {
		if l.Get(name) == nil {
			t.Errorf("%s is not there", name)
		}
	}
	for _, name := range []string{"Local", "local", "UTC/..", "../etc/passwd", "Europe/Nowhere", "europe/berlin\n"} {
		if l.Get(name) != nil {
			t.Errorf("%q is there", name)
		}
	}
}

func TestFormats(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, "f", []reading{{now, "a\tb\\c'\n\"<", []abi.ByteString{"\xff\x00"}, []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e21, 1e-7, 0.1}}})
	for _, c := range []struct{ name, sql, want string }{
		{"JSON is the default", "SELECT index1, timestamp, double6, count() AS n, max(_sample_interval) FROM f GROUP BY index1, timestamp, double6",
			`{"meta":[{"name":"index1","type":"String"},{"name":"timestamp","type":"DateTime"},{"name":"double6","type":"Float64"},{"name":"n","type":"UInt64"},{"name":"max(_sample_interval)","type":"UInt32"}],` +
				`"data":[{"index1":"a\tb\\c'\n\"<","timestamp":"2026-05-06 12:00:00","double6":0.1,"n":"1","max(_sample_interval)":1}],"rows":1}` + "\n"},
		{"JSON has null for what is no number and not finite", "SELECT double1, double2, double3, double4, double5 FROM f FORMAT JSONEachRow", `{"double1":null,"double2":null,"double3":null,"double4":1e+21,"double5":1e-7}` + "\n"},
		{"JSON replaces what is no UTF-8", "SELECT blob1 FROM f FORMAT JSONEachRow", `{"blob1":"\ufffd\u0000"}` + "\n"},
		{"JSONEachRow has a line for each row", "SELECT 1 AS a, topK(1)(index1) AS b, -1 AS c, 2 - 1 AS d FROM f FORMAT JSONEachRow", `{"a":1,"b":["a\tb\\c'\n\"<"],"c":"-1","d":"1"}` + "\n"},
		{"TabSeparated has no header and escapes", "SELECT index1, double1, double2, double3, timestamp FROM f FORMAT TabSeparated", `a\tb\\c\'\n"<` + "\tnan\tinf\t-inf\t2026-05-06 12:00:00\n"},
		{"a time has the type of its zone", "SELECT toDateTime(0, 'Europe/Berlin') AS t", `{"meta":[{"name":"t","type":"DateTime('Europe/Berlin')"}],"data":[{"t":"1970-01-01 01:00:00"}],"rows":1}` + "\n"},
		{"an array has the type of its items", "SELECT topK(timestamp) AS t FROM f", `{"meta":[{"name":"t","type":"Array(DateTime)"}],"data":[{"t":["2026-05-06 12:00:00"]}],"rows":1}` + "\n"},
	} {
		if got := ask(t, dir, c.sql, ""); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
