package main

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

func TestTheListNamesEveryStatement(t *testing.T) {
	f := pagesruntest.Start(t, pagesruntest.Config{D1: []string{"DB"}}, main)
	var list struct {
		Reports, Changes []struct{ Name, Title, SQL string }
	}
	r := f.Fetch("GET", "/", "")
	if err := json.Unmarshal([]byte(r.Body), &list); err != nil || len(list.Reports) != len(reports) || len(list.Changes) != len(changes) {
		t.Errorf("%v %s", err, r.Body)
	}
	seen := map[string]bool{}
	for _, e := range append(list.Reports, list.Changes...) {
		if seen[e.Name] || e.Title == "" || e.SQL == "" {
			t.Errorf("%+v", e)
		}
		seen[e.Name] = true
	}
}

func TestAReportIsColumnsAndRows(t *testing.T) {
	f := pagesruntest.Start(t, pagesruntest.Config{D1: []string{"DB"}}, main)
	r := f.Fetch("GET", "/reports/affinity", "")
	if r.Status != 200 || !strings.HasPrefix(r.Body, `{"columns":["a","b","c","d","e"`) || !strings.Contains(r.Body, `"rows":[["integer","real",3,3.5,-1,null`) {
		t.Errorf("%+v", r)
	}
	if r := f.Fetch("GET", "/reports/top-customers?limit=x", ""); r.Status != 400 || r.Body != `{"error":"limit must be a whole number, not \"x\""}`+"\n" {
		t.Errorf("%+v", r)
	}
}

func TestParametersHaveDefaultsAndTypes(t *testing.T) {
	r := report{params: []param{{"words", "tea"}, {"limit", 5}}}
	values, err := r.values(url.Values{"limit": {"-7"}})
	if err != nil || values[0] != "tea" || values[1] != int64(-7) {
		t.Errorf("%v %v", values, err)
	}
	if _, err := r.values(url.Values{"limit": {"1.5"}}); err == nil {
		t.Error("1.5 was taken for a whole number")
	}
}

func TestValuesKeepTheirTypesInDocuments(t *testing.T) {
	for want, v := range map[string]any{
		"null": nil, "-3": int64(-3), "2.0": 2.0, "0.1": 0.1, "1e+300": 1e300, `"a\"é"`: `a"é`, `{"hex":"00ff"}`: []byte{0, 255}, "9223372036854775807": int64(math.MaxInt64),
	} {
		if got := string(appendValue(nil, v)); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
