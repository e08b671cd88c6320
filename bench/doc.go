// Command bench measures what the project promises about speed and size and prints it as one table: each figure with its definition,
// its median, its least and greatest value, and whether the promise holds on this machine.
//
// Figures are ratios where that is possible, taken from rounds that alternate between the sides compared (A B, B A, A B, ...), so that
// whatever else the machine does falls on both. A ratio is made per round; the table has the median of those. Times inside
// one process are CPU time (user and system, as the kernel accounts it), which other processes disturb less than elapsed time.
//
// The exit status is 0 whether or not a promise holds: machines differ. A peer that cannot run is listed with the reason.
//
// Run it from the repository's root, with "make bench", which builds what it needs first.
package main
