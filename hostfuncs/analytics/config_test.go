package analytics

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/series"
)

// decode reads a configuration file. What is wrong with it comes without the folder of the file.
func decode(t *testing.T, text string) ([]*Resource, []string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "wrangler.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(config.Options{File: path, Sections: []string{Section}, LookupEnv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil }})
	list, more := Datasets(cfg)
	problems = append(problems, more...)
	problems.Sort()
	var texts []string
	for _, p := range problems {
		s := p.Error()
		texts = append(texts, s[strings.Index(s, "wrangler.toml"):])
	}
	return list, texts
}

func TestTheNameOfADatasetIsThatOfItsBindingUnlessGiven(t *testing.T) {
	list, problems := decode(t, `
[[analytics_engine_datasets]]
binding = "VISITS"
[[analytics_engine_datasets]]
binding = "ORDERS"
dataset = "shop-orders"
`)
	if len(problems) > 0 || len(list) != 2 {
		t.Fatal(list, problems)
	}
	for i, want := range [][3]string{{"VISITS", "VISITS", "dataset VISITS"}, {"ORDERS", "shop-orders", "dataset shop-orders"}} {
		if r := list[i]; r.BindingName() != want[0] || r.Dataset != want[1] || r.Describe() != want[2] {
			t.Errorf("got %+v", r)
		}
	}
	want := Settings{Series: series.Options{Dataset: "VISITS", Doubles: map[int]string{}, Bounds: DefaultBounds(), SeriesMax: SeriesMaxDefault}}
	want.Store.Retention, want.Store.MaxBytes = 92*24*time.Hour, 1<<30
	if !reflect.DeepEqual(list[0].Settings, want) {
		t.Errorf("the settings are %+v, want %+v", list[0].Settings, want)
	}
}

func TestSettingsOfADataset(t *testing.T) {
	list, problems := decode(t, `
[[analytics_engine_datasets]]
binding = "A"
dataset = "visits"
[[analytics_engine_datasets]]
binding = "B"
dataset = "visits"
[pagesrun.analytics.visits]
labels = { blob2 = "country", blob1 = "path", blob20 = "_x9" }
doubles = { double1 = "latency_ms", double20 = "größe" }
buckets = [-1, 0, 2.5, 100]
series_max = 500
retention_days = 7
max_bytes = 1048576
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Settings{Series: series.Options{
		Dataset: "visits", Labels: []series.Label{{Blob: 1, Name: "path"}, {Blob: 2, Name: "country"}, {Blob: 20, Name: "_x9"}},
		Doubles: map[int]string{1: "latency_ms", 20: "größe"}, Bounds: []float64{-1, 0, 2.5, 100}, SeriesMax: 500,
	}}
	want.Store.Retention, want.Store.MaxBytes = 7*24*time.Hour, 1<<20
	for _, r := range list {
		if !reflect.DeepEqual(r.Settings, want) {
			t.Errorf("the settings of %s are %+v, want %+v", r.Binding, r.Settings, want)
		}
	}
}

func TestWhatIsWrongIsNamedWithItsPlace(t *testing.T) {
	const dataset = "[[analytics_engine_datasets]]\nbinding = \"A\"\n"
	const table = dataset + "[pagesrun.analytics.A]\n"
	for _, c := range []struct{ name, text, want string }{
		{"a binding is required", "[[analytics_engine_datasets]]\ndataset = \"x\"\n", `wrangler.toml:1: analytics_engine_datasets[0].binding: is required and must be a string`},
		{"a dataset is not empty", dataset + `dataset = ""`, `wrangler.toml:3: analytics_engine_datasets[0].dataset: must not be empty`},
		{"a dataset is not too long", dataset + `dataset = "` + strings.Repeat("x", 65) + `"`, `wrangler.toml:3: analytics_engine_datasets[0].dataset: must have at most 64 bytes, not 65`},
		{"an unknown key", dataset + `datasets = "x"`, `wrangler.toml:3: analytics_engine_datasets[0].datasets: Unexpected fields found in analytics_engine_datasets[0] field: "datasets". Did you mean "dataset"?`},
		{"no array", `analytics_engine_datasets = "x"`, `wrangler.toml:1: analytics_engine_datasets: must be an array of tables, not a string`},
		{"a remote dataset", dataset + `remote = true`, `wrangler.toml:3: analytics_engine_datasets[0].remote: is not supported: pagesrun keeps all data on this machine`},
		{"a table for a dataset that is not there", dataset + "[pagesrun.analytics.B]\n", `wrangler.toml:3: pagesrun.analytics.B: no entry of analytics_engine_datasets has the dataset "B"; there is A`},
		{"a table where there are no datasets", "[pagesrun.analytics.B]\n", `wrangler.toml:1: pagesrun.analytics.B: no entry of analytics_engine_datasets has the dataset "B"; there are none`},
		{"an unknown setting", table + `labls = {}`, `wrangler.toml:4: pagesrun.analytics.A.labls: Unexpected fields found in pagesrun.analytics.A field: "labls". Did you mean "labels"?`},
		{"a blob that is not there", table + `labels = { blob21 = "x" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.blob21: Unexpected fields found in pagesrun.analytics.A.labels field: "blob21". Did you mean "blob1"?`},
		{"a double as a label", table + `labels = { double1 = "x" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.double1: Unexpected fields found in pagesrun.analytics.A.labels field: "double1"`},
		{"a label with a sign", table + `labels = { blob1 = "a-b" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.blob1: must be the name of a Prometheus label (letters, digits and _, not beginning with a digit or __), not "a-b"`},
		{"a label of Prometheus's own", table + `labels = { blob1 = "__name__" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.blob1: must be the name of a Prometheus label (letters, digits and _, not beginning with a digit or __), not "__name__"`},
		{"a label that is there already", table + `labels = { blob1 = "index1" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.blob1: cannot be "index1", a label that the metrics have already`},
		{"a label given twice", table + `labels = { blob1 = "x", blob2 = "x" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.blob2: "x" is the label of blob1 already`},
		{"an empty label", table + `labels = { blob1 = "" }`, `wrangler.toml:4: pagesrun.analytics.A.labels.blob1: must not be empty`},
		{"a double's name given twice", table + `doubles = { double1 = "x", double2 = "x" }`, `wrangler.toml:4: pagesrun.analytics.A.doubles.double2: "x" is the name of double1 already`},
		{"a double called like another", table + `doubles = { double1 = "double2" }`, `wrangler.toml:4: pagesrun.analytics.A.doubles.double1: cannot be "double2", the name of another double`},
		{"buckets that fall", table + `buckets = [2, 1]`, `wrangler.toml:4: pagesrun.analytics.A.buckets: must be an array of up to 64 rising numbers`},
		{"buckets that do not rise", table + `buckets = [1, 1.0]`, `wrangler.toml:4: pagesrun.analytics.A.buckets: must be an array of up to 64 rising numbers`},
		{"an infinite bucket", table + `buckets = [1, inf]`, `wrangler.toml:4: pagesrun.analytics.A.buckets: must be an array of up to 64 rising numbers`},
		{"a bucket that is no number", table + `buckets = ["1"]`, `wrangler.toml:4: pagesrun.analytics.A.buckets: must be an array of up to 64 rising numbers`},
		{"too many series", table + `series_max = 1000001`, `wrangler.toml:4: pagesrun.analytics.A.series_max: must be between 1 and 1000000, not 1000001`},
		{"no series", table + `series_max = 0`, `wrangler.toml:4: pagesrun.analytics.A.series_max: must be between 1 and 1000000, not 0`},
		{"no time", table + `retention_days = 0`, `wrangler.toml:4: pagesrun.analytics.A.retention_days: must be between 1 and 36600, not 0`},
		{"no room", table + `max_bytes = 1048575`, `wrangler.toml:4: pagesrun.analytics.A.max_bytes: must be between 1048576 and 1125899906842624, not 1048575`},
	} {
		if _, got := decode(t, c.text); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestWithoutBucketsThereAreNoBounds(t *testing.T) {
	list, problems := decode(t, "[[analytics_engine_datasets]]\nbinding = \"A\"\n[pagesrun.analytics.A]\nbuckets = []\n")
	if len(problems) > 0 || len(list[0].Settings.Series.Bounds) != 0 {
		t.Error(list, problems)
	}
}
