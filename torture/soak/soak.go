package soak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// How many minutes a run takes.
const minutesShort, minutesLong = 1, 60

// After the load, what only it needed has to go within settleTime; a few handles may stay, such as idle readers of databases.
const (
	settleTime = 30 * time.Second
	handlesFew = 32
)

// What a short run may grow by in any case: below it is the noise of a garbage collector, and of how many requests are under way just now.
const (
	slackMiB         = 8
	slackGoroutines  = 12
	slackDescriptors = 12
)

const config = `name = "soak"
compatibility_date = "2026-11-01"

[pagesrun.limits]
cpu_ms = 1000
request_body_bytes = 1048576

[[kv_namespaces]]
binding = "KEYS"
id = "keys"

[[d1_databases]]
binding = "DB"
database_name = "db"
database_id = "db"

[[queues.producers]]
binding = "QUEUE"
queue = "soak"

[[queues.consumers]]
queue = "soak"
max_batch_timeout = 1

[triggers]
crons = ["* * * * *"]
`

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{{Name: "soak", Question: "does what the server holds grow while it works? -times says for how many minutes", Run: run}}
}

func run(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	m, err := serve(ctx, e)
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	before, err := m.held()
	if err != nil {
		return nil, err
	}
	minutes := e.Repeat(minutesShort, minutesLong)
	l := &load{url: m.URL, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}}
	kept, err := m.watch(ctx, l, time.Duration(minutes)*time.Minute, e.Say)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, m.Printed())
	}
	found := append([]rig.Finding{l.finding(minutes)}, kept.findings()...)
	worked, err := m.worked(minutes)
	if err != nil {
		return found, err
	}
	left, err := m.left(ctx, before)
	if err != nil {
		return found, err
	}
	return append(found, worked, left, rig.Ends("the process lives, and ends by itself", m.Stop())), nil
}

// soaked is the server under load.
type soaked struct{ *machine.Machine }

func serve(ctx context.Context, e *rig.Env) (soaked, error) {
	guest, err := e.BuildGo(ctx, "soak/guest")
	if err != nil {
		return soaked{}, err
	}
	m, err := machine.Serve(ctx, machine.Options{Pagesrun: e.Pagesrun, Guest: guest, Work: e.Work, Config: config, Metrics: true, LogLevel: "none"})
	if err != nil {
		return soaked{}, err
	}
	_, err = m.Ask("POST", "/setup", "")
	return soaked{m}, err
}

// held is what a server holds at a moment.
type held struct{ mib, goroutines, descriptors float64 }

func (m soaked) held() (h held, err error) {
	own, err := m.ownBytes()
	if err != nil {
		return h, err
	}
	descriptors, err := m.Descriptors()
	if err != nil {
		return h, err
	}
	h.mib, h.descriptors = float64(own)/(1<<20), float64(descriptors)
	h.goroutines, err = m.Metrics("go_goroutines")
	return h, err
}

// ownBytes is the resident memory that is the process's own: without pages of files, such as the program, of which the kernel takes away and brings back
// what it likes.
func (m soaked) ownBytes() (bytes int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "RssAnon:") && !strings.HasPrefix(line, "RssShmem:") {
			continue
		}
		kib, err := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
		if err != nil {
			return 0, err
		}
		bytes += kib << 10
	}
	return bytes, nil
}

// kept is what was held during a run.
type kept struct {
	mib, goroutines, descriptors series
	missed                       int // seconds at which it did not say
}

func (k *kept) add(h held) {
	k.mib, k.goroutines, k.descriptors = append(k.mib, h.mib), append(k.goroutines, h.goroutines), append(k.descriptors, h.descriptors)
}

// sayEvery is how many seconds there are between two lines about how it is going.
const sayEvery = 5 * 60

// watch has the load run for some time and looks every second.
func (m soaked) watch(ctx context.Context, l *load, last time.Duration, say func(string, ...any)) (k kept, err error) {
	ctx, cancel := context.WithTimeout(ctx, last)
	done := make(chan struct{})
	go func() { defer close(done); l.run(ctx) }()
	defer func() { cancel(); <-done }()
	for every := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			every.Stop()
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return k, nil
			}
			return k, ctx.Err()
		case <-m.Gone():
			return k, errors.New("the server has ended")
		case <-every.C:
			h, err := m.held()
			if err != nil {
				k.missed++ // the machine is busy; the next second tells
				continue
			}
			if k.add(h); len(k.mib)%sayEvery == 0 {
				say("minute %d: %.1f MiB, %.0f goroutines, %.0f descriptors, %d requests served", len(k.mib)/60, h.mib, h.goroutines, h.descriptors, l.served.Load())
			}
		}
	}
}

func (k kept) findings() (found []rig.Finding) {
	for _, s := range []struct {
		what    string
		seen    series
		slack   float64
		counted bool
	}{{"resident memory without pages of files, MiB", k.mib, slackMiB, false}, {"goroutines", k.goroutines, slackGoroutines, true}, {"descriptors", k.descriptors, slackDescriptors, true}} {
		flat, bar, got := s.seen.judge(s.slack, s.counted)
		found = append(found, rig.Check(flat, s.what, bar, "%s", got))
	}
	return append(found, rig.Check(k.missed <= len(k.mib)/100, "seconds at which it did not say what it holds", "≤ 1 %", "%d of %d", k.missed, k.missed+len(k.mib)))
}

func (l *load) finding(minutes int) rig.Finding {
	served, failed, strange := l.served.Load(), l.failed.Load(), l.strange.Load()
	got := fmt.Sprint(strange)
	if l.first != nil {
		got += ", such as " + l.first.Error()
	}
	return rig.Check(served > 0 && failed >= served/2 && strange == 0,
		fmt.Sprintf("%d minutes with %d requests that are served and %d that fail: ended in another way than they should", minutes, served, failed), "0", "%s", got)
}

// worked says whether the queue and the cron trigger have been at work beside the requests.
func (m soaked) worked(minutes int) (f rig.Finding, err error) {
	var counts [2]int
	for i, of := range []string{"received", "ticks"} {
		text, err := m.Ask("GET", "/count?of="+of, "")
		if err != nil {
			return f, err
		}
		if counts[i], err = strconv.Atoi(text); err != nil {
			return f, err
		}
	}
	return rig.Check(counts[0] > 0 && counts[1] >= minutes-1, "messages consumed and minutes ticked beside them", fmt.Sprintf("some, and ≥ %d", minutes-1), "%d and %d", counts[0], counts[1]), nil
}

// left says whether what the load needed goes with it: a request now and then is what makes idle instances go.
func (m soaked) left(ctx context.Context, before held) (f rig.Finding, err error) {
	var now held
	for end := time.Now().Add(settleTime); ; time.Sleep(time.Second) {
		if _, err = m.Ask("POST", "/echo", ""); err != nil {
			return f, err
		}
		if now, err = m.held(); err != nil {
			return f, err
		}
		holds := now.goroutines <= before.goroutines+handlesFew && now.descriptors <= before.descriptors+handlesFew
		if holds || time.Now().After(end) || ctx.Err() != nil {
			return rig.Check(holds, "goroutines and descriptors more than before, when the clients have gone", fmt.Sprintf("≤ %d of each", handlesFew),
				"%+.0f and %+.0f", now.goroutines-before.goroutines, now.descriptors-before.descriptors), ctx.Err()
		}
	}
}
