package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// pointCase is a rule of data points: what is written to a dataset of its own, and what is in it afterwards.
type pointCase struct {
	rule    string
	writes  []ask
	query   string // of the table DATA
	want    string
	dropped string // what the log says of the points that were dropped; empty where none was
}

// point asks the probe to write the point that the lines describe.
func point(lines ...string) ask {
	a := ask{op: "analytics.write"}
	for _, l := range lines {
		a.body += l + "\n"
	}
	return a
}

const (
	countPoints = "SELECT count() AS n FROM DATA"
	showPoints  = "SELECT index1, blob1, blob2, blob20, double1, double2, double20, _sample_interval FROM DATA ORDER BY double1"
)

func pointCases() []pointCase {
	const limit = "writeDataPoint(): "
	good := point("i good", "d 1")
	lines := func(line string, n int) ask {
		return point(strings.Split(strings.TrimSuffix(strings.Repeat(line+"\n", n), "\n"), "\n")...)
	}
	keeps := func(rule string, a ask) pointCase { return pointCase{rule, []ask{a}, countPoints, "1\n", ""} }
	drops := func(rule, text string, a ask) pointCase {
		return pointCase{rule, []ask{a, good}, "SELECT count() AS n, max(index1) AS i FROM DATA", "1\tgood\n", limit + text}
	}
	return []pointCase{
		{"index, blobs and doubles keep their places", []ask{point("i shop", "b /é", "b ", "b GET", "d 1.5", "d -2")}, "SELECT index1, blob1, blob2, blob3, blob4, double1, double2, double3, _sample_interval FROM DATA", "shop\t/é\t\tGET\t\t1.5\t-2\t0\t1\n", ""},
		{"an empty point has empty texts and zeros", []ask{point()}, showPoints, "\t\t\t\t0\t0\t0\t1\n", ""},
		{"a point may have doubles alone", []ask{point("d 3", "d 1e300")}, "SELECT double1, double2 > 9e299 AS b, index1 FROM DATA", "3\t1\t\n", ""},
		{"points of one event and of several are all there", []ask{good.with("n", "3"), point("d 2"), good.with("n", "2")}, "SELECT count() AS n, sum(double1) AS s FROM DATA", "6\t7\n", ""},
		keeps("an index of 95 bytes is kept", point("ix 95")), keeps("an index of 96 bytes is the longest", point("ix 96")),
		drops("an index over 96 bytes drops the point", "Size of indexes[0] exceeds 96 bytes).", point("ix 97", "d 5")),
		drops("the length of an index is counted in bytes", "Size of indexes[0] exceeds 96 bytes).", point("i "+strings.Repeat("é", 49))),
		drops("two indexes drop the point", "Maximum of 1 indexes supported.", point("i a", "i b")),
		keeps("19 blobs are kept", lines("b x", 19)),
		{"20 blobs are the most", []ask{lines("b x", 20)}, showPoints, "\tx\tx\tx\t0\t0\t0\t1\n", ""},
		drops("21 blobs drop the point", "Maximum of 20 blobs supported.", lines("b x", 21)),
		keeps("blobs of 15,999 bytes are kept", point("bx 15999")), keeps("blobs of 16,000 bytes together are the most", point("bx 15000", "bx 1000")),
		drops("blobs over 16,000 bytes together drop the point", "Cumulative size of blobs exceeds 16000 bytes).", point("bx 15000", "bx 1001")),
		keeps("19 doubles are kept", lines("d 1", 19)),
		{"20 doubles are the most", []ask{lines("d 7", 20)}, showPoints, "\t\t\t\t7\t7\t7\t1\n", ""},
		drops("21 doubles drop the point", "Maximum of 20 doubles supported.", lines("d 1", 21)),
		{"249 points of one event are kept", []ask{point("d 1").with("n", "249")}, countPoints, "249\n", ""},
		{"250 points of one event are the most", []ask{point("d 1").with("n", "250")}, countPoints, "250\n", ""},
		{"points beyond the 250th of one event are dropped", []ask{point("d 1").with("n", "253"), good}, countPoints, "251\n", limit + "Maximum of 250 data points per invocation."},
	}
}

func TestPointsThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	cases := pointCases()
	var config strings.Builder
	for i := range cases {
		fmt.Fprintf(&config, "[[analytics_engine_datasets]]\nbinding = \"D%d\"\ndataset = \"data%d\"\n", i, i)
	}
	for language, probe := range probes() {
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{"wrangler.toml": config.String()})
		s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "127.0.0.1:0")
		for i, c := range cases {
			for _, a := range c.writes {
				if answer := a.send(t, s.URL, fmt.Sprint("D", i)); answer != done {
					t.Errorf("%s, %s: %s", language, c.rule, answer)
				}
			}
		}
		for i, c := range cases {
			t.Run(language+", "+c.rule, func(t *testing.T) { c.check(t, s, dir, fmt.Sprint("data", i)) })
		}
	}
}

// check asks until the points are in the file, which takes a second.
func (c *pointCase) check(t *testing.T, s *process.Server, dir, dataset string) {
	query := strings.ReplaceAll(c.query, "DATA", dataset) + " FORMAT TabSeparated"
	eventually(t, patience, func() (string, bool) {
		answer := askSQL(t, s, dir, query)
		return fmt.Sprintf("%s: got %q, want %q", query, answer, c.want), answer == c.want
	})
	if c.dropped != "" {
		s.Line(c.dropped, patience)
	}
}

// askSQL asks the SQL interface.
func askSQL(t testing.TB, s *process.Server, dir, query string) string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, ".pagesrun", "analytics", "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("POST", s.AdminURL()+"/client/v4/accounts/any/analytics_engine/sql", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
