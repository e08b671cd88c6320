// Package tck is the conformance kit: one script of requests with their expected answers, which are data files (cases/*.case), for the same program written once
// per SDK language, which PROBE.md describes. An SDK whose probe passes every case does to the byte what every other SDK does.
//
// [Cases] gives the files, [File.Run] sends the cases of one to a probe that somebody has started with the file's configuration. The command in
// abi/tck/run does both for any probe and any pagesrun binary. How the files are written is told in README.md.
package tck
