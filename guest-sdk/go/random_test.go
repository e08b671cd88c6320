package pagesrun_test

import (
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/fakehost"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/wasmtest"
)

// generators names the columns of /random.
var generators = [...]string{"math/rand/v2", "math/rand", "hash/maphash", "crypto/rand (16 bits)", "math/rand/v2, third draw"}

// distinct runs n events and counts the different values of each generator.
func distinct(g *wasmtest.Guest, n int, between func()) [len(generators)]int {
	var seen [len(generators)]map[string]bool
	for range n {
		_, body := g.Fetch("GET", "/random", nil)
		for i, v := range strings.Fields(body) {
			if seen[i] == nil {
				seen[i] = map[string]bool{}
			}
			seen[i][v] = true
		}
		between()
	}
	var counts [len(generators)]int
	for i := range seen {
		counts[i] = len(seen[i])
	}
	return counts
}

func TestEveryPristineEventSeesNewRandomNumbers(t *testing.T) {
	const events = 1000
	g := start(t, fakehost.Config{})
	g.TakeImage()
	for i, n := range distinct(g, events, g.Restore) {
		want := events
		if i == 3 { // 16 bits collide by chance: 1000 draws leave about 992 values
			want = 960
		}
		if n < want {
			t.Errorf("%s: %d events saw %d values", generators[i], events, n)
		}
	}
}

func TestLaterDrawsOfAnEventAreNewToo(t *testing.T) {
	g := start(t, fakehost.Config{})
	g.TakeImage()
	seen := map[string]string{}
	for _, skip := range []string{"0", "27", "28", "31", "32", "60", "123", "124", "125", "500"} {
		for range 20 {
			_, body := g.Fetch("GET", "/random?skip="+skip, nil)
			if earlier, ok := seen[body]; ok {
				t.Fatalf("after %s draws the same values as after %s: %s", skip, earlier, body)
			}
			seen[body] = skip
			g.Restore()
		}
	}
}

func TestEventsWithoutAnImageStayRandomToo(t *testing.T) {
	g := start(t, fakehost.Config{})
	if n := distinct(g, 100, func() {})[0]; n != 100 {
		t.Errorf("100 events of one instance saw %d values", n)
	}
}

// TestTheImageAloneWouldRepeatItself shows that the tests above can fail: with the same entropy for every event the values repeat.
func TestTheImageAloneWouldRepeatItself(t *testing.T) {
	g := start(t, fakehost.Config{})
	g.TakeImage()
	g.FixEntropy()
	if n := distinct(g, 20, g.Restore)[0]; n != 1 {
		t.Errorf("20 events with the same entropy saw %d values", n)
	}
}
