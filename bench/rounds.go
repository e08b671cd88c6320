package main

import (
	"slices"
	"time"
)

// samples are what the rounds of one measurement gave, one figure per round.
type samples []float64

// median is the middle figure, or the mean of the two in the middle.
func (s samples) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// over gives the ratios round by round.
func (s samples) over(base samples) samples {
	ratios := make(samples, len(s))
	for i := range s {
		ratios[i] = s[i] / base[i]
	}
	return ratios
}

// interleave runs every side once per round. Each round begins with another side, so that none always comes first. The result is by side,
// then by round.
func interleave[T any](rounds int, sides ...func() (T, error)) ([][]T, error) {
	results := make([][]T, len(sides))
	for round := range rounds {
		for i := range sides {
			side := (round + i) % len(sides)
			r, err := sides[side]()
			if err != nil {
				return nil, err
			}
			results[side] = append(results[side], r)
		}
	}
	return results, nil
}

// spared has a side's first error end its own turns and nobody else's; failed is that error then, and its results do not count.
func spared[T any](failed *error, side func() (T, error)) func() (T, error) {
	return func() (result T, err error) {
		if *failed == nil {
			result, *failed = side()
		}
		return result, nil
	}
}

// pick takes one figure of each result.
func pick[T any](results []T, figure func(T) float64) samples {
	s := make(samples, len(results))
	for i, r := range results {
		s[i] = figure(r)
	}
	return s
}

// cost is what a piece of work took.
type cost struct{ cpu, elapsed time.Duration }

// timed measures fn.
func timed(fn func() error) (cost, error) {
	start, cpu := time.Now(), cpuTime()
	err := fn()
	return cost{cpu: cpuTime() - cpu, elapsed: time.Since(start)}, err
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
