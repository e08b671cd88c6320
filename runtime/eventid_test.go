package runtime

import (
	"testing"
	"time"
)

func TestEventIDsAreUniqueAndSort(t *testing.T) {
	ids := NewEventIDs(time.Now())
	last := ""
	for range 100_000 {
		id := string(ids.AppendNext(nil))
		if id <= last || len(id) != EventIDChars {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
	}
	if later := string(NewEventIDs(time.Now().Add(time.Second)).AppendNext(nil)); later < last {
		t.Errorf("a later source's %q sorts before %q", later, last)
	}
}
