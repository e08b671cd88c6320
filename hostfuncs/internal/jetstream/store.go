package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
)

// Options say which store to open.
type Options struct {
	// Dir is the directory of the store inside this process. It is made when it is not there.
	Dir string
	// Relaxed has writes acknowledged before they are on disk: they survive the end of the process, not a power failure.
	Relaxed bool
	// Listen is the address, HOST:PORT, on which the server inside this process takes NATS clients; empty for none. Clients need no
	// credentials there.
	Listen string
	// URL is the address of a cluster to use instead, or several with commas between them.
	URL string
	// Log gets warnings and errors of the server. Nil means nowhere.
	Log *slog.Logger
}

// Store is an open store, for any number of goroutines.
type Store struct {
	conn     *nats.Conn
	js       js.JetStream
	embedded *embedded // nil for a cluster, and in a process that uses another's server
	shared   bool
	answer   time.Duration

	mu       sync.Mutex
	replicas int
}

// connectTime is how long opening a store may take until it answers.
const connectTime = 15 * time.Second

// How long JetStream may take to answer where the caller's context sets no end. Inside the process an answer takes as long as the disk does; in a cluster one that
// takes long will not come, because a server has gone.
const (
	answerTime        = 30 * time.Second
	clusterAnswerTime = 5 * time.Second
)

// Key names the store for [hostfuncs.Acquire]: options with the same key mean the same store.
func (o Options) Key() string {
	if o.URL != "" {
		return "jetstream " + o.URL
	}
	return "jetstream " + o.Dir
}

func (o Options) answerTime() time.Duration {
	if o.URL != "" {
		return clusterAnswerTime
	}
	return answerTime
}

// Open opens the store: the cluster when URL is set, else the one in Dir, whose lock must be free. A [*HeldError] says that it is not.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.URL != "" {
		return connectCluster(ctx, o)
	}
	e, err := startEmbedded(o)
	if err != nil {
		return nil, err
	}
	s, err := newStore(ctx, o, nats.InProcessServer(e))
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	s.embedded = e
	e.conn.Store(s.conn)
	return s, nil
}

// Connect is [Open] for commands: when another process has the store in Dir open it goes through that one. A process that is about to open or close the
// store is waited for.
func Connect(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	for {
		s, err := Open(ctx, o)
		var held *HeldError
		if !errors.As(err, &held) {
			return s, err
		}
		s, through := newStore(ctx, o, nats.SetCustomDialer(socketDialer(o.Dir)))
		if through == nil {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, and does not let this process in: %w", err, through)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func connectCluster(ctx context.Context, o Options) (*Store, error) {
	s, err := newStore(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", o.URL, err)
	}
	return s, nil
}

// newStore connects and waits until JetStream answers.
func newStore(ctx context.Context, o Options, how ...nats.Option) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	options := append([]nats.Option{
		nats.Name("pagesrun"), nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.Timeout(5 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			o.Log.Warn("the connection to the queues reports a problem", "cause", err)
		}),
	}, how...)
	url := o.URL
	if url == "" {
		url = "nats://127.0.0.1:4222" // never dialled
	}
	conn, err := nats.Connect(url, options...)
	if err != nil {
		return nil, err
	}
	api, err := js.New(conn, js.WithDefaultTimeout(o.answerTime()))
	if err == nil {
		err = ready(ctx, api)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Store{conn: conn, js: api, shared: o.URL != "", answer: o.answerTime()}, nil
}

// ready waits until JetStream answers, which in a cluster takes until it has a leader.
func ready(ctx context.Context, api js.JetStream) error {
	for {
		once, cancel := context.WithTimeout(ctx, time.Second)
		_, err := api.AccountInfo(once)
		cancel()
		if err == nil || errors.Is(err, js.ErrJetStreamNotEnabledForAccount) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("JetStream does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Conn is the connection. The store closes it.
func (s *Store) Conn() *nats.Conn { return s.conn }

// JetStream is JetStream's interface on that connection.
func (s *Store) JetStream() js.JetStream { return s.js }

// Shared says whether several processes may consume from the store: it is a cluster. Of the store inside a process only that process
// consumes, and JetStream's consumers there end with it.
func (s *Store) Shared() bool { return s.shared }

// AnswerTime is how long JetStream may take to answer.
func (s *Store) AnswerTime() time.Duration { return s.answer }

// CreateStream makes the stream or brings it up to date, with as many replicas as the cluster has servers for: three, else one.
func (s *Store) CreateStream(ctx context.Context, c js.StreamConfig) (js.Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Replicas = s.replicas
	if s.embedded != nil || (s.replicas == 0 && s.conn.ConnectedClusterName() == "") {
		c.Replicas = 1
	}
	if c.Replicas == 0 {
		c.Replicas = 3
	}
	stream, err := s.js.CreateOrUpdateStream(ctx, c)
	if err != nil && c.Replicas > 1 && s.replicas == 0 && tooFewServers(err) {
		c.Replicas = 1
		stream, err = s.js.CreateOrUpdateStream(ctx, c)
	}
	if err == nil {
		s.replicas = c.Replicas
	}
	return stream, err
}

// JetStream's errors for a number of replicas that cannot be had.
const (
	noSuitablePeers    js.ErrorCode = 10005
	replicasNotAllowed js.ErrorCode = 10074
)

func tooFewServers(err error) bool {
	var api *js.APIError
	return errors.As(err, &api) && (api.ErrorCode == noSuitablePeers || api.ErrorCode == replicasNotAllowed)
}

// Close closes the connection and, where the server is inside this process, stops it.
func (s *Store) Close() error {
	s.conn.Close()
	if s.embedded == nil {
		return nil
	}
	return s.embedded.close()
}
