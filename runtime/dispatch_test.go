package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// backgroundGuest is the guest in testdata/background.c.
func backgroundGuest(t testing.TB) []byte {
	t.Helper()
	return guesttest.Reactor(t, filepath.Join("testdata", "background.c"))
}

// scheduled is an event that has the guest do what cron says.
func scheduled(cron string) *hostfuncs.Event {
	return &hostfuncs.Event{
		Message: abi.Event{Kind: abi.EventScheduled, Scheduled: &abi.ScheduledEvent{Cron: cron, ScheduledTimeMS: 60_000}}, Detail: "doing " + cron,
	}
}

// run dispatches an event and gives its failure, its report and what it has logged.
func (l *lab) run(ctx context.Context, e *hostfuncs.Event) (*runtime.EventError, *runtime.Report, []string) {
	l.t.Helper()
	err := l.Dispatch(ctx, e)
	var failure *runtime.EventError
	if err != nil && !errors.As(err, &failure) {
		l.t.Fatalf("%v is no EventError", err)
	}
	var report *runtime.Report
	if e.Message.ID != "" {
		report = l.report(e.Message.ID)
	}
	return failure, report, l.logged(e.Message.ID)
}

// running waits until n operations of the probe are under way.
func (l *lab) running(n int64) {
	l.t.Helper()
	for end := time.Now().Add(20 * time.Second); l.probe.running.Load() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("%d operations are running, want %d", l.probe.running.Load(), n)
		}
	}
}

func TestHowEventsThatAreNoRequestsEnd(t *testing.T) {
	limits := tight()
	limits.Background, limits.MemoryBytes = 2*limits.Wall, 4<<20
	l := load(t, backgroundGuest(t), runtime.Options{Limits: limits})
	for _, c := range []struct {
		name, cron string
		wall       time.Duration
		outcome    runtime.Outcome
		message    string
		logs       []string
	}{
		{"a handler that returns has succeeded", "ok", 0, runtime.OutcomeOK, "", nil},
		{"the message has what the event is about", "tell", 0, runtime.OutcomeOK, "", []string{"log: due 60000"}},
		{"a handler that says so has failed", "fail", 0, runtime.OutcomeException, "the function failed: first", nil},
		{"the first failure counts", "fail twice", 0, runtime.OutcomeException, "the function failed: first", nil},
		{"a trap is a failure", "trap", 0, runtime.OutcomeException, "unreachable", nil},
		{"a trap says more than the failure before", "fail, then trap", 0, runtime.OutcomeException, "unreachable", nil},
		{"an exit is a failure", "exit", 0, runtime.OutcomeException, "3", nil},
		{"CPU time has its limit", "spin", 0, runtime.OutcomeExceededCPU, "more than 100ms of CPU time", nil},
		{"time has the limit of background events", "wait", 0, runtime.OutcomeExceededWall, fmt.Sprintf("longer than %v", limits.Background), nil},
		{"or one of its own", "wait", 50 * time.Millisecond, runtime.OutcomeExceededWall, "longer than 50ms", nil},
		{"memory has its limit", "grow", 0, runtime.OutcomeExceededMemory, "more than 4 MiB of memory", nil},
		{"there is nothing to respond to", "respond", 0, runtime.OutcomeOK, "", []string{fmt.Sprintf("log: code %d", abi.CodeInvalidArgument)}},
		{"memory is as it was after start-up", "count", 0, runtime.OutcomeOK, "", []string{"log: count 1"}},
		{"also after an event", "count", 0, runtime.OutcomeOK, "", []string{"log: count 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := scheduled(c.cron)
			e.Wall = c.wall
			failure, report, logs := l.run(t.Context(), e)
			if report.Outcome != c.outcome || report.Kind != abi.EventScheduled || report.Detail != e.Detail || report.Request != nil {
				t.Errorf("report: %s %s %q %v", report.Outcome, report.Kind, report.Detail, report.Request)
			}
			if (failure == nil) != (c.message == "") || failure != nil && (failure.Outcome != c.outcome || !strings.Contains(failure.Error(), c.message)) {
				t.Errorf("failure %v, want %q", failure, c.message)
			}
			if errors.Is(report.Err, hostfuncs.ErrNotStarted) {
				t.Error("the guest was not started")
			}
			if !slices.Equal(logs, c.logs) {
				t.Errorf("log %q, want %q", logs, c.logs)
			}
		})
	}
	l.want("/", "1")
}

func TestOperationsOfAnEvent(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{})
	unknown := fmt.Sprintf("log: code %d", abi.CodeUnknownOperation)
	t.Run("are there during the event", func(t *testing.T) {
		e, calls := scheduled("private"), 0
		e.Operations = []hostfuncs.Operation{{Name: "test.private", Run: func(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
			if calls++; calls == 2 {
				return dst, &abi.Error{Code: abi.CodeTooLarge}
			}
			e.Log(2, fmt.Sprintf("call %d", calls))
			return append(dst, 0xa0), nil
		}}}
		_, _, logs := l.run(t.Context(), e)
		want := []string{"host: call 1", "log: code 0", fmt.Sprintf("log: code %d", abi.CodeTooLarge), "host: call 3", "log: code 0"}
		if !slices.Equal(logs, want) {
			t.Errorf("log %q, want %q", logs, want)
		}
	})
	t.Run("are not there in the next event", func(t *testing.T) {
		if _, _, logs := l.run(t.Context(), scheduled("private")); !slices.Equal(logs, []string{unknown, unknown, unknown}) {
			t.Errorf("log %q", logs)
		}
	})
	t.Run("are not there in a request", func(t *testing.T) { l.want("/private", fmt.Sprint(int(abi.CodeUnknownOperation))) })
}

func TestWhatAnEventCountsIsItsOwn(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{})
	for range 2 {
		if _, _, logs := l.run(t.Context(), scheduled("tally")); len(logs) != 3 || !strings.HasSuffix(logs[2], "code 0") {
			t.Fatalf("log %q", logs)
		}
	}
	if got := l.probe.tallied(); !slices.Equal(got, []int{10, 20, 30, 10, 20, 30}) {
		t.Errorf("the sums were %v", got)
	}
}

func TestCanceledEvents(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 2}})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan *runtime.EventError)
	go func() {
		failure, _, _ := l.run(ctx, scheduled("wait"))
		first <- failure
	}()
	l.running(1)
	t.Run("one that waits for its turn has not started", func(t *testing.T) {
		waiting, giveUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer giveUp()
		err := l.Dispatch(waiting, scheduled("ok"))
		if !errors.Is(err, hostfuncs.ErrNotStarted) || !strings.HasPrefix(err.Error(), "the event was canceled: ") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("one that runs is stopped", func(t *testing.T) {
		cancel()
		failure := <-first
		if failure == nil || failure.Outcome != runtime.OutcomeCanceled || failure.Message != "the event was canceled" || errors.Is(failure, hostfuncs.ErrNotStarted) {
			t.Errorf("got %v", failure)
		}
		l.running(0)
	})
	t.Run("and the next one runs", func(t *testing.T) {
		if failure, _, _ := l.run(t.Context(), scheduled("ok")); failure != nil {
			t.Error(failure)
		}
	})
}

func TestRequestsFindInstancesWhileEventsFillTheirHalf(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 8, QueueWait: 5 * time.Second}})
	if got := l.Concurrency(); got != 4 {
		t.Fatalf("%d events may run at once, want 4", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var events sync.WaitGroup
	for range 40 {
		events.Go(func() { l.Dispatch(ctx, scheduled("wait")) })
	}
	l.running(4)
	var requests sync.WaitGroup
	for range 4 {
		requests.Go(func() {
			for range 50 {
				l.want("/", "1")
			}
		})
	}
	requests.Wait()
	if got := l.probe.running.Load(); got != 4 {
		t.Errorf("%d events run, want 4", got)
	}
	cancel()
	events.Wait()
	l.running(0)
}

func TestOneInstanceRunsOneEvent(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 1}})
	if got := l.Concurrency(); got != 1 {
		t.Errorf("%d events may run at once", got)
	}
	if failure, _, _ := l.run(t.Context(), scheduled("ok")); failure != nil {
		t.Error(failure)
	}
}

func TestAnOverloadedFunctionStartsNoEvents(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 1, QueueWait: 20 * time.Millisecond, Background: 20 * time.Second}})
	ctx, cancel := context.WithCancel(t.Context())
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		l.Dispatch(ctx, scheduled("wait"))
	}()
	l.running(1)
	r := l.get("/")
	if r.failure == nil || r.failure.Outcome != runtime.OutcomeOverloaded {
		t.Errorf("a request: %v", r.failure)
	}
	cancel()
	<-busy
}

func TestEventsAreNotStartedWhileClosing(t *testing.T) {
	l := load(t, backgroundGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 2}})
	first, end := context.WithCancel(t.Context())
	var events sync.WaitGroup
	events.Go(func() {
		if err := l.Dispatch(first, scheduled("wait")); errors.Is(err, hostfuncs.ErrNotStarted) {
			t.Errorf("the first event: %v", err)
		}
	})
	l.running(1)
	var refused atomic.Int64
	for range 9 {
		events.Go(func() {
			if err := l.Dispatch(t.Context(), scheduled("ok")); errors.Is(err, hostfuncs.ErrNotStarted) {
				refused.Add(1)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.App.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close did not wait for the first event: %v", err)
	}
	end()
	events.Wait()
	if refused.Load() != 9 {
		t.Errorf("%d events were refused, want 9", refused.Load())
	}
	err := l.Dispatch(t.Context(), scheduled("ok"))
	var failure *runtime.EventError
	if !errors.Is(err, hostfuncs.ErrNotStarted) || !errors.As(err, &failure) || failure.Outcome != runtime.OutcomeUnavailable {
		t.Errorf("after the end: %v", err)
	}
}

func TestACommandTakesNoEvents(t *testing.T) {
	l := command(t, runtime.Options{})
	err := l.Dispatch(t.Context(), scheduled("ok"))
	if !errors.Is(err, hostfuncs.ErrNotStarted) || !strings.Contains(err.Error(), "a WASI command answers requests only") {
		t.Errorf("got %v", err)
	}
}

func TestAFunctionWithoutTheHandler(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	failure, report, _ := l.run(t.Context(), scheduled("ok"))
	if failure == nil || report.Outcome != runtime.OutcomeException {
		t.Errorf("got %v", failure)
	}
}
