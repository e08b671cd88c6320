package front

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// Healthy is a client that asks for the same thing again and again, over one connection, while others attack.
type Healthy struct {
	url   string
	http  *http.Client
	stop  chan struct{}
	done  chan struct{}
	times []time.Duration
	bad   []error
}

// pause is between two requests of the healthy client.
const pause = 2 * time.Millisecond

// Watch starts a healthy client.
func Watch(m *machine.Machine) *Healthy {
	h := &Healthy{
		url: m.URL, http: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}, stop: make(chan struct{}), done: make(chan struct{}),
	}
	go h.run()
	return h
}

func (h *Healthy) run() {
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

func (h *Healthy) ask() error {
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

// Waits are what a healthy client has gone through.
type Waits struct {
	// N is how many requests it has sent, Bad what went wrong with those that failed.
	N   int
	Bad []error
	// P50, P99 and Most are how long answers took.
	P50, P99, Most time.Duration
}

// End stops the client.
func (h *Healthy) End() Waits {
	close(h.stop)
	<-h.done
	h.http.CloseIdleConnections()
	w := Waits{N: len(h.times), Bad: h.bad}
	if w.N > 0 {
		slices.Sort(h.times)
		w.P50, w.P99, w.Most = h.times[w.N/2], h.times[(w.N-1)*99/100], h.times[w.N-1]
	}
	return w
}

// String is what a table says.
func (w Waits) String() string {
	text := fmt.Sprintf("p50 %s, p99 %s, most %s of %d", w.P50.Round(10*time.Microsecond), w.P99.Round(10*time.Microsecond), w.Most.Round(10*time.Microsecond), w.N)
	if len(w.Bad) > 0 {
		text += fmt.Sprintf("; %d FAILED, such as %v", len(w.Bad), w.Bad[0])
	}
	return text
}

// quietTime is how long the healthy client is measured alone.
const quietTime = time.Second

// Quiet measures a healthy client when nobody attacks.
func Quiet(m *machine.Machine) Waits {
	h := Watch(m)
	time.Sleep(quietTime)
	return h.End()
}

// unharmed says whether a healthy client went through no more beside an attack than is bearable.
func (w Waits) unharmed(what string, alone Waits, least time.Duration) rig.Finding {
	bar := Bearable(alone, least)
	return rig.Check(w.P99 <= bar && len(w.Bad) == 0, what, "p99 ≤ "+bar.String(), "%s", w)
}

// Bearable is the most that a healthy client's p99 may be during an attack: twice its quiet value, or what least says where that is more.
func Bearable(alone Waits, least time.Duration) time.Duration { return max(2*alone.P99, least) }
