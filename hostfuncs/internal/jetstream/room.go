package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
)

// ErrFull says that the disk has no room for what was to be written; ErrBroken that the disk has failed, and that the store is being opened again.
var (
	ErrFull   = errors.New("the disk has no room")
	ErrBroken = errors.New("the store takes no more writes until it is opened again")
)

const (
	// reserveBytes is the room that writes leave free, so that what they have written can still be consumed. On a small disk it is less.
	reserveBytes = 16 << 20
	// reserveShare is the part of a disk, one in so many, that is the most to leave free.
	reserveShare = 16
	// messageOverhead is more than what is written for a message beside its contents, in bytes.
	messageOverhead = 1024
	// repairEvery is how often a store that has failed looks for room.
	repairEvery = 200 * time.Millisecond
)

// Room says whether a write of so many bytes may begin; [ErrFull] or [ErrBroken] if not. It knows nothing of the disks of a cluster.
func (s *Store) Room(bytes int) error {
	if s.embedded == nil {
		return nil
	}
	return s.embedded.room(bytes)
}

// Failed is to be told of a write's error. It sees to it that a store which takes no more writes begins anew, when it has room, and
// gives the error with [ErrFull] or [ErrBroken] added where that is the cause.
func (s *Store) Failed(err error) error {
	if s.embedded == nil {
		return err
	}
	why := s.embedded.room(0)
	switch {
	case why != nil:
	case s.embedded.ended():
		return errors.New("the store is closed")
	case isBroken(err) || errors.Is(err, context.Canceled): // see Working
		why = ErrBroken
	default:
		return err
	}
	s.embedded.breakDown(why)
	if errors.Is(err, context.Canceled) {
		return why
	}
	return fmt.Errorf("%w: %w", why, err)
}

func (e *embedded) ended() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.closed
}

// streamLimit are the texts of errors that a full stream gives, which is no failure.
var streamLimit = map[string]bool{"maximum bytes exceeded": true, "maximum messages exceeded": true}

// isBroken recognises what a server inside this process says, or does not, when it cannot write.
func isBroken(err error) bool {
	var api *js.APIError
	if errors.As(err, &api) {
		return api.Code >= 500 && !streamLimit[api.Description]
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}

// Working ends when the store is found to take no more writes, until it begins anew; writes have it as their context.
func (s *Store) Working() context.Context {
	if s.embedded == nil {
		return context.Background()
	}
	s.embedded.mu.RLock()
	defer s.embedded.mu.RUnlock()
	return s.embedded.works
}

// Restarted is closed when the server inside this process begins anew. Consumers that are kept in memory are gone then.
func (s *Store) Restarted() <-chan struct{} {
	if s.embedded == nil {
		return nil
	}
	s.embedded.mu.RLock()
	defer s.embedded.mu.RUnlock()
	return s.embedded.restarted
}

// room says whether so many bytes fit, the reserve left alone.
func (e *embedded) room(bytes int) error {
	if why := e.broken.Load(); why != nil {
		return *why
	}
	return e.disk.room(e.options.Dir, bytes)
}

// disk knows the room on a disk. It asks for it now and then, and counts what has been written since.
type disk struct {
	mu          sync.Mutex
	asked       time.Time
	known       bool
	free, total uint64
}

// lookEvery is how long an answer about the room on a disk counts.
const lookEvery = 5 * time.Millisecond

func (d *disk) room(dir string, bytes int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.asked) > lookEvery {
		d.free, d.total, d.known = diskRoom(dir)
		d.asked = now
	}
	need := uint64(bytes) + messageOverhead
	if d.known && d.free < need+min(reserveBytes, d.total/reserveShare) {
		return ErrFull
	}
	d.free -= min(d.free, need)
	return nil
}

// lastWrite is in what the server logs of a stream or consumer that takes no more writes, whatever becomes of the disk, until the server begins anew. It does not
// answer those whose writes have failed.
const lastWrite = "critical write error"

// suspect looks whether the server can still write, after it has said that something is wrong.
func (e *embedded) suspect(text string) {
	why := e.room(0)
	if why == nil && strings.Contains(strings.ToLower(text), lastWrite) {
		why = ErrBroken
	}
	if why != nil {
		go e.breakDown(why) // the caller may hold mu
	}
}

// breakDown notes why the server takes no more writes, and has it begin anew once there is room.
func (e *embedded) breakDown(why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.srv == nil || !e.broken.CompareAndSwap(nil, &why) {
		return
	}
	e.fail()
	e.repairs.Go(func() {
		for e.waitForRoom() {
			err := e.restart()
			if err == nil {
				e.broken.Store(nil)
				return
			}
			e.options.Log.Error("the queues cannot be opened again", "cause", err)
		}
	})
}

// waitForRoom gives false when the store closes first.
func (e *embedded) waitForRoom() bool {
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.closing:
			return false
		case <-tick.C:
		}
		if free, total, ok := diskRoom(e.options.Dir); !ok || free >= 2*min(reserveBytes, total/reserveShare) {
			return true
		}
	}
}
