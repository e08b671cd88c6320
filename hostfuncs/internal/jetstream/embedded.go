package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

// Limits of the server inside the process.
const (
	// memoryBytesMax is how much streams kept in memory may use. There are none; consumers of the process's own keep their state in memory.
	memoryBytesMax = 64 << 20
	// storeBytesMax is what the server may promise to streams. The real limit is the disk, see [Store.Room].
	storeBytesMax = 1 << 50
	// relaxedSyncEvery is how often a relaxed store syncs.
	relaxedSyncEvery = 10 * time.Second
	// startTime is how long the server may take to start, reading its store included.
	startTime = 5 * time.Minute
)

// embedded is the server inside this process.
type embedded struct {
	options Options
	lock    *lock
	bridge  *bridge

	mu        sync.RWMutex
	srv       *server.Server
	closed    bool
	restarted chan struct{}
	works     context.Context // ends when the server is found to take no more writes
	fail      context.CancelFunc

	conn    atomic.Pointer[nats.Conn] // the store's own; nil until it is there
	broken  atomic.Pointer[error]     // why it takes no more writes until it begins anew
	disk    disk
	closing chan struct{}
	repairs sync.WaitGroup
}

// startEmbedded takes the lock, starts the server and lets other processes in.
func startEmbedded(o Options) (*embedded, error) {
	if err := datadir.Make(o.Dir); err != nil {
		return nil, err
	}
	l, err := takeLock(o.Dir)
	if err != nil {
		return nil, err
	}
	e := &embedded{options: o, lock: l, restarted: make(chan struct{}), closing: make(chan struct{})}
	e.works, e.fail = context.WithCancel(context.Background())
	e.checkNewest()
	if err := e.start(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	e.repairs.Go(e.checkOthers)
	if e.bridge, err = listenSocket(o.Dir, e, o.Log); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// start starts the server. The caller holds mu, or is alone.
func (e *embedded) start() error {
	options, err := e.serverOptions()
	if err != nil {
		return err
	}
	srv, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("start the NATS server: %w", err)
	}
	logger := &natsLog{log: e.options.Log, suspect: e.suspect}
	srv.SetLogger(logger, false, false)
	srv.Start()
	if !logger.ready(srv) || !srv.JetStreamEnabled() {
		stop(srv)
		return fmt.Errorf("the NATS server in %s did not start: %w", e.options.Dir, logger.cause())
	}
	e.srv = srv
	return nil
}

func (e *embedded) serverOptions() (*server.Options, error) {
	o := &server.Options{
		ServerName: "pagesrun", DontListen: e.options.Listen == "", NoSigs: true,
		JetStream: true, StoreDir: e.options.Dir, DisableJetStreamBanner: true,
		JetStreamMaxMemory: memoryBytesMax, JetStreamMaxStore: storeBytesMax,
		SyncAlways: !e.options.Relaxed, SyncInterval: relaxedSyncEvery,
	}
	if e.options.Listen == "" {
		return o, nil
	}
	host, port, err := net.SplitHostPort(e.options.Listen)
	if err != nil {
		return nil, err
	}
	o.Host = host
	if o.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	return o, nil
}

// InProcessConn connects to the server that runs now. It implements [nats.InProcessConnProvider].
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || e.srv == nil {
		return nil, errors.New("the NATS server is not running")
	}
	return e.srv.InProcessConn()
}

// restart stops the server and starts it again. It is over when the store's connection has come back by itself: what is sent over one that has not noticed yet
// is lost, and nobody says so.
func (e *embedded) restart() error {
	before := e.reconnects()
	if err := e.replace(); err != nil || !e.waitForReconnect(before) {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.works, e.fail = context.WithCancel(context.Background())
	close(e.restarted)
	e.restarted = make(chan struct{})
	return nil
}

// replace puts a new server in the place of the one that runs.
func (e *embedded) replace() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	if e.srv != nil {
		stop(e.srv)
		e.srv = nil
	}
	return e.start()
}

// waitForReconnect gives false when the store closes first.
func (e *embedded) waitForReconnect(before uint64) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for e.conn.Load() != nil && e.reconnects() == before {
		select {
		case <-e.closing:
			return false
		case <-tick.C:
		}
	}
	return true
}

// reconnects is how often the store's connection has come back.
func (e *embedded) reconnects() uint64 {
	if conn := e.conn.Load(); conn != nil {
		return conn.Stats().Reconnects
	}
	return 0
}

// close stops everything and gives the lock back. Calling it again does nothing.
func (e *embedded) close() error {
	e.mu.Lock()
	again := e.closed
	e.closed = true
	e.mu.Unlock()
	if again {
		return nil
	}
	var errs []error
	if e.bridge != nil {
		errs = append(errs, e.bridge.close())
	}
	close(e.closing)
	e.repairs.Wait()
	if e.srv != nil {
		stop(e.srv)
	}
	e.fail()
	return errors.Join(append(errs, e.lock.release())...)
}

func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// natsLog takes what the server logs: warnings and errors only.
type natsLog struct {
	log     *slog.Logger
	suspect func(text string) // is called after something was said

	mu    sync.Mutex
	last  error
	fatal bool
}

func (l *natsLog) note(level slog.Level, fatal bool, format string, args []any) {
	text := fmt.Sprintf(format, args...)
	l.mu.Lock()
	l.last, l.fatal = errors.New(text), l.fatal || fatal
	l.mu.Unlock()
	l.log.Log(context.Background(), level, "NATS: "+text)
	l.suspect(text)
}

// ready waits until the server is ready, or has said that it never will be.
func (l *natsLog) ready(srv *server.Server) bool {
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		if srv.ReadyForConnections(100 * time.Millisecond) {
			return true
		}
		l.mu.Lock()
		failed := l.fatal
		l.mu.Unlock()
		if failed {
			return false
		}
	}
	return false
}

// cause is the last that was said to be wrong.
func (l *natsLog) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		return errors.New("no reason was given")
	}
	return l.last
}

func (l *natsLog) Noticef(string, ...any)            {}
func (l *natsLog) Debugf(string, ...any)             {}
func (l *natsLog) Tracef(string, ...any)             {}
func (l *natsLog) Warnf(format string, args ...any)  { l.note(slog.LevelWarn, false, format, args) }
func (l *natsLog) Errorf(format string, args ...any) { l.note(slog.LevelError, false, format, args) }
func (l *natsLog) Fatalf(format string, args ...any) { l.note(slog.LevelError, true, format, args) }

// socketPath is where the process that has the store open lets others in.
func socketPath(dir string) string { return filepath.Join(dir, "socket") }
