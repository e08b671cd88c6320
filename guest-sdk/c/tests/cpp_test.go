package tests

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

// cppGuest is the guest in C++ alone, for what only the C++ layer has.
var cppGuest = []string{"guest.cc"}

func TestCPPPrintsWhatItIsGiven(t *testing.T) {
	everywhere(t, cppGuest, func(t *testing.T, g *guest) {
		expect(t, g.run(get("/numbers")), "-1 1 -9223372036854775808 18446744073709551615 true c 0.5 string")
	})
}

func TestCPPDestructorsEndWhatWasNotFinished(t *testing.T) {
	everywhere(t, cppGuest, func(t *testing.T, g *guest) {
		g.reset()
		var readable, writable, call, finished int
		if _, err := fmt.Sscanf(g.run(get("/dropped")), "%d %d %d %d.", &readable, &writable, &call, &finished); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("[%d:0 %d:1 %d:0 %d:0 %d:0]", call, writable, readable, finished, finished-1)
		if got := fmt.Sprint(g.closed); got != want {
			t.Errorf("closed %s, want %s", got, want)
		}
	})
}

func TestCPPErrorOfAHandlerIsTheEventsAndStatus500(t *testing.T) {
	everywhere(t, cppGuest, func(t *testing.T, g *guest) {
		g.reset()
		expect(t, g.run(get("/fails")), "Internal Server Error (event e1)")
		if g.response.Status != 500 || strings.Join(g.said, "; ") != "fail no binding NONE" {
			t.Errorf("status %d, said %q", g.response.Status, g.said)
		}
	})
}

func TestCPPValueOfAFailureEndsTheEvent(t *testing.T) {
	everywhere(t, cppGuest, func(t *testing.T, g *guest) {
		g.reset()
		f := get("/stops")
		err := g.try(&abi.Event{Kind: abi.EventFetch, ID: "e1", Fetch: &f})
		if err == nil || strings.Join(g.said, "; ") != "fail no binding NONE" {
			t.Errorf("error %v, said %q", err, g.said)
		}
	})
}

func TestCPPWorkGoesOnAfterTheResponse(t *testing.T) {
	everywhere(t, cppGuest, func(t *testing.T, g *guest) {
		for range 2 {
			g.reset()
			if body := g.run(get("/later")); body != "response" {
				t.Errorf("response %q", body)
			}
			if logs, said := fmt.Sprint(g.logs), fmt.Sprint(g.said); logs != "[1 first 1 second 1 third]" || said != "[fail second failed]" {
				t.Errorf("logs %s, said %s", logs, said)
			}
		}
	})
}

// TestCPPPristineEventsDrawDifferentNumbers puts the memory back after each event, as the runtime does.
func TestCPPPristineEventsDrawDifferentNumbers(t *testing.T) {
	g := start(t, "guest.cc")
	view, _ := g.mod.Memory().Read(0, g.mod.Memory().Size())
	image := bytes.Clone(view)
	const events = 1000
	names := []string{"random_device", "mt19937 seeded from it", "rand"}
	seen := make([]map[string]bool, len(names))
	for i := range seen {
		seen[i] = map[string]bool{}
	}
	for range events {
		for i, v := range strings.Fields(g.run(get("/generators"))) {
			seen[i][v] = true
		}
		g.mod.Memory().Write(0, image)
	}
	for i, name := range names {
		if n := len(seen[i]); n < events-2 { // some of a thousand numbers of 31 bits may meet by chance
			t.Errorf("%s: %d different values in %d events", name, n, events)
		}
	}
}
