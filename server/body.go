package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/server/strictconn"
)

// drainBytesMax is how much of a body that nobody reads is taken from an HTTP/1 client to keep its connection.
const drainBytesMax = 256 << 10

// longAgo as a read deadline makes a read in progress fail at once.
var longAgo = time.Unix(1, 0)

// body is a request's body on its way to a function: with a limit, with a time limit for each read, and harmless to read
// after its request is over.
type body struct {
	w      http.ResponseWriter
	r      *http.Request
	idle   time.Duration
	expect bool // the client waits for "100 Continue"

	mu      sync.Mutex
	readers sync.Cond // reading has become false
	reading bool
	closed  bool
	remain  int64 // bytes until the limit
	atEnd   bool
	begun   bool
	err     error
	refused *refusal // why reading failed, where it was the client's doing
}

func newBody(w http.ResponseWriter, r *http.Request, idle time.Duration, limit int64) *body {
	b := &body{w: w, r: r, idle: idle, remain: limit, expect: r.Header["Expect"] != nil}
	b.readers.L = &b.mu
	return b
}

// deadliner is what net/http's response writers can do for the reads of their request.
type deadliner interface{ SetReadDeadline(time.Time) error }

func setReadDeadline(w http.ResponseWriter, t time.Time) {
	if d, ok := w.(deadliner); ok {
		d.SetReadDeadline(t)
	}
}

// Read reads what has arrived. It fails with [errBodyTimeout] after the idle time without a byte, with [errBodyTooLarge] at the limit.
func (b *body) Read(p []byte) (int, error) {
	if !b.startReading() {
		return 0, b.failure()
	}
	setReadDeadline(b.w, time.Now().Add(b.idle))
	n, err := b.r.Body.Read(p)
	return b.stopReading(n, err)
}

var (
	errBodyTimeout  = errors.New("the request body did not arrive in time")
	errBodyTooLarge = errors.New("the request body is over the limit")
)

func (b *body) startReading() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.reading {
		b.readers.Wait()
	}
	if b.closed || b.err != nil {
		return false
	}
	b.reading, b.begun = true, true
	return true
}

func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	return http.ErrBodyReadAfterClose
}

func (b *body) stopReading(n int, err error) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	b.readers.Broadcast()
	if b.remain -= int64(n); b.remain < 0 {
		n += int(b.remain)
		b.remain = 0
		b.refused, b.err = refuseBody, errBodyTooLarge
		return n, b.err
	}
	switch {
	case err == io.EOF:
		b.atEnd = true
	case errors.Is(err, os.ErrDeadlineExceeded) && !b.closed:
		b.refused, err = refuseSlow, errBodyTimeout
	case err != nil && !b.closed:
		b.refused = refuseBroken
	}
	b.err = err
	return n, err
}

// Close ends the interest in the body. A read in progress is left alone: with HTTP/1, interrupting it would look like
// a client that has gone away.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// refusal says why the body could not be read, where that was the client's doing.
func (b *body) refusal() *refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}

// finish is called when the response is complete. Nothing is read from the request afterwards. With HTTP/1 the rest of a body
// stands between this request and the next: a little of it is read, otherwise the connection ends here.
func (b *body) finish() {
	interrupted := b.detach()
	if b.atEnd || b.r.ProtoMajor != 1 {
		return
	}
	if interrupted || b.err != nil || !b.drain() {
		cut(b.r)
	}
}

// detach makes all reads fail, and waits for one in progress to do so.
func (b *body) detach() (interrupted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for b.reading {
		interrupted = true
		setReadDeadline(b.w, longAgo)
		b.readers.Wait()
	}
	return interrupted
}

// drain reads a little more of the body and reports whether that was the end.
func (b *body) drain() bool {
	if b.expect && !b.begun {
		return false
	}
	setReadDeadline(b.w, time.Now().Add(b.idle))
	n, err := io.CopyN(io.Discard, b.r.Body, drainBytesMax)
	return err == io.EOF && n <= b.remain
}

// connKey is the context key of a connection's strict reader.
type connKey struct{}

// cut makes sure that nothing more is read from the request's connection.
func cut(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(interface{ Cut() }); ok {
		c.Cut()
	}
}

var _ interface{ Cut() } = (*strictconn.Conn)(nil)

// readWhole reads a body of known length. Its memory grows with what arrives, not with what was announced.
func readWhole(b *body, length int64) ([]byte, error) {
	buf := make([]byte, min(length, 4<<10))
	n := 0
	for {
		m, err := b.Read(buf[n:])
		n += m
		if int64(n) == length {
			return buf, nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if n == len(buf) {
			buf = append(buf, make([]byte, min(length, int64(4*len(buf)))-int64(len(buf)))...)
		}
	}
}
