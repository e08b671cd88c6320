package analytics

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/analytics/point"
)

// Reasons for dropping points besides those of [point.Violations].
const (
	// reasonBehind: storing cannot keep up, or the disk is full, and the memory for waiting points is used up. Metrics have the point.
	reasonBehind = "storage_behind"
	// reasonLost: the point waited to be stored when the process ended, and storing failed.
	reasonLost = "storage_lost"
)

// A flood of bad points must not become a flood of log lines: each dataset logs a few at once and then one per second.
const (
	complaintsBurst = 10
	complaintsEvery = time.Second
)

// drops counts the points of a dataset that were dropped, and tells some of them to the log.
type drops struct {
	counts map[string]*atomic.Uint64 // by reason; never changed

	mu       sync.Mutex
	allowed  int // lines that may be logged at once
	refilled time.Time
	silent   int // points dropped without a line since the last one
}

func newDrops() *drops {
	d := &drops{counts: map[string]*atomic.Uint64{reasonBehind: {}, reasonLost: {}}, allowed: complaintsBurst}
	for _, v := range point.Violations() {
		d.counts[v.Reason] = &atomic.Uint64{}
	}
	return d
}

// add counts a dropped point and logs it if it is its turn.
func (d *drops) add(log *slog.Logger, now time.Time, reason, text, event string) {
	d.counts[reason].Add(1)
	silent, ok := d.turn(now)
	if !ok {
		return
	}
	args := []any{"reason", reason}
	if event != "" {
		args = append(args, "event", event)
	}
	if silent > 0 {
		args = append(args, "more", silent)
	}
	log.Warn(text, args...)
}

// turn says whether a line may be logged, and how many points went without one since the last.
func (d *drops) turn(now time.Time) (silent int, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if gained := int(now.Sub(d.refilled) / complaintsEvery); gained > 0 {
		d.allowed, d.refilled = min(d.allowed+gained, complaintsBurst), now
	}
	if d.allowed == 0 {
		d.silent++
		return 0, false
	}
	d.allowed--
	silent, d.silent = d.silent, 0
	return silent, true
}
