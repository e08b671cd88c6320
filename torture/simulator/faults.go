package simulator

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// Seen counts what happened in worlds.
type Seen struct {
	// Calls were replied to; of these, Failed said that the storage failed or that there was no time left.
	Calls, Failed int
	// Refused is how often a disk failed; Cuts and Kills how often the power went away, or the process alone; Late how often an event had to end before its calls.
	Refused, Cuts, Kills, Late int
}

// add adds what happened in another world.
func (s *Seen) add(o Seen) {
	s.Calls, s.Failed, s.Refused = s.Calls+o.Calls, s.Failed+o.Failed, s.Refused+o.Refused
	s.Cuts, s.Kills, s.Late = s.Cuts+o.Cuts, s.Kills+o.Kills, s.Late+o.Late
}

// What may go wrong with a call, and why that is allowed.
var (
	whenDiskFails = []abi.Code{abi.CodeStorageFailed, abi.CodeStorageFull}
	whenNoMemory  = []abi.Code{abi.CodeStorageFailed, abi.CodeTooLarge}
	whenLate      = []abi.Code{abi.CodeTimeout, abi.CodeCanceled}
)

// kinds are what a disk can fail at, with the causes it may have.
var kinds = []struct {
	kind   string
	causes []error
}{
	{"read", []error{syscall.EIO, syscall.ENOMEM}},
	{"write", []error{syscall.EIO, syscall.ENOSPC, syscall.ENOMEM}},
	{"sync", []error{syscall.EIO, syscall.ENOSPC}},
	{"truncate", []error{syscall.EIO}},
	{"open", []error{syscall.EIO, syscall.ENOMEM}},
	{"any", []error{syscall.EIO, syscall.ENOMEM}},
}

// withFault does things at once while the disk fails at the n-th call of a kind, once or for some time. Then it works, and so must everything.
func (w *world) withFault() error {
	k := kinds[w.random.IntN(len(kinds))]
	f := &fault{kind: k.kind, after: w.random.IntN(1 + w.random.IntN(30)), lasts: 1, cause: k.causes[w.random.IntN(len(k.causes))]}
	if w.random.IntN(3) == 0 {
		f.lasts = 1 << 30
	}
	w.note("the disk fails at %s %d, %d times: %v", f.kind, f.after, f.lasts, f.cause)
	w.excuse = whenDiskFails
	if f.cause == syscall.ENOMEM {
		w.excuse = whenNoMemory
	}
	w.disk.arm(f)
	w.setStrict(f.lasts == 1)
	err := w.together(w.draw()...)
	w.setStrict(false)
	w.excuse = nil
	hit := w.disk.heal()
	w.seen.Refused += hit
	w.note("the disk works again, it failed %d times", hit)
	return err
}

// setStrict says whether what fails now may come back after a stop.
func (w *world) setStrict(strict bool) {
	w.kv.setStrict(strict)
	w.d1.strict = strict
}

// stop ends the process in the middle of things, or takes the power away, and starts it again: what was acknowledged is there, and what was not is there or is not.
func (w *world) stop(ctx context.Context) error {
	if w.queue != nil {
		return nil // the files of queues are on another disk
	}
	power := !w.relaxed && w.random.IntN(2) == 0
	w.note("after some calls the power goes away: %v (or the process alone)", power)
	w.excuse = whenDiskFails
	w.disk.arm(&fault{kind: "any", after: w.random.IntN(1 + w.random.IntN(60)), lasts: 1, cause: errPower})
	err := w.together(w.draw()...)
	w.excuse = nil
	w.disk.cut()
	_ = w.close(ctx) // as there is no disk, it cannot succeed
	w.kv.haunt()
	w.d1.haunt()
	if err = errors.Join(err, w.restart(power)); err != nil {
		return err
	}
	if err := w.open(ctx); err != nil {
		return fmt.Errorf("after a stop: %w", err)
	}
	return w.together(w.kvList(), w.d1All())
}

// restart gives the disk its power back.
func (w *world) restart(power bool) error {
	if !power {
		w.seen.Kills++
		return w.disk.reboot()
	}
	w.seen.Cuts++
	some := w.random.IntN(3) // of 2: nothing that was not synced is there, half of it, all of it
	return w.disk.restore(func() bool { return w.random.IntN(2) < some })
}

// hurry does things at once in an event that has no time for them.
func (w *world) hurry(ctx context.Context) error {
	most := time.Duration(w.random.IntN(2000)) * time.Microsecond
	w.note("there are %s for this", most)
	if err := w.nextEvent(ctx, most); err != nil {
		return err
	}
	w.excuse = whenLate
	err := w.together(w.draw()...)
	w.excuse = nil
	if over(err) {
		w.seen.Late++
		w.note("there was no more time")
		err = nil
	}
	return errors.Join(err, w.nextEvent(ctx, eventTime))
}
