package simulator

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
)

// done is an operation on one number that was under way for a time.
type done struct {
	begin, effect, end int64
	write              bool
	value              int // written or found
}

// history makes operations of several clients, each with a moment at which it took effect; one in three histories has something in it that was found and was never there then.
func history(random *rand.Rand) (list []done) {
	for range 2 + random.IntN(9) {
		begin := random.Int64N(60)
		effect := begin + 1 + random.Int64N(20)
		list = append(list, done{begin: begin, effect: effect, end: effect + 1 + random.Int64N(20), write: random.IntN(2) == 0, value: 1 + random.IntN(1000)})
	}
	slices.SortFunc(list, func(a, b done) int { return int(a.effect - b.effect) })
	value := 0
	for i := range list {
		if list[i].write {
			value = list[i].value
		} else {
			list[i].value = value
		}
	}
	if i := random.IntN(3 * len(list)); i < len(list) && !list[i].write {
		list[i].value = list[random.IntN(len(list))].value
	}
	return list
}

// online says whether an object takes a history, as it comes.
func online(list []done) bool {
	type event struct {
		at int64
		i  int
	}
	var events []event
	for i, d := range list {
		events = append(events, event{2*d.begin + 1, i}, event{2 * d.end, ^i})
	}
	// What ends at a moment at which something else begins is under way together with it: begins come first.
	slices.SortFunc(events, func(a, b event) int { return int(a.at - b.at) })
	o := newObject(0)
	slotOf := map[int]int{}
	for _, e := range events {
		if e.i >= 0 {
			op := operation[int]{tells: true}
			if d := list[e.i]; d.write {
				op = operation[int]{change: func(int) int { return d.value }}
			}
			slotOf[e.i] = o.begin(op)
			continue
		}
		d := list[^e.i]
		if !o.end(slotOf[^e.i], func(found int) bool { return d.write || found == d.value }) {
			return false
		}
	}
	return true
}

// register is the same for another checker of linearizability.
var register = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, _ any) (bool, any) {
		d := input.(done)
		if d.write {
			return true, d.value
		}
		return state == d.value, state
	},
}

// TestHistoriesAreJudgedAsByAnotherChecker compares with porcupine on finished histories, which are all that it knows.
func TestHistoriesAreJudgedAsByAnotherChecker(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	count := map[bool]int{}
	for range 5000 {
		list := history(random)
		var operations []porcupine.Operation
		for i, d := range list {
			operations = append(operations, porcupine.Operation{ClientId: i, Input: d, Call: 2*d.begin + 1, Return: 2 * d.end})
		}
		want := porcupine.CheckOperations(register, operations)
		if got := online(list); got != want {
			t.Fatalf("%+v: linearizable is %v, and must be %v", list, got, want)
		}
		count[want]++
	}
	if count[true] < 100 || count[false] < 100 {
		t.Errorf("histories that are linearizable: %d, that are not: %d", count[true], count[false])
	}
}

func TestWhatNeverEnded(t *testing.T) {
	set := func(n int) operation[int] { return operation[int]{change: func(int) int { return n }, stores: true} }
	is := func(o *object[int], want int) bool {
		return o.end(o.begin(operation[int]{tells: true}), func(found int) bool { return found == want })
	}
	for _, c := range []struct {
		name string
		is   bool
		try  func(o *object[int]) bool
	}{
		{"a change under way may have taken effect", true, func(o *object[int]) bool { o.begin(set(1)); return is(o, 1) }},
		{"or not", true, func(o *object[int]) bool { o.begin(set(1)); return is(o, 0) }},
		{"or not yet", true, func(o *object[int]) bool { o.begin(set(1)); return is(o, 0) && is(o, 1) }},
		{"but not twice", false, func(o *object[int]) bool { o.begin(set(1)); return is(o, 1) && is(o, 0) }},
		{"a change that ended has taken effect", false, func(o *object[int]) bool { o.end(o.begin(set(1)), func(int) bool { return true }); return is(o, 0) }},
		{"after all is quiet nothing changes", false, func(o *object[int]) bool { o.begin(set(1)); o.settle(); return is(o, 0) && is(o, 1) }},
		{"a change that failed may have taken effect", true, func(o *object[int]) bool { o.fail(o.begin(set(1))); return is(o, 1) }},
		{"but does not later", false, func(o *object[int]) bool { o.fail(o.begin(set(1))); return is(o, 0) && is(o, 1) }},
		{"except by a stop of the process", true, func(o *object[int]) bool { o.fail(o.begin(set(1))); ok := is(o, 0); o.haunt(); return ok && is(o, 1) }},
		{"and not after another change", false, func(o *object[int]) bool {
			o.fail(o.begin(set(1)))
			o.end(o.begin(set(2)), func(int) bool { return true })
			o.haunt()
			return is(o, 1)
		}},
		{"what nobody wrote is not there", false, func(o *object[int]) bool { o.begin(set(1)); return is(o, 3) }},
	} {
		if got := c.try(newObject(0)); got != c.is {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
