// Package migrations changes a D1 database step by step: by SQL files in a directory, which are applied in order and recorded in a table of the
// database. Files, order and table are those of wrangler, so that a project and its databases go on with either tool.
package migrations
