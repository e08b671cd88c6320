package simulator

import (
	"math/rand/v2"
	"testing"
)

func TestWorldsBehaveAsPlainMaps(t *testing.T) {
	failed, err := Seeds(t.Context(), rand.Uint64(), 20, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failed {
		t.Error(f)
	}
}

// TestAModelThatForgetsIsCaught is the control.
func TestAModelThatForgetsIsCaught(t *testing.T) {
	one, two := int64(1), int64(2)
	d := newDatabase()
	d.change("r", func(row) row { return &one }, true)
	if d.saw("r", &one) != nil || d.saw("r", &two) == nil || d.saw("r", nil) == nil || d.saw("other", nil) != nil {
		t.Error("the model of a table takes what nobody wrote")
	}
	d.change("r", func(row) row { return &two }, false)
	if d.saw("r", &one) != nil || d.saw("r", &two) != nil {
		t.Error("a row that may have been changed shows only one state")
	}
	n := newNamespace()
	n.set("k", &entry{value: "v", expiration: 10}, true)
	if n.saw("k", 9, true, "v", nil) != nil || n.saw("k", 9, true, "w", nil) == nil || n.saw("k", 9, false, "", nil) == nil || n.saw("k", 10, true, "v", nil) == nil {
		t.Error("the model of a namespace takes what nobody wrote")
	}
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
}
