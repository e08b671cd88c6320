package runtime

import (
	"context"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

func TestInstancesThatNobodyNeedsAreTakenOutOfThePool(t *testing.T) {
	p := newPool(DefaultLimits(), nil)
	p.total, p.trimming = 4, true // nobody looks but this test
	for range 4 {
		p.put(&instance{})
	}
	last := p.idle[3]
	p.spare = 2 // two of the four were in use at once
	if got := p.surplusLocked(); len(got) != 2 || len(p.idle) != 2 || p.idle[1] != last {
		t.Errorf("%d instances were taken out and %d left, want 2 and 2, the one used last among them", len(got), len(p.idle))
	}
	p.spare = 0 // everything was needed since
	if got := p.surplusLocked(); len(got) != 0 {
		t.Errorf("%d instances were taken out though all were needed", len(got))
	}
	p.spare = 2
	if got := p.surplusLocked(); len(got) != 1 || len(p.idle) != 1 {
		t.Errorf("%d were taken out and %d left, want one of each: the last one always stays", len(got), len(p.idle))
	}
}

func TestAPoolLooksAtItsInstancesWhileThereAreSeveral(t *testing.T) {
	p := newPool(DefaultLimits(), nil)
	defer func() { // the pool will look once more, and these are no real instances
		p.mu.Lock()
		p.idle = nil
		p.mu.Unlock()
	}()
	for i, want := range []bool{false, true, true} {
		if p.put(&instance{}); p.trimming != want {
			t.Errorf("with %d idle instances they will be looked at: %v", i+1, p.trimming)
		}
	}
	p.spare, p.trimming = 0, false // as after events that needed all, when the time has come
	if p.trim(); !p.trimming || p.spare != 3 {
		t.Errorf("they will be looked at again: %v, for %d instances that nobody needs", p.trimming, p.spare)
	}
}

// TestABurstIsForgottenThoughNoOtherEventComes looks twice, as the pool does by itself every trimEvery.
func TestABurstIsForgottenThoughNoOtherEventComes(t *testing.T) {
	const burst = 20
	wat := `(module (memory 1) (func (export "pagesrun_handle")))`
	app, err := Load(context.Background(), guesttest.Wat(t, wat), Options{Limits: Limits{Instances: burst}})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close(context.Background())
	var all sync.WaitGroup
	taken := make(chan *instance, burst)
	for range burst {
		all.Go(func() {
			in, err := app.pool.take(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			taken <- in
		})
	}
	all.Wait()
	for range len(taken) {
		app.pool.put(<-taken)
	}
	if total, _, _ := app.Instances(); total != burst {
		t.Fatalf("%d instances, want %d", total, burst)
	}
	app.pool.trim()
	app.pool.trim()
	if total, idle, _ := app.Instances(); total != 1 || idle != 1 {
		t.Errorf("%d instances are left, %d idle, want one", total, idle)
	}
}
