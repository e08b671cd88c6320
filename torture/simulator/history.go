package simulator

import (
	"maps"
	"slices"
)

// slots is how many operations may be under way on one object at once, those counted whose outcome nobody will learn.
const slots = 14

// object is what is known of something that is read and changed by many at once, of a value of S: all the ways in which what has been seen of it may
// have come about if every operation took effect at one moment between its begin and its end (if it is linearizable). There must always be one.
//
// It is checked as the ends come, rather than afterwards, so that the first answer that cannot be is the one that is reported; and an operation that
// never ended, because it was cancelled, failed, or the machine stopped, may or may not have taken effect, which checkers of finished histories do not know.
type object[S comparable] struct {
	ways     map[way]struct{}
	underWay [slots]*operation[S]
	// values are the values there have been, numbered, so that a way is small.
	values  []S
	numbers map[S]int32
	// limbo are changes that failed since the last one that surely was stored: they may show after a stop. See [object.haunt].
	limbo []*operation[S]
	// strict says that what fails now does not come back.
	strict bool
	// events counts begins and failures.
	events int
}

// way is one way in which things may have come about.
type way struct {
	// state is the number of what the object is now, done says which of the operations under way have taken effect, and before what those found that tell.
	state  int32
	done   uint16
	before [slots]int32
}

// operation is something under way.
type operation[S comparable] struct {
	// change gives what is there afterwards; nil where that is the same.
	change func(S) S
	// tells says that its reply tells what it found.
	tells bool
	// stores says that something is stored in any case.
	stores bool
	// at is when it began, or failed.
	at int
}

func newObject[S comparable](value S) *object[S] {
	o := &object[S]{numbers: map[S]int32{}}
	o.ways = map[way]struct{}{{state: o.number(value)}: {}}
	return o
}

// number gives a value its number.
func (o *object[S]) number(value S) int32 {
	n, known := o.numbers[value]
	if !known {
		n = int32(len(o.values))
		o.values, o.numbers[value] = append(o.values, value), n
	}
	return n
}

// begin notes that an operation has begun, and gives its slot.
func (o *object[S]) begin(op operation[S]) (slot int) {
	slot = slices.Index(o.underWay[:], nil)
	o.events++
	op.at = o.events
	o.underWay[slot] = &op
	return slot
}

// end notes that an operation has ended and found what shows accepts; false when it cannot have.
func (o *object[S]) end(slot int, shows func(S) bool) bool {
	o.advance()
	left := map[way]struct{}{}
	for w := range o.ways {
		if w.done&(1<<slot) != 0 && shows(o.values[w.before[slot]]) {
			left[w.without(slot)] = struct{}{}
		}
	}
	if len(left) == 0 {
		return false
	}
	op := o.underWay[slot]
	if op.stores {
		o.limbo = slices.DeleteFunc(o.limbo, func(failed *operation[S]) bool { return failed.at < op.at })
	}
	o.ways, o.underWay[slot] = left, nil
	return true
}

// fail notes that an operation has ended, and that nobody knows whether it took effect.
func (o *object[S]) fail(slot int) {
	o.advance()
	left := map[way]struct{}{}
	for w := range o.ways {
		left[w.without(slot)] = struct{}{}
	}
	if op := o.underWay[slot]; op.change != nil && !o.strict {
		o.events++
		op.at = o.events
		o.limbo = append(o.limbo, op)
	}
	o.ways, o.underWay[slot] = left, nil
}

// haunt notes a stop of the process. A change whose commit failed, when it was written and could not be made durable, is in the write-ahead log until
// something overwrites it; who opens the log anew cannot tell that it was given up. pagesrun overwrites it at once, but where the disk goes on failing it
// cannot, and so it may be there now.
func (o *object[S]) haunt() {
	for _, op := range o.limbo {
		for w := range maps.Clone(o.ways) {
			w.state = o.number(op.change(o.values[w.state]))
			o.ways[w] = struct{}{}
		}
	}
	o.limbo = nil
}

// settle notes that nothing is under way any more.
func (o *object[S]) settle() {
	for slot, op := range o.underWay {
		if op != nil {
			o.fail(slot)
		}
	}
}

// advance adds the ways in which any operations under way have taken effect by now, in any order.
func (o *object[S]) advance() {
	todo := make([]way, 0, len(o.ways))
	for w := range o.ways {
		todo = append(todo, w)
	}
	for len(todo) > 0 {
		w := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for slot, op := range o.underWay {
			if op == nil || w.done&(1<<slot) != 0 {
				continue
			}
			next := o.after(w, slot)
			if _, known := o.ways[next]; !known {
				o.ways[next] = struct{}{}
				todo = append(todo, next)
			}
		}
	}
}

// after is a way in which one more operation has taken effect.
func (o *object[S]) after(w way, slot int) way {
	op := o.underWay[slot]
	w.done |= 1 << slot
	if op.tells {
		w.before[slot] = w.state
	}
	if op.change != nil {
		w.state = o.number(op.change(o.values[w.state]))
	}
	return w
}

// without is a way in which nothing is said of a slot any more.
func (w way) without(slot int) way {
	w.done &^= 1 << slot
	w.before[slot] = 0
	return w
}

// states are all that the object may be.
func (o *object[S]) states() (list []S) {
	for w := range o.ways {
		if value := o.values[w.state]; !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	return list
}
