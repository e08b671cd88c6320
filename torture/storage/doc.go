// Package storage ends a running pagesrun in hard ways, again and again, and looks at what is left of what it has acknowledged.
//
// Clients write unique values of their own through a real function into KV, D1 and a queue, many at once. Then the process ends: by kill -9, or because the plug
// is pulled. For the latter the data directory is on a file system of its own (packages disk and mount) that forgets, at the pull, whatever no fsync has made
// durable: everything, or some of the writes in any order, or some sectors of them. Every SQLite file is checked, and pagesrun started on the rest. Then every
// acknowledged write must be there and nothing that nobody sent. In every second round the queue has a consumer, which notes messages in D1; at the end it gets
// all that are left.
//
// The control is durability = "relaxed", which must lose something at a pull. A kill has no such control: what a process has written, the system keeps.
package storage
