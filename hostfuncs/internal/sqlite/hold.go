package sqlite

// A read that stands alone spends a fifth of its time on taking and giving back SQLite's lock on the write-ahead log. A
// reading connection therefore stays in its read transaction when it finds that nothing was committed since its last read, and goes on
// using it for as long as that is so. It finds out by looking at the log's index, which every process that has the file open maps into
// memory, and whose head changes with every commit before the commit is acknowledged. So a read sees every write that was
// acknowledged before it began, also one of another process.
//
// A transaction that is held keeps the log from beginning anew. It is given up when the connection has not been used for a moment, and
// before this process moves the log into the file.

// stamp is the head of the log's index. It is another one after every commit.
type stamp [6]uint64

// hold is the part of a reading connection that stays in a transaction.
type hold struct {
	index *walIndex // nil where it cannot be looked at: no transaction is held then
	seen  stamp     // the index when the last read began
	held  bool      // a transaction is open, which began at seen or later
	used  bool      // since idle connections were looked at last
}

// enter prepares for a read: it keeps a transaction that is up to date, gives up one that is not, and begins one where that looks worthwhile.
func (c *Conn) enter() error {
	if c.index == nil {
		return nil
	}
	now := c.index.stamp()
	unchanged := now == c.seen
	c.seen, c.used = now, true
	switch {
	case c.held && !unchanged:
		return c.release()
	case !c.held && unchanged:
		c.held = true
		return c.run(`BEGIN`)
	}
	return nil
}

// release gives up the transaction that is held, if one is.
func (c *Conn) release() error {
	if !c.held {
		return nil
	}
	c.held = false
	return c.protect(endHeld)
}

func endHeld(c *Conn) error { return c.run(`COMMIT`) }
