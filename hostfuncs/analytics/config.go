package analytics

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/series"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
)

// Section is the key of the configuration that this binding decodes.
const Section = "analytics_engine_datasets"

// Defaults and bounds of the table "pagesrun.analytics".
const (
	// SeriesMaxDefault is how many series a dataset has at most, where the configuration does not say.
	SeriesMaxDefault = 20_000
	// RetentionDaysDefault is how long points are kept: three months, as on the platform.
	RetentionDaysDefault = 92
	// MaxBytesDefault is how much the points of a dataset may take on the disk.
	MaxBytesDefault = 1 << 30
	// MaxBytesMin is the least that can be asked for.
	MaxBytesMin = 1 << 20

	// bucketsMax is how many buckets a histogram may have.
	bucketsMax = 64
)

// DefaultBounds are the upper bounds of a histogram's buckets: right for durations in milliseconds, and of use for most other things.
func DefaultBounds() []float64 {
	return []float64{1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000}
}

// Settings are what the table pagesrun.analytics.<dataset> says about a dataset.
type Settings struct {
	// Series say which metrics are made of the points.
	Series series.Options
	// Store says how long and how many points are kept.
	Store store.Limits
}

// Resource is one entry of analytics_engine_datasets.
type Resource struct {
	// Binding is the name guests use.
	Binding string
	// Dataset is the name of the dataset; entries with the same one write to the same dataset.
	Dataset string
	// Settings are those of the dataset.
	Settings Settings
	// Pos is where the entry was written.
	Pos config.Pos
}

// BindingName is the name guests use.
func (r *Resource) BindingName() string { return r.Binding }

// Position is where the entry was written.
func (r *Resource) Position() config.Pos { return r.Pos }

// Describe names the dataset in the table shown at start.
func (r *Resource) Describe() string { return "dataset " + r.Dataset }

// Datasets reads analytics_engine_datasets and the table pagesrun.analytics.
func Datasets(c *config.Config) ([]*Resource, config.Problems) {
	var problems config.Problems
	var list []*Resource
	config.EachTable(c.Section(Section), c.Key(Section), &problems, func(t *config.Table) {
		list = append(list, decodeDataset(t))
	})
	decodeSettings(c, list, &problems)
	return list, problems
}

func decodeDataset(t *config.Table) *Resource {
	r := &Resource{Binding: t.String("binding", config.Required), Dataset: t.String("dataset", config.Optional), Pos: t.Pos()}
	if len(r.Binding) > abi.TargetBytesMax {
		t.Fail("binding", "must have at most %d bytes, not %d", abi.TargetBytesMax, len(r.Binding))
	}
	switch {
	case r.Dataset == "" && t.Has("dataset"):
		t.Fail("dataset", "must not be empty")
	case r.Dataset == "":
		r.Dataset = r.Binding
	}
	if err := store.CheckName(r.Dataset); err != nil && r.Dataset != "" {
		t.Fail("dataset", "%v", err)
	}
	if t.Bool("remote", false) {
		t.Warn("remote", "is not supported: pagesrun keeps all data on this machine")
	}
	t.RejectUnknown()
	return r
}

// decodeSettings reads the table pagesrun.analytics into the datasets it is about.
func decodeSettings(c *config.Config, list []*Resource, problems *config.Problems) {
	t := config.NewTable(c.Pagesrun.Analytics, c.Key("pagesrun")+".analytics", problems)
	settings := map[string]Settings{}
	names := make([]string, 0, len(list))
	for _, r := range list {
		if _, done := settings[r.Dataset]; !done {
			settings[r.Dataset] = decodeOne(t.Table(r.Dataset), r.Dataset)
			names = append(names, r.Dataset)
		}
		r.Settings = settings[r.Dataset]
	}
	if c.Pagesrun.Analytics == nil {
		return
	}
	for _, e := range c.Pagesrun.Analytics.Table {
		if !slices.Contains(names, e.Key) {
			problems.Add(e.Pos, t.Path(e.Key), "no entry of %s has the dataset %q; there %s", Section, e.Key, known(names))
		}
	}
}

// known lists names in the middle of a sentence.
func known(names []string) string {
	if len(names) == 0 {
		return "are none"
	}
	return "is " + strings.Join(names, ", ")
}

// decodeOne reads the table of one dataset.
func decodeOne(t *config.Table, dataset string) Settings {
	const day, year = 24 * time.Hour, 366
	s := Settings{Series: series.Options{Dataset: dataset, Labels: decodeLabels(t), Doubles: decodeDoubles(t), Bounds: decodeBuckets(t)}}
	s.Series.SeriesMax = int(t.Int("series_max", SeriesMaxDefault, 1, 1_000_000))
	s.Store.Retention = time.Duration(t.Int("retention_days", RetentionDaysDefault, 1, 100*year)) * day
	s.Store.MaxBytes = t.Int("max_bytes", MaxBytesDefault, MaxBytesMin, 1<<50)
	t.RejectUnknown()
	return s
}

var (
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// ownLabels have a meaning already.
	ownLabels = []string{"dataset", "index1", "double", "le"}
)

// decodeLabels reads which blobs are labels: labels = { blob1 = "country" }.
func decodeLabels(t *config.Table) []series.Label {
	var labels []series.Label
	byName := map[string]string{}
	eachColumn(t, "labels", "blob", abi.AnalyticsBlobsMax, func(table *config.Table, key string, number int) {
		name := table.String(key, config.Required)
		switch {
		case name == "":
			return
		case !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
			table.Fail(key, "must be the name of a Prometheus label (letters, digits and _, not beginning with a digit or __), not %q", name)
		case slices.Contains(ownLabels, name):
			table.Fail(key, "cannot be %q, a label that the metrics have already", name)
		case byName[name] != "":
			table.Fail(key, "%q is the label of %s already", name, byName[name])
		}
		byName[name] = key
		labels = append(labels, series.Label{Blob: number, Name: name})
	})
	slices.SortFunc(labels, func(a, b series.Label) int { return a.Blob - b.Blob })
	return labels
}

// decodeDoubles reads what doubles are called: doubles = { double1 = "latency_ms" }.
func decodeDoubles(t *config.Table) map[int]string {
	names, byName := map[int]string{}, map[string]string{}
	eachColumn(t, "doubles", "double", abi.AnalyticsDoublesMax, func(table *config.Table, key string, number int) {
		name := table.String(key, config.Required)
		switch {
		case name == "":
			return
		case len(name) > series.LabelBytesMax:
			table.Fail(key, "must have at most %d bytes, not %d", series.LabelBytesMax, len(name))
		case byName[name] != "":
			table.Fail(key, "%q is the name of %s already", name, byName[name])
		case name != key && isColumn(name, "double", abi.AnalyticsDoublesMax):
			table.Fail(key, "cannot be %q, the name of another double", name)
		}
		byName[name] = key
		names[number] = name
	})
	return names
}

// eachColumn calls fn for every key of a table under key whose keys are columns: the prefix and a number from 1.
func eachColumn(t *config.Table, key, prefix string, most int, fn func(table *config.Table, key string, number int)) {
	table := t.Table(key)
	for n := range most {
		if column := fmt.Sprint(prefix, n+1); table.Has(column) {
			fn(table, column, n+1)
		}
	}
	table.RejectUnknown()
}

func isColumn(name, prefix string, most int) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(name, prefix))
	return err == nil && strings.HasPrefix(name, prefix) && n >= 1 && n <= most
}

// decodeBuckets reads the upper bounds of the histograms' buckets: buckets = [10, 100, 1000]. An empty array means no histograms.
func decodeBuckets(t *config.Table) []float64 {
	node := t.Node("buckets")
	if node == nil {
		return DefaultBounds()
	}
	if node.Kind != config.KindArray || len(node.Items) > bucketsMax {
		t.Fail("buckets", "must be an array of up to %d rising numbers", bucketsMax)
		return nil
	}
	var bounds []float64
	for _, item := range node.Items {
		v := item.Float
		if item.Kind == config.KindInteger {
			v = float64(item.Int)
		}
		// The negation also refuses what is no number.
		if item.Kind != config.KindInteger && item.Kind != config.KindFloat || v-v != 0 || len(bounds) > 0 && !(v > bounds[len(bounds)-1]) {
			t.Fail("buckets", "must be an array of up to %d rising numbers", bucketsMax)
			return nil
		}
		bounds = append(bounds, v)
	}
	return bounds
}

// Decode reads analytics_engine_datasets as resources.
func (*binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	list, problems := Datasets(c)
	resources := make([]hostfuncs.Resource, len(list))
	for i, r := range list {
		resources[i] = r
	}
	return resources, problems
}
