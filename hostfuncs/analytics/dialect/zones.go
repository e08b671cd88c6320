package dialect

import (
	_ "embed"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are the same everywhere
)

// DefaultZone is the time zone of what names no other.
const DefaultZone = "Etc/UTC"

//go:embed zones.txt
var zoneNames string

// Zones are the names of the time zones, sorted.
func Zones() []string { return strings.Fields(zoneNames) }

// Locations looks up time zones by the names in [Zones], and remembers them. It may be used by many goroutines.
type Locations struct{ known sync.Map }

// Get gives the time zone of a name, that of [DefaultZone] for an empty one; nil when there is no such zone.
func (l *Locations) Get(name string) *time.Location {
	if name == "" || name == DefaultZone {
		return time.UTC
	}
	if known, ok := l.known.Load(name); ok {
		return known.(*time.Location)
	}
	if !isZone(name) {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	l.known.Store(name, loc)
	return loc
}

// isZone says whether there is a time zone of that name. Go's own lookup takes other names too, such as "Local".
func isZone(name string) bool {
	return name != "" && !strings.ContainsAny(name, "\n") && strings.Contains("\n"+zoneNames, "\n"+name+"\n")
}
