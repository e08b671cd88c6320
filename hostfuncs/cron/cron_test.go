package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
	"github.com/prometheus/client_golang/prometheus"
)

// recorder is a dispatcher that writes down what it is asked to run.
type recorder struct {
	mu   sync.Mutex
	runs []string
	// run is what an event does; nil for nothing.
	run func(ctx context.Context, e *hostfuncs.Event) error
}

// Dispatch implements [hostfuncs.Dispatcher].
func (r *recorder) Dispatch(ctx context.Context, e *hostfuncs.Event) error {
	s := e.Message.Scheduled
	r.mu.Lock()
	r.runs = append(r.runs, fmt.Sprintf("%s %s", s.Cron, time.UnixMilli(s.ScheduledTimeMS).UTC().Format("02 15:04")))
	run := r.run
	r.mu.Unlock()
	if run == nil {
		return nil
	}
	return run(ctx, e)
}

// does says what events do from now on.
func (r *recorder) does(run func(context.Context, *hostfuncs.Event) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run = run
}

// Concurrency implements [hostfuncs.Dispatcher].
func (*recorder) Concurrency() int { return 4 }

// all gives what has been run, in order.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.runs))
}

// process is one run of pagesrun, as far as the binding can tell. Its time is the bubble's, which begins on 1 January 2000 at midnight, plus
// what the test has set its clock forward or back by.
type process struct {
	t       *testing.T
	dir     string
	metrics *prometheus.Registry
	log     *strings.Builder
	recorder
	live *live
	skew time.Duration
}

// begin opens the binding in dir and starts it.
func begin(t *testing.T, dir string, catchUp time.Duration, expressions ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, metrics: prometheus.NewRegistry(), log: &strings.Builder{}}
	p.open(catchUp, expressions...)
	p.start()
	return p
}

func (p *process) open(catchUp time.Duration, expressions ...string) {
	p.t.Helper()
	var resources []hostfuncs.Resource
	for _, x := range expressions {
		resources = append(resources, &Resource{App: "app", Expression: x, Schedule: parse(p.t, x), CatchUp: catchUp})
	}
	opened, err := New().Open(p.t.Context(), hostfuncs.Host{
		Log: slog.New(slog.NewTextHandler(p.log, nil)), DataDir: p.dir, Now: p.now, Metrics: p.metrics, Durability: "relaxed",
	}, resources)
	if err != nil {
		p.t.Fatal(err)
	}
	p.live = opened.(*live)
}

func (p *process) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.skew)
}

// set moves the process's clock.
func (p *process) set(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew += by
}

func (p *process) start() {
	p.t.Helper()
	if err := p.live.Start(p); err != nil {
		p.t.Fatal(err)
	}
}

// end stops and closes the binding.
func (p *process) end() {
	p.t.Helper()
	if err := errors.Join(p.live.Stop(context.Background()), p.live.Close(context.Background())); err != nil {
		p.t.Fatal(err)
	}
}

// want checks what has been run.
func (p *process) want(runs ...string) {
	p.t.Helper()
	if got := p.all(); !slices.Equal(got, runs) {
		p.t.Errorf("ran  %q\nwant %q\n%s", got, runs, p.log)
	}
}

// wantMissed checks the metric.
func (p *process) wantMissed(expression string, n float64) {
	p.t.Helper()
	if got := p.ticks(expression, "missed"); got != n {
		p.t.Errorf("%v ticks of %q were missed, want %v", got, expression, n)
	}
}

// ticks counts the ticks of an expression with an outcome.
func (p *process) ticks(expression, outcome string) float64 {
	return p.metric("pagesrun_cron_ticks_total", expression, outcome)
}

// metric gives the value of the one metric with these labels; 0 when there is none.
func (p *process) metric(name string, labels ...string) float64 {
	p.t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// bubble runs a test in time of its own.
func bubble(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// pass lets time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

const every5 = "*/5 * * * *"

func TestEveryTickIsRunOnce(t *testing.T) {
	bubble(t, "at its minute, for each expression", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5, "7 * * * *", "0 0 30 2 *")
		defer p.end()
		pass(11 * time.Minute)
		p.want("*/5 * * * * 01 00:05", "*/5 * * * * 01 00:10", "7 * * * * 01 00:07")
		if got := p.ticks(every5, "ok"); got != 2 {
			t.Errorf("%v ticks were counted as ok", got)
		}
	})
	bubble(t, "within milliseconds of it", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		var late time.Duration
		p.does(func(context.Context, *hostfuncs.Event) error {
			late = time.Since(time.Now().Truncate(time.Minute))
			return nil
		})
		pass(5*time.Minute + time.Second)
		p.want("*/5 * * * * 01 00:05")
		if late > 50*time.Millisecond {
			t.Errorf("the event began %v late", late)
		}
	})
	bubble(t, "but none before the expression was first seen", func(t *testing.T) {
		pass(5*time.Minute + 30*time.Second)
		p := begin(t, t.TempDir(), time.Hour, every5)
		defer p.end()
		pass(time.Minute)
		p.want()
		p.wantMissed(every5, 0)
	})
	bubble(t, "over a restart within the minute", func(t *testing.T) {
		dir := t.TempDir()
		p := begin(t, dir, time.Minute, every5)
		pass(5*time.Minute + time.Second)
		p.want("*/5 * * * * 01 00:05")
		p.end()
		p = begin(t, dir, time.Minute, every5)
		defer p.end()
		pass(time.Minute)
		p.want()
		p.wantMissed(every5, 0)
	})
	bubble(t, "also one that came while the process was restarted", func(t *testing.T) {
		dir := t.TempDir()
		p := begin(t, dir, time.Minute, every5)
		pass(4*time.Minute + 59*time.Second)
		p.end()
		pass(2 * time.Second)
		p = begin(t, dir, time.Minute, every5)
		defer p.end()
		pass(time.Second)
		p.want("*/5 * * * * 01 00:05")
	})
	bubble(t, "over a stop and a start of the same binding", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		pass(5*time.Minute + time.Second)
		if err := p.live.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		p.want("*/5 * * * * 01 00:05")
		p.start()
		pass(time.Second)
		p.want("*/5 * * * * 01 00:05", "*/5 * * * * 01 00:15")
		p.wantMissed(every5, 1)
	})
	bubble(t, "by one of two processes", func(t *testing.T) {
		dir := t.TempDir()
		a, b := begin(t, dir, time.Minute, every5), begin(t, dir, time.Minute, every5)
		defer a.end()
		defer b.end()
		pass(21 * time.Minute)
		got := slices.Sorted(slices.Values(append(a.all(), b.all()...)))
		want := []string{"*/5 * * * * 01 00:05", "*/5 * * * * 01 00:10", "*/5 * * * * 01 00:15", "*/5 * * * * 01 00:20"}
		if !slices.Equal(got, want) {
			t.Errorf("ran %q", got)
		}
		a.wantMissed(every5, 0)
		b.wantMissed(every5, 0)
	})
}

func TestMissedTicks(t *testing.T) {
	for _, c := range []struct {
		name    string
		catchUp time.Duration
		away    time.Duration // from 00:01
		want    []string
		missed  float64
	}{
		{"are not run by default", time.Minute, 17 * time.Minute, nil, 3},
		{"but the one of the running minute is", time.Minute, 14*time.Minute + 30*time.Second, []string{"*/5 * * * * 01 00:15"}, 2},
		{"of them the last one is run within the catch-up time", time.Hour, 17 * time.Minute, []string{"*/5 * * * * 01 00:15"}, 2},
		{"are not run at the end of the catch-up time", 10 * time.Minute, 24 * time.Minute, []string{"*/5 * * * * 01 00:25"}, 4},
		{"are counted for eight days at most", time.Minute, 30 * 24 * time.Hour, nil, 8 * 24 * 12},
	} {
		bubble(t, c.name, func(t *testing.T) {
			dir := t.TempDir()
			p := begin(t, dir, c.catchUp, every5)
			pass(time.Minute)
			p.end()
			pass(c.away)
			p = begin(t, dir, c.catchUp, every5)
			defer p.end()
			pass(time.Second)
			p.want(c.want...)
			p.wantMissed(every5, c.missed)
		})
	}
}

func TestTheClockIsSet(t *testing.T) {
	bubble(t, "back: no tick is run again, and none waits until the clock is where it was", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		pass(16 * time.Minute)
		p.set(-8 * time.Minute) // 00:08
		pass(14 * time.Minute)  // 00:22
		p.want("*/5 * * * * 01 00:05", "*/5 * * * * 01 00:10", "*/5 * * * * 01 00:15", "*/5 * * * * 01 00:20")
		p.wantMissed(every5, 0)
	})
	bubble(t, "forward: what it passes over is missed", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		pass(6 * time.Minute)
		p.set(16 * time.Minute)
		pass(4 * time.Minute)
		p.want("*/5 * * * * 01 00:05", "*/5 * * * * 01 00:25")
		p.wantMissed(every5, 3)
		if !strings.Contains(p.log.String(), "the clock was set forward") {
			t.Errorf("the log says %s", p.log)
		}
	})
	bubble(t, "forward by a century and back at once", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		const century = 36525 * 24 * time.Hour
		pass(5*time.Minute + time.Second)
		p.set(century)
		pass(6 * time.Second)
		p.set(-century)
		pass(5 * time.Minute)
		if got := p.all(); !slices.Equal(got, []string{"*/5 * * * * 01 00:05", "*/5 * * * * 01 00:05", "*/5 * * * * 01 00:10"}) || p.ticks(every5, "ok") != 3 {
			t.Errorf("ran %q", got)
		}
	})
	bubble(t, "before the first start: an expression first seen in the future counts from now", func(t *testing.T) {
		dir := t.TempDir()
		p := &process{t: t, dir: dir, metrics: prometheus.NewRegistry(), log: &strings.Builder{}, skew: 1000 * time.Hour}
		p.open(time.Minute, every5)
		p.start()
		pass(time.Second)
		p.end()
		p = begin(t, dir, time.Minute, every5)
		defer p.end()
		pass(6 * time.Minute)
		p.want("*/5 * * * * 01 00:05")
	})
}

func TestTheClockIsSetByHoursAndDays(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour} {
		bubble(t, fmt.Sprintf("by %v: each tick that the clock shows is run once, and what it passes over is missed", jump), func(t *testing.T) {
			p := begin(t, t.TempDir(), time.Minute, every5)
			defer p.end()
			first := p.now()
			pass(16 * time.Minute)
			before := p.now()
			p.set(jump)
			after := p.now()
			pass(31*time.Minute + max(0, -jump))
			shown := append(ticksBetween(first, before), ticksBetween(after, p.now())...)
			slices.Sort(shown)
			p.want(slices.Compact(shown)...)
			p.wantMissed(every5, float64(len(ticksBetween(before, after))))
		})
	}
}

// ticksBetween gives the ticks of [every5] after one time until another, as the recorder writes them down.
func ticksBetween(after, until time.Time) (ticks []string) {
	for at := after.Truncate(5 * time.Minute).Add(5 * time.Minute); !at.After(until); at = at.Add(5 * time.Minute) {
		ticks = append(ticks, every5+at.UTC().Format(" 02 15:04"))
	}
	return ticks
}

func TestEventsThatDoNotBegin(t *testing.T) {
	refuse := func(context.Context, *hostfuncs.Event) error { return fmt.Errorf("full: %w", hostfuncs.ErrNotStarted) }
	bubble(t, "are tried again within the minute", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		tries := 0
		p.does(func(ctx context.Context, e *hostfuncs.Event) error {
			if tries++; tries < 4 {
				return refuse(ctx, e)
			}
			return nil
		})
		pass(9 * time.Minute)
		if tries != 4 || p.ticks(every5, "ok") != 1 || p.ticks(every5, "missed") != 0 {
			t.Errorf("%d tries, %v ok, %v missed", tries, p.ticks(every5, "ok"), p.ticks(every5, "missed"))
		}
	})
	bubble(t, "are missed when the minute is over", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		p.does(refuse)
		pass(9 * time.Minute)
		p.wantMissed(every5, 1)
	})
	bubble(t, "are left to the next process when this one stops", func(t *testing.T) {
		dir := t.TempDir()
		p := begin(t, dir, time.Minute, every5)
		p.does(refuse)
		pass(5*time.Minute + 10*time.Second)
		p.end()
		p = begin(t, dir, time.Minute, every5)
		defer p.end()
		pass(time.Second)
		p.want("*/5 * * * * 01 00:05")
	})
}

func TestFailedEventsAreNotRunAgain(t *testing.T) {
	bubble(t, "in this process and the next", func(t *testing.T) {
		dir := t.TempDir()
		p := begin(t, dir, time.Minute, every5)
		p.does(func(context.Context, *hostfuncs.Event) error { return errors.New("trap") })
		pass(5*time.Minute + 10*time.Second)
		p.want("*/5 * * * * 01 00:05")
		if got := p.ticks(every5, "failed"); got != 1 {
			t.Errorf("%v ticks were counted as failed", got)
		}
		p.end()
		p = begin(t, dir, time.Minute, every5)
		defer p.end()
		pass(time.Minute)
		p.want()
	})
}

func TestEventsThatTakeLong(t *testing.T) {
	const minutely = "* * * * *"
	slow := func(ctx context.Context, _ *hostfuncs.Event) error {
		select {
		case <-time.After(time.Hour):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	bubble(t, "run beside each other, up to a number", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, minutely)
		p.does(slow)
		pass(RunningMax*time.Minute + 3*time.Minute + time.Second)
		if got := len(p.all()); got != RunningMax {
			t.Errorf("%d events run, want %d", got, RunningMax)
		}
		p.wantMissed(minutely, 3)
		pass(time.Hour)
		if got := len(p.all()); got <= RunningMax {
			t.Errorf("%d events have been run", got)
		}
		p.end()
	})
	bubble(t, "are waited for by Stop, and ended when its context ends", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, minutely)
		p.does(slow)
		pass(time.Minute + time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		if err := p.live.Stop(ctx); err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("Stop gave %v after %v", err, time.Since(begun))
		}
		pass(10 * time.Minute)
		p.want("* * * * * 01 00:01")
		if got := p.ticks(minutely, "failed"); got != 1 {
			t.Errorf("%v ticks were counted as failed", got)
		}
		p.end()
	})
	bubble(t, "are left when they do not end", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, minutely)
		p.does(func(context.Context, *hostfuncs.Event) error { time.Sleep(time.Hour); return nil })
		pass(time.Minute + time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := p.live.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop gave %v", err)
		}
		p.end()
	})
	bubble(t, "do not hold up the ticks of a new version", func(t *testing.T) {
		dir := t.TempDir()
		old := begin(t, dir, time.Minute, minutely)
		old.does(slow)
		pass(time.Minute + time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		old.live.Stop(ctx)
		next := begin(t, dir, time.Minute, minutely)
		pass(2 * time.Minute)
		old.want("* * * * * 01 00:01")
		next.want("* * * * * 01 00:02", "* * * * * 01 00:03")
		old.end()
		next.end()
	})
}

func TestALedgerThatCannotBeWritten(t *testing.T) {
	bubble(t, "holds the tick back until it can", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		other, err := openLedger(t.Context(), p.dir, true, p.live.host.Log)
		if err != nil {
			t.Fatal(err)
		}
		defer other.close()
		change := func(sql string) {
			if err := other.db.Write(t.Context(), 0, func(c *sqlite.Conn) error { return c.Exec(sql) }); err != nil {
				t.Fatal(err)
			}
		}
		change(`CREATE TRIGGER full BEFORE INSERT ON ticks BEGIN SELECT RAISE(ABORT, 'no room'); END`)
		pass(5*time.Minute + 10*time.Second)
		p.want()
		change(`DROP TRIGGER full`)
		pass(2 * time.Second)
		p.want("*/5 * * * * 01 00:05")
	})
}

func TestTheLedgerForgets(t *testing.T) {
	ledger, err := openLedger(t.Context(), t.TempDir(), true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.close()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e, err := ledger.enter(t.Context(), "app", "* * * * *", start)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(tick, now time.Time) bool {
		mine, err := ledger.claim(t.Context(), e.id, tick, now)
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	for i := range keptTicks + 500 {
		tick := start.Add(time.Duration(i) * time.Hour)
		if !claim(tick, tick) {
			t.Fatalf("tick %d was taken", i)
		}
	}
	now := start.Add((keptTicks + 500) * time.Hour)
	for _, c := range []struct {
		name string
		back time.Duration
		mine bool
	}{
		{"not the last tick", time.Hour, false},
		{"not the oldest that could be caught up", CatchUpMax, false},
		{"not one of the last thousand", keptTicks * time.Hour, false},
		{"but what is older", (keptTicks + 400) * time.Hour, true},
	} {
		if got := claim(now.Add(-c.back), now.Add(-c.back)); got != c.mine {
			t.Errorf("%s: a new claim gave %v", c.name, got)
		}
	}
}

func TestApplicationsOfOneDirectoryHaveTicksOfTheirOwn(t *testing.T) {
	ledger, err := openLedger(t.Context(), t.TempDir(), true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.close()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, app := range []string{"a", "b"} {
		e, err := ledger.enter(t.Context(), app, every5, now)
		if err != nil {
			t.Fatal(err)
		}
		if mine, err := ledger.claim(t.Context(), e.id, now, now); !mine || err != nil {
			t.Errorf("%s: %v, %v", app, mine, err)
		}
	}
}

func TestTheLastTickIsAMetric(t *testing.T) {
	bubble(t, "in seconds since the Unix epoch", func(t *testing.T) {
		p := begin(t, t.TempDir(), time.Minute, every5)
		defer p.end()
		pass(6 * time.Minute)
		if got, want := p.metric("pagesrun_cron_last_tick_timestamp_seconds", every5), float64(time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC).Unix()); got != want {
			t.Errorf("the metric is %v, want %v", got, want)
		}
	})
}

func TestDescribe(t *testing.T) {
	r := &Resource{Expression: every5, Schedule: parse(t, every5)}
	if got := r.Describe(); got != `"*/5 * * * *"` {
		t.Errorf("before it is open: %s", got)
	}
	r.now = func() time.Time { return time.Date(2026, 11, 22, 23, 57, 0, 0, time.UTC) }
	if got := r.Describe(); got != `"*/5 * * * *", next at 2026-11-23 00:00 UTC` {
		t.Errorf("open: %s", got)
	}
	r.Schedule = parse(t, "0 0 31 4 *")
	if got := r.Describe(); got != `"*/5 * * * *", never` {
		t.Errorf("what never comes: %s", got)
	}
	if r.BindingName() != "" || r.Position() != (config.Pos{}) {
		t.Error("a trigger has a name or a place of its own")
	}
}
