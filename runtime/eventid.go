package runtime

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	idAlphabet    = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32: nothing to mistake for something else
	idStartChars  = 7
	idRandomChars = 3
	idNumberChars = 7

	// EventIDChars is the length of an id.
	EventIDChars = idStartChars + idRandomChars + idNumberChars
)

// EventIDs makes the ids of events: 17 characters, 7 for the second it was made in, 3 at random to tell it from others made in the
// same second, 7 for the event's number. So ids are unique, sort in the order of the events, and cost one atomic addition.
type EventIDs struct {
	prefix [idStartChars + idRandomChars]byte
	number atomic.Uint64
}

// NewEventIDs makes a source of ids.
func NewEventIDs(now time.Time) *EventIDs {
	g := &EventIDs{}
	p := appendBase32(g.prefix[:0], uint64(now.Unix()), idStartChars)
	appendBase32(p, rand.Uint64(), idRandomChars)
	return g
}

// AppendNext appends the next id.
func (g *EventIDs) AppendNext(b []byte) []byte {
	return appendBase32(append(b, g.prefix[:]...), g.number.Add(1), idNumberChars)
}

// appendBase32 appends the lowest digits of n.
func appendBase32(b []byte, n uint64, digits int) []byte {
	for shift := 5 * (digits - 1); shift >= 0; shift -= 5 {
		b = append(b, idAlphabet[n>>shift&31])
	}
	return b
}
