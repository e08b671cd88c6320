package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// startPrometheus starts a Prometheus that scrapes the targets, by job, and gives its URL.
func startPrometheus(t *testing.T, targets map[string]string) string {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is needed; \"scripts/setup test\" installs it:", err)
	}
	dir := t.TempDir()
	var config strings.Builder
	config.WriteString("global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\nscrape_configs:\n")
	for job, address := range targets {
		fmt.Fprintf(&config, "  - job_name: %s\n    static_configs:\n      - targets: [%q]\n", job, address)
	}
	writeFiles(t, dir, map[string]string{"prometheus.yml": config.String()})
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	address := "127.0.0.1:" + freePort(t)
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("prometheus: %s", text)
		}
	})
	return "http://" + address
}

// promQL gives the answer to a query: a line for each series, with the labels asked for and the value.
func promQL(t *testing.T, server, query string, labels ...string) string {
	t.Helper()
	resp, err := http.Get(server + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return err.Error() // it may be starting
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err.Error()
	}
	lines := []string{}
	for _, r := range answer.Data.Result {
		line := ""
		for _, l := range labels {
			line += r.Metric[l] + " "
		}
		lines = append(lines, line+fmt.Sprint(r.Value[1]))
	}
	slices.Sort(lines)
	return strings.TrimSpace(answer.Error + strings.Join(lines, "\n"))
}

func TestPrometheusAnswersAboutPointsThatGuestsWrote(t *testing.T) {
	t.Parallel()
	targets := map[string]string{}
	for language, probe := range probes() {
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{"wrangler.toml": `
[[analytics_engine_datasets]]
binding = "VISITS"
dataset = "visits"
[pagesrun.analytics.visits]
labels = { blob2 = "country" }
doubles = { double1 = "latency_ms" }
buckets = [10, 100]
`})
		s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "127.0.0.1:0")
		wantAnswer(t, s, points(3, "i shop", "b /", "b DE", "d 5"), "VISITS", "done\n")
		wantAnswer(t, s, points(1, "i shop", "b /cart", "b DE", "d 50"), "VISITS", "done\n")
		wantAnswer(t, s, points(2, "i blog", "b /", "b FR", "d 500", "d 1"), "VISITS", "done\n")
		targets[language] = strings.TrimPrefix(s.AdminURL(), "http://")
	}
	server := startPrometheus(t, targets)
	for _, c := range []struct {
		query, want string
		labels      []string
	}{
		{"pagesrun_analytics_points_total{dataset='visits',index1='shop'}", inEachLanguage("%s DE 4"), []string{"job", "country"}},
		{"sum by (index1) (pagesrun_analytics_points_total)", fmt.Sprintf("blog %d\nshop %d", 2*len(targets), 4*len(targets)), []string{"index1"}},
		{"pagesrun_analytics_sum{job='Go'}", "blog double2 2\nblog latency_ms 1000\nshop latency_ms 65", []string{"index1", "double"}},
		{"pagesrun_analytics_values_sum{index1='shop'} / pagesrun_analytics_values_count", inEachLanguage("%s 16.25"), []string{"job"}},
		{"histogram_quantile(0.5, sum by (le) (pagesrun_analytics_values_bucket{double='latency_ms',index1='shop'}))", "6.666666666666666", nil},
		{"pagesrun_analytics_series", inEachLanguage("%s 2"), []string{"job"}},
	} {
		soon(t, c.want, func() string { return promQL(t, server, c.query, c.labels...) })
	}
}

// inEachLanguage is a line for each language that has a probe, in the order of their names.
func inEachLanguage(format string) string {
	var lines []string
	for _, language := range slices.Sorted(maps.Keys(probes())) {
		lines = append(lines, fmt.Sprintf(format, language))
	}
	return strings.Join(lines, "\n")
}

// freePort gives a port that nobody uses now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
