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
	warmUp     = 10 * time.Minute
	// piecesOf is how many pieces a slope is made of: each gives its least value, because what a garbage collector has not yet collected is not held.
	piecesOf = 24
)

// judge says whether a series is flat, and what it does. In a short run it may grow by slack, in its unit, in any case.
func (s series) judge(slack float64) (flat bool, bar, got string) {
	if took := time.Duration(len(s)) * time.Second; took >= longLeast {
		slope := s[int(min(warmUp, took/3)/time.Second):].slopePerHour()
		return slope <= slopeMost, fmt.Sprintf("≤ %+.0f %% per hour", 100*slopeMost), fmt.Sprintf("%+.2f %% per hour", 100*slope)
	}
	before, after := s.quarter(1), s.quarter(3)
	most := max(growthMost*before, slack)
	return len(s) >= 4 && after-before <= most, fmt.Sprintf("≤ %+.1f from the second quarter to the last", most), fmt.Sprintf("%+.1f, from %.1f to %.1f", after-before, before, after)
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

// slopePerHour is the slope of the line that fits the least values of the pieces best, as a share of their mean.
func (s series) slopePerHour() float64 {
	var floor series
	each := len(s) / piecesOf
	for piece := range slices.Chunk(s[:each*piecesOf], each) {
		floor = append(floor, slices.Min(piece))
	}
	meanY, meanX := 0.0, float64(piecesOf-1)/2
	for _, y := range floor {
		meanY += y / piecesOf
	}
	above, below := 0.0, 0.0
	for i, y := range floor {
		x := float64(i) - meanX
		above += x * (y - meanY)
		below += x * x
	}
	perHour := float64(time.Hour/time.Second) / float64(each)
	return above / below * perHour / meanY
}
