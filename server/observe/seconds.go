package observe

import (
	"sync/atomic"
	"time"
)

// seconds writes times. It remembers how the last second is written, because lines come many to a second.
type seconds struct{ last atomic.Pointer[second] }

// second is how one second is written in one place: "2006-01-02T15:04:05", a fraction, and "Z" or "+07:00".
type second struct {
	unix         int64
	place        *time.Location
	before, zone string
}

// of gives the second of a time.
func (s *seconds) of(at time.Time) *second {
	unix, place := at.Unix(), at.Location()
	if l := s.last.Load(); l != nil && l.unix == unix && l.place == place {
		return l
	}
	fresh := &second{unix: unix, place: place, before: at.Format("2006-01-02T15:04:05"), zone: at.Format("Z07:00")}
	s.last.Store(fresh)
	return fresh
}

// appendNano appends a time in the form of [time.RFC3339Nano].
func (s *seconds) appendNano(b []byte, at time.Time) []byte {
	sec := s.of(at)
	b = append(b, sec.before...)
	if n := at.Nanosecond(); n > 0 {
		b = appendFraction(b, n, 9)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, sec.zone...)
}

// appendMilli appends a time with three digits after the second.
func (s *seconds) appendMilli(b []byte, at time.Time) []byte {
	sec := s.of(at)
	b = append(b, sec.before...)
	b = appendFraction(b, at.Nanosecond()/1e6, 3)
	return append(b, sec.zone...)
}

// appendFraction appends a point and the digits of n.
func appendFraction(b []byte, n, digits int) []byte {
	b = append(b, ".000000000"[:1+digits]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}
