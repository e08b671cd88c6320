// Package sqlite keeps a binding's data in one SQLite file: one writing connection whose commits are shared by all who
// wait (group commit), and a pool of reading connections that never block it.
//
// What it promises, on storage that honours fsync: a write that was acknowledged survives a crash of the process, and with
// durability "sync" a crash of the machine. A full disk is reported as such, and does not stop reads, deletes, or writes that reuse room
// inside the file: the room a transaction needs in the file is taken before it commits, and the write-ahead log keeps some room of its own.
// Nothing has to be restarted when there is room again.
//
// A read sees every write that was acknowledged before it began, whoever wrote. Reads that find nothing new since the last one share a
// transaction, which makes them cheaper than a statement on its own.
//
// Several processes may have the same file open at once; SQLite's own locks make that safe.
package sqlite
