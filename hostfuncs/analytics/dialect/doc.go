// Package dialect reads the SQL of the Analytics Engine's SQL interface and translates it to SQLite's.
//
// A query is read into a tree and checked: names, types, where aggregates may stand. Only what the tree stands for is written out, in
// words of this package; names and values of the query never get into the text. Values become parameters. What comes out is one SELECT that reads
// the table "points" and nothing else, and calls functions whose names begin with "ae_", which package query provides. What is outside the
// dialect is refused with its place.
package dialect
