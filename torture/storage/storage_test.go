package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
	"github.com/pagesrun/pagesrun/torture/disk"
	"github.com/pagesrun/pagesrun/torture/mount"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// Rounds of the tests.
const (
	testKills   = 4
	testPulls   = 6
	testControl = 3
)

var built = sync.OnceValues(func() (Options, error) {
	dir, err := os.MkdirTemp("", "pagesrun-torture-")
	if err != nil {
		return Options{}, err
	}
	e := rig.Env{Root: process.Root(), Work: dir}
	o := Options{Pagesrun: filepath.Join(dir, "pagesrun")}
	if o.Guest, err = e.BuildGo(context.Background(), GuestDir); err != nil {
		return o, err
	}
	return o, process.Build(o.Pagesrun)
})

func TestMain(m *testing.M) {
	if err := mount.Works(); err != nil {
		fmt.Printf("\n*** POWER LOSS IS NOT TESTED: no file system can be mounted here: %v\n\n", err)
	}
	code := m.Run()
	if o, _ := built(); o.Guest != "" {
		os.RemoveAll(filepath.Dir(o.Guest))
	}
	os.Exit(code)
}

func torment(t *testing.T, fault Fault, rounds int, durability string) *Report {
	t.Helper()
	if err := mount.Works(); err != nil && fault == Pull {
		t.Skip("no file system can be mounted here: ", err)
	}
	o, err := built()
	if err != nil {
		t.Fatal(err)
	}
	o.Work, o.Fault, o.Rounds, o.Durability, o.Model, o.Seed = t.TempDir(), fault, rounds, durability, disk.Journal, rand.Uint64()
	r, err := o.Run(t.Context())
	if t.Log(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAcknowledgedWritesSurviveKills(t *testing.T) {
	for _, durability := range []string{"sync", "relaxed"} {
		if err := torment(t, Kill, testKills, durability).Verdict(false); err != nil {
			t.Error(err)
		}
	}
}

func TestAcknowledgedWritesSurvivePowerLoss(t *testing.T) {
	if err := torment(t, Pull, testPulls, "sync").Verdict(false); err != nil {
		t.Error(err)
	}
}

// TestTheInstrumentSeesLosses is the control: relaxed durability does lose, and whoever does not see that sees nothing.
func TestTheInstrumentSeesLosses(t *testing.T) {
	if err := torment(t, Pull, testControl, "relaxed").Verdict(true); err != nil {
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
		if err := (&Report{ledgers: []*ledger{row.ledger}}).Verdict(row.control); (err == nil) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if err := (&Report{corrupt: []string{"a.sqlite"}}).Verdict(false); err == nil {
		t.Error("a corrupt database was accepted")
	}
}

// TestAFailureOfTheDiskHarmsNothingElse has single operations fail. Queues once took no more messages after that.
func TestAFailureOfTheDiskHarmsNothingElse(t *testing.T) {
	if err := mount.Works(); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	o, err := built()
	if err != nil {
		t.Fatal(err)
	}
	found, err := nth(t.Context(), &rig.Env{Pagesrun: o.Pagesrun, Root: process.Root(), Work: t.TempDir(), Times: 2, Seed: rand.Uint64(), Say: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !f.Holds {
			t.Errorf("%s: %s (%s)", f.What, f.Got, f.Bar)
		}
	}
}
