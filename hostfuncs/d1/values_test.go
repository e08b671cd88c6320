package d1

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
)

func TestParameters(t *testing.T) {
	const types = "CREATE TABLE t(i INTEGER, r REAL, x TEXT, b BLOB, n NUMERIC)"
	hundred := strings.TrimSuffix(strings.Repeat("?,", 100), ",")
	many := make([]any, 100)
	for i := range many {
		many[i] = i
	}
	check(t, []sqlCase{
		{name: "an integer is INTEGER", sql: "SELECT ?, typeof(?1)", params: []any{7}, rows: "7|'integer'"},
		{name: "the greatest and the least integer", sql: "SELECT ?, ?", params: []any{int64(math.MaxInt64), int64(math.MinInt64)}, rows: "9223372036854775807|-9223372036854775808"},
		{name: "a float is REAL", sql: "SELECT ?, typeof(?1)", params: []any{7.0}, rows: "7f|'real'"},
		{name: "an integer divides as one", sql: "SELECT ? / 2", params: []any{5}, rows: "2"},
		{name: "a float divides as one", sql: "SELECT ? / 2", params: []any{5.0}, rows: "2.5f"},
		{name: "NaN is NULL", sql: "SELECT ?, typeof(?1)", params: []any{math.NaN()}, rows: "NULL|'null'"},
		{name: "infinity stays", sql: "SELECT ?, ?", params: []any{math.Inf(1), math.Inf(-1)}, rows: "+Inff|-Inff"},
		{name: "null is NULL", sql: "SELECT ?, typeof(?1)", params: []any{nil}, rows: "NULL|'null'"},
		{name: "booleans are integers", sql: "SELECT ?, ?, typeof(?1)", params: []any{true, false}, rows: "1|0|'integer'"},
		{name: "text is TEXT", sql: "SELECT ?, typeof(?1)", params: []any{"höhe"}, rows: "'höhe'|'text'"},
		{name: "text keeps a NUL", sql: "SELECT ?, length(CAST(?1 AS BLOB))", params: []any{"a\x00b"}, rows: "'a\x00b'|3"},
		{name: "empty text is no NULL", sql: "SELECT ?, typeof(?1)", params: []any{""}, rows: "''|'text'"},
		{name: "bytes are BLOB", sql: "SELECT ?, typeof(?1)", params: []any{[]byte{0, 255}}, rows: "x'00ff'|'blob'"},
		{name: "no bytes are an empty BLOB", sql: "SELECT ?, typeof(?1)", params: []any{[]byte{}}, rows: "x''|'blob'"},
		{name: "columns convert what they get", setup: types, sql: "INSERT INTO t VALUES(?1,?1,?1,?1,?1) RETURNING *", params: []any{5.0}, rows: "5|5f|'5.0'|5f|5"},
		{name: "text that is a number goes into an INTEGER column as one", setup: types, sql: "INSERT INTO t(i) VALUES(?) RETURNING i", params: []any{"12"}, rows: "12"},
		{name: "LIMIT takes a float without a fraction", setup: "CREATE TABLE t(a)\nINSERT INTO t VALUES(1),(2)", sql: "SELECT a FROM t LIMIT ?", params: []any{1.0}, rows: "1"},
		{name: "LIMIT refuses a fraction", sql: "SELECT 1 LIMIT ?", params: []any{1.5}, err: "D1_ERROR: datatype mismatch: SQLITE_MISMATCH"},
		{name: "a float in text", sql: "SELECT '' || ?", params: []any{5.0}, rows: "'5.0'"},
		{name: "numbered parameters may repeat", sql: "SELECT ?2, ?1, ?2", params: []any{1, 2}, rows: "2|1|2"},
		{name: "named parameters go by position", sql: "SELECT :a, @b, $c, :a", params: []any{1, 2, 3}, rows: "1|2|3|1"},
		{name: "the highest number counts", sql: "SELECT ?3", params: []any{1, 2, 3}, rows: "3"},
		{name: "one too few", sql: "SELECT ?, ?", params: []any{1}, err: "D1_ERROR: Wrong number of parameter bindings for SQL query."},
		{name: "one too many", sql: "SELECT ?", params: []any{1, 2}, err: "D1_ERROR: Wrong number of parameter bindings for SQL query."},
		{name: "some where there are none", sql: "SELECT 1", params: []any{1}, err: "D1_ERROR: Wrong number of parameter bindings for SQL query."},
		{name: "none where there is one", sql: "SELECT ?", err: "D1_ERROR: Wrong number of parameter bindings for SQL query."},
		{name: "fewer than the highest number", sql: "SELECT ?3", params: []any{1}, err: "D1_ERROR: Wrong number of parameter bindings for SQL query."},
		{name: "a hundred", sql: "SELECT max(a) FROM (SELECT 1 AS a WHERE 1 IN (" + hundred + "))", params: many, rows: "1"},
		{name: "a hundred and one", sql: "SELECT 1 WHERE 1 IN (" + hundred + ",?)", params: append(many, 1), err: "D1_ERROR: too many SQL variables at offset 221: SQLITE_ERROR"},
		{name: "number a hundred", sql: "SELECT ?100", params: many, rows: "99"},
		{name: "number a hundred and one", sql: "SELECT ?101", params: append(many, 1), err: "D1_ERROR: variable number must be between ?1 and ?100 at offset 7: SQLITE_ERROR"},
	})
}

func TestResults(t *testing.T) {
	check(t, []sqlCase{
		{name: "every kind of value", sql: "SELECT 1, 1.5, 'a', x'01', NULL", rows: "1|1.5f|'a'|x'01'|NULL"},
		{name: "infinity", sql: "SELECT 1e999", rows: "+Inff"},
		{name: "text that is no UTF-8", sql: "SELECT CAST(x'61ff62' AS TEXT)", rows: "'a\ufffdb'"},
		{name: "long text that is no UTF-8", sql: "SELECT CAST(x'" + strings.Repeat("61", 100) + "ff' AS TEXT)", rows: "'" + strings.Repeat("a", 100) + "\ufffd'"},
		{name: "no rows", sql: "SELECT 1 WHERE 0", rows: ""},
		{name: "several rows", sql: "VALUES(1,2),(3,4)", rows: "1|2;3|4"},
	})
}

func TestColumnNames(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a, b)\nCREATE TABLE u(a)")
	for _, c := range []struct{ name, sql, want string }{
		{"names of columns", "SELECT a, b FROM t", "a b"},
		{"no rows have names too", "SELECT * FROM t WHERE 0", "a b"},
		{"the text of expressions", "SELECT 2+3, 'x'", "2+3 'x'"},
		{"the same name twice", "SELECT t.a, u.a FROM t, u", "a a"},
		{"aliases", "SELECT a AS ä FROM t", "ä"},
		{"none where there are no rows by nature", "INSERT INTO t VALUES(1,2)", ""},
		{"those of RETURNING", "INSERT INTO t VALUES(1,2) RETURNING b, a", "b a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				var names []string
				for _, n := range p.must(c.sql).Columns {
					names = append(names, string(n))
				}
				if got := strings.Join(names, " "); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			}
		})
	}
}

func TestAChangedTableIsSeenByStatementsThatAreKept(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a)\nINSERT INTO t VALUES(1)")
	for range 3 {
		p.rows("SELECT * FROM t")
	}
	p.must("ALTER TABLE t ADD COLUMN b DEFAULT 2")
	r := p.must("SELECT * FROM t")
	if len(r.Columns) != 2 || show(t, r) != "1|2" {
		t.Errorf("%q: %s", r.Columns, show(t, r))
	}
	p.mustExec("DROP TABLE t\nCREATE TABLE t(c)")
	if r := p.must("SELECT * FROM t"); len(r.Columns) != 1 || r.Columns[0] != "c" {
		t.Errorf("%q", r.Columns)
	}
}

func TestBadParametersAreRefused(t *testing.T) {
	p := newProbe(t)
	for _, c := range []struct {
		name   string
		params []byte
	}{
		{"an array", cbor.AppendArray(nil, 0)},
		{"a map", cbor.AppendMap(nil, 0)},
		{"cut short", []byte{0x62, 'a'}},
		{"text that is no UTF-8", []byte{0x61, 0xff}},
		{"an integer over 64 bits", []byte{0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{"undefined", []byte{0xf7}},
		{"a tag", cbor.AppendTag(nil, 1)},
		{"the second one", append(cbor.AppendInt(nil, 1), 0x80)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.batch(abi.D1Statement{SQL: "SELECT ?", Params: c.params})
			if !errors.Is(err, abi.CodeBadMessage) || !strings.HasPrefix(seen(err), "d1.query: statement 1: parameter ") {
				t.Error(err)
			}
		})
	}
}
