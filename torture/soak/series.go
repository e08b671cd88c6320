package soak

import (
	"fmt"
	"slices"
	"time"
)

// series is what was held, once a second.
type series []float64

// How a series is judged. A slope counts from longLeast on, and what it is per hour may be slopeMost of the mean.
const (
	longLeast  = 30 * time.Minute
	slopeMost  = 0.01
	growthMost = 0.05
	// The warm-up is over when the least value of window is at most calmMost more than that of the window before, and when a third of the run is.
	window   = 5 * time.Minute
	calmMost = 0.01
	// piecesOf is how many pieces a slope is made of: each gives its least value, because what a garbage collector has not yet collected is not held.
	piecesOf = 24
)

// judge says whether a series is flat, and what it does. In a short run it may grow by slack, in its unit, in any case; in a long one by less than one of
// what can only be counted.
func (s series) judge(slack float64, counted bool) (flat bool, bar, got string) {
	if took := time.Duration(len(s)) * time.Second; took >= longLeast {
		warm := s.warm()
		slope, mean := s[warm:].slopePerHour()
		bar = fmt.Sprintf("≤ %+.0f %% per hour", 100*slopeMost)
		if counted {
			bar += ", or one"
		}
		return slope <= slopeMost*mean || counted && slope < 1, bar, fmt.Sprintf("%+.2f %% per hour, %+.2f at a mean of %.1f, after %d minutes", 100*slope/mean, slope, mean, warm/60)
	}
	before, after := s.quarter(1), s.quarter(3)
	most := max(growthMost*before, slack)
	return len(s) >= 4 && after-before <= most, fmt.Sprintf("≤ %+.1f from the second quarter to the last", most), fmt.Sprintf("%+.1f, from %.1f to %.1f", after-before, before, after)
}

// warm gives how many values belong to the warm-up.
func (s series) warm() int {
	const wide, minute = int(window / time.Second), int(time.Minute / time.Second)
	for end := 2 * wide; end < len(s)/3; end += minute {
		if slices.Min(s[end-wide:end]) <= (1+calmMost)*slices.Min(s[end-2*wide:end-wide]) {
			return end
		}
	}
	return len(s) / 3
}

// quarter is the mean of one of the four quarters of a series.
func (s series) quarter(i int) float64 {
	part := s[len(s)*i/4 : len(s)*(i+1)/4]
	if len(part) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range part {
		sum += v
	}
	return sum / float64(len(part))
}

// slopePerHour is the slope of the line that fits the least values of the pieces best, and their mean.
func (s series) slopePerHour() (slope, mean float64) {
	var floor series
	each := len(s) / piecesOf
	for piece := range slices.Chunk(s[:each*piecesOf], each) {
		floor = append(floor, slices.Min(piece))
	}
	meanX := float64(piecesOf-1) / 2
	for _, y := range floor {
		mean += y / piecesOf
	}
	above, below := 0.0, 0.0
	for i, y := range floor {
		x := float64(i) - meanX
		above += x * (y - mean)
		below += x * x
	}
	perHour := float64(time.Hour/time.Second) / float64(each)
	return above / below * perHour, mean
}
