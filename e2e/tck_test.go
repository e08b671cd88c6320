package e2e_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/abi/tck"
	"github.com/pagesrun/pagesrun/e2e/process"
)

var (
	tckLanguage = flag.String("lang", "", "run the conformance kit for this language only")
	tckCase     = flag.String("case", "", "run only cases of the conformance kit whose file, group or sentence contains this text")
	tckUpdate   = flag.Bool("update", false, "write the table in docs/languages.md")
)

// variant is a probe in one of the ways it is tested.
type variant struct {
	name     string
	probe    *product
	portable bool
	other    bool // not the way in which users build and serve; without what is heavy
}

// languages are those of [probes], in the order of the table.
var languages = []string{"Go", "C", "C++", "Rust", "AssemblyScript", "Zig"}

// variants are every probe as users build it, without optimizations, and with the reset that works on every system. Short tests have the first only.
func variants() (list []variant) {
	for _, language := range languages {
		if *tckLanguage != "" && !strings.EqualFold(*tckLanguage, language) {
			continue
		}
		probe := probes()[language]
		list = append(list, variant{name: language, probe: probe})
		if testing.Short() {
			continue
		}
		debug := &product{name: "debug-" + probe.name, build: func(path string) error { return process.BuildScript(probe.source, path, "MODE=debug") }}
		list = append(list,
			variant{name: language + ", debug", probe: debug, other: true},
			variant{name: language + ", portable", probe: probe, portable: true, other: true})
	}
	return list
}

// flags are those of "pagesrun serve" that a variant needs.
func (v *variant) flags() []string {
	if v.portable {
		return []string{"--portable-reset"}
	}
	return nil
}

// TestTCK runs the conformance kit against the probes of all languages.
func TestTCK(t *testing.T) {
	t.Parallel()
	files, err := tck.Cases()
	if err != nil {
		t.Fatal(err)
	}
	files = chosen(files)
	list := variants()
	rows := make([]tck.Row, len(list))
	for i := range list {
		list[i].probe.path(t)
		rows[i].Name = list[i].name
	}
	binary := pagesrunBinary.path(t)
	var running sync.WaitGroup
	busy, waiting := make(chan struct{}, 3), make(chan struct{}, 9)
	results := make([][][]tck.Outcome, len(list))
	for i, v := range list {
		results[i] = make([][]tck.Outcome, len(files))
		command := tck.Command{Binary: binary, Module: v.probe.path(t), Flags: v.flags()}
		for j, f := range files {
			free := busy
			if f.Parallel {
				free = waiting
			}
			if !f.Clock && !(f.Heavy && v.other) {
				running.Go(func() {
					free <- struct{}{}
					results[i][j] = command.Run(f)
					<-free
				})
			}
		}
	}
	for i := range list {
		for j, f := range files {
			if f.Clock {
				results[i][j] = list[i].runInProcess(t, f)
			}
		}
	}
	running.Wait()
	for i, v := range list {
		t.Run(v.name, func(t *testing.T) {
			for _, outcomes := range results[i] {
				rows[i].Outcomes = append(rows[i].Outcomes, outcomes...)
				complain(t, outcomes)
			}
		})
	}
	if *tckLanguage == "" && *tckCase == "" && !testing.Short() {
		checkTable(t, tck.Matrix(rows))
	}
}

// chosen are the files with the cases that are asked for.
func chosen(files []*tck.File) (list []*tck.File) {
	for _, f := range files {
		if f = f.Only(*tckCase); f != nil {
			list = append(list, f)
		}
	}
	return list
}

// runInProcess runs the cases of a file that needs a clock.
func (v *variant) runInProcess(t *testing.T, f *tck.File) (outcomes []tck.Outcome) {
	t.Run(v.name+"/"+f.Name, func(t *testing.T) {
		c := &clock{}
		url := inProcess{probe: v.probe.bytes(t), clock: c, files: f.Files(), portable: v.portable}.serve(t)
		outcomes = f.RunAll(&tck.Site{URL: url, SetTime: c.seconds.Store})
	})
	return outcomes
}

func complain(t *testing.T, outcomes []tck.Outcome) {
	for _, o := range outcomes {
		if o.Err != nil && !errors.Is(o.Err, tck.ErrSkipped) {
			t.Errorf("%s: %v", o.Name(), o.Err)
		}
	}
}

const (
	tableBegin = "<!-- conformance:begin -->\n"
	tableEnd   = "<!-- conformance:end -->\n"
)

// checkTable compares the table in docs/languages.md with what has been found, or writes it.
func checkTable(t *testing.T, table string) {
	path := filepath.Join(process.Root(), "docs", "languages.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), tableBegin)
	now, after, ended := strings.Cut(rest, tableEnd)
	switch {
	case !found || !ended:
		t.Fatalf("%s has no place for the table", path)
	case now == table:
	case *tckUpdate:
		if err := os.WriteFile(path, []byte(before+tableBegin+table+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in %s is not what has been found; run \"go test ./e2e -run TCK -update\":\n%s", path, table)
	}
}
