package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

const (
	// killsDefault is how often the process is killed; the variable PAGESRUN_KILLS says otherwise.
	killsDefault = 12
	// writers is how many clients write at once.
	writers = 4
)

// ledger is what clients know of their writes: each key is written by one client, each value is different from all others.
type ledger struct {
	mu    sync.Mutex
	acked map[string]string          // the last value acknowledged; empty for an acknowledged deletion
	sent  map[string]map[string]bool // values sent since then, whose fate nobody knows
}

func newLedger() *ledger {
	return &ledger{acked: map[string]string{}, sent: map[string]map[string]bool{}}
}

func (l *ledger) send(key, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent[key] == nil {
		l.sent[key] = map[string]bool{}
	}
	l.sent[key][value] = true
}

func (l *ledger) ack(key, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[key] = value
	delete(l.sent, key)
}

// verify compares what is stored with what clients know and gives what is wrong. What was on its way may have taken effect or not.
func (l *ledger) verify(read func(key string) (string, error)) (problems []string) {
	for key, value := range l.acked {
		got, err := read(key)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", key, err))
		} else if got != value && !l.sent[key][got] {
			problems = append(problems, fmt.Sprintf("%s is %q, acknowledged was %q", key, got, value))
		}
	}
	for key := range l.sent {
		if _, ok := l.acked[key]; ok {
			continue
		}
		if got, err := read(key); err != nil || got != "" && !l.sent[key][got] {
			problems = append(problems, fmt.Sprintf("%s is %q (%v), which nobody sent", key, got, err))
		}
	}
	return problems
}

// write is one client: it writes new keys, changes and deletes its older ones, until the server is gone. It gives how many writes were
// acknowledged.
func (l *ledger) write(site string, round, client int) (acknowledged int) {
	for i := 0; ; i++ {
		key, value := fmt.Sprintf("r%d-c%d-%d", round, client, i), fmt.Sprintf("%d.%d.%d:%s", round, client, i, strings.Repeat("v", rand.IntN(3000)))
		a := put(key, value)
		switch {
		case i%7 == 3:
			key = fmt.Sprintf("r%d-c%d-%d", round, client, rand.IntN(i))
			a = put(key, value)
		case i%7 == 5:
			key, value = fmt.Sprintf("r%d-c%d-%d", round, client, rand.IntN(i)), ""
			a = del(key)
		}
		l.send(key, value)
		if _, answer, err := a.try(site, "KV"); err != nil || answer != done {
			return acknowledged
		}
		l.ack(key, value)
		acknowledged++
	}
}

// reader reads values through a function; a key that is missing reads as empty.
func reader(site string) func(key string) (string, error) {
	return func(key string) (string, error) {
		status, answer, err := get(key).with("type", "stream", "pass", "1").try(site, "KV")
		switch {
		case err != nil:
			return "", err
		case status != 200 || strings.HasPrefix(answer, "error "):
			return "", fmt.Errorf("status %d: %s", status, answer)
		case answer == missing:
			return "", nil
		}
		return answer, nil
	}
}

func kills(t testing.TB) int {
	n := killsDefault
	if text := os.Getenv("PAGESRUN_KILLS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal("PAGESRUN_KILLS: ", err)
		}
	}
	return n
}

func TestKillNeverLosesAnAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir(), newLedger()
	serve := func() *process.Server {
		return start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off", "-k", "KV", "--log-level", "error")
	}
	acknowledged, worst := 0, time.Duration(0)
	for round := range kills(t) {
		s := serve()
		worst = max(worst, s.Ready)
		acknowledged += writeUntilKilled(l, s, round)
		if acknowledged == 0 {
			t.Fatalf("nothing was acknowledged:\n%s", s.Log())
		}
		if round%10 == 9 {
			s = serve()
			report(t, l.verify(reader(s.URL)))
			s.Kill()
		}
	}
	s := serve()
	report(t, l.verify(reader(s.URL)))
	t.Logf("%d kills, %d acknowledged writes, %d keys; slowest restart until ready %s", kills(t), acknowledged, len(l.acked), worst)
	verifierNotices(t, l, s)
}

// writeUntilKilled lets clients write for a moment and then kills the server under them.
func writeUntilKilled(l *ledger, s *process.Server, round int) (acknowledged int) {
	counts := make(chan int, writers)
	for client := range writers {
		go func() { counts <- l.write(s.URL, round, client) }()
	}
	time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
	s.Kill()
	for range writers {
		acknowledged += <-counts
	}
	return acknowledged
}

func report(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
	if len(problems) > 0 {
		t.FailNow()
	}
}

// verifierNotices shows that the test can fail: it loses one write and damages another, and wants both to be found.
func verifierNotices(t *testing.T, l *ledger, s *process.Server) {
	t.Helper()
	var lost []string
	for key, value := range l.acked {
		if value != "" && l.sent[key] == nil {
			lost = append(lost, key)
		}
		if len(lost) == 2 {
			break
		}
	}
	wantAnswer(t, s, del(lost[0]), "KV", done)
	wantAnswer(t, s, put(lost[1], "damaged"), "KV", done)
	problems := l.verify(reader(s.URL))
	if len(problems) != 2 || !strings.Contains(strings.Join(problems, " "), lost[0]+" is") || !strings.Contains(strings.Join(problems, " "), lost[1]+" is") {
		t.Errorf("a lost and a damaged write were reported as %q", problems)
	}
}

func TestAKilledServerLeavesNothingHalfStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"serve", cProbe.path(t), "--port", "0", "--admin", "off", "-k", "KV"}
	s := start(t, dir, args...)
	wantAnswer(t, s, put("large", "").with("source", "memory", "n", "20000000"), "KV", done)
	for range 3 {
		go func() {
			put("large", "").with("source", "memory", "n", "26214400").try(s.URL, "KV")
		}()
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		s.Kill()
		s = start(t, dir, args...)
		if got := get("large").with("type", "stream").send(t, s.URL, "KV"); got != found(xs(20000000)) && got != found(xs(26214400)) {
			t.Fatalf("half a value: %s", got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".pagesrun", "kv", "*.sqlite")); len(left) != 1 {
		t.Errorf("files: %v", left)
	}
}
