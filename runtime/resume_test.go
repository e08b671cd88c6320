package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/internal/guesttest"
	"github.com/pagesrun/pagesrun/runtime/wasi"
)

// workFuel is less than resume.c's start-up burns, and far more than all the rest of it.
const workFuel = 10_000_000

func resumeOptions(t testing.TB, image runtime.CommandImage, what string) runtime.Options {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte("abcdefghij"), 0o600); err != nil {
		t.Fatal(err)
	}
	return runtime.Options{
		CommandImage: image, Args: []string{what}, Mounts: []wasi.Mount{{Guest: "/files", Host: dir}},
		Limits: runtime.Limits{Instances: 1, CPU: time.Second * slow, MemoryBytes: 24 << 20},
	}
}

// resumable loads testdata/resume.c, which does what is named before it looks at its request.
func resumable(t testing.TB, image runtime.CommandImage, what string) *lab {
	t.Helper()
	return load(t, resumeGuest(t), resumeOptions(t, image, what))
}

func resumeGuest(t testing.TB) []byte {
	return guesttest.Command(t, filepath.Join("testdata", "resume.c"))
}

// forget drops what has been reported so far.
func (l *lab) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.reports)
	clear(l.logs)
}

// answer is what an event of resume.c says, and the fuel it took.
func (l *lab) answer(t testing.TB, what, path string) (string, int64) {
	t.Helper()
	q := request{path: path}
	if strings.Contains(what, "by-input") {
		q = request{path: "/", method: "POST", body: []byte(path + "\n")}
	}
	r := l.do(q)
	return r.body, l.report(r.id).Fuel
}

func TestTheStartOfACommandIsDoneOnce(t *testing.T) {
	for _, test := range []struct {
		image runtime.CommandImage
		what  string
		once  bool
	}{
		{runtime.CommandImageAuto, "", true},
		{runtime.CommandImageAuto, "by-input", true},
		{runtime.CommandImageAuto, "by-environ-file", true},
		{runtime.CommandImageAuto, "early-environment", false},
		{runtime.CommandImageAuto, "early-clock", false},
		{runtime.CommandImageAuto, "early-random", false},
		{runtime.CommandImageAuto, "early-output", false},
		{runtime.CommandImageAuto, "early-error", false},
		{runtime.CommandImageAuto, "early-sleep", false},
		{runtime.CommandImageAuto, "early-file", false},
		{runtime.CommandImageRequest, "by-input", true},
		{runtime.CommandImageRequest, "by-environ-file early-environment early-clock early-random early-error early-sleep early-file", true},
		{runtime.CommandImageRequest, "by-environ-file early-output", false},
		{runtime.CommandImageOff, "", false},
	} {
		t.Run(string(test.image)+" "+test.what, func(t *testing.T) {
			l := resumable(t, test.image, test.what)
			for i := range 3 {
				body, fuel := l.answer(t, test.what, "/x")
				if !strings.HasPrefix(body, "1 ") || !strings.Contains(body, " /x") {
					t.Errorf("answer %q", body)
				}
				if once := fuel < workFuel; once != test.once {
					t.Errorf("event %d took %d units of fuel", i+1, fuel)
				}
			}
		})
	}
}

// TestAnImageOfAnUnknowingProgramShowsNothing holds the promise of the default: no program can tell that it has not just been started.
func TestAnImageOfAnUnknowingProgramShowsNothing(t *testing.T) {
	for _, what := range []string{"", "by-input", "by-environ-file", "early-environment", "early-output", "early-error", "early-sleep", "early-file", "early-environment by-input"} {
		plain, imaged := resumable(t, runtime.CommandImageOff, what), resumable(t, runtime.CommandImageAuto, what)
		for _, path := range []string{"/one", "/dirty", "/grow", "/two", "/deep", "/one"} {
			want, _ := plain.answer(t, what, path)
			if got, _ := imaged.answer(t, what, path); got != want || want == "" {
				t.Errorf("%q %s: %q, and %q when it is started anew", what, path, got, want)
			}
		}
	}
	for _, what := range []string{"early-clock", "early-random"} {
		l, seen := resumable(t, runtime.CommandImageAuto, what), map[string]bool{}
		for range 20 {
			body, _ := l.answer(t, what, "/x")
			if seen[body] {
				t.Errorf("%s gives the same twice: %q", what, body)
			}
			seen[body] = true
		}
	}
	l := resumable(t, runtime.CommandImageAuto, "early-error")
	for range 3 {
		if got := l.logged(l.get("/x").id); len(got) != 1 || got[0] != "stderr: starting" {
			t.Errorf("logged %q", got)
		}
	}
}

func TestAProgramMadeForImagesStartsBeforeItsRequest(t *testing.T) {
	l := resumable(t, runtime.CommandImageRequest, "by-environ-file early-environment early-clock early-random")
	first, _ := l.answer(t, "", "/same")
	if !strings.Contains(first, " GET /same method=- time=17672256000") {
		t.Errorf("answer %q", first)
	}
	for range 3 {
		if body, _ := l.answer(t, "", "/same"); body != first {
			t.Errorf("%q, then %q", first, body)
		}
	}
	if body, _ := resumable(t, runtime.CommandImageRequest, "by-input").answer(t, "by-input", "/x"); !strings.HasSuffix(body, " POST /x") {
		t.Errorf("the environment that is read after the image has no request: %q", body)
	}
}

func TestFiveHundredEventsFindTheSameImage(t *testing.T) {
	for _, portable := range []bool{false, true} {
		opts := resumeOptions(t, runtime.CommandImageRequest, "by-environ-file early-file")
		opts.PortableReset = portable
		l := load(t, resumeGuest(t), opts)
		want := map[string]string{}
		paths := []string{"/x", "/files", "/dirty", "/grow", "/deep"}
		for i := range 500 {
			path := paths[i%len(paths)]
			r := l.get(path)
			if want[path] == "" {
				want[path] = r.body
			}
			if r.body != want[path] || r.body == "" {
				t.Fatalf("event %d, %s: %q, want %q", i, path, r.body, want[path])
			}
			if report := l.report(r.id); report.Reused != (i > 0) || report.Discarded != "" {
				t.Fatalf("event %d: reused %v, discarded %q", i, report.Reused, report.Discarded)
			}
		}
		if want["/files"] != "4 efgh 5 6 7 1 "+strings.Fields(want["/x"])[1]+" GET /files" {
			t.Errorf("files: %q", want["/files"])
		}
	}
}

func TestAResumedCommandHasItsLimits(t *testing.T) {
	for _, image := range []runtime.CommandImage{runtime.CommandImageAuto, runtime.CommandImageRequest} {
		opts := resumeOptions(t, image, "by-input")
		opts.Limits.CPU = time.Second
		endsAndIsReset(t, opts, map[string]runtime.Outcome{"/spin": runtime.OutcomeExceededCPU})
		opts.Limits.CPU, opts.Limits.Wall = 3*time.Second*slow, 10*time.Second*slow // filling the engine's stack takes its time
		endsAndIsReset(t, opts, map[string]runtime.Outcome{
			"/trap": runtime.OutcomeException, "/overflow": runtime.OutcomeException, "/exit3": runtime.OutcomeException, "/return4": runtime.OutcomeException,
			"/hog": runtime.OutcomeExceededMemory,
		})
	}
}

// endsAndIsReset has events end in these ways, and looks whether each leaves its instance as it was.
func endsAndIsReset(t *testing.T, opts runtime.Options, outcomes map[string]runtime.Outcome) {
	t.Helper()
	l := load(t, resumeGuest(t), opts)
	want, _ := l.answer(t, "by-input", "/x")
	for path, outcome := range outcomes {
		id, r, err := l.send(request{path: "/", body: []byte(path + "\n")})
		if err == nil { // its header was out
			_, err = io.ReadAll(r.Stream)
			r.Close()
		}
		if report := l.report(id); err == nil || report.Outcome != outcome || report.Discarded != "" {
			t.Errorf("%s: %v, %s, discarded %q, want %s and a reset: %v", path, err, report.Outcome, report.Discarded, outcome, report.Err)
		}
		if got, _ := l.answer(t, "by-input", "/x"); got != want {
			t.Errorf("after %s: %q, want %q", path, got, want)
		}
	}
}

func TestAResumedCommandEndsWithItsClient(t *testing.T) {
	l := resumable(t, runtime.CommandImageAuto, "by-input")
	ctx, cancel := context.WithCancel(t.Context())
	body, more := io.Pipe() // the request's body never comes
	defer more.Close()
	time.AfterFunc(50*time.Millisecond, cancel)
	id, _, err := l.send(request{path: "/", stream: body, ctx: ctx})
	if report := l.report(id); err == nil || report.Outcome != runtime.OutcomeCanceled {
		t.Errorf("%s, %v", report.Outcome, err)
	}
	l.answer(t, "by-input", "/x")
	id, r, err := l.send(request{path: "/", body: []byte("/forever\n")})
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(r.Stream, make([]byte, 1<<20))
	r.Close()
	if report := l.report(id); report.Outcome != runtime.OutcomeException {
		t.Errorf("after its reader had left: %s", report.Outcome)
	}
	if got, _ := l.answer(t, "by-input", "/x"); !strings.HasPrefix(got, "1 ") {
		t.Errorf("then %q", got)
	}
}

func TestAnImageMayBeTakenBelowManyCalls(t *testing.T) {
	for what, once := range map[string]bool{"down": true, "far-down": false} {
		l := resumable(t, runtime.CommandImageAuto, what)
		for range 5 {
			body, fuel := l.answer(t, what, "/x")
			if !strings.HasSuffix(body, " GET /x") || (fuel < workFuel) != once {
				t.Errorf("%s: %q, %d units of fuel", what, body, fuel)
			}
		}
	}
	_, err := tryLoad(t, resumeGuest(t), resumeOptions(t, runtime.CommandImageRequest, "far-down by-environ-file"))
	var load *runtime.LoadError
	if !errors.As(err, &load) || load.Code != "deep_stack" {
		t.Errorf("got %v", err)
	}
}

func TestAThousandResumesLeakNothing(t *testing.T) {
	l := resumable(t, runtime.CommandImageRequest, "by-environ-file early-file")
	run := func(n int) {
		for i := range n {
			l.get([]string{"/x", "/files", "/deep"}[i%3])
		}
	}
	used := func() (bytes uint64, files int) {
		var m goruntime.MemStats
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		open, _ := os.ReadDir("/proc/self/fd")
		return m.HeapAlloc, len(open)
	}
	run(100)
	l.forget()
	bytes, files := used()
	run(1000)
	l.forget()
	moreBytes, moreFiles := used()
	if moreBytes > bytes+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", bytes, moreBytes)
	}
	if moreFiles > files {
		t.Errorf("open files: %d, then %d", files, moreFiles)
	}
}

func TestEventsAtOnceRunInInstancesOfTheirOwn(t *testing.T) {
	opts := resumeOptions(t, runtime.CommandImageAuto, "")
	opts.Limits.Instances, opts.Limits.CPU = 4, 10*time.Second
	l := load(t, resumeGuest(t), opts)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				path := fmt.Sprintf("/%d/%d", g, i)
				if r := l.get(path); !strings.HasSuffix(r.body, " GET "+path) || !strings.HasPrefix(r.body, "1 ") {
					t.Errorf("%s: %d %q", path, r.status, r.body)
				}
			}
		})
	}
	wg.Wait()
}

func TestAnInstanceThatStartsAnotherWayKeepsAnImageOfItsOwn(t *testing.T) {
	opts := resumeOptions(t, runtime.CommandImageRequest, "by-environ-file early-file")
	var log syncBuffer
	opts.Log, opts.Limits.Instances = slog.New(slog.NewTextHandler(&log, nil)), 4
	l := load(t, resumeGuest(t), opts)
	want := l.get("/x").body
	if err := os.WriteFile(filepath.Join(opts.Mounts[0].Host, "data"), []byte("ABCDEFGHIJ"), 0o600); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for end := time.Now().Add(time.Minute); !strings.Contains(log.String(), "an image of its own") && time.Now().Before(end); wg.Wait() {
		for range 4 { // as many at once need more instances, which read the new file
			wg.Go(func() { l.get("/files") })
		}
	}
	for range 3 {
		if got := l.get("/x").body; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := l.get("/files").body; !strings.HasPrefix(got, "4 EFGH ") {
			t.Errorf("files: %q", got)
		}
	}
	if !strings.Contains(log.String(), "an image of its own") {
		t.Errorf("logged %s", log.String())
	}
}

// syncBuffer is a buffer for many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestACommandThatEndsBeforeItsRequestIsRefused(t *testing.T) {
	for what, want := range map[string]string{
		"early-end": "command_ended", "early-exit": "command_ended", "early-trap": "startup_failed", "early-spin": "startup_timeout",
	} {
		opts := resumeOptions(t, runtime.CommandImageAuto, what)
		opts.Limits.Startup = 200 * time.Millisecond
		_, err := tryLoad(t, resumeGuest(t), opts)
		var load *runtime.LoadError
		if !errors.As(err, &load) || load.Code != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
}

func TestACommandThatTakesItsEnvironmentTooEarlyIsWarned(t *testing.T) {
	for what, warned := range map[string]bool{"by-input early-environment": true, "by-input": false, "by-environ-file early-environment": false} {
		opts := resumeOptions(t, runtime.CommandImageRequest, what)
		var log syncBuffer
		opts.Log = slog.New(slog.NewTextHandler(&log, nil))
		load(t, resumeGuest(t), opts)
		if got := strings.Contains(log.String(), "/proc/self/environ"); got != warned {
			t.Errorf("%s: logged %q", what, log.String())
		}
	}
}

func TestTablesAreAsStartUpHasLeftThem(t *testing.T) {
	// It puts $late where $early was, looks at its request, and writes what is there now; every event that has a query grows the table too.
	module := guesttest.Wat(t, `(module
		(import "wasi_snapshot_preview1" "environ_sizes_get" (func $look (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(table $t 1 10 funcref)
		(elem (i32.const 0) $early)
		(elem declare func $late)
		(data (i32.const 0) "\40\00\00\00\1d\00\00\00\00\02\00\00\01\00\00\00")
		(data (i32.const 64) "Content-Type: text/plain\0a\0a? \0a")
		(func $early (result i32) (i32.const 0x65))
		(func $late (result i32) (i32.const 0x6c))
		(func (export "_start")
			(table.set $t (i32.const 0) (ref.func $late))
			(drop (call $look (i32.const 256) (i32.const 260)))
			(drop (call $read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 264)))
			(if (i32.load (i32.const 264)) (then (drop (table.grow $t (ref.null func) (i32.const 1)))))
			(i32.store8 (i32.const 90) (call_indirect $t (result i32) (i32.const 0)))
			(i32.store8 (i32.const 91) (i32.add (i32.const 0x30) (table.size $t)))
			(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 268)))))`)
	l := load(t, module, runtime.Options{Limits: runtime.Limits{Instances: 1}})
	if l.Backend() == "fresh" {
		t.Error("every event starts in a new instance")
	}
	for i := range 9 {
		q, want, discarded := request{path: "/"}, "l1\n", ""
		if i%3 == 2 {
			q.body, want, discarded = []byte("x"), "l2\n", "tables_changed"
		}
		r := l.do(q)
		if report := l.report(r.id); r.body != want || report.Discarded != discarded {
			t.Errorf("event %d: %q, discarded %q", i, r.body, report.Discarded)
		}
	}
}

func TestAStartSectionBelongsToEveryRun(t *testing.T) {
	// Its start section writes a random letter, and its _start the header and that.
	module := guesttest.Wat(t, `(module
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "\40\00\00\00\22\00\00\00")
		(data (i32.const 64) "Content-Type: text/plain\0a\0a........")
		(func $begin (local $i i32)
			(drop (call $random (i32.const 90) (i32.const 8)))
			(loop $next
				(i32.store8 (i32.add (i32.const 90) (local.get $i))
					(i32.add (i32.const 65) (i32.and (i32.load8_u (i32.add (i32.const 90) (local.get $i))) (i32.const 15))))
				(local.set $i (i32.add (local.get $i) (i32.const 1)))
				(br_if $next (i32.lt_u (local.get $i) (i32.const 8)))))
		(start $begin)
		(func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 128)))))`)
	for image, differ := range map[runtime.CommandImage]bool{runtime.CommandImageAuto: true, runtime.CommandImageOff: true, runtime.CommandImageRequest: false} {
		l, seen := load(t, module, runtime.Options{CommandImage: image, Limits: runtime.Limits{Instances: 1}}), map[string]bool{}
		for range 10 {
			seen[l.get("/").body] = true
		}
		if len(seen) != map[bool]int{true: 10, false: 1}[differ] {
			t.Errorf("%s: %d different answers: %v", image, len(seen), seen)
		}
	}
}
