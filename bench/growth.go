package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What the parts of growth are.
const (
	growthInstancesDefinition = `So many events are in progress in one function at once, each waiting for its request's body; what one takes is the memory of the process (PSS: a page that many
instances share counts once) over that with one, for each further instance. RSS has such a page once per instance. p99 is of 2,000 events one after the other, elapsed, beside the events in
progress.`
	growthAppsDefinition = `So many different small functions in one process, in C and AssemblyScript, every 25th in Go, each compiled anew; and from the cache of compiled modules. p99 is of
2,000 events one after the other, elapsed, in all functions in turn.`
	growthKVDefinition     = `A C guest works on namespaces of different sizes in turn; CPU time per operation, "relaxed", of keys with 100 bytes chosen without order. ` + slopeDefinition
	growthD1Definition     = `A C guest works on databases of different sizes in turn; CPU time per statement, "relaxed", of rows with 100 bytes chosen without order. ` + slopeDefinition
	growthQueuesDefinition = `A C guest sends to queues in which so many messages wait; CPU time per message, "relaxed". ` + slopeDefinition
	slopeDefinition        = `The slope is what ten times as many make of the cost: over all sizes, and over the last step alone, because somewhere between a database outgrows the 4 MiB of
pages that each connection keeps, and from there on an operation reads pages. The files are read through first, so that
the system has them in memory when it has room for them: where it has not, an operation reads from the disk, which takes several times as long.`
)

// The promises. Flat is not 1: a tree of ten times as many is deeper by less than a level, and less of it is in the cache. What goes through a share of
// everything costs several times more at each step.
const (
	instanceMiBMost = 0.5
	appsMiBMost     = 400
	slopeMost       = 1.5
)

// sized is a number of things, and how it is written.
type sized struct {
	n    int
	text string
}

// powers are the powers of ten from 10³ to that of the exponent.
func powers(to int) (list []sized) {
	for e := 3; e <= to; e++ {
		list = append(list, sized{int(math.Pow10(e)), "10" + string([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[e])})
	}
	return list
}

// largest is the exponent of the largest size: one less when it is to be quick, one more when it may take long.
func (b *bench) largest(exponent int) int {
	switch {
	case b.quick:
		return exponent - 1
	case b.long:
		return exponent + 1
	}
	return exponent
}

// plotsOfThings are the plots of what there is more and more of.
var plotsOfThings = map[string]string{"keys": plotKeys, "rows": plotRows, "messages waiting": plotMessages}

// growthRows are the rows of an operation: what it costs at each size, and the slope.
func growthRows(what, unit, things string, sizes []sized, costs []samples) (rows []row) {
	for i, s := range sizes {
		rows = append(rows, newRow(fmt.Sprintf("%s, %s %s", what, s.text, things), unit, costs[i], nil).drawn(plotsOfThings[things], what, float64(s.n)))
	}
	slope := func(from, to int) row {
		more := float64(sizes[to].n) / float64(sizes[from].n)
		return newRow(fmt.Sprintf("%s, slope from %s to %s %s", what, sizes[from].text, sizes[to].text, things), "×", slopes(costs[from], costs[to], more), atMost(slopeMost))
	}
	last := len(sizes) - 1
	if rows = append(rows, slope(0, last)); last > 1 {
		rows = append(rows, slope(last-1, last))
	}
	return rows
}

// slopes are what ten times as many make of a cost, round by round, where there are so many times more.
func slopes(few, many samples, more float64) samples {
	ratios := many.over(few)
	for i, ratio := range ratios {
		ratios[i] = math.Pow(ratio, 1/math.Log10(more))
	}
	return ratios
}

// growthGuests builds the small functions, in C, AssemblyScript and Go.
func (b *bench) growthGuests() (c, assemblyScript, golang string, err error) {
	from := filepath.Join(b.root, "bench", "guests", "growth")
	path := func(language string) string { return filepath.Join(b.work, "live-"+language+".wasm") }
	sdk := filepath.Join(b.root, "guest-sdk", "c")
	if _, err := b.clang("live-c.wasm", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wl,--stack-first", "-I", sdk, filepath.Join(from, "live.c"), filepath.Join(sdk, "pagesrun.c")); err != nil {
		return "", "", "", err
	}
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s", "-o", path("go"), "./bench/guests/growth/live")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	relative, err := filepath.Rel(b.root, path("as"))
	if err != nil {
		return "", "", "", err
	}
	asc := exec.Command(filepath.Join(b.root, ".tools", "node_modules", ".bin", "asc"), "bench/guests/growth/live.ts", "-o", relative, "-O3", "--config", "guest-sdk/assemblyscript/asconfig.json")
	for _, cmd := range []*exec.Cmd{build, asc} {
		cmd.Dir = b.root
		if text, err := cmd.CombinedOutput(); err != nil {
			return "", "", "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text)
		}
	}
	return path("c"), path("as"), path("go"), nil
}
