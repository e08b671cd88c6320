package store

import (
	"context"
	"errors"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Removing goes on in small transactions, which fit into the room the log has on a full disk. New points are written between them.
const (
	// removePoints is how many points one transaction removes.
	removePoints = 2000
	// spareShare is which part of the room is freed once it is used up, so that not every batch has to remove some.
	spareShare = 50
)

// tidy removes the points that are too old, and those that are too many.
func (w *Writer) tidy() {
	if w.db == nil {
		return
	}
	oldest := w.opts.Now().Add(-w.limits.Load().Retention).Unix()
	for more := true; more && !w.isClosing(); {
		var err error
		if more, err = w.removeOlder(oldest); err != nil {
			w.complain(err)
			return
		}
		w.writeWaiting()
	}
	w.limitSize()
}

func (w *Writer) isClosing() bool {
	select {
	case <-w.closing:
		return true
	default:
		return false
	}
}

// removeOlder removes some of the points before a time; true when there may be more.
func (w *Writer) removeOlder(seconds int64) (more bool, err error) {
	found, err := w.number(`SELECT count(*) FROM (SELECT 1 FROM points WHERE timestamp < ?1 LIMIT 1)`, seconds)
	if err != nil || found == 0 {
		return false, err
	}
	return true, w.run(`DELETE FROM points WHERE id IN (SELECT id FROM points WHERE timestamp < ?1 LIMIT ?2)`, seconds, removePoints)
}

// limitSize removes the oldest points while they take more room than they may, faster than new ones come.
func (w *Writer) limitSize() {
	if w.db == nil {
		return
	}
	most := w.limits.Load().MaxBytes
	used, err := w.used()
	if err == nil && used <= most {
		return
	}
	target, points := most-most/spareShare, int64(removePoints)
	for err == nil && used > target && !w.isClosing() {
		if err = w.removeOldest(used-target, points); err != nil {
			break
		}
		written, _ := w.writeWaiting()
		points = max(removePoints, 2*int64(written))
		used, err = w.used()
	}
	if err != nil {
		w.complain(err)
	}
}

// errEmpty says that a file without points is too large.
var errEmpty = errors.New("the file is larger than it may be although it holds no points")

// removeOldest removes the oldest points, about as many as take the room given but at most so many.
func (w *Writer) removeOldest(bytes, points int64) error {
	first, err := w.number(`SELECT ifnull(min(id), 0) FROM points`)
	if err != nil {
		return err
	}
	last, err := w.number(`SELECT ifnull(max(id), 0) FROM points`)
	if err != nil {
		return err
	}
	if last == 0 {
		return errEmpty
	}
	used, err := w.used()
	if err != nil {
		return err
	}
	each := max(used/(last-first+1), 1)
	return w.run(`DELETE FROM points WHERE id < ?1`, first+min(max(bytes/each, 1), points))
}

// used is how much room of the file is in use, in bytes.
func (w *Writer) used() (int64, error) {
	return w.number(`SELECT (p.page_count - f.freelist_count) * s.page_size
		FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s`)
}

// number gives the only value of a query.
func (w *Writer) number(sql string, args ...int64) (n int64, err error) {
	err = w.db.Read(context.Background(), func(c *sqlite.Conn) error {
		s, err := c.Stmt(sql)
		if err != nil {
			return err
		}
		for i, v := range args {
			if err := s.BindInt64(i+1, v); err != nil {
				return err
			}
		}
		if s.Step() {
			n = s.ColumnInt64(0)
		}
		return errors.Join(s.Err(), s.Reset())
	})
	return n, err
}

// run executes a statement in a transaction.
func (w *Writer) run(sql string, args ...int64) error {
	return w.db.Write(context.Background(), 0, func(c *sqlite.Conn) error {
		s, err := c.Stmt(sql)
		if err != nil {
			return err
		}
		for i, v := range args {
			if err := s.BindInt64(i+1, v); err != nil {
				return err
			}
		}
		return s.Exec()
	})
}
