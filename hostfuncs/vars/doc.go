// Package vars is the binding of plain variables: the entries of the table "vars" and of --binding flags. A string is given to guests
// as it is, anything else as a JSON document with its type kept.
//
// Production's limits hold from the start: at most 128 variables, secrets counted, each of at most 5 KiB. TOML's dates
// have no counterpart in JSON and are refused.
package vars
