// Package e2e holds tests of the whole: functions compiled by real toolchains, served over real sockets, with real storage, most of
// them by the real binary. There is nothing in it to import; package process runs the binary for tests.
package e2e
