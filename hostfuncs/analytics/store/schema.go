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

// inserts are the statements that store a point, by how many blobs and doubles it has.
type inserts [abi.AnalyticsBlobsMax + 1][abi.AnalyticsDoublesMax + 1]string

func newInserts() *inserts {
	var list inserts
	for blobs := range list {
		for doubles := range list[blobs] {
			list[blobs][doubles] = insert(blobs, doubles)
		}
	}
	return &list
}

func insert(blobs, doubles int) string {
	columns := []string{"timestamp", "index1"}
	for i := range blobs {
		columns = append(columns, fmt.Sprint("blob", i+1))
	}
	for i := range doubles {
		columns = append(columns, fmt.Sprint("double", i+1))
	}
	marks := strings.Repeat(", ?", len(columns))[2:]
	return "INSERT INTO points (" + strings.Join(columns, ", ") + ") VALUES (" + marks + ")"
}
