// Package soak has a server work for long under a load of which half fails, and watches whether what it holds grows: resident memory, goroutines and
// descriptors, sampled every second.
//
// Requests come at a rate that does not depend on the machine, so that two runs can be compared and what is held is not what a full queue needs.
//
// A run of half an hour or more is judged by the slope of each after a warm-up, which is over when five minutes need no more than the five before, and
// after a third of the run; a shorter one by what its last quarter holds more than its second, because a slope per hour cannot be told from the noise of
// a few minutes. Its control is a series that grows, in the tests.
package soak
