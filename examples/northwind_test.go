package examples_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// northwindReport is one entry of the example's list.
type northwindReport struct {
	Name, Title, SQL string
	Params           []struct {
		Name  string
		Value any
	}
}

// northwindGo loads the generated orders both into pagesrun and into a file of the sqlite3 shell, and asks both everything.
func northwindGo(t *testing.T, e example) {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatal("sqlite3 is not installed; scripts/setup test installs it")
	}
	orders, rows := generate(t, e)
	if rows < 100_000 {
		t.Errorf("the generator has written %d rows, want at least 100,000", rows)
	}
	peer := sqliteShell{shell, filepath.Join(t.TempDir(), "peer.sqlite")}
	peer.run(t, orders, "-bail")
	e.load(t, orders)
	s := e.serve(t)
	list := northwindList(t, s)
	if n := len(list.Reports) + len(list.Changes); n < 15 {
		t.Errorf("there are %d statements, want at least 15", n)
	}
	for _, r := range list.Reports {
		r.compare(t, peer, "GET", s.URL+"/reports/"+r.Name)
	}
	for _, r := range append(list.Changes, list.Changes...) { // the second time finds what the first has done
		r.compare(t, peer, "POST", s.URL+"/changes/"+r.Name)
	}
	for _, r := range list.Reports {
		r.compare(t, peer, "GET", s.URL+"/reports/"+r.Name)
	}
	northwindRefuses(t, s)
}

// generate runs the example's generator and gives its SQL and how many rows are in it.
func generate(t *testing.T, e example) (sql string, rows int) {
	t.Helper()
	cmd := exec.Command("go", "run", "./generate")
	cmd.Dir, cmd.Stderr = e.folder, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out), strings.Count(string(out), "\n(")
}

// load puts SQL into the example's database with the command for that.
func (e example) load(t *testing.T, sql string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.sql")
	if err := os.WriteFile(file, []byte(sql), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"d1", "execute", "DB", "--file", file, "--persist-to", e.data, "--config", filepath.Join(e.folder, "wrangler.toml")}
	if r := (process.Command{Binary: filepath.Join(built, "pagesrun"), Dir: e.data, Args: args}).Run(t); r.Code != 0 {
		t.Fatalf("exit status %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}

type northwindReports struct{ Reports, Changes []northwindReport }

func northwindList(t *testing.T, s *process.Server) (list northwindReports) {
	t.Helper()
	_, body := call(t, "GET", s.URL+"/", "")
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return list
}

// compare asks the example and the shell the same.
func (r northwindReport) compare(t *testing.T, peer sqliteShell, method, url string) {
	t.Helper()
	resp, body := call(t, method, url, "")
	var got struct {
		Columns []string
		Rows    [][]any
	}
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&got); err != nil || resp.StatusCode != 200 {
		t.Errorf("%s: %d %v\n%s", r.Name, resp.StatusCode, err, body)
		return
	}
	columns, want := peer.ask(t, r)
	if !slices.Equal(got.Columns, columns) && len(got.Rows) > 0 {
		t.Errorf("%s: columns %q, sqlite3 has %q", r.Name, got.Columns, columns)
	}
	if len(got.Rows) != len(want) || len(want) == 0 && method == "GET" {
		t.Errorf("%s: %d rows, sqlite3 has %d", r.Name, len(got.Rows), len(want))
		return
	}
	for i, row := range got.Rows {
		for j, value := range row {
			if !same(value, want[i][j]) {
				t.Errorf("%s: row %d, %s: %v, sqlite3 has %s", r.Name, i, got.Columns[j], value, want[i][j])
			}
		}
	}
}

// same compares a value of the example's document with a literal of the shell. Both must be of one type; integers, texts and blobs must be equal.
//
// So must REAL values, up to the last of their 53 bits or so: SQLite adds REAL values with compensation since version 3.43 (Debian's may be older),
// and the logarithm in the ranking of FTS5 is the mathematical library's.
func same(got any, literal string) bool {
	switch v := got.(type) {
	case nil:
		return literal == "NULL"
	case string:
		return literal == "'"+strings.ReplaceAll(v, "'", "''")+"'"
	case map[string]any:
		b, err := hex.DecodeString(fmt.Sprint(v["hex"]))
		return err == nil && strings.EqualFold(literal, fmt.Sprintf("X'%x'", b))
	case json.Number:
		if !strings.ContainsAny(v.String(), ".e") {
			return literal == v.String()
		}
		x, err1 := v.Float64()
		y, err2 := strconv.ParseFloat(literal, 64)
		return err1 == nil && err2 == nil && strings.ContainsAny(literal, ".e") && math.Abs(x-y) <= 1e-15*4*math.Abs(y)
	}
	return false
}

// northwindRefuses checks what the example does not take.
func northwindRefuses(t *testing.T, s *process.Server) {
	t.Helper()
	for _, row := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"GET", "/reports/top-customers?limit=ten", 400, "limit must be a whole number"},
		{"GET", "/reports/search?words=%22", 400, "D1_ERROR: "},
		{"POST", "/changes/count-stock?product=1000000", 400, "D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"},
		{"POST", "/reports/search", 405, ""},
		{"GET", "/reports/none", 404, ""},
	} {
		if resp, body := call(t, row.method, s.URL+row.path, ""); resp.StatusCode != row.status || !strings.Contains(body, row.text) {
			t.Errorf("%s %s: %d %s, want %d %q", row.method, row.path, resp.StatusCode, body, row.status, row.text)
		}
	}
}

// sqliteShell is Debian's sqlite3 with a database file.
type sqliteShell struct{ program, file string }

// Separators that occur in no value.
const (
	columnEnd = "\x1f"
	rowEnd    = "\x1e"
)

func (s sqliteShell) run(t *testing.T, input string, flags ...string) string {
	t.Helper()
	cmd := exec.Command(s.program, append(flags, s.file)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return string(out)
}

// ask runs a report and gives the names of the columns and each row's values as SQL literals.
func (s sqliteShell) ask(t *testing.T, r northwindReport) (columns []string, rows [][]string) {
	t.Helper()
	var in strings.Builder
	fmt.Fprintln(&in, ".bail on\nPRAGMA foreign_keys = ON;")
	for i, p := range r.Params {
		value := fmt.Sprint(p.Value)
		if text, ok := p.Value.(string); ok {
			value = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		}
		fmt.Fprintf(&in, "INSERT INTO temp.sqlite_parameters (key, value) VALUES ('?%d', %s);\n", i+1, value)
	}
	setup := ".parameter init\n.mode quote\n.headers on\n.separator " + strconv.Quote(columnEnd) + " " + strconv.Quote(rowEnd) + "\n"
	setup = strings.NewReplacer(`\x1f`, `\037`, `\x1e`, `\036`).Replace(setup)
	out := s.run(t, setup+in.String()+r.SQL+";\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(out, rowEnd), rowEnd) {
		rows = append(rows, strings.Split(line, columnEnd))
	}
	for _, name := range rows[0] {
		columns = append(columns, strings.Trim(name, "'"))
	}
	return columns, rows[1:]
}
