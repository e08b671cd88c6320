package storage

import (
	"fmt"
	"strings"
	"sync"
)

// ledger is what clients know of what they have written to one binding. Every id is unique and is written once, with a value that follows from it.
type ledger struct {
	name string

	mu           sync.Mutex
	sent         map[string]string // ids of all rounds, with their values
	acked        map[string]bool
	acknowledged int
	rounds       map[int]bool // rounds with an acknowledged write
	lost         []string
	strange      []string
}

func newLedger(name string) *ledger {
	return &ledger{name: name, sent: map[string]string{}, acked: map[string]bool{}, rounds: map[int]bool{}}
}

// send notes what is about to be written: one id, or several that are written together.
func (l *ledger) send(entries map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, value := range entries {
		l.sent[id] = value
	}
}

// ack notes that the write was acknowledged.
func (l *ledger) ack(round int, entries map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range entries {
		l.acked[id] = true
	}
	l.acknowledged += len(entries)
	l.rounds[round] = true
}

// forget strikes out what was deleted.
func (l *ledger) forget(entries map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range entries {
		delete(l.sent, id)
		delete(l.acked, id)
	}
}

// check compares what is stored under a prefix of ids with what clients know. value says whether values count. What was acknowledged and is gone is counted once.
func (l *ledger) check(stored map[string]string, prefix string, value bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.acked {
		if _, ok := stored[id]; !ok && strings.HasPrefix(id, prefix) {
			l.lost = append(l.lost, id)
			delete(l.acked, id)
		}
	}
	for id, got := range stored {
		want, ok := l.sent[id]
		if !ok || value && got != want {
			l.strange = append(l.strange, fmt.Sprintf("%s (%.40q, sent was %.40q)", id, got, want))
		}
	}
}

// whole checks that of what is written together all is there or nothing. group gives the name of what an id belongs to.
func (l *ledger) whole(stored map[string]string, prefix string, group func(id string) string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent, found := map[string]int{}, map[string]int{}
	for id := range l.sent {
		if strings.HasPrefix(id, prefix) {
			sent[group(id)]++
		}
	}
	for id := range stored {
		found[group(id)]++
	}
	for name, n := range found {
		if n != sent[name] {
			l.strange = append(l.strange, fmt.Sprintf("%s (%d of %d that belong together)", name, n, sent[name]))
		}
	}
}
