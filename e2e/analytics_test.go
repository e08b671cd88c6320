package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// points asks the probe to write a point, described by lines, n times.
func points(n int, lines ...string) ask {
	return ask{op: "analytics.write", body: strings.Join(append(lines, ""), "\n")}.with("n", fmt.Sprint(n))
}

// metrics gives what the admin listener of a server measures.
func metrics(t testing.TB, s *process.Server) string {
	t.Helper()
	_, body := fetch(t, s.AdminURL()+"/metrics")
	return body
}

// soon waits for an answer.
func soon(t testing.TB, want string, ask func() string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		got := ask()
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
}

// askSQL asks the SQL interface of a server that runs in dir.
func askSQL(t testing.TB, s *process.Server, dir, query string) string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, ".pagesrun", "analytics", "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("POST", s.AdminURL()+"/client/v4/accounts/0123/analytics_engine/sql", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// pointCase is a point, and what becomes of it: a row, or the reason for which it is dropped and what the log says.
type pointCase struct {
	rule         string
	ask          ask
	stored       int
	row          string // of the first, in SQL's words
	dropped      int
	reason, line string
}

func pointCases() []pointCase {
	lines := func(n int, line string) []string { return slices.Repeat([]string{line}, n) }
	kept := func(rule, row string, lines ...string) pointCase {
		return pointCase{rule: rule, ask: points(1, lines...), stored: 1, row: row}
	}
	dropped := func(rule, reason, line string, lines ...string) pointCase {
		return pointCase{rule: rule, ask: points(1, lines...), dropped: 1, reason: reason, line: "writeDataPoint(): " + line}
	}
	long := strings.Repeat("x", 96)
	return []pointCase{
		kept("a point may be empty", "\t\t\t\t0\t0\t0\t1"),
		kept("a point has an index, blobs and doubles", "i\ta\tb\t\t1.5\t-2\t0\t1", "i i", "b a", "b b", "d 1.5", "d -2"),
		kept("an empty blob holds its place", "\t\tb\t\t0\t0\t0\t1", "b ", "b b"),
		kept("an index of 96 bytes is the longest", long+"\t\t\t\t0\t0\t0\t1", "ix 96"),
		dropped("an index of 97 bytes drops the point", "index_bytes", "Size of indexes[0] exceeds 96 bytes).", "ix 97"),
		dropped("a second index drops the point", "indexes", "Maximum of 1 indexes supported.", "i a", "i b"),
		kept("20 blobs are the most", "\tv\tv\tv\t0\t0\t0\t1", lines(20, "b v")...),
		dropped("a 21st blob drops the point", "blobs", "Maximum of 20 blobs supported.", lines(21, "b v")...),
		{rule: "blobs of 16,000 bytes are the longest", ask: points(1, lines(20, "bx 800")...), stored: 1},
		dropped("blobs of 16,001 bytes drop the point", "blob_bytes", "Cumulative size of blobs exceeds 16000 bytes).", append(lines(20, "bx 800")[1:], "bx 801")...),
		kept("20 doubles are the most", "\t\t\t\t7\t7\t7\t1", lines(20, "d 7")...),
		dropped("a 21st double drops the point", "doubles", "Maximum of 20 doubles supported.", lines(21, "d 7")...),
		{rule: "an event may write 249 points", ask: points(249), stored: 249},
		{rule: "an event may write 250 points", ask: points(250), stored: 250},
		{rule: "the 251st point of an event is dropped", ask: points(251), stored: 250, dropped: 1, reason: "points", line: "writeDataPoint(): Maximum of 250 data points per invocation."},
	}
}

func TestPointsThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cases := pointCases()
			var config strings.Builder
			for i := range cases {
				fmt.Fprintf(&config, "[[analytics_engine_datasets]]\nbinding = \"A%d\"\ndataset = \"a-%d\"\n", i, i)
			}
			writeFiles(t, dir, map[string]string{"wrangler.toml": config.String()})
			s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "127.0.0.1:0")
			for i, c := range cases {
				t.Run(c.rule, func(t *testing.T) { c.check(t, s, dir, i) })
			}
		})
	}
}

// check writes the points of a case to a dataset of its own and looks for them everywhere.
func (c *pointCase) check(t *testing.T, s *process.Server, dir string, i int) {
	wantAnswer(t, s, c.ask, fmt.Sprintf("A%d", i), "done\n")
	dataset := fmt.Sprintf("a-%d", i)
	if c.dropped > 0 {
		// A write is not waited for, so the event may end before its last point is dropped.
		want := fmt.Sprintf("pagesrun_analytics_dropped_points_total{dataset=%q,reason=%q} %d", dataset, c.reason, c.dropped)
		soon(t, "counted", func() string { return present(metrics(t, s), want, "counted") })
		if line := s.Line(c.line, patience); !strings.Contains(line, `"event":"`) {
			t.Errorf("the line does not name the event: %s", line)
		}
	}
	if c.stored == 0 {
		return
	}
	count := fmt.Sprintf("SELECT count() FROM %q FORMAT TabSeparated", dataset)
	soon(t, fmt.Sprintf("%d\n", c.stored), func() string { return askSQL(t, s, dir, count) })
	want := fmt.Sprintf("pagesrun_analytics_stored_points_total{dataset=%q} %d", dataset, c.stored)
	if got := metrics(t, s); !strings.Contains(got, want) {
		t.Errorf("%s is missing in\n%s", want, got)
	}
	row := fmt.Sprintf("SELECT index1, blob1, blob2, blob20, double1, double2, double20, _sample_interval FROM %q LIMIT 1 FORMAT TabSeparated", dataset)
	if got := askSQL(t, s, dir, row); c.row != "" && got != c.row+"\n" {
		t.Errorf("the row is %q, want %q", got, c.row)
	}
}

// present gives answer when a text contains another, and the text otherwise.
func present(text, part, answer string) string {
	if strings.Contains(text, part) {
		return answer
	}
	return text
}

func TestWhatWasStoredCanBeAskedForWithoutAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "[[analytics_engine_datasets]]\nbinding = \"VISITS\"\n"})
	run := func(args ...string) process.Result {
		return process.Command{Binary: pagesrunBinary.path(t), Dir: dir, Args: append([]string{"analytics"}, args...)}.Run(t)
	}
	if r := run("query", "SHOW TABLES"); r.Stdout != `{"meta":[{"name":"dataset","type":"String"}],"data":[],"rows":0}`+"\n" {
		t.Errorf("%+v", r)
	}
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "127.0.0.1:0")
	wantAnswer(t, s, points(3, "i a", "d 2"), "VISITS", "done\n")
	const count = "SELECT count(), sum(double1) FROM VISITS"
	ask := func() string { return run("query", count, "--format", "TabSeparated").Stdout }
	soon(t, "3\t6\n", ask)
	s.Kill()
	soon(t, "3\t6\n", ask)
	s = start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "127.0.0.1:0")
	wantAnswer(t, s, points(2, "i b", "d 1"), "VISITS", "done\n")
	if end := s.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
	if got := ask(); got != "5\t8\n" {
		t.Errorf("after the end: %q", got)
	}
	r := run("datasets")
	if fields := strings.Fields(r.Stdout); len(fields) < 12 || fields[5] != "VISITS" || fields[6] != "5" {
		t.Errorf("%+v", r)
	}
	if r := run("query", "SELECT * FROM VISITS JOIN b"); r.Code != 1 || r.Stderr != "pagesrun: line 1, column 22, at \"JOIN\": a query reads one table: joins are not supported\n" {
		t.Errorf("%+v", r)
	}
}
