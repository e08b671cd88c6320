package runtime_test

import (
	"bytes"
	"fmt"
	"net/url"
	gort "runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
)

func minus(code abi.Code) int { return -int(code) }

func TestHandlesUsedInWrongWaysGiveTheirCodes(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	want := map[string]int{
		"read writable": minus(abi.CodeBadHandle), "write readable": minus(abi.CodeBadHandle), "result of stream": minus(abi.CodeBadHandle),
		"read call": minus(abi.CodeBadHandle), "write call": minus(abi.CodeBadHandle), "wait bad": minus(abi.CodeBadHandle),
		"close bad": minus(abi.CodeBadHandle), "close reason": minus(abi.CodeInvalidArgument), "result twice": minus(abi.CodeBadHandle),
		"close used": minus(abi.CodeBadHandle), "write closed": minus(abi.CodeBadHandle), "close twice": minus(abi.CodeBadHandle),
		"read ended": 0, "write to nobody": minus(abi.CodeStreamClosed), "event again": minus(abi.CodeBadHandle),
		"wait for event": minus(abi.CodeBadHandle), "log level": minus(abi.CodeInvalidArgument),
	}
	for line := range strings.Lines(l.get("/handle-games").body) {
		at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		name, got := line[:at], strings.TrimSpace(line[at:])
		if got != strconv.Itoa(want[name]) {
			t.Errorf("%s: %s, want %d", name, got, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not seen: %v", want)
	}
}

func TestAStreamIsGivenAwayOnce(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	l.want("/given-twice", "writable 1 first 0 read -1 wait -1 close -1 again 12")
}

func TestTheSecondResponseIsRefused(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	r := l.get("/twice")
	if r.status != 200 || r.body != "first" {
		t.Errorf("%+v", r)
	}
	if report := l.report(r.id); report.Outcome != runtime.OutcomeOK {
		t.Errorf("reported as %s", report.Outcome)
	}
	if got := l.logged(r.id); !slices.Contains(got, "log: second 12") {
		t.Errorf("logged %q", got)
	}
}

func TestFloodsEndAtTheirLimits(t *testing.T) {
	const n = 1_000_000 / slow
	limits := runtime.DefaultLimits()
	for _, test := range []struct{ path, log, body string }{
		{path: "/handles", log: fmt.Sprintf("log: made 127 handles 873 operations %d other 0", n-1000)},
		{path: "/calls", log: fmt.Sprintf("log: taken 1000 refused %d", n-1000)},
		{path: "/logs", body: strconv.Itoa(limits.LogBytes / (100 + hostfuncs.LogLineBytes))},
		{path: "/empty-logs", body: strconv.Itoa(limits.LogBytes / hostfuncs.LogLineBytes)},
		{path: "/stdout", body: "ok"},
		{path: "/writes", body: fmt.Sprintf("%d %d", hostfuncs.PipeBytesMax, n-hostfuncs.PipeBytesMax/100-1)},
		{path: "/write-read", body: "ok"},
	} {
		t.Run(test.path[1:], func(t *testing.T) {
			l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{CPU: 10 * time.Second * slow, Wall: 30 * time.Second * slow}})
			var before, after gort.MemStats
			gort.GC()
			gort.ReadMemStats(&before)
			r := l.get(fmt.Sprintf("%s?n=%d", test.path, n))
			if test.body != "" && r.body != test.body {
				t.Errorf("answered %q (%v), want %q", r.body, r.failure, test.body)
			}
			got := l.logged(r.id)
			if test.log != "" && !slices.Contains(got, test.log) {
				t.Errorf("logged %q, want %q", got, test.log)
			}
			total := 0
			for _, line := range got {
				total += len(line)
			}
			if total > limits.LogBytes {
				t.Errorf("logged %d bytes, the limit is %d", total, limits.LogBytes)
			}
			l.report(r.id)
			gort.GC()
			gort.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
				t.Errorf("the host keeps %d KiB more", grown>>10)
			}
			l.want("/count", "1")
		})
	}
}

// TestWhatAnAnswerMayCostTheHostIsBounded has events give as much as they can of what the host takes, and counts what it allocates for one, all together: the limit of what
// is given, and 1 MiB.
func TestWhatAnAnswerMayCostTheHostIsBounded(t *testing.T) {
	limits := runtime.DefaultLimits()
	for _, test := range []struct {
		path string
		cap  int
	}{
		{"/logs?n=100000", limits.LogBytes},
		{"/empty-logs?n=100000", limits.LogBytes},
		{"/stdout?n=100000", limits.LogBytes},
		{"/writes?n=100000", hostfuncs.PipeBytesMax},
		{"/handles?n=100000", 0},
		{"/calls?n=100000", 0},
		{"/headers?n=257&size=100", 2 * 65536},
		{"/headers?n=2&size=70000", 2 * 65536},
		{"/random-mib", 0},
	} {
		t.Run(test.path[1:], func(t *testing.T) {
			l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{CPU: 500 * time.Millisecond * slow, Wall: 30 * time.Second * slow, Instances: 1}})
			l.get("/ok")
			least := uint64(1 << 62)
			for range 3 {
				var before, after gort.MemStats
				gort.ReadMemStats(&before)
				l.report(l.get(test.path).id)
				gort.ReadMemStats(&after)
				least = min(least, after.TotalAlloc-before.TotalAlloc)
			}
			t.Logf("%d KiB", least>>10)
			if most := uint64(test.cap + 1<<20); least > most {
				t.Errorf("the host allocated %d KiB, at most %d", least>>10, most>>10)
			}
		})
	}
}

// garbage are byte strings that no operation's schema allows.
var garbage = map[string][]byte{
	"a number":              {0x01},
	"text":                  {0x63, 'a', 'b', 'c'},
	"an array":              {0x80},
	"a truncated map":       {0xa1},
	"a truncated head":      {0xb9, 0xff},
	"a huge map":            {0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	"a huge byte string":    {0xa1, 0x01, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	"an indefinite map":     {0xbf, 0xff},
	"a reserved head":       {0xfc},
	"a text key":            {0xa1, 0x61, 'a', 0x01},
	"bytes after the end":   {0xa0, 0xa0},
	"nesting without end":   append([]byte{0xa1, 0x18, 0x63}, bytes.Repeat([]byte{0x81}, 5000)...),
	"nested tags":           append([]byte{0xa1, 0x18, 0x63}, bytes.Repeat([]byte{0xd9, 0x90, 0x72}, 2000)...),
	"an array of a billion": {0xa1, 0x18, 0x63, 0x9a, 0x3b, 0x9a, 0xca, 0x00},
	"zeros":                 make([]byte, 1000),
	"ones":                  bytes.Repeat([]byte{0xff}, 1000),
}

func TestGarbageIsABadMessageForTheRuntimesOperations(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	for name, message := range garbage {
		for op, want := range map[string]abi.Code{
			"respond": abi.CodeBadMessage, "pipe": abi.CodeBadMessage, "bindings": abi.CodeBadMessage,
			"fetch.nothing": abi.CodeUnknownOperation, "": abi.CodeUnknownOperation, "respond\x00": abi.CodeUnknownOperation,
		} {
			r := l.do(request{path: "/garbage?target=&op=" + url.QueryEscape(op), body: message})
			if r.body != strconv.Itoa(int(want)) {
				t.Errorf("%s to %q: %q %v, want %d", name, op, r.body, r.failure, want)
			}
		}
	}
}

func TestCallsToWhatIsNotThereSayWhy(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	for _, test := range []struct {
		target, op string
		want       abi.Code
	}{
		{"NOBODY", "probe.quick", abi.CodeNotConfigured},
		{"probe", "probe.quick", abi.CodeNotConfigured},
		{"PROBE", "kv.get", abi.CodeWrongKind},
		{"PROBE", "probe.unheard", abi.CodeUnknownOperation},
		{"PROBE", "", abi.CodeWrongKind},
		{"PROBE", "respond", abi.CodeWrongKind},
		{"PROBE\x00", "probe.quick", abi.CodeNotConfigured},
		{"\xff\xfe", "probe.quick", abi.CodeNotConfigured},
		{"PROBE", "probe.fail", abi.CodeStorageFailed},
		{"PROBE", "probe.quick", 0},
	} {
		r := l.do(request{path: "/garbage?target=" + url.QueryEscape(test.target) + "&op=" + url.QueryEscape(test.op), body: []byte{0xa0}})
		if r.body != strconv.Itoa(int(test.want)) {
			t.Errorf("%q on %q: %q (%v), want %d", test.op, test.target, r.body, r.failure, test.want)
		}
	}
}

func TestWhatCallsHoldInTheHostIsBounded(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	held := hostfuncs.HeldBytesMax / (4 << 20)
	for _, op := range []string{"probe.slow", "probe.large"} {
		l.want("/hoard?op="+op, fmt.Sprintf("%d %d", held, 100-held))
	}
	settle(t, "operations", 0, func() int { return int(l.probe.running.Load()) })
}

func TestAnOperationThatIgnoresItsCancellationCostsOnlyTheSession(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{Limits: runtime.Limits{Instances: 1}})
	for range 20 {
		l.want("/probe-forget", "ok")
		l.want("/count", "1")
	}
	settle(t, "operations", 0, func() int { return int(l.probe.running.Load()) })
}

func TestResponsesWithTooManyHeadersAreRefused(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	for _, test := range []struct {
		n, size int
		ok      bool
	}{{256, 100, true}, {257, 100, false}, {2, 65535, true}, {2, 65536, false}, {20000, 0, false}} {
		r := l.get(fmt.Sprintf("/headers?n=%d&size=%d", test.n, test.size))
		if ok := r.failure == nil; ok != test.ok {
			t.Errorf("%d fields with %d bytes each: %+v", test.n, test.size, r)
		}
		if !test.ok && (r.status != 500 || r.failure.Outcome != runtime.OutcomeNoResponse) {
			t.Errorf("%d fields with %d bytes each: %+v", test.n, test.size, r.failure)
		}
	}
}

func TestPollOneoffRefusesTooManySubscriptions(t *testing.T) {
	l := load(t, labGuest(t), runtime.Options{})
	l.want("/poll-many", "1 1")
}
