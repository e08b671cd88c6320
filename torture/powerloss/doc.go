// Command powerloss pulls the plug on a running pagesrun, again and again, and looks at what is left.
//
// The data directory is on a file system of its own (packages disk and mount) that forgets, at the pull, whatever no fsync has made durable. Clients
// write unique values of their own through a real function into KV, D1 and a queue, many at once. A pull kills the process at a random moment, undoes
// what was not synced, checks every SQLite file, and starts pagesrun on the rest. Then every acknowledged write must be there and nothing that nobody sent.
//
// The kinds of pull alternate: everything not synced is lost; some writes reached the disk in any order; some sectors of them did. In every second round the
// queue has a consumer, which notes messages in D1; at the end it gets all that are left.
//
// With -durability relaxed the same must lose, or the instrument is blunt: the exit status then says whether it did. It is 1 when the promise is broken,
// 2 when the instrument does not work here.
package main
