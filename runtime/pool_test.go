package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
)

// occupy keeps n instances busy until release is called, which waits for their events.
func occupy(t *testing.T, l *lab, n int) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { l.do(request{path: "/probe?op=probe.slow", ctx: ctx}) })
	}
	settle(t, "instances not busy", 0, func() int { return n - int(l.probe.running.Load()) })
	return func() {
		cancel()
		wg.Wait()
	}
}

func TestAFullPoolRefusesAndRecovers(t *testing.T) {
	for _, isolation := range []runtime.Isolation{runtime.IsolationEvent, runtime.IsolationInstance} {
		l := load(t, labGuest(t), runtime.Options{Isolation: isolation, Limits: runtime.Limits{Instances: 2, Queue: 3, QueueWait: 200 * time.Millisecond}})
		release := occupy(t, l, 2)
		waited := make(chan reply, 3)
		for range 3 {
			go func() { waited <- l.get("/ok") }()
		}
		settle(t, "free places in the queue", 0, func() int { _, _, waiting := l.Instances(); return 3 - waiting })
		checkOverloaded(t, "beyond the queue", l.get("/ok"), 0)
		for range 3 {
			checkOverloaded(t, "in the queue", <-waited, 200*time.Millisecond)
		}
		for range 3 {
			go func() { waited <- l.get("/ok") }()
		}
		settle(t, "free places in the queue", 0, func() int { _, _, waiting := l.Instances(); return 3 - waiting })
		release()
		for range 3 {
			if r := <-waited; r.body != "ok" {
				t.Errorf("waited and got %+v", r)
			}
		}
		l.want("/ok", "ok")
	}
}

func checkOverloaded(t *testing.T, where string, r reply, after time.Duration) {
	t.Helper()
	if r.failure == nil || r.failure.Outcome != runtime.OutcomeOverloaded || r.status != 503 || r.failure.RetryAfter <= 0 {
		t.Errorf("%s: %+v %+v", where, r, r.failure)
	}
	if r.took < after || r.took > after+slack {
		t.Errorf("%s: refused after %v, want %v", where, r.took, after)
	}
}

func TestAPoolRecoversFromInstancesThatAreThrownAway(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 4, CPU: 20 * time.Millisecond * slow}})
	var wg sync.WaitGroup
	paths := []string{"/trap", "/exit1", "/spin", "/grow256", "/trap", "/ok", "/count", "/probe-forget"}
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				path := paths[(w+i)%len(paths)]
				r := l.get(path)
				if bad := path != "/ok" && path != "/count" && path != "/probe-forget"; bad != (r.failure != nil) {
					t.Errorf("%s: %+v %v", path, r, r.failure)
				}
				if path == "/count" && r.body != "1" {
					t.Errorf("counted %q", r.body)
				}
			}
		})
	}
	wg.Wait()
	l.want("/count", "1")
	if total, _, waiting := l.Instances(); total < 1 || total > 4 || waiting != 0 {
		t.Errorf("%d instances, %d waiting", total, waiting)
	}
}

func TestInstancesThatAreThrownAwayFreeTheirMemory(t *testing.T) {
	if !exists("/proc/self/maps") {
		t.Skip("there is no /proc here")
	}
	l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 2}})
	mappings := func() int {
		b, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("pagesrun-image"))
	}
	l.get("/trap")
	l.want("/ok", "ok")
	before := mappings()
	for range 200 {
		l.get("/trap")
	}
	l.want("/ok", "ok")
	if after := mappings(); after > before+2 {
		t.Errorf("the image was mapped %d times before and %d times after 200 instances were thrown away", before, after)
	}
}

func TestAResponseCanBeClosedTwice(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	_, first, err := l.send(request{path: "/ok"})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	first.Close()
	_, a, errA := l.send(request{path: "/ok"})
	_, b, errB := l.send(request{path: "/count"})
	if errA != nil || errB != nil || string(a.Body) != "ok" || string(b.Body) != "1" {
		t.Errorf("two responses at once: %q (%v), %q (%v)", a.Body, errA, b.Body, errB)
	}
	a.Close()
	b.Close()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestFreshInstancesServeManyAtOnce(t *testing.T) {
	x := traces[len(traces)-1]
	l := load(t, guesttest.Wat(t, x.module()), runtime.Options{Limits: runtime.Limits{Instances: 3, MemoryBytes: 1 << 20}})
	want := l.get("/").body
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if r := l.get("/"); r.body != want {
					t.Errorf("%+v", r)
				}
			}
		})
	}
	wg.Wait()
	if l.Backend() != "fresh" {
		t.Errorf("backend %q", l.Backend())
	}
}

func TestCloseDrains(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 1}})
	early := l.get("/after") // goes on for 100 ms
	waiting := make(chan reply, 1)
	go func() { waiting <- l.get("/ok") }()
	settle(t, "free places in the queue", 0, func() int { _, _, n := l.Instances(); return 1 - n })

	soon, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if err := l.Close(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close with little time: %v", err)
	}
	for name, r := range map[string]reply{"waiting": <-waiting, "new": l.get("/ok")} {
		if r.failure == nil || r.failure.Outcome != runtime.OutcomeUnavailable || r.status != 503 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if err := l.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
	l.mu.Lock()
	report := l.reports[early.id]
	l.mu.Unlock()
	if report == nil || report.Outcome != runtime.OutcomeOK {
		t.Errorf("closed before the running event had ended: %+v", report)
	}
	if total, _, _ := l.Instances(); total != 0 {
		t.Errorf("%d instances are left", total)
	}
}

func TestManyEventsAtOnceDoNotMixUp(t *testing.T) {
	for _, portable := range []bool{false, true} {
		l := load(t, labGuest(t), runtime.Options{PortableReset: portable, Limits: runtime.Limits{Instances: 8}})
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() { mixed(t, l, w) })
		}
		wg.Wait()
		settle(t, "busy instances", 0, func() int { total, idle, _ := l.Instances(); return total - idle })
	}
}

// mixed makes requests of all kinds, each with an answer of its own.
func mixed(t *testing.T, l *lab, worker int) {
	for i := range 20 / min(slow, 4) {
		text := fmt.Sprintf("%d/%d", worker, i)
		changed := []byte(text)
		for j := range changed {
			changed[j] ^= 0x55
		}
		if r := l.do(request{path: "/through", body: []byte(text)}); r.body != string(changed) {
			t.Errorf("%q came back as %q", text, r.body)
		}
		if r := l.do(request{path: "/through", stream: newSource(70000 + worker)}); len(r.body) != 70000+worker || r.bodyErr != nil {
			t.Errorf("a stream of %d bytes came back as %d", 70000+worker, len(r.body))
		}
		for path, want := range map[string]string{"/count": "1", "/after": "early", "/nap": "ok", "/probe?op=probe.nap": "0", "/probe?op=probe.quick": "0"} {
			if path == "/after" && i%10 != 0 {
				continue
			}
			if r := l.get(path); r.body != want {
				t.Errorf("%s: %+v", path, r)
			}
		}
	}
}

func TestLimitsThatAreNotSetAreTheDefaults(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 2}})
	release := occupy(t, l, 2)
	defer release()
	waited := make(chan reply, 1)
	go func() { waited <- l.get("/ok") }()
	time.Sleep(20 * time.Millisecond)
	release()
	if r := <-waited; r.body != "ok" {
		t.Errorf("%+v", r)
	}
}
