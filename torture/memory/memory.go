package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// How many clients ask for how long, and how much room there is.
const (
	hungry     = 32
	ordinary   = 2
	offerShort = 5 * time.Second
	offerLong  = time.Minute
	// recoverTime is how long it may take until an ordinary request is answered again.
	recoverTime = 10 * time.Second
	// spaceMiB is how much address space there is beyond that of an idle server: that of a few instances.
	spaceMiB = 1024
	// goMemoryLimit is less than an idle server takes.
	goMemoryLimit = "16MiB"
	// refused is how a server says that it cannot do something now.
	refused = http.StatusServiceUnavailable
	// groupMiB has room for modest, which may take 4 × 32 MiB beside what the server takes itself, and not for greedy.
	groupMiB = 320
)

// kinds are what clients ask for: memory until there is no more, and 64 MiB for as long as the limit of CPU time allows.
var kinds = []string{"/?kind=grow", "/?kind=fill"}

// limits are what the configuration allows.
type limits struct{ memoryMB, concurrency int }

var (
	modest = limits{memoryMB: 32, concurrency: 4}
	many   = limits{memoryMB: 32, concurrency: 64}
	greedy = limits{memoryMB: 128, concurrency: 64}
)

const config = `name = "memory"
compatibility_date = "2026-11-01"

[pagesrun.limits]
cpu_ms = 300
memory_mb = %d
concurrency = %d
queue_wait_ms = 2000

[[kv_namespaces]]
binding = "KV"
id = "kv"
`

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{{Name: "low-memory", Question: "does it live and serve where there is little memory?", Run: run}}
}

func run(ctx context.Context, e *rig.Env) (found []rig.Finding, err error) {
	guest, err := e.BuildScript(ctx, "torture/neighbours/guest")
	if err != nil {
		return nil, err
	}
	r := &runner{Env: e, guest: guest}
	for _, part := range []func(context.Context) ([]rig.Finding, error){r.space, r.goLimit, r.cgroup} {
		more, err := part(ctx)
		if found = append(found, more...); err != nil {
			return found, err
		}
	}
	return found, nil
}

// runner is a run of the instrument.
type runner struct {
	*rig.Env
	guest string
}

// serve starts pagesrun after prepare, a shell script, has run.
func (r *runner) serve(ctx context.Context, l limits, prepare string) (*machine.Machine, error) {
	dir, err := os.MkdirTemp(r.Work, "memory-")
	if err != nil {
		return nil, err
	}
	return machine.Serve(ctx, machine.Options{Pagesrun: r.Pagesrun, Guest: r.guest, Work: dir, Config: fmt.Sprintf(config, l.memoryMB, l.concurrency), LogLevel: "none", Prepare: prepare})
}

// space gives the process less address space than its instances would take.
func (r *runner) space(ctx context.Context) ([]rig.Finding, error) {
	m, err := r.serve(ctx, greedy, "")
	if err != nil {
		return nil, err
	}
	kib, err := sizeKiB(m)
	m.Kill()
	if err != nil {
		return nil, err
	}
	if m, err = r.serve(ctx, greedy, fmt.Sprintf("ulimit -v %d", kib+spaceMiB<<10)); err != nil {
		return nil, err
	}
	defer m.Kill()
	return r.judge(ctx, m, fmt.Sprintf("%d MiB more of address space than when idle", spaceMiB)), nil
}

// sizeKiB is how much address space a process has.
func sizeKiB(m *machine.Machine) (kib int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.PID()))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmSize:")
	_, err = fmt.Sscan(rest, &kib)
	return kib, err
}

// goLimit gives the process a limit that its garbage collector cannot keep.
func (r *runner) goLimit(ctx context.Context) ([]rig.Finding, error) {
	m, err := r.serve(ctx, many, "export GOMEMLIMIT="+goMemoryLimit)
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	return r.judge(ctx, m, "GOMEMLIMIT="+goMemoryLimit), nil
}

// cgroup gives the process a memory cgroup; a configuration that does not fit into it is killed by the system, which nothing in the process can prevent.
func (r *runner) cgroup(ctx context.Context) ([]rig.Finding, error) {
	g, err := newGroup(groupMiB << 20)
	if err != nil {
		return nil, err
	}
	found, err := r.inGroup(ctx, g)
	return found, errors.Join(err, g.remove())
}

func (r *runner) inGroup(ctx context.Context, g group) (found []rig.Finding, err error) {
	fits, err := r.serve(ctx, modest, g.join())
	if err != nil {
		return nil, err
	}
	defer fits.Kill()
	found = r.judge(ctx, fits, fmt.Sprintf("a memory cgroup of %d MiB, %d instances of at most %d MiB", groupMiB, modest.concurrency, modest.memoryMB))
	control, err := r.serve(ctx, greedy, g.join())
	if err != nil {
		return found, err
	}
	defer control.Kill()
	offer(ctx, control.URL, r.last())
	killed := gone(control)
	return append(found, rig.Check(killed, fmt.Sprintf("the same with %d of at most %d MiB (the control)", greedy.concurrency, greedy.memoryMB), "killed", "killed: %v", killed)), nil
}

// gone says whether a process has ended.
func gone(m *machine.Machine) bool {
	select {
	case <-m.Gone():
		return true
	default:
		return false
	}
}

func (r *runner) last() time.Duration {
	if r.Long {
		return offerLong
	}
	return offerShort
}

// judge offers a server what it has no memory for. Ordinary requests beside it are answered, or refused with a status that says so.
func (r *runner) judge(ctx context.Context, m *machine.Machine, what string) []rig.Finding {
	wanted, plain := offer(ctx, m.URL, r.last())
	begin := time.Now()
	_, err := m.Ask("GET", "/", "")
	for err != nil && !gone(m) && time.Since(begin) < recoverTime {
		time.Sleep(50 * time.Millisecond)
		_, err = m.Ask("GET", "/", "")
	}
	took := time.Since(begin)
	return []rig.Finding{
		rig.Check(plain.only(http.StatusOK, refused) && wanted.only(http.StatusOK, http.StatusInternalServerError, refused), what+": ordinary requests, beside such that want memory", fmt.Sprintf("200, or %d", refused), "%s; beside %s", plain, wanted),
		rig.Check(err == nil && took <= recoverTime, what+": it serves again afterwards", "≤ "+recoverTime.String(), "%s", took.Round(time.Millisecond)),
		rig.Ends(what+": it lives, and ends by itself", m.Stop()),
	}
}

// answers counts answers by their status; 0 is none at all.
type answers struct {
	mu    sync.Mutex
	count map[int]int
}

func (a *answers) add(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count[status]++
}

// only says that there were answers, and none with another status.
func (a *answers) only(statuses ...int) bool {
	for status := range a.count {
		if !slices.Contains(statuses, status) {
			return false
		}
	}
	return len(a.count) > 0
}

// String says how many there were of each.
func (a *answers) String() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(a.count)) {
		name := fmt.Sprint(status)
		if status == 0 {
			name = "none at all"
		}
		parts = append(parts, fmt.Sprintf("%d × %s", a.count[status], name))
	}
	return strings.Join(parts, ", ")
}

// offer has clients ask for memory, and others for nothing out of the ordinary. Requests under way at the end are waited for.
func offer(ctx context.Context, url string, last time.Duration) (wanted, plain *answers) {
	wanted, plain = &answers{count: map[int]int{}}, &answers{count: map[int]int{}}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: hungry + ordinary}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	end := time.Now().Add(last)
	var all sync.WaitGroup
	for i := range hungry + ordinary {
		path, into := kinds[i%len(kinds)], wanted
		if i < ordinary {
			path, into = "/", plain
		}
		all.Go(func() {
			for failures := 0; time.Now().Before(end) && ctx.Err() == nil && failures < 10; time.Sleep(time.Millisecond) {
				status := ask(client, url+path)
				if into.add(status); status == 0 {
					failures++
				}
			}
		})
	}
	all.Wait()
	return wanted, plain
}

// ask gives the status of an answer that came whole, 0 where there was none.
func ask(client *http.Client, url string) int {
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}
