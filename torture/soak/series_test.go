package soak

import (
	"math/rand/v2"
	"testing"
	"time"
)

// seen makes a series around 100 that grows by so much in all, with what a garbage collector makes of it above it.
func seen(took time.Duration, growth float64) (s series) {
	random := rand.New(rand.NewPCG(1, 2))
	n := int(took / time.Second)
	for i := range n {
		sawtooth := 4 * float64(i%7) / 7
		s = append(s, 100+growth*float64(i)/float64(n)+sawtooth+random.Float64())
	}
	return s
}

// TestASeriesThatGrowsIsCaught is the control of the instrument "soak".
func TestASeriesThatGrowsIsCaught(t *testing.T) {
	for _, c := range []struct {
		name   string
		took   time.Duration
		growth float64
		flat   bool
	}{
		{"a minute of noise", time.Minute, 0, true},
		{"a minute in which it grows by a quarter", time.Minute, 25, false},
		{"a minute in which it shrinks", time.Minute, -25, true},
		{"ten minutes of noise", 10 * time.Minute, 0, true},
		{"ten minutes in which it grows by a quarter", 10 * time.Minute, 25, false},
		{"an hour of noise", time.Hour, 0, true},
		{"an hour in which it grows by half of what it may", time.Hour, 0.5, true},
		{"an hour in which it grows by twice what it may", time.Hour, 2, false},
		{"a day of noise", 24 * time.Hour, 0, true},
		{"a day in which it grows by half of what it was", 24 * time.Hour, 50, false},
		{"no time at all", 0, 0, false},
	} {
		flat, bar, got := seen(c.took, c.growth).judge(3, false)
		if flat != c.flat {
			t.Errorf("%s: flat is %v: %s (%s)", c.name, flat, got, bar)
		}
	}
}

func TestTheWarmUpDoesNotCount(t *testing.T) {
	for _, c := range []struct {
		name        string
		warm, grows time.Duration
		flat        bool
	}{
		{"a start with little", 9 * time.Minute, 0, true},
		{"a start that takes longer than a third", 45 * time.Minute, 0, false},
		{"growth that ends", 0, 15 * time.Minute, true},
		{"growth that does not", 0, time.Hour, false},
	} {
		s := seen(time.Hour, 0)
		for i := range s {
			at := time.Duration(i) * time.Second
			if at < c.warm {
				s[i] = 10
			}
			s[i] += 100 * min(at, c.grows).Hours()
		}
		if flat, bar, got := s.judge(3, false); flat != c.flat {
			t.Errorf("%s: flat is %v: %s (%s)", c.name, flat, got, bar)
		}
	}
}

func TestWhatIsCountedMayGrowByLessThanOne(t *testing.T) {
	for growth, want := range map[float64]bool{0.7: true, 1.5: false} {
		s := seen(time.Hour, growth)
		for i := range s {
			s[i] -= 80
		}
		if flat, bar, got := s.judge(3, true); flat != want {
			t.Errorf("%.1f more: flat is %v: %s (%s)", growth, flat, got, bar)
		}
	}
}
