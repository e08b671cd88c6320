package simulator

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestWorldsBehaveAsPlainMaps(t *testing.T) {
	failed, seen, err := Seeds(t.Context(), rand.Uint64(), 40, t.TempDir(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failed {
		t.Error(f)
	}
	t.Logf("%+v", seen)
}

// bench is where single worlds are run.
type bench struct {
	t     *testing.T
	disks *disks
	guest *guest
}

func newBench(t *testing.T) *bench {
	t.Helper()
	disks, err := prepare(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGuest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.runtime.Close(context.Background()) })
	return &bench{t, disks, g}
}

// run runs the world of a seed after it was prepared.
func (b *bench) run(seed uint64, prepare func(*world)) (*world, error) {
	disk, remove := b.disks.add(b.t.TempDir())
	defer remove()
	w := newWorld(seed, disk, b.guest)
	prepare(w)
	return w, w.live(b.t.Context())
}

// TestBindingsThatAreWrongAreCaught is the control.
func TestBindingsThatAreWrongAreCaught(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*world)
	}{
		{"a write is forgotten", func(w *world) { w.tamper = each(7, forget) }},
		{"a change is made twice", func(w *world) { w.tamper = each(5, double) }},
		{"a batch is done by half", func(w *world) { w.tamper = each(1, half) }},
		{"a read shows what was there before", func(w *world) { w.garble = stale(abi.OpKVGet) }},
		{"a query shows what was there before", func(w *world) { w.garble = stale(abi.OpD1Query) }},
		{"a disk forgets what was synced", func(w *world) { w.disk.forgetful, w.relaxed = true, false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			const tries = 60
			for seed := uint64(1); seed <= tries; seed++ {
				if _, err := b.run(seed, c.prepare); err != nil {
					return
				}
			}
			t.Errorf("%d worlds have not seen it", tries)
		})
	}
}

// each tampers with every n-th call that can be.
func each(n int, tamper func(*action) bool) func(*action) {
	left := n
	return func(a *action) {
		if left--; left < 0 && tamper(a) {
			left = n
		}
	}
}

// forget makes a write one that does nothing.
func forget(a *action) bool {
	switch {
	case a.op == abi.OpKVPut:
		a.op, a.message = abi.OpKVDelete, (&abi.KVDeleteRequest{Key: "nothing is here"}).AppendCBOR(nil)
	case strings.HasPrefix(a.what, "d1 replace"):
		a.message = queryMessage(statement("DELETE FROM t WHERE 0"))
	default:
		return false
	}
	return true
}

// edit changes the statements of a query.
func edit(a *action, prefix string, change func([]abi.D1Statement) []abi.D1Statement) bool {
	if !strings.HasPrefix(a.what, prefix) {
		return false
	}
	var q abi.D1QueryRequest
	if q.DecodeCBOR(a.message) != nil {
		return false
	}
	a.message = queryMessage(change(q.Statements)...)
	return true
}

func double(a *action) bool {
	return edit(a, "d1 add", func(list []abi.D1Statement) []abi.D1Statement { return slices.Concat(list, list) })
}

func half(a *action) bool {
	return edit(a, "d1 move", func(list []abi.D1Statement) []abi.D1Statement { return list[:1] })
}

// stale gives what the same read gave the last time.
func stale(op string) func(*action, []byte) []byte {
	last := map[string][]byte{}
	return func(a *action, reply []byte) []byte {
		if a.op != op || !strings.HasPrefix(a.what, "d1 read") && op == abi.OpD1Query {
			return reply
		}
		before, known := last[string(a.message)]
		last[string(a.message)] = reply
		if !known {
			return reply
		}
		return before
	}
}

// TestASeedGivesTheSameWorld: what is done, and where it fails when a binding is wrong.
func TestASeedGivesTheSameWorld(t *testing.T) {
	b := newBench(t)
	for seed := uint64(1); seed <= 6; seed++ {
		var trails [2][]string
		var wrong [2]bool
		for i := range trails {
			w, err := b.run(seed, func(w *world) {
				if seed%2 == 0 {
					w.tamper = each(3, double)
				}
			})
			wrong[i] = err != nil
			for _, line := range w.trail {
				if !strings.HasPrefix(line, "failed with") && !strings.HasPrefix(line, "there was no more time") && !strings.HasPrefix(line, "the disk works again") {
					trails[i] = append(trails[i], line)
				}
			}
		}
		// Of calls that meet, the machine decides which is first, so that a fault may show a few steps earlier or later.
		same := min(len(trails[0]), len(trails[1]))
		if !slices.Equal(trails[0][:same], trails[1][:same]) || wrong[0] != wrong[1] || !wrong[0] && len(trails[0]) != len(trails[1]) {
			t.Errorf("seed %d gave two worlds, of %d and %d lines; wrong: %v", seed, len(trails[0]), len(trails[1]), wrong)
		}
	}
}

// TestWhatOnlyQueuesDoWrong is the control of the model of queues.
func TestWhatOnlyQueuesDoWrong(t *testing.T) {
	q := newQueue()
	q.note([]string{"m"}, true)
	q.deliver("work", "m", 2)
	if q.wrong == nil {
		t.Error("an attempt was left out unseen")
	}
	q = newQueue()
	q.deliver("work", "m", 1)
	if q.wrong == nil {
		t.Error("a message of nobody's was taken")
	}
	q = newQueue()
	q.note([]string{"m"}, true)
	if left, _ := q.left(); len(left) != 1 {
		t.Error("a message that was never delivered is not missed")
	}
}
