// Package simulator does random things to bindings through the real host functions and compares them with plain maps.
//
// A seed gives a world: a data directory, a clock that moves only when the world says so, a disk, and a guest that makes the calls, several at once, on the
// same keys and rows, some of them cancelled. Things go wrong in it: the disk fails at the n-th read, write, sync, truncate or open, once or for a while, with an
// I/O error, without room or without memory; an event has no time left in the middle of its calls; the process ends, or the power goes away with all that
// no sync has made durable, or with some sectors of it; and everything is closed and opened in peace. After each of these the world goes on.
//
// What is held against it: every answer must be one that a plain map could give at a moment between the call's begin and its end, with what other calls did before
// that moment (see object). An acknowledged write is there, whatever came after. A write that was cancelled, failed or never answered is there as a whole or not
// at all. Errors are allowed only while something is wrong, and only those that say so; as soon as the disk works again everything must. The files are real ones below
// pagesrun's own virtual file system, into which the disk is put; queues, in one world of sixteen, are not on that disk: killing and failing disks are tried on
// them by package storage.
//
// What differs from the models ends the world with all that was done in it, and with its seed, which gives the same world again. Only the machine's
// choice of which of several calls is faster may differ, and with it the step at which a fault shows.
//
// The controls are in the tests: calls that are forgotten, made twice or by half, answers from before, and a disk that forgets what was synced are caught; and the
// check of histories agrees with porcupine on finished ones.
package simulator
