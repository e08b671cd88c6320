package runtime

import (
	"testing"
	"time"
)

func TestInstancesThatNobodyNeedsAreTakenOutOfThePool(t *testing.T) {
	start := time.Now()
	at := func(d time.Duration) *instance { return &instance{run: run{started: start.Add(d)}} }
	p := newPool(DefaultLimits(), nil)
	p.trimmed, p.total = start, 4
	for range 4 {
		p.idle = append(p.idle, at(0))
	}
	p.spare = len(p.idle)

	in := p.idle[3]
	p.idle, p.spare = p.idle[:3], 2 // two of the four were in use at once
	p.idle = append(p.idle, in)
	if got := p.surplusLocked(start.Add(trimEvery - time.Millisecond)); got != nil {
		t.Errorf("%d instances were taken out before their time", len(got))
	}
	if got := p.surplusLocked(start.Add(trimEvery)); len(got) != 2 || len(p.idle) != 2 {
		t.Errorf("%d instances were taken out and %d left, want 2 and 2", len(got), len(p.idle))
	}
	if p.idle[1] != in {
		t.Error("the instance used last must stay")
	}
	p.spare = 0 // everything was needed since
	if got := p.surplusLocked(start.Add(3 * trimEvery)); len(got) != 0 {
		t.Errorf("%d instances were taken out though all were needed", len(got))
	}
	p.spare = 2
	if got := p.surplusLocked(start.Add(5 * trimEvery)); len(got) != 1 || len(p.idle) != 1 {
		t.Errorf("%d were taken out and %d left, want one of each: the last one always stays", len(got), len(p.idle))
	}
}
