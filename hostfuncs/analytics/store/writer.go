package store

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/point"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

const (
	// FlushDelay is how long points wait for others to be written with.
	FlushDelay = 250 * time.Millisecond
	// BufferBytesMax is how much memory the points of a dataset may take until they are written.
	BufferBytesMax = 16 << 20

	// pointBytes is what a waiting point counts besides its message.
	pointBytes = 64
	// chunkBytes is the memory that messages share.
	chunkBytes = 32 << 10
	// batchPoints and batchBytes bound what is written in one transaction.
	batchPoints = 4096
	batchBytes  = 2 << 20
	// retryDelay is how long after a failure writing is tried again.
	retryDelay = time.Second
	// tidyEvery is how often old points are looked for.
	tidyEvery = time.Minute
	// complainEvery is how often the same trouble is logged.
	complainEvery = 10 * time.Second
)

// Limits say which points are kept.
type Limits struct {
	// Retention is how long.
	Retention time.Duration
	// MaxBytes is how much room they may take in the file. The oldest are removed beyond it; the file does not become smaller, its room
	// is used again.
	MaxBytes int64
}

// Options say where points are kept.
type Options struct {
	// Path is the file, made by the first point; its directory must exist.
	Path string
	// Relaxed is durability "relaxed".
	Relaxed bool
	// Now is the clock.
	Now func() time.Time
	// Log is told what nobody waits for.
	Log *slog.Logger
	// Limits are those at first; see [Writer.SetLimits].
	Limits Limits
}

// Writer stores the points of one dataset. Its methods may be called by many goroutines.
type Writer struct {
	opts   Options
	limits atomic.Pointer[Limits]
	stored atomic.Uint64

	mu      sync.Mutex
	waiting []entry
	bytes   int    // of waiting and of what is being written
	chunk   []byte // memory for the messages to come, behind its length
	closed  bool

	wake    chan struct{} // there are points
	hurry   chan struct{} // there are many
	flushes chan chan error
	closing chan struct{}
	ended   chan struct{}

	// The rest belongs to the goroutine.
	db         *sqlite.DB
	inserts    inserts
	rows       [rowsMax]row
	spare      []entry
	complained time.Time
	lost       int
}

// entry is a point on its way.
type entry struct {
	seconds int64
	msg     []byte
}

// row is a point that is being stored.
type row struct {
	seconds int64
	point   point.Point
}

func (r *row) shape() shape { return shape{len(r.point.Blobs()), len(r.point.Doubles())} }

// New starts a writer. It opens the file only when there is one already, whose points may be too old.
func New(ctx context.Context, o Options) (*Writer, error) {
	w := &Writer{opts: o, inserts: inserts{}, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		flushes: make(chan chan error), closing: make(chan struct{}), ended: make(chan struct{})}
	w.limits.Store(&o.Limits)
	if _, err := os.Stat(o.Path); err == nil {
		if err := w.open(ctx); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	go w.loop()
	return w, nil
}

func (w *Writer) open(ctx context.Context) (err error) {
	if w.db == nil {
		w.db, err = sqlite.Open(ctx, sqlite.Options{Path: w.opts.Path, Migrations: []string{schema()}, Relaxed: w.opts.Relaxed, Readers: 1, Log: w.opts.Log})
	}
	return err
}

// SetLimits changes which points are kept.
func (w *Writer) SetLimits(l Limits) { w.limits.Store(&l) }

// Stored is how many points this writer has stored.
func (w *Writer) Stored() uint64 { return w.stored.Load() }

// Waiting is how many bytes of memory hold points that are not stored yet.
func (w *Writer) Waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

// Add takes a point, an [abi.AnalyticsWriteRequest] that decodes, to be stored soon with the time given. It keeps a copy. False means that
// there is no room, or that the writer is closed.
func (w *Writer) Add(at time.Time, msg []byte) bool {
	size := len(msg) + pointBytes
	w.mu.Lock()
	if w.closed || w.bytes+size > BufferBytesMax {
		w.mu.Unlock()
		return false
	}
	w.bytes += size
	w.waiting = append(w.waiting, entry{at.Unix(), w.keep(msg)})
	first, many := len(w.waiting) == 1, w.bytes > BufferBytesMax/4
	w.mu.Unlock()
	if first {
		signal(w.wake)
	}
	if many {
		signal(w.hurry)
	}
	return true
}

// keep copies a message. Many share one piece of memory: they come and go together. The caller holds the lock.
func (w *Writer) keep(msg []byte) []byte {
	if len(msg) > cap(w.chunk)-len(w.chunk) {
		w.chunk = make([]byte, 0, max(chunkBytes, len(msg)))
	}
	from := len(w.chunk)
	w.chunk = append(w.chunk, msg...)
	return w.chunk[from:len(w.chunk):len(w.chunk)]
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Flush writes what waits and returns when that is stored. Its error means that some of it is not stored yet.
func (w *Writer) Flush() error {
	done := make(chan error, 1)
	select {
	case w.flushes <- done:
		return <-done
	case <-w.ended:
		return sqlite.ErrClosed
	}
}

// Close writes what waits, closes the file and says how many points could not be stored.
func (w *Writer) Close() (lost int, err error) {
	w.mu.Lock()
	closed := w.closed
	w.closed = true
	w.mu.Unlock()
	if closed {
		return 0, sqlite.ErrClosed
	}
	close(w.closing)
	<-w.ended
	if w.db != nil {
		err = w.db.Close()
	}
	return w.lost, err
}

// loop writes until the writer is closed.
func (w *Writer) loop() {
	defer close(w.ended)
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	w.tidy()
	for {
		select {
		case <-w.wake:
			w.pause(FlushDelay)
			w.writeAll()
		case done := <-w.flushes:
			done <- w.writeAll()
		case <-tidy.C:
			w.tidy()
		case <-w.closing:
			if w.writeAll() != nil {
				w.lost = len(w.take())
			}
			return
		}
	}
}

// pause waits a while, or until there is much to do.
func (w *Writer) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.hurry:
	case <-w.closing:
	}
}

// take takes the points that wait.
func (w *Writer) take() []entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.waiting
	w.waiting, w.spare = w.spare[:0], nil
	return list
}

// writeAll writes what waits, and makes room for it.
func (w *Writer) writeAll() error {
	written, err := w.writeWaiting()
	if written > 0 && err == nil {
		w.limitSize()
	}
	return err
}

// writeWaiting writes what waits and says how many points that were. What cannot be written waits on, before what has come since.
func (w *Writer) writeWaiting() (written int, err error) {
	list := w.take()
	rest := list
	for len(rest) > 0 && err == nil {
		n := batch(rest)
		if err = w.write(rest[:n]); err == nil {
			w.release(rest[:n])
			rest = rest[n:]
			written += n
		}
	}
	if err != nil {
		w.putBack(rest)
		w.complain(err)
		time.AfterFunc(retryDelay, func() { signal(w.wake) })
		return written, err
	}
	clear(list)
	w.spare = list[:0]
	return written, nil
}

// batch is how many of the points go into one transaction.
func batch(list []entry) int {
	bytes := 0
	for i := range list[:min(len(list), batchPoints)] {
		if bytes += len(list[i].msg); bytes > batchBytes {
			return i + 1
		}
	}
	return min(len(list), batchPoints)
}

func (w *Writer) release(written []entry) {
	bytes := 0
	for i := range written {
		bytes += len(written[i].msg) + pointBytes
	}
	w.stored.Add(uint64(len(written)))
	w.mu.Lock()
	w.bytes -= bytes
	w.mu.Unlock()
}

func (w *Writer) putBack(rest []entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(append(make([]entry, 0, len(rest)+len(w.waiting)), rest...), w.waiting...)
}

// complain logs why points cannot be stored, but not all the time.
func (w *Writer) complain(err error) {
	if now := time.Now(); now.Sub(w.complained) >= complainEvery {
		w.complained = now
		w.opts.Log.Warn("cannot store data points; will try again", "file", w.opts.Path, "cause", err)
	}
}

// write stores points in one transaction.
func (w *Writer) write(list []entry) error {
	if _, err := os.Stat(filepath.Dir(w.opts.Path)); err != nil {
		return err
	}
	if err := w.open(context.Background()); err != nil {
		return err
	}
	return w.db.Write(context.Background(), 0, func(c *sqlite.Conn) error { return w.insertAll(c, list) })
}

// insertAll stores points, those of one shape that follow one another together.
func (w *Writer) insertAll(c *sqlite.Conn, list []entry) error {
	n := 0
	for _, e := range list {
		r := &w.rows[n]
		r.seconds = e.seconds
		if err := r.point.Decode(e.msg); err != nil {
			return err
		}
		if n > 0 && r.shape() != w.rows[0].shape() {
			if err := w.insert(c, w.rows[:n]); err != nil {
				return err
			}
			w.rows[0], n = *r, 0
		}
		if n++; n == w.rows[0].shape().rows() {
			if err := w.insert(c, w.rows[:n]); err != nil {
				return err
			}
			n = 0
		}
	}
	return w.insert(c, w.rows[:n])
}

// insert stores points of one shape: all with one statement when there are as many as it takes, else one by one.
func (w *Writer) insert(c *sqlite.Conn, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	shape := rows[0].shape()
	each := 1
	if len(rows) == shape.rows() {
		each = len(rows)
	}
	s, err := c.Stmt(w.inserts.of(shape, each))
	if err != nil {
		return err
	}
	for part := range slices.Chunk(rows, each) {
		for i := range part {
			if err := bind(s, i*shape.columns(), &part[i]); err != nil {
				return err
			}
		}
		if err := s.Exec(); err != nil {
			return err
		}
	}
	return nil
}

// bind gives a statement the values of a point, after so many others.
func bind(s *sqlite3.Stmt, after int, r *row) error {
	if err := s.BindInt64(after+1, r.seconds); err != nil {
		return err
	}
	if err := s.BindText(after+2, r.point.Index); err != nil {
		return err
	}
	after += 2
	for i, v := range r.point.Blobs() {
		if err := s.BindText(after+1+i, v); err != nil {
			return err
		}
	}
	after += len(r.point.Blobs())
	for i, v := range r.point.Doubles() {
		if err := s.BindFloat(after+1+i, v); err != nil {
			return err
		}
	}
	return nil
}

// Full says whether an error of [Writer.Flush] means that the disk has no room.
func (w *Writer) Full(err error) bool {
	var public *abi.Error
	return w.db != nil && errors.As(w.db.Public(err), &public) && public.Code == abi.CodeStorageFull
}
