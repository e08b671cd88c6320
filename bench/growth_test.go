package main

import (
	"math"
	"testing"
)

func TestASlopeIsWhatTenTimesAsManyMakeOfACost(t *testing.T) {
	flat, tree, walk := samples{5, 6}, samples{10, 12}, samples{5000, 6000}
	for _, c := range []struct {
		name string
		many samples
		want float64
	}{{"what stays flat", flat, 1}, {"what doubles over three steps", tree, math.Cbrt(2)}, {"what goes through everything", walk, 10}} {
		for _, got := range slopes(flat, c.many, 1000) {
			if math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func TestWhatIsNotFlatDoesNotHold(t *testing.T) {
	rows := growthRows("walk", "µs", "things", powers(5), []samples{{1, 1}, {5, 6}, {100, 90}})
	overall, last := rows[3], rows[4]
	if overall.Verdict != "does not hold" || last.Verdict != "does not hold" || last.Name != "walk, slope from 10⁴ to 10⁵ things" {
		t.Errorf("%+v", rows)
	}
}

func TestWhatAnInstanceTakesIsOverTheProcessWithOne(t *testing.T) {
	run := []crowd{{N: 1, MiB: 20, Resident: 21}, {N: 1000, MiB: 20 + 999*0.25, Resident: 21 + 999*0.75}, {N: 1000, Idle: true, MiB: 20 + 999*0.6, Resident: 21}}
	rows := instanceRows("Go", [][]crowd{run})
	if len(rows) != 7 || rows[1].Median != 0.25 || rows[1].Verdict != "holds" || rows[2].Median != 0.75 || rows[4].Median != 0.6 || rows[4].Verdict != "does not hold" {
		t.Errorf("%+v", rows)
	}
}
