package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/server/strictconn"
)

// Times of a drain.
const (
	// lastRequestsTime is how long idle connections are kept for requests that are already on their way.
	lastRequestsTime = 250 * time.Millisecond
	// stopListeningTime is how long taking in the accepted connections may take.
	stopListeningTime = time.Second
	pollTime          = 5 * time.Millisecond
)

// Server serves a function over HTTP. Make it with [New], then [Server.Listen], then [Server.Run].
type Server struct {
	opts     Options
	function atomic.Pointer[serving]
	ids      *runtime.EventIDs
	slots    *slots
	turns    *turns
	clock    *clock
	plains   plains
	watchers watchers
	dates    dates
	metrics  *metrics
	draining atomic.Bool // not ready any more
	closing  atomic.Bool // connections end with their next answer
	http     *http.Server
	listener *listener
	admin    *admin
}

// New makes a server for fn, which may be nil until [Server.Swap].
func New(opts Options, fn Function) *Server {
	opts = opts.withDefaults()
	s := &Server{opts: opts, ids: runtime.NewEventIDs(time.Now()), slots: newSlots(opts.ConnectionsMax), turns: newTurns(), clock: &clock{interval: min(time.Second, opts.BodyIdleTimeout/8)}}
	s.metrics = newMetrics(s, opts.Metrics)
	s.Swap(fn)
	s.http = s.httpServer()
	return s
}

func (s *Server) httpServer() *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(s.opts.TLSCertFile == "")
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.opts.HeaderTimeout,
		IdleTimeout:       s.opts.IdleTimeout,
		MaxHeaderBytes:    s.opts.HeaderBytesMax,
		Protocols:         protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: s.opts.StreamsMax,
			SendPingTimeout:      s.opts.BodyIdleTimeout,
			PingTimeout:          s.opts.HeaderTimeout,
			WriteByteTimeout:     s.opts.BodyIdleTimeout,
		},
		ErrorLog:  slog.NewLogLogger(newComplaints(s.opts.Log.Handler()), slog.LevelWarn),
		ConnState: s.tookOver,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}

// Listen opens the server's addresses. Its errors are sentences for the person at the terminal: which port is taken and which
// one is not.
func (s *Server) Listen() error {
	l := &listener{
		limits: strictconn.Limits{TargetBytesMax: s.opts.URLBytesMax, FieldsMax: s.opts.HeaderFieldsMax},
		slots:  s.slots, clock: s.clock, idle: s.opts.BodyIdleTimeout, handshake: s.opts.HeaderTimeout,
		plain: s.servePlain,
		ready: make(chan net.Conn), failed: make(chan error), ended: make(chan struct{}), done: make(chan struct{}),
	}
	var err error
	if s.opts.TLSCertFile != "" || s.opts.TLSKeyFile != "" {
		if l.tls, err = tlsConfig(s.opts.TLSCertFile, s.opts.TLSKeyFile); err != nil {
			return err
		}
	}
	if l.Listener, err = listen(s.opts.Addr, "--port %s"); err != nil {
		return err
	}
	s.listener = l
	if err := s.listenAdmin(); err != nil {
		l.Close()
		return err
	}
	return nil
}

// Addr is the address served on; after [Server.Listen].
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL is where the server can be reached from this machine; after [Server.Listen].
func (s *Server) URL() string {
	scheme := "http"
	if s.listener.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + reachable(s.Addr())
}

// reachable turns "every address" into one a browser can open.
func reachable(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok && (t.IP.IsUnspecified() || t.IP.IsLoopback()) {
		return fmt.Sprintf("localhost:%d", t.Port)
	}
	return a.String()
}

// Run serves until ctx is done and then drains. It returns nil when every request in progress was finished, an error when some
// had to be cut or serving was impossible. The functions are not closed.
func (s *Server) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	defer close(stopped)
	go s.clock.run(stopped)
	if s.admin != nil {
		go s.admin.serve()
		defer s.admin.close()
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case <-ctx.Done():
		return s.drain()
	case err := <-served:
		s.http.Close()
		s.plains.close()
		return fmt.Errorf("serve %s: %w", s.Addr(), err)
	}
}

// drain stops in three steps, each of which loses nothing: take in what the kernel has accepted and stop listening, answer
// with "Connection: close" for a moment (not before: the clients would come back), then close idle connections and wait for
// the others.
func (s *Server) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.DrainTimeout)
	defer cancel()
	s.draining.Store(true)
	s.listener.stop()
	select {
	case <-s.listener.ended:
	case <-time.After(stopListeningTime):
		s.listener.cut()
	}
	s.closing.Store(true)
	for end := time.Now().Add(lastRequestsTime); s.slots.count() > 0 && time.Now().Before(end); {
		time.Sleep(pollTime)
	}
	err := s.plains.drain(ctx)
	if err == nil {
		err = s.http.Shutdown(ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		open := s.slots.count()
		s.http.Close()
		s.plains.close()
		return fmt.Errorf("%d connections were still busy after %s and have been cut", open, s.opts.DrainTimeout)
	}
	return nil
}
