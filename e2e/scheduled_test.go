package e2e_test

import (
	"net/url"
	"strings"
	"testing"
)

// TestTicksByHandThroughGuestsInEveryLanguage fires cron triggers the way a developer does; when they fire by themselves is tested in package cron.
func TestTicksByHandThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"wrangler.toml": "kv_namespaces = [{binding = \"SEEN\"}]\n[triggers]\ncrons = [\"*/5 * * * *\"]\n"})
			s := start(t, dir, "dev", probe.path(t), "--port", "0", "--admin", "off")
			rows := []struct {
				rule, query string
				status      int
				answer      string
				seen, log   string
			}{
				{"cron and time reach the handler", "cron=*/5+*+*+*+*&time=1790000000000", 200, "ok", "tick/*/5 * * * *", ""},
				{"an expression need not be configured", "cron=anything&time=5", 200, "ok", "tick/anything", ""},
				{"without cron and time they are empty and now", "", 200, "ok", "tick/", ""},
				{"a handler that throws is an exception", "cron=throw&time=1", 500, "exception", "tick/throw", "thrown by the tick"},
				{"a handler that traps is an exception", "cron=trap&time=1", 500, "exception", "tick/trap", ""},
			}
			if language == "Go" {
				rows = append(rows, rows[4])
				rows[5].rule, rows[5].query, rows[5].seen, rows[5].log = "work after the handler that fails is an exception", "cron=late&time=1", "tick/late", "late failure"
			}
			for _, row := range rows {
				status, answer := fetch(t, s.URL+"/cdn-cgi/handler/scheduled?"+row.query)
				if status != row.status || answer != row.answer {
					t.Errorf("%s: %d %q", row.rule, status, answer)
				}
				want := "value=due="
				if q, err := url.ParseQuery(row.query); err != nil {
					t.Error(err)
				} else if due := q.Get("time"); due != "" {
					want += due + " "
				}
				if got := get(row.seen).send(t, s.URL, "SEEN"); !strings.HasPrefix(got, want) {
					t.Errorf("%s: %q is %q, want %q", row.rule, row.seen, got, want)
				}
				if row.log != "" {
					s.Line(row.log, patience)
				}
			}
		})
	}
}

func TestAFunctionWithoutAScheduledHandler(t *testing.T) {
	t.Parallel()
	for name, hello := range map[string]*product{"Go": goHello, "C": cHello} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"wrangler.toml": "[triggers]\ncrons = [\"0 0 1 1 *\"]\n"})
			s := start(t, dir, "dev", hello.path(t), "--port", "0", "--admin", "off")
			if status, answer := fetch(t, s.URL+"/cdn-cgi/handler/scheduled?cron=x"); status != 500 || answer != "exception" {
				t.Errorf("%d %q", status, answer)
			}
			s.Line("Handler does not export a scheduled() function.", patience)
		})
	}
}
