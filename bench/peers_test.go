package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const wrkAnswer = `Running 1s test @ http://127.0.0.1:9912/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   649.76us    1.93ms  21.76ms   95.58%
    Req/Sec    25.48k     6.24k   30.21k    80.00%
  Latency Distribution
     50%  231.00us
     75%  294.00us
     90%  785.00us
     99%   11.02ms
  25371 requests in 1.00s, 5.27MB read
Requests/sec:  25344.92
Transfer/sec:      5.27MB
`

func TestWrkIsReadOrRefused(t *testing.T) {
	l, requests, err := parseWrk(wrkAnswer)
	if err != nil || requests != 25371 || l.perSecond != 25344.92 || l.p50MS != 0.231 || l.p99MS != 11.02 {
		t.Errorf("%+v, %v requests, %v", l, requests, err)
	}
	for name, text := range map[string]string{
		"answers that are no 2xx":    wrkAnswer + "  Non-2xx or 3xx responses: 3\n",
		"connections that broke":     wrkAnswer + "  Socket errors: connect 0, read 1, write 0, timeout 0\n",
		"no request at all":          strings.Replace(wrkAnswer, "25371 requests", "0 requests", 1),
		"no rate":                    strings.Replace(wrkAnswer, "Requests/sec", "Rate", 1),
		"no percentile":              strings.Replace(wrkAnswer, "99%", "98%", 1),
		"no median":                  strings.Replace(wrkAnswer, "50%", "51%", 1),
		"nothing":                    "",
		"a rate that is no number":   strings.Replace(wrkAnswer, "25344.92", "25.344.92", 1),
		"a time that is no duration": strings.Replace(wrkAnswer, "11.02ms", "1.1.02ms", 1),
	} {
		if l, _, err := parseWrk(text); err == nil {
			t.Errorf("%s: read as %+v", name, l)
		}
	}
}

func TestWrkGetsNoMoreThreadsThanConnections(t *testing.T) {
	one := pressure{connections: 1, path: "/hello"}.arguments("http://h:1/", time.Second)
	if want := []string{"-t1", "-c1", "-d1s", "--latency", "--timeout", wrkTimeout, "http://h:1/hello"}; !slices.Equal(one, want) {
		t.Errorf("%q", one)
	}
	scripted := pressure{connections: 8, path: "/kv/get", script: "keys.lua"}.arguments("http://h:1/", 2*time.Second)
	if want := []string{"-t2", "-c8", "-d2s", "--latency", "--timeout", wrkTimeout, "-s", "keys.lua", "http://h:1/", "--", "/kv/get"}; !slices.Equal(scripted, want) {
		t.Errorf("%q", scripted)
	}
}

func TestTurnsAreReadOrRefused(t *testing.T) {
	e, err := parseTurn("4 2000000 3000000\n")
	if err != nil || e.n != 4 || e.cpuEach() != 500 || e.elapsedEach() != 750 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, line := range []string{"", "\n", "0 1 1\n", "-1 1 1\n", "1 1\n", "1 -1 1\n", "one 1 1\n"} {
		if e, err := parseTurn(line); err == nil {
			t.Errorf("%q: read as %+v", line, e)
		}
	}
}

func TestProcessFilesAreRead(t *testing.T) {
	d, err := statTime("12 (a) b (c)) S 1 12 12 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0")
	if err != nil || d != 120*time.Millisecond {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := statTime("12 (a) S 1"); err == nil {
		t.Error("a short stat was read")
	}
	if mib, err := statusMiB("Name:\tx\nVmRSS:\t    2048 kB\n", "VmRSS"); err != nil || mib != 2 {
		t.Errorf("%v, %v", mib, err)
	}
	if _, err := statusMiB("Name:\tx\n", "VmRSS"); err == nil {
		t.Error("a line that is not there was read")
	}
}

// hellos are three servers: pagesrun twice as fast as bare in every round, with a tenth of its memory.
func hellos() []*hello {
	at := func(rates ...float64) map[int][]load {
		var loads []load
		for _, r := range rates {
			loads = append(loads, load{perSecond: r})
		}
		return map[int][]load{1: loads, mostConnections: loads}
	}
	return []*hello{
		{helloServer: helloServer{name: pagesrunC}, loads: at(20, 40, 600)},
		{helloServer: helloServer{name: bareName, like: []string{pagesrunC, pagesrunGo}, goal: atLeast(3)}, loads: at(10, 20, 300)},
	}
}

func TestRatiosAreMadeRoundByRoundAndHeldToTheirGoals(t *testing.T) {
	rows := helloRows(hellos(), mostConnections)
	if r := rows[0]; r.Name != "64 connections: pagesrun, C over bare net/http" || r.Median != 2 || r.Least != 2 || r.Most != 2 || r.Promise != "≥ 3" || r.Verdict != "does not hold" {
		t.Errorf("%+v", r)
	}
	if r := helloRows(hellos(), 1)[0]; r.Promise != "" || !strings.HasPrefix(r.Name, "1 connection: ") {
		t.Errorf("%+v", r)
	}
	if want := 1 + 3*2; len(rows) != want { // a side that does not run has no rows
		t.Errorf("%d rows, not %d", len(rows), want)
	}
	found := operationRows([]bindingsServer{{&server{name: "pagesrun"}, false}, {&server{name: "other"}, true}},
		[][]load{{{perSecond: 30}, {perSecond: 50}}, {{perSecond: 10}, {perSecond: 10}}}, comparison{name: "KV get", goal: atLeast(2)})
	if r := found[0]; r.Name != "KV get: pagesrun over other" || r.Median != 4 || r.Least != 3 || r.Most != 5 || r.Verdict != "holds" {
		t.Errorf("%+v", r)
	}
}

func sampleReport() *report {
	return &report{Time: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), Machine: "a machine", Go: "go1", Facts: []string{"Linux 6", "wrk 4"}, Sections: []*section{{
		Name: "peers", part: partPeers, Definition: "What it is.",
		Rows: []row{newRow("a over b", "×", samples{2, 4, 3}, atLeast(2)), missing("c", errors.New("it is\nnot there"))},
	}}}
}

func TestMarkdownHasEveryFigureAndEveryReason(t *testing.T) {
	want := `2026-05-04, a machine, go1; Linux 6; wrk 4.

### peers

What it is.

| figure | median | least – most | goal | |
|---|---:|---:|---|---|
| a over b | 3.00 × | 2.00 – 4.00 | ≥ 2 | holds |

Not run:

- c: it is not there
`
	if got := sampleReport().markdown(partPeers, ""); got != want {
		t.Errorf("%s", got)
	}
	quick := sampleReport()
	if quick.Quick = true; !strings.Contains(quick.markdown(partPeers, ""), "not a measurement") {
		t.Error("a quick run is not said to be one")
	}
}

func TestMarkdownGoesBetweenItsMarkersOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "document.md")
	markdownBegin, markdownEnd := partPeers.marks()
	for range 2 { // the second time it replaces the first
		if _, err := os.Stat(path); err != nil {
			if err := os.WriteFile(path, []byte("before\n"+markdownBegin+"old\n"+markdownEnd+"after\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := sampleReport().writeMarkdown(path, ""); err != nil {
			t.Fatal(err)
		}
		if got, want := content(t, path), "before\n"+markdownBegin+sampleReport().markdown(partPeers, "")+markdownEnd+"after\n"; got != want {
			t.Errorf("%s", got)
		}
	}
	unmarked := filepath.Join(dir, "unmarked.md")
	if err := os.WriteFile(unmarked, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sampleReport().writeMarkdown(unmarked, ""); err == nil || content(t, unmarked) != "mine\n" {
		t.Errorf("a document without markers: %v, %q", err, content(t, unmarked))
	}
	fresh := filepath.Join(dir, "fresh.md")
	if err := sampleReport().writeMarkdown(fresh, ""); err != nil || !strings.Contains(content(t, fresh), "a over b") {
		t.Errorf("a new document: %v", err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPeersRunOnlyWhenNamed(t *testing.T) {
	usual, err := choose("")
	if err != nil || slices.ContainsFunc(usual, func(m measurement) bool { return m.part == partPeers }) {
		t.Errorf("%v, %v", usual, err)
	}
	for list, want := range map[string]int{"peers-http": 1, "peers": 4, "growth,kv": 6} {
		if named, err := choose(list); err != nil || len(named) != want {
			t.Errorf("%s: %d, %v", list, len(named), err)
		}
	}
	if _, err := choose("peer"); err == nil {
		t.Error("what there is not was chosen")
	}
}

func TestVersionsOfModulesAreFacts(t *testing.T) {
	b := &bench{}
	for range 2 {
		b.fact(modulesOf(filepath.Join("peers", "go.mod"), "github.com/tetratelabs/wazero", "github.com/extism/go-sdk")...)
	}
	if len(b.facts) != 2 || !strings.HasPrefix(b.facts[0], "extism/go-sdk v") || !strings.HasPrefix(b.facts[1], "tetratelabs/wazero v") {
		t.Errorf("%q", b.facts)
	}
}
