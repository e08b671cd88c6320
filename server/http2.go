package server

import (
	"net/http"
	"sync"
	"time"
)

// serveHTTP2 serves a request that came over HTTP/2. Clients may open a stream and take it back at once, many thousand times a second, so nothing is begun for a
// stream that is over.
func (s *Server) serveHTTP2(w http.ResponseWriter, r *http.Request) {
	if r.Context().Err() != nil {
		s.metrics.refused.WithLabelValues(reasonClientGone).Inc()
		return
	}
	st := newHTTP2Writer(w, s.opts.BodyIdleTimeout)
	defer st.end()
	s.serveRequest(st, r)
	st.finish()
}

// reasonClientGone is why a request is not begun whose client has taken it back.
const reasonClientGone = "client_gone"

// http2Writer is the response writer of a request over HTTP/2, where a client can keep one answer waiting while it takes others. Writing fails when the client
// has made no room for what is written within the idle time.
//
// net/http has deadlines for that. But it keeps a stream that has one, with its request and all of its buffers, until the deadline has passed, also where the
// stream had ended by the time net/http came to set it; a client that resets its streams can make it keep many thousand. The timers here end with the request.
type http2Writer struct {
	http.ResponseWriter
	idle   time.Duration
	wrote  bool // something of the body may be in net/http's buffer
	reads  timeLimit
	writes timeLimit
}

func newHTTP2Writer(w http.ResponseWriter, idle time.Duration) *http2Writer {
	st := &http2Writer{ResponseWriter: w, idle: idle}
	st.reads.late = func() { setReadDeadline(w, longAgo) }
	st.writes.late = func() {
		if d, ok := w.(interface{ SetWriteDeadline(time.Time) error }); ok {
			d.SetWriteDeadline(longAgo)
		}
	}
	return st
}

// Unwrap is for [http.ResponseController].
func (st *http2Writer) Unwrap() http.ResponseWriter { return st.ResponseWriter }

// SetReadDeadline sets until when the request's body may be waited for; zero for no end.
func (st *http2Writer) SetReadDeadline(t time.Time) error {
	st.reads.until(t)
	return nil
}

// Write writes a part of the body.
func (st *http2Writer) Write(p []byte) (int, error) {
	st.wrote = true
	st.writes.until(time.Now().Add(st.idle))
	defer st.writes.until(time.Time{})
	return st.ResponseWriter.Write(p)
}

// Flush sends what has been written.
func (st *http2Writer) Flush() {
	f, ok := st.ResponseWriter.(http.Flusher)
	if !ok {
		return
	}
	st.writes.until(time.Now().Add(st.idle))
	defer st.writes.until(time.Time{})
	f.Flush()
	st.wrote = false
}

// finish sends the rest of the answer, as long as there is a time limit on it.
func (st *http2Writer) finish() {
	if st.wrote {
		st.Flush()
	}
}

// end ends the time limits. Nothing of them touches the response writer afterwards, which may be another request's by then.
func (st *http2Writer) end() {
	st.reads.end()
	st.writes.end()
}

// timeLimit has something happen when a moment passes, unless the moment is moved before.
type timeLimit struct {
	late func()

	mu    sync.Mutex
	at    time.Time // zero for never
	timer *time.Timer
	over  bool
}

// until moves the moment; zero for never. One that has passed has it happen now.
func (l *timeLimit) until(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = t
	switch {
	case l.over || t.IsZero():
	case l.timer == nil:
		l.timer = time.AfterFunc(time.Until(t), l.check)
	default:
		l.timer.Reset(time.Until(t))
	}
}

// check runs when the timer has. The moment may have been moved meanwhile; then the timer will run again.
func (l *timeLimit) check() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over && !l.at.IsZero() && !time.Now().Before(l.at) {
		l.late()
	}
}

// end waits for what happens and lets nothing happen afterwards.
func (l *timeLimit) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.timer != nil {
		l.timer.Stop()
	}
}
