// Package query answers queries in the SQL of the Analytics Engine's interface, of the files that package store writes. It opens a file for
// reading only, and may do so while a server writes to it.
package query
