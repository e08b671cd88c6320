package kv

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Expired entries are invisible at once; the sweeper removes them from the file later.
const (
	// sweepEvery is how often it looks.
	sweepEvery = time.Minute
	// sweepEntriesMax is how many entries it removes in one transaction, few enough to fit into the room the log has on a full disk.
	sweepEntriesMax = 64
	// sweepPause is how long it leaves the file to others between two transactions.
	sweepPause = 10 * time.Millisecond
)

// sweeper removes expired entries in the background.
type sweeper struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func startSweeper(namespaces []*Namespace, log *slog.Logger) *sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	s := &sweeper{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for tick := time.Tick(sweepEvery); ; {
			for _, n := range namespaces {
				if err := n.Sweep(ctx); err != nil && ctx.Err() == nil {
					log.Warn("cannot remove expired entries; will try again", "namespace", n.id, "error", err)
				}
			}
			select {
			case <-tick:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// stop ends the sweeper and waits for it.
func (s *sweeper) stop() {
	s.cancel()
	<-s.ended
}

// Sweep removes all entries that have expired, in small transactions. It writes nothing when there are none.
func (n *Namespace) Sweep(ctx context.Context) error {
	for {
		found, err := n.anyExpired(ctx)
		if err != nil || !found {
			return err
		}
		if err := n.db.Write(ctx, 0, n.removeExpired); err != nil {
			return err
		}
		select {
		case <-time.After(sweepPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (n *Namespace) anyExpired(ctx context.Context) (found bool, err error) {
	err = n.db.Read(ctx, func(c *sqlite.Conn) error {
		s, err := c.Stmt(`SELECT 1 FROM entries WHERE expiration <= ?1 LIMIT 1`)
		if err != nil {
			return err
		}
		if err := s.BindInt64(1, n.seconds()); err != nil {
			return err
		}
		found = s.Step()
		return errors.Join(s.Err(), s.Reset())
	})
	return found, err
}

func (n *Namespace) removeExpired(c *sqlite.Conn) error {
	s, err := c.Stmt(`DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expiration <= ?1 LIMIT ?2)`)
	if err != nil {
		return err
	}
	if err := errors.Join(s.BindInt64(1, n.seconds()), s.BindInt(2, sweepEntriesMax)); err != nil {
		return err
	}
	return s.Exec()
}
