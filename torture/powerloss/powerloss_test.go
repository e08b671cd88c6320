package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/torture/powerloss/disk"
	"github.com/pagesrun/pagesrun/torture/powerloss/mount"
)

// Pulls of a test; the variable PAGESRUN_PULLS says otherwise of the first.
const (
	pullsDefault = 6
	pullsControl = 3
)

func TestMain(m *testing.M) {
	if err := mount.Works(); err != nil {
		fmt.Printf("\n*** POWER LOSS IS NOT TESTED: no file system can be mounted here: %v\n\n", err)
	}
	os.Exit(func() int {
		var err error
		if built, err = os.MkdirTemp("", "pagesrun-powerloss-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(built)
		return m.Run()
	}())
}

// built is where the program and the function are put.
var built string

// build builds them, once.
var build = sync.OnceValues(func() (options, error) {
	o := options{work: built}
	return o, o.build()
})

func torment(t *testing.T, pulls int, durability string) *report {
	t.Helper()
	if err := mount.Works(); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	o, err := build()
	if err != nil {
		t.Fatal(err)
	}
	o.work, o.pulls, o.durability, o.bindings, o.model, o.seed = t.TempDir(), pulls, durability, allBindings, disk.Journal, rand.Uint64()
	r, err := o.run()
	if t.Log(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAcknowledgedWritesSurvivePowerLoss(t *testing.T) {
	pulls := pullsDefault
	if text := os.Getenv("PAGESRUN_PULLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		pulls = n
	}
	if err := torment(t, pulls, "sync").verdict(false); err != nil {
		t.Error(err)
	}
}

// TestTheInstrumentSeesLosses is the control: relaxed durability does lose, and whoever does not see that sees nothing.
func TestTheInstrumentSeesLosses(t *testing.T) {
	if err := torment(t, pullsControl, "relaxed").verdict(true); err != nil {
		t.Error(err)
	}
}

func TestLedgersFindWhatIsWrong(t *testing.T) {
	l := newLedger("kv")
	l.send(map[string]string{"r1-a": "1", "r1-b": "2", "r1-c/0": "", "r1-c/1": ""})
	l.ack(1, map[string]string{"r1-a": "", "r1-b": ""})
	l.check(map[string]string{"r1-a": "1", "r1-b": "3", "r1-x": "9", "r1-c/0": ""}, "r1-", true)
	l.whole(map[string]string{"r1-c/0": ""}, "r1-", group)
	l.check(map[string]string{"r1-b": "2"}, "r1-", true)
	l.check(map[string]string{"r1-b": "2"}, "r1-", true)
	if got, want := fmt.Sprint(l.lost, len(l.strange)), "[r1-a] 3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, text := range []string{"r1-b", "r1-x", "r1-c (1 of 2"} {
		if !strings.Contains(strings.Join(l.strange, "\n"), text) {
			t.Errorf("%s is not in %q", text, l.strange)
		}
	}
}

func TestAVerdictNeedsWritesAndInTheControlLosses(t *testing.T) {
	empty, whole, losing := newLedger("kv"), newLedger("kv"), newLedger("kv")
	whole.acknowledged, losing.acknowledged, losing.lost = 1, 1, []string{"a"}
	for _, row := range []struct {
		name    string
		ledger  *ledger
		control bool
		want    bool
	}{
		{"nothing written", empty, false, false}, {"nothing lost", whole, false, true}, {"something lost", losing, false, false},
		{"nothing lost in the control", whole, true, false}, {"something lost in the control", losing, true, true},
	} {
		if err := (&report{ledgers: []*ledger{row.ledger}}).verdict(row.control); (err == nil) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if err := (&report{corrupt: []string{"a.sqlite"}}).verdict(false); err == nil {
		t.Error("a corrupt database was accepted")
	}
}
