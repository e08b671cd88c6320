package dialect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestWhatIsOutsideTheDialectIsRefusedWithItsPlace(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"", `line 1, column 1, at the end: SELECT expected`},
		{"SELECT", `line 1, column 7, at the end: an expression expected`},
		{"SELECT 1 FROM a JOIN b", `line 1, column 17, at "JOIN": a query reads one table: joins are not supported`},
		{"SELECT 1 FROM a LEFT JOIN b", `line 1, column 17, at "LEFT": a query reads one table: joins are not supported`},
		{"SELECT 1 FROM a, b", `line 1, column 16, at ",": the end of the query expected`},
		{"SELECT 1 UNION SELECT 2", `line 1, column 10, at "UNION": queries cannot be combined: UNION is not supported`},
		{"WITH x AS (SELECT 1) SELECT 1", `line 1, column 1, at "WITH": WITH is not supported`},
		{"INSERT INTO a VALUES (1)", `line 1, column 1, at "INSERT": INSERT is not supported`},
		{"DROP TABLE a", `line 1, column 1, at "DROP": DROP is not supported`},
		{"PRAGMA user_version", `line 1, column 1, at "PRAGMA": PRAGMA is not supported`},
		{"ATTACH 'x' AS y", `line 1, column 1, at "ATTACH": ATTACH is not supported`},
		{"SELECT 1; SELECT 2", `line 1, column 11, at "SELECT": the end of the query expected`},
		{"SELECT DISTINCT blob1 FROM a", `line 1, column 8, at "DISTINCT": DISTINCT is not supported`},
		{"SELECT CASE WHEN 1 THEN 2 END", `line 1, column 8, at "CASE": CASE is not supported`},
		{"SELECT CAST(1 AS INTEGER)", `line 1, column 8, at "CAST": CAST is not supported`},
		{"SELECT NULL", `line 1, column 8, at "NULL": NULL is not supported`},
		{"SELECT blob1 IS NULL FROM a", `line 1, column 14, at "IS": IS is not supported`},
		{"SELECT sum(double1) OVER () FROM a", `line 1, column 21, at "OVER": OVER is not supported`},
		{"SELECT\n  blob1,\n  blöb FROM a", `line 3, column 5, at "ö": is not part of the dialect`},
		{"SELECT blob21 FROM a", `line 1, column 8, at "blob21": there is no column or alias of this name`},
		{"SELECT id FROM a", `line 1, column 8, at "id": there is no column or alias of this name`},
		{"SELECT nothing(1)", `line 1, column 8, at "nothing": there is no function of this name`},
		{"SELECT load_extension('x')", `line 1, column 8, at "load_extension": there is no function of this name`},
		{"SELECT ae_like('x', 'y')", `line 1, column 8, at "ae_like": there is no function of this name`},
		{"SELECT *", `line 1, column 8, at "*": there is no FROM that has columns`},
		{"SELECT 1 FORMAT CSV", `line 1, column 17, at "CSV": one of JSON, JSONEachRow, TabSeparated expected`},
		{"SHOW DATABASES", `line 1, column 6, at "DATABASES": TABLES, TIMEZONES or TIMEZONE expected`},
		{"SHOW TABLES LIKE 'x'", `line 1, column 13, at "LIKE": the end of the query expected`},
		{"SELECT 'open", `line 1, column 8, at "'open": the closing quote is missing`},
		{"SELECT 1 /* open", `line 1, column 10, at "/*": the comment has no end`},
		{"SELECT 1x", `line 1, column 8, at "1x": is no number`},
		{"SELECT 99999999999999999999", `line 1, column 8, at "99999999999999999999": the number is too large`},
		{"SELECT 1 # 2", `line 1, column 10, at "#": is not part of the dialect`},
		{"SELECT 1 || 2", `line 1, column 10, at "|": is not part of the dialect`},
		{"SELECT ?1", `line 1, column 8, at "?": is not part of the dialect`},
		{"SELECT blob1 + 1 FROM a", `line 1, column 14, at "+": takes numbers, not String and UInt8`},
		{"SELECT count() FROM a WHERE blob1 = 1", `line 1, column 35, at "=": cannot compare String with UInt8`},
		{"SELECT count() FROM a WHERE double1 = '1'", `line 1, column 37, at "=": cannot compare Float64 with String`},
		{"SELECT count() FROM a WHERE blob1", `line 1, column 29, at "blob1": a condition expected, not String`},
		{"SELECT count() FROM a WHERE count() > 1", `line 1, column 29, at "count": an aggregate cannot stand in WHERE`},
		{"SELECT count() FROM a GROUP BY sum(double1)", `line 1, column 32, at "sum": an aggregate cannot stand in GROUP BY`},
		{"SELECT sum(count()) FROM a", `line 1, column 12, at "count": an aggregate cannot stand within another`},
		{"SELECT blob1, count() FROM a", `line 1, column 8, at "blob1": a column outside of an aggregate must be in GROUP BY`},
		{"SELECT blob1 FROM a GROUP BY blob2", `line 1, column 8, at "blob1": a column outside of an aggregate must be in GROUP BY`},
		{"SELECT count() FROM a GROUP BY blob1 ORDER BY blob2", `line 1, column 47, at "blob2": a column outside of an aggregate must be in GROUP BY`},
		{"SELECT blob1 FROM a HAVING blob1 = 'x'", `line 1, column 34, at "=": HAVING needs GROUP BY or an aggregate`},
		{"SELECT blob1 FROM a GROUP BY 1", `line 1, column 30, at "1": GROUP BY takes columns and expressions, not positions`},
		{"SELECT blob1 FROM a ORDER BY 1", `line 1, column 30, at "1": ORDER BY takes columns and expressions, not positions`},
		{"SELECT count(blob1) FROM a", `line 1, column 14, at "blob1": count() takes no argument, except count(DISTINCT x)`},
		{"SELECT count(*) FROM a", `line 1, column 14, at "*": an expression expected`},
		{"SELECT min(DISTINCT double1) FROM a", `line 1, column 8, at "min": takes no DISTINCT`},
		{"SELECT length(1)", `line 1, column 15, at "1": length takes a String in place 1, not UInt8`},
		{"SELECT length()", `line 1, column 8, at "length": takes 1 argument, not 0`},
		{"SELECT substring('x')", `line 1, column 8, at "substring": takes 2 to 3 arguments, not 1`},
		{"SELECT format()", `line 1, column 8, at "format": takes 1 or more arguments, not 0`},
		{"SELECT length(5)('x')", `line 1, column 8, at "length": takes no parameters, only arguments`},
		{"SELECT position('x', 'y')", `line 1, column 20, at ",": IN expected`},
		{"SELECT extract(WEEK from now())", `line 1, column 16, at "WEEK": YEAR, MONTH, DAY, HOUR, MINUTE or SECOND expected`},
		{"SELECT now() - INTERVAL 1 DAY", `line 1, column 25, at "1": a whole number in quotes expected, such as INTERVAL '1' DAY`},
		{"SELECT now() - INTERVAL '1' WEEK", `line 1, column 29, at "WEEK": YEAR, MONTH, DAY, HOUR, MINUTE or SECOND expected`},
		{"SELECT INTERVAL '1' DAY", `line 1, column 8, at "INTERVAL": an interval can only be added to a time or taken from one`},
		{"SELECT 1 + INTERVAL '1' DAY", `line 1, column 10, at "+": an interval can only be added to a time or taken from one`},
		{"SELECT toStartOfInterval(now(), 5)", `line 1, column 33, at "5": an interval expected, such as INTERVAL '1' DAY`},
		{"SELECT toStartOfInterval(now(), INTERVAL '0' DAY)", `line 1, column 33, at "INTERVAL": toStartOfInterval takes an interval of at least one`},
		{"SELECT toDateTime(0, 'Mars/Olympus')", `line 1, column 22, at "'Mars/Olympus'": the name of a time zone expected, such as 'Europe/Berlin'; SHOW TIMEZONES lists them`},
		{"SELECT toDateTime(0, 'Local')", `line 1, column 22, at "'Local'": the name of a time zone expected, such as 'Europe/Berlin'; SHOW TIMEZONES lists them`},
		{"SELECT toStartOfHour('2026-01-01')", `line 1, column 22, at "'2026-01-01'": toStartOfHour takes a DateTime in place 1, not String`},
		{"SELECT quantileExactWeighted(2)(double1, 1) FROM a", `line 1, column 30, at "2": a number from 0 to 1 expected`},
		{"SELECT quantileExactWeighted(blob1)(double1, 1) FROM a", `line 1, column 30, at "blob1": a number from 0 to 1 expected`},
		{"SELECT topK(0)(double1) FROM a", `line 1, column 13, at "0": a whole number from 1 to 65536 expected`},
		{"SELECT length(topK(blob1)) FROM a", `line 1, column 15, at "topK": length takes a String in place 1, not Array(String)`},
		{"SELECT if(1, 'a', 2)", `line 1, column 8, at "if": cannot give String or UInt8`},
		{"SELECT -blob1 FROM a", `line 1, column 8, at "-": takes a number, not String`},
		{"SELECT blob1 LIKE 5 FROM a", `line 1, column 14, at "LIKE": takes texts, not String and UInt8`},
		{"SELECT blob1 NOT 5 FROM a", `line 1, column 18, at "5": IN, BETWEEN, LIKE or ILIKE expected`},
		{"SELECT 1 AS a, 2 AS a", `line 1, column 21, at "a": is the alias of another expression already`},
		{"SELECT b AS a, a AS b FROM t", `line 1, column 16, at "a": aliases stand for each other in a circle`},
		{"SELECT 1 FROM a LIMIT -1", `line 1, column 23, at "-": a whole number expected`},
		{"SELECT 1 FROM a LIMIT 1, 2", `line 1, column 24, at ",": the end of the query expected`},
		{"SELECT 1 FROM (SELECT 2) AS x", `line 1, column 26, at "AS": the end of the query expected`},
		{"SELECT 1 FROM main.points", `line 1, column 19, at ".": is not part of the dialect`},
	} {
		_, err := Translate(c.sql, Options{})
		var e *Error
		if !errors.As(err, &e) || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.sql, err, c.want)
		}
	}
}

func TestLimitsOfAQuery(t *testing.T) {
	nested := func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	chain := func(n int) string { return "SELECT 1" + strings.Repeat("+1", n) }
	doubling := func(n int) string {
		sql := "SELECT double1 AS a0"
		for i := range n {
			sql += fmt.Sprintf(", a%d + a%d AS a%d", i, i, i+1)
		}
		return sql + " FROM t"
	}
	for _, c := range []struct {
		name, sql string
		ok        bool
	}{
		{"a query of the greatest length", "SELECT 1" + strings.Repeat(" ", QueryBytesMax-8), true},
		{"a longer query", "SELECT 1" + strings.Repeat(" ", QueryBytesMax-7), false},
		{"60 parentheses", nested(60), true},
		{"as many parentheses as fit", nested(20_000), false},
		{"a sum of 300", chain(300), true},
		{"a sum of 500", chain(500), false},
		{"as many minus signs as fit", "SELECT " + strings.Repeat("- ", 20_000) + "1", false},
		{"as many NOT as fit", "SELECT " + strings.Repeat("NOT ", 10_000) + "1", false},
		{"aliases that double 8 times", doubling(8), true},
		{"aliases that double 50 times", doubling(50), false},
		{"as many subqueries as fit", strings.Repeat("SELECT 1 FROM (", 3000) + "SELECT 1" + strings.Repeat(")", 3000), false},
		{"a list of 5000", "SELECT 1 IN (1" + strings.Repeat(",2", 5000) + ")", true},
	} {
		if _, err := Translate(c.sql, Options{}); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestNothingOfAQueryGetsIntoTheText translates names and values that would be noticed.
func TestNothingOfAQueryGetsIntoTheText(t *testing.T) {
	const bad = `bad"'; DROP TABLE points; --`
	name := `"` + strings.ReplaceAll(bad, `"`, `""`) + `"`
	value := "'" + strings.ReplaceAll(bad, "'", "''") + "'"
	q, err := Translate("SELECT blob1 AS "+name+", "+value+", dataset, position("+value+" IN blob2) FROM "+name+" WHERE blob1 LIKE "+value+" ORDER BY "+name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(q.SQL, "bad") || strings.ContainsAny(q.SQL, "'\";") {
		t.Errorf("the statement is %s", q.SQL)
	}
	if q.Dataset != bad || q.Columns[0].Name != bad {
		t.Errorf("the dataset is %q, the column %q", q.Dataset, q.Columns[0].Name)
	}
}
