package storage

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"

	"github.com/pagesrun/pagesrun/torture/machine"
)

// clientsPerBinding is how many clients write to a binding at once.
const clientsPerBinding = 8

// write is one request of a client: it asks for path, and when that succeeds the entries are acknowledged.
type write struct {
	path, body string
	entries    map[string]string
}

// newWrite makes the i-th write of a client of a binding.
func newWrite(binding, id string, i int) write {
	value := id + ":" + strings.Repeat("v", rand.IntN(1+rand.IntN(6000)))
	switch {
	case binding == "kv":
		return write{"/kv?id=" + id, value, map[string]string{id: value}}
	case binding == "d1":
		return write{"/d1?id=" + id, value, map[string]string{id: value, id + "/2": value}}
	case i%4 == 3:
		w := write{"/queue/batch?id=" + id, strconv.Itoa(2 + rand.IntN(40)), map[string]string{}}
		for n := range atoi(w.body) {
			w.entries[id+"/"+strconv.Itoa(n)] = ""
		}
		return w
	}
	return write{"/queue?id=" + id, "", map[string]string{id: ""}}
}

func atoi(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// group is what an id was written together with.
func group(id string) string {
	name, _, _ := strings.Cut(id, "/")
	return name
}

// load has clients write to every binding until the machine is gone. The function it gives waits for them.
func load(m *machine.Machine, round int, ledgers []*ledger) (wait func()) {
	var clients sync.WaitGroup
	for _, l := range ledgers {
		for c := range clientsPerBinding {
			clients.Go(func() {
				for i := 0; ; i++ {
					w := newWrite(l.name, fmt.Sprintf("%s%d-%d-%x", roundPrefix(round), c, i, rand.Uint32()), i)
					l.send(w.entries)
					if _, err := m.Ask("POST", w.path, w.body); err == nil {
						l.ack(round, w.entries)
					}
					select {
					case <-m.Gone():
						return
					default:
					}
				}
			})
		}
	}
	return clients.Wait
}

// roundPrefix begins the ids of a round.
func roundPrefix(round int) string { return fmt.Sprintf("r%d-", round) }

// stored reads lines "id value".
func stored(m *machine.Machine, path string) (map[string]string, error) {
	text, err := m.Ask("GET", path, "")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for line := range strings.Lines(text) {
		id, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		found[id] = value
	}
	return found, nil
}
