package e2e_test

import (
	"fmt"
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
