package d1

import (
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

// servedBy is what meta.served_by says.
const servedBy = "pagesrun"

// meter finds out what an item does and costs.
type meter struct {
	began   time.Time
	changes int64
	rowID   int64
	size    int64
	read    int64
	written int64
	// seen are the changes that are part of written already.
	seen int64
}

// start looks at the connection before an item is run, which began when the clock was looked at last.
func (m *meter) start(c *connection, began time.Time) (err error) {
	m.began = began
	if c.reading {
		return nil
	}
	m.changes, m.rowID = c.TotalChanges(), c.LastInsertRowID()
	m.size, err = c.bytes()
	return err
}

// stop looks again afterwards.
func (m *meter) stop(c *connection, j *job) (abi.D1Meta, error) {
	meta := abi.D1Meta{ServedBy: servedBy, LastRowID: j.rowID, RowsRead: m.read, RowsWritten: m.written}
	j.clock = j.now()
	meta.DurationMS = float64(j.clock.Sub(m.began)) / float64(time.Millisecond)
	var err error
	if meta.SizeAfter, err = c.bytes(); err != nil || c.reading {
		return meta, err
	}
	meta.Changes, meta.LastRowID = c.TotalChanges()-m.changes, c.LastInsertRowID()
	meta.ChangedDB = meta.Changes != 0 || meta.LastRowID != m.rowID || meta.SizeAfter != m.size
	return meta, nil
}

// count adds what one statement, which has ended but is not reset, read and wrote.
func (m *meter) count(c *connection, s *statement, rows int64) {
	m.read += rowsRead(s, rows, c)
	if !s.readOnly {
		m.written += m.rowsWritten(c, s)
	}
}

// rowsRead is how many rows a statement read, as far as SQLite tells: the steps of full scans of tables and indexes and the rows of
// indexes made for one use, but at least the rows it gave, and those an UPDATE changed. What a search in an index
// passes over before it gives a row is not told.
func rowsRead(s *statement, rows int64, c *connection) int64 {
	scanned := int64(s.Status(sqlite3.STMTSTATUS_FULLSCAN_STEP, true))
	if scanned > 0 {
		scanned++ // the first row is no step
	}
	scanned += int64(s.Status(sqlite3.STMTSTATUS_AUTOINDEX, true))
	if !s.notes.reads {
		return scanned
	}
	if s.notes.action == sqlite3.AUTH_UPDATE {
		rows = max(rows, c.Changes())
	}
	return max(scanned, rows)
}
