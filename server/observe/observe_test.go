package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func report() *runtime.Report {
	return &runtime.Report{
		ID: "ev1", Kind: abi.EventFetch, Start: time.Now(),
		Request: &runtime.Request{Fetch: abi.FetchEvent{Method: "GET", URL: "http://a/p\"\x01\u2028é\xff?secret=1"}},
		Outcome: runtime.OutcomeOK, Status: 200, Duration: 1234 * time.Microsecond, CPU: 56 * time.Microsecond,
		Fuel: 789, MemoryBytes: 65536, Reused: true,
	}
}

// asSlog writes a report through the handler the quick way has to agree with.
func asSlog(h slog.Handler, now time.Time, e *runtime.Report) {
	r := slog.NewRecord(now, slog.LevelInfo, "event", 0)
	r.AddAttrs(slog.String("event", e.ID), slog.String("method", e.Request.Fetch.Method), slog.String("path", pathOf(string(e.Request.Fetch.URL))),
		slog.Int("status", e.Status), slog.String("outcome", string(e.Outcome)), slog.Int64("duration_us", 1234), slog.Int64("cpu_us", 56),
		slog.Int64("fuel", e.Fuel), slog.Int64("memory", e.MemoryBytes), slog.Bool("reused", e.Reused))
	h.Handle(nil, r)
}

func TestJSONEventLinesAreWhatSlogWouldWrite(t *testing.T) {
	var b bytes.Buffer
	now := time.Now()
	asSlog(slog.NewJSONHandler(&b, nil), now, report())
	var want, got map[string]any
	line := newFormatter(LogOptions{}).appendEvent(nil, now, slog.LevelInfo, report())
	if err := errors.Join(json.Unmarshal(b.Bytes(), &want), json.Unmarshal(line, &got)); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestTextEventLinesAreWhatSlogWouldWrite(t *testing.T) {
	for _, path := range []string{"/a", "/with space", "/q\"x", "/a=b", "/é"} {
		var b bytes.Buffer
		now, e := time.Now(), report()
		e.Request.Fetch.URL = abi.ByteString("http://a" + path)
		asSlog(slog.NewTextHandler(&b, nil), now, e)
		line := newFormatter(LogOptions{Format: FormatText}).appendEvent(nil, now, slog.LevelInfo, e)
		if path == "/é" { // slog leaves printable characters alone, we quote them; both read the same
			continue
		}
		if string(line) != b.String() {
			t.Errorf("got  %swant %s", line, b.String())
		}
	}
}

func TestTimesAreWhatTheTimePackageWouldWrite(t *testing.T) {
	var s seconds
	base := time.Date(2024, 12, 31, 23, 59, 59, 0, time.Local)
	elsewhere := time.FixedZone("", -(3*3600 + 30*60))
	for _, ns := range []int{0, 1, 9, 10, 120, 999, 1_000, 999_999, 1_000_000, 20_000_000, 123_456_789, 500_000_000, 999_999_999, 1_000_000_000, 1_000_000_010, -1, 0} {
		for _, at := range []time.Time{base.Add(time.Duration(ns)), base.Add(time.Duration(ns)).UTC(), base.Add(time.Duration(ns)).In(elsewhere)} {
			if got, want := string(s.appendNano(nil, at)), at.Format(time.RFC3339Nano); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got, want := string(s.appendMilli(nil, at)), at.Format("2006-01-02T15:04:05.000Z07:00"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}

func TestAnEventIsLoggedWithTheTimeItEnded(t *testing.T) {
	var b bytes.Buffer
	log := NewLog(&b, LogOptions{})
	e := report()
	New(log, prometheus.NewRegistry()).EventDone(e)
	log.Close()
	var line struct{ Time time.Time }
	if err := json.Unmarshal(b.Bytes(), &line); err != nil || !line.Time.Equal(e.Start.Add(e.Duration)) {
		t.Errorf("%v: %s", err, b.String())
	}
}

func TestPrettyLinesCannotSteerTheTerminal(t *testing.T) {
	f := newFormatter(LogOptions{Format: FormatPretty})
	line := f.appendGuest(nil, time.Now(), slog.LevelInfo, guestLine{"ev", "stdout", "a\x1b[31mb\rc\u0085d"})
	if strings.ContainsAny(strings.TrimSuffix(string(line), "\n"), "\x1b\r\n\u0085") {
		t.Errorf("%q", line)
	}
	line = f.appendEvent(nil, time.Now(), slog.LevelInfo, report())
	if want := "GET /p\"\uFFFD\u2028é\uFFFD 200 1.23ms (cpu 56µs)\n"; !strings.HasSuffix(string(line), want) {
		t.Errorf("got %q, want it to end in %q", line, want)
	}
}

func TestPrettyTextsOfSeveralLinesGoOnIndented(t *testing.T) {
	f, at := newFormatter(LogOptions{Format: FormatPretty}), time.Date(2024, 5, 6, 12, 34, 56, 0, time.Local)
	failed := report()
	failed.Outcome, failed.Status, failed.Err, failed.Request.Fetch.URL = runtime.OutcomeException, 500, errors.New("it trapped\r\n\tat f\n\x1bat g\n"), "http://a/"
	answered := report()
	answered.Status, answered.Request.Fetch.URL = 500, "http://a/"
	for _, c := range []struct{ name, got, want string }{
		{"a guest's line", string(f.appendGuest(nil, at, slog.LevelInfo, guestLine{"ev1", "log", "one"})), "12:34:56 ev1 | one\n"},
		{"a guest's lines", string(f.appendGuest(nil, at, slog.LevelInfo, guestLine{"ev1", "log", "one\n\x1btwo\n\n"})), "12:34:56 ev1 | one\n             | \uFFFDtwo\n"},
		{"a failed event", string(f.appendEvent(nil, at, slog.LevelError, failed)),
			"12:34:56 GET / 500 1.23ms (cpu 56µs) exception (event ev1) it trapped\n    \tat f\n    \uFFFDat g\n"},
		{"an event that answered 500", string(f.appendEvent(nil, at, slog.LevelInfo, answered)), "12:34:56 GET / 500 1.23ms (cpu 56µs) (event ev1)\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestOnlyTextBreaksLinesOfErrorsAndGuests(t *testing.T) {
	e, at := report(), time.Now()
	e.Err = errors.New("it trapped\r\n\tat f\n\x1bat g\n")
	g := guestLine{"ev1", "log", "one\ntwo"}
	text, asJSON := newFormatter(LogOptions{Format: FormatText}), newFormatter(LogOptions{})
	for _, c := range []struct{ name, got, want string }{
		{"text of an event", string(text.appendEvent(nil, at, slog.LevelError, e)), " error=\"it trapped\"\n    \tat f\n    \uFFFDat g\n"},
		{"text of a guest", string(text.appendGuest(nil, at, slog.LevelInfo, g)), " msg=one event=ev1 source=log\n    two\n"},
		{"JSON of an event", string(asJSON.appendEvent(nil, at, slog.LevelError, e)), `"error":"it trapped\u000d\n\tat f\n\u001bat g\n"}` + "\n"},
		{"JSON of a guest", string(asJSON.appendGuest(nil, at, slog.LevelInfo, g)), `"msg":"one\ntwo","event":"ev1","source":"log"}` + "\n"},
	} {
		if !strings.HasSuffix(c.got, c.want) {
			t.Errorf("%s: got %q, want it to end in %q", c.name, c.got, c.want)
		}
	}
}

func TestPrettyLoggerPutsAttributesAfterTheFirstLine(t *testing.T) {
	var b bytes.Buffer
	log := NewLog(&b, LogOptions{Format: FormatPretty})
	log.Logger().Error("not reloaded\nsecond", "ms", 12)
	log.Close()
	if !strings.HasSuffix(b.String(), " not reloaded ms=12\n    second\n") {
		t.Errorf("%q", b.String())
	}
}

func TestPrettyLoggerWritesOneLineWithItsAttributes(t *testing.T) {
	var b bytes.Buffer
	log := NewLog(&b, LogOptions{Format: FormatPretty})
	log.Logger().With("kind", "kv").Warn("storage is slow", "ms", 12)
	log.Logger().Debug("not written")
	log.Close()
	if !strings.HasSuffix(b.String(), " storage is slow kind=kv ms=12\n") || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("%q", b.String())
	}
}

func TestEventsAreCountedByOutcome(t *testing.T) {
	reg := prometheus.NewRegistry()
	o := New(nil, reg)
	e := report()
	o.EventDone(e)
	e.Outcome, e.Discarded, e.Reused = runtime.OutcomeExceededCPU, "trap", false
	o.EventDone(e)
	e.Outcome, e.Discarded = "new_outcome", ""
	o.EventDone(e)
	o.GuestLog("ev1", "stdout", abi.LogInfo, "hello")
	got := exposed(reg)
	for _, want := range []string{
		`pagesrun_events_total{kind="fetch",outcome="canceled"} 0`,
		`pagesrun_events_total{kind="fetch",outcome="exceeded_cpu"} 1`,
		`pagesrun_events_total{kind="fetch",outcome="ok"} 1`,
		`pagesrun_events_total{kind="fetch",outcome="new_outcome"} 1`,
		`pagesrun_instances_discarded_total{reason="trap"} 1`,
		`pagesrun_instances_reused_total 1`,
		`pagesrun_guest_log_lines_total{source="stdout"} 1`,
		`pagesrun_event_fuel_total 2367`,
		`pagesrun_event_duration_seconds_count 3`,
		`pagesrun_event_cpu_seconds_bucket{le="5e-05"} 0`,
		`pagesrun_event_cpu_seconds_bucket{le="0.0001"} 3`,
		`pagesrun_event_pool_wait_seconds_count 3`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// exposed is what /metrics would show.
func exposed(reg *prometheus.Registry) string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestEventsLogAtTheLevelOfTheirFault(t *testing.T) {
	var b bytes.Buffer
	log := NewLog(&b, LogOptions{Format: FormatText, Level: slog.LevelWarn})
	o := New(log, prometheus.NewRegistry())
	e := report()
	o.EventDone(e)
	e.Outcome, e.Err, e.Discarded = runtime.OutcomeException, errors.New("it trapped"), "trap"
	o.EventDone(e)
	o.GuestLog("ev1", "console", abi.LogDebug, "quiet")
	o.GuestLog("ev1", "console", abi.LogError, "loud")
	log.Close()
	got := b.String()
	for _, want := range []string{"level=ERROR msg=event event=ev1", `error="it trapped"`, "discarded=trap", "level=ERROR msg=loud event=ev1 source=console"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Count(got, "\n") != 2 {
		t.Errorf("want two lines: %q", got)
	}
}

// stuck is a writer that does not return until it is let go.
type stuck struct {
	release chan struct{}
	mu      sync.Mutex
	bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.release
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(p)
}

func TestAStuckWriterDropsLinesAndDelaysNobody(t *testing.T) {
	w := &stuck{release: make(chan struct{})}
	log := NewLog(w, LogOptions{Format: FormatText})
	line := []byte(strings.Repeat("x", 1023) + "\n")
	start := time.Now()
	for range 3 * BacklogBytesMax / len(line) {
		log.Write(line)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("writing took %v", d)
	}
	if log.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
	close(w.release)
	log.Close()
	if want := fmt.Sprintf("%d log lines dropped", log.Dropped()); !strings.Contains(w.String(), want) {
		t.Errorf("no %q in the log", want)
	}
}

func TestLinesAppearWithinTheFlushInterval(t *testing.T) {
	r, w := io.Pipe()
	log := NewLog(w, LogOptions{})
	defer log.Close()
	start := time.Now()
	log.Logger().Info("hello")
	buf := make([]byte, 200)
	n, _ := r.Read(buf)
	if d := time.Since(start); d > 20*FlushInterval || !strings.Contains(string(buf[:n]), "hello") {
		t.Errorf("after %v: %q", d, buf[:n])
	}
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	var b bytes.Buffer
	log := NewLog(&b, LogOptions{})
	o := New(log, prometheus.NewRegistry())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				o.EventDone(report())
				o.GuestLog("e", "stdout", abi.LogInfo, "text")
			}
		})
	}
	wg.Wait()
	log.Close()
	count := 0
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("broken line %q", line)
		}
		count++
	}
	if count != 3200 {
		t.Errorf("%d lines, want 3200", count)
	}
}

func FuzzJSONString(f *testing.F) {
	f.Add("a\"\\\n\t\x00\x7f\u2028\xff é")
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := json.Marshal(s)
		var a, b string
		if err := errors.Join(json.Unmarshal(appendJSON(nil, s), &a), json.Unmarshal(want, &b)); err != nil || a != b {
			t.Fatalf("%q became %q (%v)", s, a, err)
		}
	})
}

func BenchmarkEventDone(b *testing.B) {
	e := report()
	e.Request.Fetch.URL = "http://localhost:8787/api/todos?x=1"
	for _, format := range []Format{FormatJSON, FormatText, FormatPretty} {
		b.Run(string(format), func(b *testing.B) {
			log := NewLog(io.Discard, LogOptions{Format: format})
			defer log.Close()
			o := New(log, prometheus.NewRegistry())
			b.ReportAllocs()
			for b.Loop() {
				o.EventDone(e)
			}
		})
	}
	b.Run("json line only", func(b *testing.B) {
		f, line, now := newFormatter(LogOptions{}), make([]byte, 0, 512), time.Now()
		b.ReportAllocs()
		for b.Loop() {
			line = f.appendEvent(line[:0], now, slog.LevelInfo, e)
		}
	})
	b.Run("metrics only", func(b *testing.B) {
		o := New(nil, prometheus.NewRegistry())
		b.ReportAllocs()
		for b.Loop() {
			o.EventDone(e)
		}
	})
}
