package server

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Event ids are 17 characters of the alphabet below: 7 for the second the server started in, 3 at random for servers started in the
// same second, 7 for the event's number. So they are unique, sort in the order of the events, and cost one atomic addition.
const (
	idAlphabet    = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32: nothing to mistake for something else
	idStartChars  = 7
	idRandomChars = 3
	idNumberChars = 7
	idChars       = idStartChars + idRandomChars + idNumberChars
)

type eventIDs struct {
	prefix [idStartChars + idRandomChars]byte
	number atomic.Uint64
}

func newEventIDs(now time.Time) *eventIDs {
	g := &eventIDs{}
	p := appendBase32(g.prefix[:0], uint64(now.Unix()), idStartChars)
	appendBase32(p, rand.Uint64(), idRandomChars)
	return g
}

// appendNext appends the next id.
func (g *eventIDs) appendNext(b []byte) []byte {
	return appendBase32(append(b, g.prefix[:]...), g.number.Add(1), idNumberChars)
}

// appendBase32 appends the lowest digits of n.
func appendBase32(b []byte, n uint64, digits int) []byte {
	for shift := 5 * (digits - 1); shift >= 0; shift -= 5 {
		b = append(b, idAlphabet[n>>shift&31])
	}
	return b
}
