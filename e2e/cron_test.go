package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// nextMinute waits until shortly before a minute begins, and gives it.
func nextMinute(t *testing.T) time.Time {
	t.Helper()
	now := time.Now()
	minute := now.Truncate(time.Minute).Add(time.Minute)
	if minute.Sub(now) < 10*time.Second {
		minute = minute.Add(time.Minute)
	}
	time.Sleep(time.Until(minute.Add(-4 * time.Second)))
	return minute
}

// ticks counts the log lines about the tick of a minute.
func ticks(minute time.Time, servers ...*process.Server) (n int) {
	for _, s := range servers {
		n += strings.Count(s.Log(), "due "+minute.UTC().Format("2006-01-02 15:04Z"))
	}
	return n
}

func TestATickIsRunOnceOverReloads(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	dir := t.TempDir()
	replace(t, filepath.Join(dir, "app.wasm"), goProbe.bytes(t))
	config := func(n int) {
		text := fmt.Sprintf("main = \"app.wasm\"\n[triggers]\ncrons = [\"* * * * *\"]\n[vars]\nV = \"%d\"\n[[kv_namespaces]]\nbinding = \"KV\"\n", n)
		replace(t, filepath.Join(dir, "wrangler.toml"), []byte(text))
	}
	config(0)
	s := start(t, dir, "dev", "--port", "0", "--admin", "off")
	s.Line(`cron           "* * * * *", next at `, patience)
	minute := nextMinute(t)
	for n := 1; time.Now().Before(minute.Add(4 * time.Second)); n++ {
		config(n)
		time.Sleep(450 * time.Millisecond)
	}
	if got := ticks(minute, s); got != 1 {
		t.Errorf("the tick was run %d times\n%s", got, s.Log())
	}
	if reloads := strings.Count(s.Log(), "reloaded in "); reloads < 3 {
		t.Errorf("there were only %d reloads\n%s", reloads, s.Log())
	}
	if end := s.Stop(); end.Code != 0 {
		t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
	}
}

func TestATickIsRunOnceByProcessesOfOneDataDirectory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	serve := func(dir string) *process.Server { return start(t, dir, "serve", "--port", "0", "--admin", "off") }
	killing, steady := t.TempDir(), t.TempDir()
	for _, dir := range []string{killing, steady} {
		replace(t, filepath.Join(dir, "app.wasm"), goProbe.bytes(t))
		writeFiles(t, dir, map[string]string{"wrangler.toml": "main = \"app.wasm\"\n[triggers]\ncrons = [\"* * * * *\"]\n[[kv_namespaces]]\nbinding = \"KV\"\n"})
	}
	both := []*process.Server{serve(steady), serve(steady)}
	servers := []*process.Server{serve(killing)}
	minute := nextMinute(t)
	for time.Now().Before(minute.Add(4 * time.Second)) {
		killed := serve(killing)
		servers = append(servers, killed)
		time.Sleep(200 * time.Millisecond)
		killed.Kill()
	}
	if got := ticks(minute, both...); got != 1 {
		t.Errorf("two processes ran the tick %d times", got)
	}
	// A process that is killed between writing the tick down and the end of its event has run it without a line to tell.
	if got := ticks(minute, servers...); got > 1 {
		t.Errorf("%d processes, all but one killed, ran the tick %d times", len(servers), got)
	}
}
