package front

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
)

// healthy is a client that asks for the same thing again and again, over one connection, while others attack.
type healthy struct {
	url   string
	http  *http.Client
	stop  chan struct{}
	done  chan struct{}
	times []time.Duration
	bad   []error
}

// pause is between two requests of the healthy client.
const pause = 2 * time.Millisecond

func watch(m *machine.Machine) *healthy {
	h := &healthy{
		url: m.URL, http: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}, stop: make(chan struct{}), done: make(chan struct{}),
	}
	go h.run()
	return h
}

func (h *healthy) run() {
	defer close(h.done)
	for {
		select {
		case <-h.stop:
			return
		case <-time.After(pause):
		}
		begin := time.Now()
		if err := h.ask(); err != nil {
			h.bad = append(h.bad, err)
		}
		h.times = append(h.times, time.Since(begin))
	}
}

func (h *healthy) ask() error {
	resp, err := h.http.Get(h.url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// waits are what a healthy client has gone through.
type waits struct {
	n              int
	p50, p99, most time.Duration
	bad            []error
}

// end stops the client.
func (h *healthy) end() waits {
	close(h.stop)
	<-h.done
	h.http.CloseIdleConnections()
	w := waits{n: len(h.times), bad: h.bad}
	if w.n > 0 {
		slices.Sort(h.times)
		w.p50, w.p99, w.most = h.times[w.n/2], h.times[(w.n-1)*99/100], h.times[w.n-1]
	}
	return w
}

// String is what a table says.
func (w waits) String() string {
	text := fmt.Sprintf("p50 %s, p99 %s, most %s of %d", w.p50.Round(10*time.Microsecond), w.p99.Round(10*time.Microsecond), w.most.Round(10*time.Microsecond), w.n)
	if len(w.bad) > 0 {
		text += fmt.Sprintf("; %d FAILED, such as %v", len(w.bad), w.bad[0])
	}
	return text
}

// quietTime is how long the healthy client is measured alone.
const quietTime = time.Second

// quiet measures a healthy client when nobody attacks.
func quiet(m *machine.Machine) waits {
	h := watch(m)
	time.Sleep(quietTime)
	return h.end()
}

// bearable is the most that a healthy client's p99 may be during an attack: twice its quiet value, or what least says where that is more.
func bearable(quiet waits, least time.Duration) time.Duration { return max(2*quiet.p99, least) }
