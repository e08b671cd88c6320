package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

func generated(t *testing.T, seed uint64, s sizes) string {
	t.Helper()
	var b bytes.Buffer
	out := bufio.NewWriter(&b)
	newCompany(seed, s).write(out)
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheSameSeedGivesTheSameRows(t *testing.T) {
	small := sizes{customers: 40, products: 30, orders: 500}
	one, again, other := generated(t, 1, small), generated(t, 1, small), generated(t, 2, small)
	if one != again {
		t.Error("two runs with one seed differ")
	}
	if one == other {
		t.Error("two seeds give the same")
	}
}

func TestStatementsStayShorterThanD1Takes(t *testing.T) {
	sql := generated(t, 1, sizes{customers: 900, products: 600, orders: 28_000})
	for statement := range strings.SplitSeq(sql, ";\n") {
		if len(statement) > 100_000 {
			t.Errorf("a statement has %d bytes: %.60s…", len(statement), statement)
		}
	}
	if rows := strings.Count(sql, "\n("); rows < 100_000 {
		t.Errorf("%d rows", rows)
	}
}

func TestLiteralsAreThoseOfSQL(t *testing.T) {
	for want, v := range map[string]any{"NULL": nil, "-5": -5, "2.0": 2.0, "0.125": 0.125, "'O''Rourke'": "O'Rourke"} {
		if got := literal(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
