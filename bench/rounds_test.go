package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMedianIsTheMiddle(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    samples
		want float64
	}{
		{"none", nil, 0}, {"one", samples{3}, 3}, {"an odd number", samples{9, 1, 5}, 5}, {"an even number", samples{8, 2, 4, 100}, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := slices.Clone(tc.s)
			if got := tc.s.median(); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if !slices.Equal(before, tc.s) {
				t.Error("the samples were reordered")
			}
		})
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	if got := (samples{2, 9}).over(samples{1, 3}); !slices.Equal(got, samples{2, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestEachRoundBeginsWithAnotherSide(t *testing.T) {
	var order strings.Builder
	side := func(name string) func() (string, error) {
		return func() (string, error) { order.WriteString(name); return name, nil }
	}
	results, err := interleave(3, side("a"), side("b"))
	if err != nil || order.String() != "abbaab" {
		t.Errorf("order %q, error %v", order.String(), err)
	}
	if !slices.Equal(results[0], []string{"a", "a", "a"}) || !slices.Equal(results[1], []string{"b", "b", "b"}) {
		t.Errorf("results %v", results)
	}
}

func TestASideThatFailsEndsTheRounds(t *testing.T) {
	broken := errors.New("broken")
	if _, err := interleave(3, func() (int, error) { return 0, broken }); err != broken {
		t.Errorf("got %v", err)
	}
}

func TestRowsSayWhetherThePromiseHolds(t *testing.T) {
	for _, tc := range []struct {
		name    string
		s       samples
		p       *promise
		promise string
		verdict string
	}{
		{"nothing promised", samples{1}, nil, "", ""},
		{"at the most", samples{1, 2, 30}, atMost(2), "≤ 2", "holds"},
		{"over the most", samples{1, 2.1, 3}, atMost(2), "≤ 2", "does not hold"},
		{"at the least", samples{0.75}, atLeast(0.75), "≥ 0.75", "holds"},
		{"under the least", samples{0.7}, atLeast(0.75), "≥ 0.75", "does not hold"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if r := newRow("figure", "×", tc.s, tc.p); r.Promise != tc.promise || r.Verdict != tc.verdict {
				t.Errorf("promise %q, verdict %q", r.Promise, r.Verdict)
			}
		})
	}
}

func TestFiguresHaveThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.12345: "0.123", 1.05: "1.05", 25.44: "25.4", 123.6: "124", 43624: "43624"} {
		if got := digits(v); got != want {
			t.Errorf("%v is shown as %s, want %s", v, got, want)
		}
	}
}

func TestGeometricMeanIsPerRound(t *testing.T) {
	got := geometricMeans([]samples{{1, 2}, {4, 8}})
	if digits(got[0]) != "2.00" || digits(got[1]) != "4.00" {
		t.Errorf("got %v", got)
	}
}

func TestOnlyKnownMeasurementsAreChosen(t *testing.T) {
	if usual, err := choose(""); err != nil || len(usual) == 0 || len(usual) >= len(measurements()) { // those that are apart are not in it
		t.Errorf("%d, %v", len(usual), err)
	}
	if two, err := choose("kv,http"); err != nil || len(two) != 2 || two[0].name != "kv" {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := choose("kv,speed"); err == nil || !strings.Contains(err.Error(), "speed") {
		t.Errorf("got %v", err)
	}
}

func TestAPeerThatFailsEndsItsOwnTurnsOnly(t *testing.T) {
	var failed error
	turns := 0
	failing := spared(&failed, func() (int, error) {
		if turns++; turns == 2 {
			return 0, errors.New("it is gone")
		}
		return turns, nil
	})
	results, err := interleave(4, func() (int, error) { return 7, nil }, failing)
	if err != nil || len(results[0]) != 4 || turns != 2 || failed == nil || failed.Error() != "it is gone" {
		t.Errorf("%v, %v, %d turns, %v", results, err, turns, failed)
	}
}
