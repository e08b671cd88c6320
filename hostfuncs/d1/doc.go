// Package d1 is the D1 binding: SQL databases, one SQLite file each, named after the database's id; bindings with the same id share it. The
// local id of an entry of d1_databases is its preview_database_id, else its database_id, else its binding name.
//
// A query is one statement or a batch of them; either way it is one transaction: all of it is stored or nothing. Queries that only
// read run side by side on their own connections and see every write acknowledged before they began. Queries that write take
// turns on one connection and share commits: those that wait while the disk syncs are stored with the next sync together, each
// within a savepoint of its own, so that one that fails takes back only what it did itself.
//
// Semantics, limits and error texts are those of Cloudflare's production D1, with these differences: reads are never stale (there are no
// replicas), last_insert_rowid(), changes() and total_changes() are those of the one writing connection and begin at zero with the
// process, a setting made with PRAGMA holds until the end of its query, LIKE and GLOB never match a BLOB, and meta.rows_read counts what
// SQLite tells: the rows of full scans, and at least the rows given or updated, but not what a search in an index passes over.
// meta.rows_written counts rows and their index entries; for a partial index every row is taken to have one.
//
// Errors have the text of the platform: "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended:
// SQLITE_CONSTRAINT_PRIMARYKEY)", with " at offset N" where SQLite names a place. Offsets count bytes of the statement that failed.
package d1
