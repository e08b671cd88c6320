package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// promise is a bound that a figure is held to.
type promise struct {
	atMost bool
	bound  float64
}

func atMost(v float64) *promise  { return &promise{atMost: true, bound: v} }
func atLeast(v float64) *promise { return &promise{bound: v} }

func (p *promise) holds(v float64) bool {
	if p.atMost {
		return v <= p.bound
	}
	return v >= p.bound
}

func (p *promise) String() string {
	sign := "≥"
	if p.atMost {
		sign = "≤"
	}
	return sign + " " + strconv.FormatFloat(p.bound, 'g', -1, 64)
}

// row is one line of the table. Without a promise it is there to explain the others.
type row struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Median  float64 `json:"median"`
	Least   float64 `json:"least"`
	Most    float64 `json:"most"`
	Promise string  `json:"promise,omitempty"`
	Verdict string  `json:"verdict,omitempty"`
	// Missing is why there is no figure.
	Missing string `json:"missing,omitempty"`
	// mark is where the figure is in a plot; nil for nowhere.
	mark *mark
}

// drawn says where in a plot the figure is: a bar of that name or, where x is not 0, a point of a line of that name.
func (r row) drawn(file, name string, x float64) row {
	r.mark = &mark{file: file, name: name, x: x}
	return r
}

// newRow makes a row of a figure's samples; p is nil where nothing is promised.
func newRow(name, unit string, s samples, p *promise) row {
	r := row{Name: name, Unit: unit, Median: s.median(), Least: slices.Min(s), Most: slices.Max(s)}
	if p != nil {
		r.Promise, r.Verdict = p.String(), "does not hold"
		if p.holds(r.Median) {
			r.Verdict = "holds"
		}
	}
	return r
}

// missing makes a row that says why there is no figure.
func missing(name string, reason error) row { return row{Name: name, Missing: reason.Error()} }

// section is everything one measurement gave.
type section struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	Rows       []row  `json:"rows"`
	part       part
}

// print writes a section as text.
func (s *section) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", strings.ToUpper(s.Name))
	for line := range strings.Lines(s.Definition) {
		fmt.Fprintf(w, "  %s", line)
	}
	fmt.Fprint(w, "\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  figure\tmedian\tleast – most\tpromise\t")
	for _, r := range s.Rows {
		if r.Missing != "" {
			fmt.Fprintf(t, "  %s\tnot measured: %s\n", r.Name, r.Missing)
			continue
		}
		fmt.Fprintf(t, "  %s\t%s %s\t%s – %s\t%s\t%s\n", r.Name, digits(r.Median), r.Unit, digits(r.Least), digits(r.Most), r.Promise, r.Verdict)
	}
	t.Flush()
}

// digits shows three significant digits, and all of those before the point.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	places := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', places, 64)
}

// report is the whole run.
type report struct {
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"`
	Go      string    `json:"go"`
	// Facts are what else the figures depend on: kernel, memory, versions of peers.
	Facts    []string   `json:"facts,omitempty"`
	Quick    bool       `json:"quick"`
	Sections []*section `json:"sections"`
}

// machine describes the processors.
func machine() string {
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s/%s, %d × %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model)
}

// write stores the report as JSON.
func (r *report) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
