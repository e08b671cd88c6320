package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// Bounds of one shared transaction.
const (
	batchWritesMax = 512
	batchBytesMax  = 4 << 20
)

// Sizes of the write-ahead log, in pages.
const (
	// checkpointPages is when its content is moved into the file.
	checkpointPages = 1000
	// restartPages is when readers are made to wait for a moment so that it can begin anew.
	restartPages = 8000
)

// The states of a write.
const (
	writeQueued int32 = iota
	writeBegun
	writeCanceled
)

// write is one caller's request to write.
type write struct {
	fn    func(*Conn) error
	bytes int
	// once says that fn must not be run again and shares its transaction with nobody.
	once  bool
	state atomic.Int32
	done  chan error
}

// writer owns the writing connection and the goroutine that uses it.
type writer struct {
	opts Options
	log  *slog.Logger
	conn *Conn
	room *room
	// doubtful says that the log may end in a commit that was given up; see overwrite.
	doubtful bool
	// readers hold transactions that keep the log from beginning anew.
	readers *readers
	queue   chan *write
	ended   chan struct{}

	mu     sync.RWMutex // held for reading while sending into queue
	closed bool
}

// newWriter starts the writing goroutine. On an error c still belongs to the caller.
func newWriter(c *Conn, o Options, r *readers) (*writer, error) {
	room, err := openRoom(o.Path)
	if err != nil {
		return nil, err
	}
	if o.checkpointPages == 0 {
		o.checkpointPages = checkpointPages
	}
	w := &writer{opts: o, log: o.Log, room: room, readers: r, queue: make(chan *write, batchWritesMax), ended: make(chan struct{})}
	w.use(c)
	go w.loop()
	return w, nil
}

// use makes c the writing connection.
func (w *writer) use(c *Conn) {
	c.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
		c.walPages = pages
		w.doubtful = false // something was written where that was
		return nil
	})
	c.walPages = 1 // an earlier process may have left something in the log
	w.conn = c
}

// do queues a write and waits for its outcome.
func (w *writer) do(ctx context.Context, r *write) error {
	r.done = make(chan error, 1)
	if err := w.submit(ctx, r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(writeQueued, writeCanceled) {
		return ctx.Err()
	}
	return <-r.done
}

func (w *writer) submit(ctx context.Context, r *write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain finishes what is queued and ends the goroutine.
func (w *writer) drain() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.ended
	return nil
}

// close closes the connection. It comes after drain and after the readers are gone, so that SQLite can fold the log into the file.
func (w *writer) close() error {
	w.room.close()
	return w.conn.shut()
}

func (w *writer) loop() {
	defer close(w.ended)
	for first := range w.queue {
		for first != nil {
			var batch []*write
			batch, first = w.collect(first)
			w.serve(batch)
			w.checkpointIfDue()
		}
	}
}

// collect takes first and whatever else waits, without waiting itself. next is what was taken but has to come after the batch.
func (w *writer) collect(first *write) (batch []*write, next *write) {
	batch, bytes := begin(nil, first), first.bytes
	for !first.once && len(batch) < batchWritesMax && bytes < batchBytesMax {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return batch, nil
			}
			if r.once {
				return batch, r
			}
			batch = begin(batch, r)
			bytes += r.bytes
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// begin appends r to the batch unless its caller has given up.
func begin(batch []*write, r *write) []*write {
	if !r.state.CompareAndSwap(writeQueued, writeBegun) {
		return batch
	}
	return append(batch, r)
}

// serve writes a batch and answers everyone in it. What keeps a whole batch from being stored must not fail those who
// are innocent of it: who ended the transaction is left out of the next try, and where that was nobody each gets a transaction of its own.
func (w *writer) serve(batch []*write) {
	if len(batch) == 0 {
		return
	}
	answers, err := w.transact(batch)
	var ended *endedError
	switch {
	case err == nil:
		for i, r := range batch {
			r.done <- answers[i]
		}
		return
	case batch[0].once:
		w.recover(err)
		batch[0].done <- err
		return
	case errors.As(err, &ended):
		batch[ended.index].done <- ended.cause
		w.serve(slices.Delete(batch, ended.index, ended.index+1))
		return
	}
	w.recover(err)
	for _, r := range batch {
		if errors.Is(err, sqlite3.BUSY) {
			r.done <- err // each would wait as long again
		} else {
			r.done <- w.alone(r)
		}
	}
}

// alone gives a write its own transaction, and a second one where making room in the log may have cured the first.
func (w *writer) alone(r *write) error {
	answers, err := w.transact([]*write{r})
	if err != nil && w.recover(err) {
		answers, err = w.transact([]*write{r})
	}
	var ended *endedError
	switch {
	case errors.As(err, &ended):
		return ended.cause
	case err != nil:
		return err
	}
	return answers[0]
}

// endedError is the error of a write with which SQLite ended the whole transaction.
type endedError struct {
	index int
	cause error
}

// Error gives the cause.
func (e *endedError) Error() string { return e.cause.Error() }

// Unwrap gives the cause.
func (e *endedError) Unwrap() error { return e.cause }

// recover does what can be done about a failed transaction: on a full disk it lets the log begin anew, where transactions find the room
// it has already. True means the next transaction may do better.
func (w *writer) recover(err error) bool {
	if w.conn.broken || !errors.Is(err, sqlite3.FULL) || w.conn.walPages == 0 {
		return false
	}
	return w.checkpoint(sqlite3.CHECKPOINT_RESTART) == nil
}

// reopen replaces a broken connection, which until it is closed holds its locks.
func (w *writer) reopen() error {
	w.conn.abandon()
	c, err := openWriter(context.Background(), w.opts)
	if err != nil {
		return err
	}
	w.use(c)
	return nil
}

// transact runs a batch in one transaction. The error is one of the transaction as a whole: nothing is stored then.
func (w *writer) transact(batch []*write) (answers []error, err error) {
	if w.conn.broken {
		if err := w.reopen(); err != nil {
			return nil, err
		}
	}
	if w.conn.walPages == 0 {
		w.readers.releaseIdle() // the log can begin anew with this transaction
	}
	err = w.conn.protect(func(c *Conn) error {
		if err := c.run(`BEGIN IMMEDIATE`); err != nil {
			return err
		}
		if answers, err = runAll(c, batch); err == nil {
			err = w.commit(c)
		}
		if err != nil {
			rollback(c)
		}
		return err
	})
	if w.doubtful {
		w.overwrite()
	}
	return answers, err
}

// overwrite writes over what a failed commit has left in the log. When the disk fails at making a commit durable, it is given up and nobody sees it; but it is in the
// log, and who opens that after the end of this process cannot tell that it was given up. Where the disk fails at this too, the next transaction does it.
func (w *writer) overwrite() {
	if w.conn.broken {
		return
	}
	_ = w.conn.protect(func(c *Conn) error {
		err := c.run(`BEGIN IMMEDIATE`)
		if err == nil {
			err = same(c)
		}
		if err == nil {
			err = w.commit(c)
		}
		if err != nil {
			rollback(c)
		}
		return err
	})
}

// same writes the file's format, which it has already.
func same(c *Conn) error {
	format, err := c.Int(`PRAGMA user_version`)
	if err != nil {
		return err
	}
	return c.Exec(fmt.Sprintf(`PRAGMA user_version=%d`, format))
}

// commit takes the room the transaction needs and commits it.
func (w *writer) commit(c *Conn) error {
	if err := w.room.take(c); err != nil {
		return err
	}
	err := c.run(`COMMIT`)
	if err != nil {
		w.doubtful = true
	}
	return err
}

// rollback undoes the transaction unless SQLite has already.
func rollback(c *Conn) error {
	c.tidy()
	if !c.GetAutocommit() {
		return c.run(`ROLLBACK`)
	}
	return nil
}

// runAll runs every write of a batch inside a savepoint and gives each one's error.
func runAll(c *Conn, batch []*write) ([]error, error) {
	answers := make([]error, len(batch))
	for i, r := range batch {
		err := runOne(c, r)
		switch {
		case err == nil:
		case errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR):
			return nil, err
		case c.GetAutocommit():
			return nil, &endedError{index: i, cause: err}
		}
		answers[i] = err
	}
	return answers, nil
}

func runOne(c *Conn, r *write) error {
	if err := c.run(`SAVEPOINT one`); err != nil {
		return err
	}
	err := r.fn(c)
	if err == nil {
		return c.run(`RELEASE one`)
	}
	c.tidy()
	if !c.GetAutocommit() {
		if undo := errors.Join(c.run(`ROLLBACK TO one`), c.run(`RELEASE one`)); undo != nil {
			return undo
		}
	}
	return err
}

// checkpointIfDue moves the log's content into the file when there is enough of it. It runs after the callers were answered.
func (w *writer) checkpointIfDue() {
	if w.conn.broken || w.conn.walPages < w.opts.checkpointPages {
		return
	}
	mode := sqlite3.CHECKPOINT_PASSIVE
	if w.conn.walPages >= restartPages {
		mode = sqlite3.CHECKPOINT_RESTART
	}
	err := w.checkpoint(mode)
	if err != nil && !errors.Is(err, sqlite3.BUSY) {
		w.log.Warn("cannot move the write-ahead log into the database; will try again", "file", w.opts.Path, "error", err)
	}
}

// checkpoint moves the log's content into the file, waiting only a moment for those who still read the log.
func (w *writer) checkpoint(mode sqlite3.CheckpointMode) error {
	w.readers.releaseIdle()
	return w.conn.protect(func(c *Conn) error {
		c.BusyTimeout(restartBusyTimeout)
		defer c.BusyTimeout(writerBusyTimeout)
		logged, moved, err := c.WALCheckpoint("main", mode)
		if err == nil && logged == moved {
			c.walPages = 0
		}
		return err
	})
}
