package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// bench is what measurements work with.
type bench struct {
	// root is the repository, bin where its programs and guests were built, work a directory that goes away.
	root, bin, work string
	quick, long     bool
	// languages is what was found out about each, for a document.
	languages []*languageFigures
	// facts is what was found out about peers, for the report.
	facts []string
}

// rounds is how often to alternate: n times, or a few when it is to be quick.
func (b *bench) rounds(n int) int {
	if b.quick {
		return min(n, 3)
	}
	return n
}

// round is how long one side's turn lasts.
func (b *bench) round(d time.Duration) time.Duration {
	if b.quick {
		return max(d/5, 50*time.Millisecond)
	}
	return d
}

// measurement is one section of the table.
type measurement struct {
	name       string
	definition string
	run        func(context.Context, *bench) ([]row, error)
	part       part
}

// part is a part of the documentation: the figures of a part stand between its marks.
type part string

// The parts. The peers only run when they are named.
const (
	partFigures part = "figures"
	partLayers  part = "layers"
	partGrowth  part = "growth"
	partPeers   part = "peers"
)

// measurements are all there are, in the order of the table.
func measurements() []measurement {
	return []measurement{
		{"instances", instancesDefinition, measureInstances, partFigures},
		{"kernels", kernelsDefinition, measureKernels, partFigures},
		{"http", httpDefinition, measureHTTP, partFigures},
		{"kv", kvDefinition, measureKV, partFigures},
		{"d1", d1Definition, measureD1, partFigures},
		{"queues", queuesDefinition, measureQueues, partFigures},
		{"analytics", analyticsDefinition, measureAnalytics, partFigures},
		{"start", startDefinition, measureStart, partFigures},
		{"layers", layersDefinition, measureLayers, partLayers},
		{"growth-instances", growthInstancesDefinition, measureGrowInstances, partGrowth},
		{"growth-apps", growthAppsDefinition, measureGrowApps, partGrowth},
		{"growth-kv", growthKVDefinition, measureGrowKV, partGrowth},
		{"growth-d1", growthD1Definition, measureGrowD1, partGrowth},
		{"growth-queues", growthQueuesDefinition, measureGrowQueues, partGrowth},
		{"languages", languagesDefinition, measureLanguages, partFigures},
		{"peers-engine", peersEngineDefinition, measurePeersEngine, partPeers},
		{"peers-http", peersHTTPDefinition, measurePeersHTTP, partPeers},
		{"peers-bindings", peersBindingsDefinition, measurePeersBindings, partPeers},
		{"peers-shop", peersShopDefinition, measurePeersShop, partPeers},
	}
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := &bench{}
	only := flag.String("only", "", "measure only these `NAMES`, separated by commas; all but the peers without it. "+usage())
	file := flag.String("json", "", "also write the figures to this `FILE`")
	markdown := flag.String("markdown", "", "also put the tables into this `FILE`, between its marks, and the plots into the folder plots beside it")
	results := flag.String("results", filepath.Join("bench", "results"), "make a folder for this run in this `DIRECTORY`, with its figures in JSON and in Markdown, and plots; empty for none")
	document := flag.String("languages-doc", "", "also put the table of languages into this `FILE`")
	profile := flag.String("cpuprofile", "", "write a CPU profile of this process to this `FILE`")
	flag.BoolVar(&b.quick, "quick", false, "few and short rounds: a look, not a measurement")
	flag.BoolVar(&b.long, "long", false, "growth: ten times as many keys, rows and messages")
	flag.StringVar(&b.bin, "bin", "bin", "`DIRECTORY` with pagesrun, hello-c.wasm and hello-go.wasm")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if b.root, err = findRoot(); err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "pagesrun-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	stop, err := profileTo(*profile)
	if err != nil {
		return err
	}
	defer stop()
	r := b.measure(ctx, chosen)
	if *document != "" && b.languages != nil {
		err = r.writeLanguages(*document, b.languages)
	}
	return errors.Join(err, b.publish(r, outputs{results: *results, markdown: *markdown, json: *file}))
}

// choose finds the measurements named in a list, or those that begin with a name and a hyphen; when it is empty, all but the peers.
func choose(list string) ([]measurement, error) {
	all := measurements()
	if list == "" {
		return slices.DeleteFunc(all, func(m measurement) bool { return m.part == partPeers }), nil
	}
	var chosen []measurement
	for name := range strings.SplitSeq(list, ",") {
		found := false
		for _, m := range all {
			if m.name == name || strings.HasPrefix(m.name, name+"-") {
				chosen, found = append(chosen, m), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no measurement %q. %s", name, usage())
		}
	}
	return chosen, nil
}

// usage names all measurements.
func usage() string {
	var names []string
	for _, m := range measurements() {
		names = append(names, m.name)
	}
	return "There are " + strings.Join(names, ", ") + "; growth and peers are all that begin so."
}

// findRoot is the working directory, which must be the repository's root.
func findRoot() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(root, "bench", "doc.go")); err != nil {
		return "", fmt.Errorf("run it from the root of the repository: go run ./bench")
	}
	return root, nil
}

func profileTo(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// measure runs the measurements and prints each as soon as it is done. One that fails does not keep the others from running.
func (b *bench) measure(ctx context.Context, chosen []measurement) *report {
	r := &report{Time: time.Now().UTC().Truncate(time.Second), Machine: machine(), Go: runtime.Version(), Quick: b.quick}
	facts := append(systemFacts(), commitFacts(b.root)...)
	fmt.Printf("%s, %s, %s\n", r.Time.Format(time.RFC3339), r.Machine, r.Go)
	for _, m := range chosen {
		s := &section{Name: m.name, Definition: m.definition, part: m.part}
		rows, err := m.run(ctx, b)
		s.Rows = rows
		if err != nil {
			s.Rows = append(s.Rows, missing("the rest of "+m.name, err))
		}
		s.print(os.Stdout)
		r.Sections = append(r.Sections, s)
	}
	r.Facts = append(facts, b.facts...)
	return r
}
