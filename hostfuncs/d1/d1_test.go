package d1

import (
	"fmt"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestSmoke(t *testing.T) {
	d, err := OpenDatabase(t.Context(), Options{Dir: t.TempDir()}, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, sql := range []string{"create table t(a integer primary key, b text unique)", "insert into t(b) values('x'),('y')", "select * from t", `select "abc"`, "selec", "PRAGMA journal_mode", "BEGIN",
		"create virtual table f using fts5(a)", "insert into f values('hello world')", "select * from f where f match 'hello'", "alter table t rename column b to c", "alter table t add column d", "alter table t drop column d", "alter table t rename to t2",
		"select sqlite_version()", "pragma case_sensitive_like=on", "select 'A' like 'a'", "select changes(), last_insert_rowid()", "vacuum", "insert into t2(c) values('x')", "select json_each.value from json_each('[1,2]')", "pragma table_info(t2)", "select * from pragma_table_info('t2')", "delete from t2", "PRAGMA optimize", "select * from sqlite_master", "explain select 1", "attach 'x' as y", "create temp table z(a)"} {
		r, err := d.Query(t.Context(), &abi.D1QueryRequest{Statements: []abi.D1Statement{{SQL: abi.ByteString(sql)}}})
		if err != nil {
			fmt.Println(sql, "=>", err)
			continue
		}
		fmt.Printf("%s => %q %x %+v %s\n", sql, r.Results[0].Columns, r.Results[0].Rows, r.Results[0].Meta, r.Bookmark)
	}
}
