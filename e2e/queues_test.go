package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// message asks the probe to send the body as one message.
func message(body string, fields ...string) ask {
	return ask{op: "queues.send", body: body}.with(fields...)
}

// letters asks the probe to send a batch; a line is a content type, a delay and a text, the first two "-" where there is none.
func letters(lines ...string) ask {
	a := ask{op: "queues.send_batch"}
	for _, l := range lines {
		a.body += l + "\n"
	}
	return a
}

var queueState = ask{op: "queues.metrics"}

// waiting is the answer to what was sent, and to a question for the state.
func waiting(messages, bytes int) string {
	oldest := "yes"
	if messages == 0 {
		oldest = "-"
	}
	return fmt.Sprintf("backlog=%d bytes=%d oldest=%s\n", messages, bytes, oldest)
}

// queueConfig is the configuration of a server with a queue s0, its producer S0 and its consumer, which has more settings.
func queueConfig(settings string) string {
	return `kv_namespaces = [{binding = "SEEN"}]
queues.producers = [{binding = "S0", queue = "s0"}]
[[queues.consumers]]
queue = "s0"
max_batch_timeout = 1
` + settings
}

// drained waits until nothing of a queue is left.
func drained(t testing.TB, site, binding string) {
	t.Helper()
	eventually(t, 2*time.Minute, func() (string, bool) {
		state := queueState.send(t, site, binding)
		return binding + " has " + state, state == waiting(0, 0)
	})
}

// eventually tries until it is so.
func eventually(t testing.TB, limit time.Duration, try func() (state string, so bool)) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		state, so := try()
		if so {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", limit, state)
		}
	}
}

// delivery is what the probe has written down about one.
type delivery struct {
	id, kind, body string
	sent, at       int64 // milliseconds
	of             int   // messages in its batch
}

// deliveries are those of a queue so far, by NAME/ATTEMPT.
func deliveries(t testing.TB, site, queue string) map[string]delivery {
	t.Helper()
	all := map[string]delivery{}
	for line := range strings.Lines(list().with("prefix", queue+"/").send(t, site, "SEEN")) {
		key, _, is := strings.Cut(line, " expiration=")
		if !is {
			continue
		}
		value := strings.TrimSuffix(strings.TrimPrefix(get(key).with("type", "stream", "pass", "1").send(t, site, "SEEN"), "value="), "\n")
		var d delivery
		if _, err := fmt.Sscanf(value, "id=%s sent=%d type=%s body=%s of=%d at=%d", &d.id, &d.sent, &d.kind, &d.body, &d.of, &d.at); err != nil {
			t.Fatalf("%s: %q: %v", key, value, err)
		}
		all[strings.TrimPrefix(key, queue+"/")] = d
	}
	return all
}

func TestDelaysOfMessages(t *testing.T) {
	t.Parallel()
	const config = `kv_namespaces = [{binding = "SEEN"}]
queues.producers = [{binding = "S0", queue = "s0"}, {binding = "LATE", queue = "s0", delivery_delay = 3}]
queues.consumers = [{queue = "s0", max_batch_timeout = 0, retry_delay = 2}]
`
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"wrangler.toml": config})
			s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off")
			letters("text - plain 1@retry 2@retry:0 3@retry:3", "text 2 own", "text 0 none").send(t, s.URL, "S0")
			letters("text - batch", "text 0 before").with("delay", "2").send(t, s.URL, "S0")
			letters("text - producer", "text 0 zero", "text 1 one").send(t, s.URL, "LATE")
			message("single 1@retryAll:1", "type", "text").send(t, s.URL, "LATE")
			drained(t, s.URL, "S0")
			got := deliveries(t, s.URL, "s0")
			for _, row := range []struct {
				delivery, after string // after is empty where it is the sending
				seconds         int64
			}{
				{"plain/1", "", 0}, {"plain/2", "plain/1", 2}, {"plain/3", "plain/2", 0}, {"plain/4", "plain/3", 3}, {"own/1", "", 2}, {"none/1", "", 0}, {"batch/1", "", 2},
				{"before/1", "", 0}, {"producer/1", "", 3}, {"zero/1", "", 0}, {"one/1", "", 1}, {"single/1", "", 3}, {"single/2", "single/1", 1},
			} {
				d, there := got[row.delivery]
				from := d.sent
				if row.after != "" {
					from = got[row.after].at
				}
				// A delay is not cut short; how much longer it takes is a matter of how busy the machine is. None is less than any that is overridden.
				if wait := d.at - from; !there || wait < row.seconds*1000-50 || row.seconds == 0 && wait > 1900 {
					t.Errorf("%s (%v) came after %d ms, want %d s", row.delivery, there, wait, row.seconds)
				}
			}
			if len(got) != 13 {
				t.Errorf("%d deliveries: %v", len(got), slices.Sorted(maps.Keys(got)))
			}
		})
	}
}

func TestAFunctionWithoutAQueueHandler(t *testing.T) {
	t.Parallel()
	for name, hello := range map[string]*product{"Go": goHello, "C": cHello} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"wrangler.toml": "queues.consumers = [{queue = \"q\", max_batch_timeout = 0, max_retries = 1, dead_letter_queue = \"kept\"}]\n"})
			s := start(t, dir, "serve", hello.path(t), "--port", "0", "--admin", "off")
			expect(t, pagesrun(t, dir, "queues", "send", "q", "1"), 0)
			s.Line("Handler does not export a queue() function.", patience)
			eventually(t, patience, func() (string, bool) {
				info := pagesrun(t, dir, "queues", "info", "kept")
				return info.Stdout + info.Stderr, strings.Contains(info.Stdout, "messages   1\n")
			})
			if n := strings.Count(s.Log(), "Handler does not export a queue() function."); n != 2 {
				t.Errorf("delivered %d times\n%s", n, s.Log())
			}
		})
	}
}

func TestMessagesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		how  string
		end  func(*process.Server)
		want []string
	}{
		// A batch that is running is waited for; what comes after it is not begun.
		{"Ctrl-C", func(s *process.Server) { s.Stop() }, []string{"a/1", "later/1"}},
		{"kill -9", func(s *process.Server) { s.Kill() }, []string{"a/1", "a/2", "later/1"}},
	} {
		for language, probe := range probes() {
			t.Run(row.how+", "+language, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig("")})
				s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off")
				letters("text - a 1@sleep:2000", "text 4 later").send(t, s.URL, "S0")
				eventually(t, patience, func() (string, bool) { return "a is not delivered", len(deliveries(t, s.URL, "s0")) == 1 })
				row.end(s)
				s = start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off")
				drained(t, s.URL, "S0")
				got := deliveries(t, s.URL, "s0")
				if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, row.want) {
					t.Errorf("delivered %q, want %q", keys, row.want)
				}
				if d := got["later/1"]; d.at-d.sent < 3950 {
					t.Errorf("the delay of 4 s took %d ms", d.at-d.sent)
				}
			})
		}
	}
}

// TestNoMessageIsLostWhenTheProcessIsKilled kills a server that sends to itself, again and again. Each message has a name of its own.
func TestNoMessageIsLostWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig("max_retries = 100\n")})
	rounds := max(3, kills(t)/4)
	for round := range rounds {
		acked := 0
		s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off", "--log-level", "none")
		time.AfterFunc(time.Duration(200+100*(round%5))*time.Millisecond, func() { s.Signal(9) })
		for i := 0; ; i++ {
			_, answer, err := message(fmt.Sprintf("%d-%d", round, i), "type", "text").try(s.URL, "S0")
			if err != nil || !strings.HasPrefix(answer, "backlog=") {
				break
			}
			acked = i + 1
		}
		s.Kill()
		writeFiles(t, dir, map[string]string{fmt.Sprint("acked", round): strconv.Itoa(acked)})
	}
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off")
	drained(t, s.URL, "S0")
	checkArrived(t, s.URL, dir, rounds)
}

func checkArrived(t *testing.T, site, dir string, rounds int) {
	t.Helper()
	arrived, total := map[string]bool{}, 0
	for round := range rounds {
		prefix := fmt.Sprintf("s0/%d-", round)
		for cursor := ""; ; {
			page := list().with("prefix", prefix, "cursor", cursor).send(t, site, "SEEN")
			for line := range strings.Lines(page) {
				if key, _, is := strings.Cut(line, " expiration="); is {
					name, _, _ := strings.Cut(strings.TrimPrefix(key, "s0/"), "/")
					arrived[name] = true
				}
			}
			_, after, more := strings.Cut(page, "\nmore ")
			if !more {
				break
			}
			cursor = strings.TrimSuffix(after, "\n")
		}
		text, err := os.ReadFile(dir + "/acked" + strconv.Itoa(round))
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(string(text))
		for i := range n {
			if name := fmt.Sprintf("%d-%d", round, i); !arrived[name] {
				t.Errorf("message %s was acknowledged and never came", name)
			}
		}
		total += n
	}
	t.Logf("%d messages were acknowledged in %d rounds", total, rounds)
	if total == 0 {
		t.Error("nothing was sent")
	}
}
