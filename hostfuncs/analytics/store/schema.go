package store

import (
	"fmt"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
)

// schema is the first format of a file: the columns of the platform's tables, under their names. An id is larger than those of
// all points that were written before. A double that is no number is NULL.
func schema() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE points (\n\tid INTEGER PRIMARY KEY,\n\ttimestamp INTEGER NOT NULL,\n\t_sample_interval INTEGER NOT NULL DEFAULT 1,\n\tindex1 TEXT NOT NULL DEFAULT ''")
	for i := range abi.AnalyticsBlobsMax {
		fmt.Fprintf(&b, ",\n\tblob%d TEXT NOT NULL DEFAULT ''", i+1)
	}
	for i := range abi.AnalyticsDoublesMax {
		fmt.Fprintf(&b, ",\n\tdouble%d REAL DEFAULT 0", i+1)
	}
	b.WriteString("\n) STRICT;\nCREATE INDEX points_timestamp ON points (timestamp);")
	return b.String()
}

const (
	// rowsMax is how many points one statement stores: most of what a statement costs, it costs once.
	rowsMax = 16
	// manyColumnsMax is how many blobs and doubles points may have to be stored by such a statement, whose size is that of all its columns.
	manyColumnsMax = 10
)

// shape is how many blobs and doubles a point has.
type shape struct{ blobs, doubles int }

// rows is how many points of the shape a statement stores at most.
func (s shape) rows() int {
	if s.blobs+s.doubles > manyColumnsMax {
		return 1
	}
	return rowsMax
}

// columns is how many values a statement is given for each point of the shape.
func (s shape) columns() int { return 2 + s.blobs + s.doubles }

// inserts are the statements that store points, made when they are first needed.
type inserts map[insertKey]string

type insertKey struct {
	shape shape
	rows  int
}

// of gives the statement that stores so many points of a shape.
func (list inserts) of(s shape, rows int) string {
	key := insertKey{s, rows}
	sql, ok := list[key]
	if !ok {
		sql = insert(s, rows)
		list[key] = sql
	}
	return sql
}

// insert makes a statement. Whoever runs it undoes all of it when it fails (OR FAIL), so it needs no journal of its own, which costs about a quarter.
func insert(s shape, rows int) string {
	columns := []string{"timestamp", "index1"}
	for i := range s.blobs {
		columns = append(columns, fmt.Sprint("blob", i+1))
	}
	for i := range s.doubles {
		columns = append(columns, fmt.Sprint("double", i+1))
	}
	marks := ", (" + strings.Repeat(", ?", len(columns))[2:] + ")"
	return "INSERT OR FAIL INTO points (" + strings.Join(columns, ", ") + ") VALUES " + strings.Repeat(marks, rows)[2:]
}
