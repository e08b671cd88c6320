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

// queueCase is a rule of producers with what shows it. Each case has a queue of its own that nothing consumes.
type queueCase struct {
	rule  string
	steps []step
}

func TestProducersThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	cases := producerCases()
	sites := map[string]string{}
	for language, probe := range probes() {
		dir := t.TempDir()
		var config strings.Builder
		for i := range cases {
			fmt.Fprintf(&config, "[[queues.producers]]\nbinding = \"Q%d\"\nqueue = \"q-%d\"\n", i, i)
		}
		writeFiles(t, dir, map[string]string{"wrangler.toml": config.String()})
		sites[language] = start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off").URL
	}
	for i, c := range cases {
		t.Run(c.rule, func(t *testing.T) { kvCase{c.rule, c.steps}.run(t, sites, fmt.Sprint("Q", i), &clock{}) })
	}
}

func producerCases() []queueCase {
	tooLong := func(text string) string { return "error too_large 0 " + text + "\n" }
	const noV8 = "error unsupported 0 content type \"v8\" is for JavaScript values and cannot be sent from here; use \"json\", \"text\" or \"bytes\"\n"
	delayed := func(s string) string { return refused("delaySeconds must be between 0 and 43200, not " + s) }
	long := func(kind, n string) ask { return message("", "type", kind, "source", "memory", "n", n) }
	hundred := slices.Repeat([]string{"text - m"}, 100)
	nothing := step{ask: queueState, answer: waiting(0, 0)}
	notJSON := refused(`Content Type "json" requires a body that is valid JSON`)
	return []queueCase{
		{"an empty queue has no oldest message", []step{nothing}},
		{"a message says nothing of its type and is JSON", []step{{ask: message(`{"a":1}`), answer: waiting(1, 7)}, {ask: message("null"), answer: waiting(2, 11)}, {ask: message("x"), answer: notJSON}, {ask: message(""), answer: notJSON}, {ask: queueState, answer: waiting(2, 11)}}},
		{"content types compare without regard to case", []step{{ask: message("x", "type", "TEXT"), answer: waiting(1, 1)}, {ask: message("[]", "type", "Json"), answer: waiting(2, 3)}, {ask: message("\xff", "type", "BYTES"), answer: waiting(3, 4)}}},
		{"an unknown content type is refused", []step{{ask: message("x", "type", "xml"), answer: refused("Unsupported queue message content type: xml")}, {ask: letters("text - a", "Xml - b"), answer: refused("Unsupported queue message content type: Xml")}, nothing}},
		{"v8 is refused", []step{{ask: message("x", "type", "v8"), answer: noV8}, {ask: message("x", "type", "V8"), answer: noV8}, {ask: letters("v8 - a"), answer: noV8}, nothing}},
		{"text is UTF-8, bytes are anything", []step{{ask: message("\xff", "type", "text"), answer: refused(`Content Type "text" requires a body that is valid UTF-8`)}, {ask: message("\xff\x00", "type", "bytes"), answer: waiting(1, 2)}, {ask: message("", "type", "text"), answer: waiting(2, 2)}, {ask: message("", "type", "bytes"), answer: waiting(3, 2)}}},
		{"a message of 128,000 bytes is the longest", []step{
			{ask: long("bytes", "127999"), answer: waiting(1, 127_999)}, {ask: long("text", "128000"), answer: waiting(2, 255_999)},
			{ask: long("bytes", "128001"), answer: tooLong("message length of 128001 bytes exceeds limit of 128000")}, {ask: letters("text - #128001"), answer: tooLong("message length of 128001 bytes exceeds limit of 128000")},
			{ask: queueState, answer: waiting(2, 255_999)},
		}},
		{"a batch has at least one message", []step{{ask: letters(), answer: refused("sendBatch() requires at least one message")}, nothing}},
		{"a batch has at most 100 messages", []step{{ask: letters(hundred...), answer: waiting(100, 100)}, {ask: letters(append(hundred, "text - m")...), answer: tooLong("batch message count of 101 exceeds limit of 100")}, {ask: letters(hundred[1:]...), answer: waiting(199, 199)}}},
		{"a batch has at most 256,000 bytes", []step{
			{ask: letters("text - #128000", "bytes - #128000"), answer: waiting(2, 256_000)}, {ask: letters("text - #128000", "text - #127999"), answer: waiting(4, 511_999)},
			{ask: letters("text - #128000", "text - #128000", "text - m"), answer: tooLong("batch size of 256001 bytes exceeds limit of 256000")}, {ask: queueState, answer: waiting(4, 511_999)},
		}},
		{"of a batch with a message that is refused none is stored", []step{{ask: letters("text - a", "json - {", "text - b"), answer: notJSON}, {ask: letters("text - a", "text 43201 b"), answer: delayed("43201")}, nothing}},
		{"a batch may be of several types", []step{{ask: letters("text - a", "- - [1]", "bytes 0 \xff"), answer: waiting(3, 5)}}},
		{"a delay is from 0 to 12 hours", []step{
			{ask: message("1", "delay", "-1"), answer: delayed("-1")}, {ask: message("1", "delay", "43201"), answer: delayed("43201")}, {ask: letters("text - a").with("delay", "-1"), answer: delayed("-1")}, {ask: letters("text - a").with("delay", "86400"), answer: delayed("86400")},
			nothing, {ask: message("1", "delay", "0"), answer: waiting(1, 1)}, {ask: message("1", "delay", "43200"), answer: waiting(2, 2)}, {ask: letters("text 43200 a").with("delay", "43200"), answer: waiting(3, 3)},
		}},
	}
}

// sequence is a rule of consumers: what is sent to a queue, and how often each message is delivered.
type sequence struct {
	rule     string
	settings string   // of the consumer
	messages []string // a name and what to do, see the probe
	want     []string // deliveries, NAME/ATTEMPT in any order; those of the dead letter queue begin with "dead/"
	warnings []string // lines of the log; {a} is the id of message a
	only     string   // the language, where it is about one
	slow     bool     // the defaults of production, which take their time
}

func warning(call, before, name string) string {
	return fmt.Sprintf("Received a call to %s on message {%s} after %s was already called. Calling %s on a message after calling %s has no effect.", call, name, before, call, before)
}

func warningAll(call, before string) string {
	return fmt.Sprintf("Received a call to %s after %s was already called. Calling %s after calling %s has no effect.", call, before, call, before)
}

const once = "max_retries = 1"

func sequences() []sequence {
	return []sequence{
		{rule: "a handler that returns acknowledges all", settings: once, messages: []string{"a", "b"}, want: []string{"a/1", "b/1"}},
		{rule: "a handler that throws retries all", settings: once, messages: []string{"a", "b 1@throw"}, want: []string{"a/1", "b/1", "a/2", "b/2"}},
		{rule: "a message that is acknowledged stays so when the handler throws", settings: once, messages: []string{"a ack", "b", "c 1@throw"}, want: []string{"a/1", "b/1", "c/1", "b/2", "c/2"}},
		{rule: "a message that is acknowledged stays so when the handler traps", settings: once, messages: []string{"a ack", "b 1@trap"}, want: []string{"a/1", "b/1", "b/2"}},
		{rule: "a message that is retried comes again, others do not", settings: once, messages: []string{"a 1@retry", "b"}, want: []string{"a/1", "b/1", "a/2"}},
		{rule: "ack() then retry() acknowledges", settings: once, messages: []string{"a ack retry"}, want: []string{"a/1"}, warnings: []string{warning("retry()", "ack()", "a")}},
		{rule: "retry() then ack() retries", settings: once, messages: []string{"a 1@retry 1@ack"}, want: []string{"a/1", "a/2"}, warnings: []string{warning("ack()", "retry()", "a")}},
		{rule: "ackAll() then retry() acknowledges", settings: once, messages: []string{"a ackAll retry", "b"}, want: []string{"a/1", "b/1"}, warnings: []string{warning("retry()", "ackAll()", "a")}},
		{rule: "ackAll() then retryAll() acknowledges", settings: once, messages: []string{"a ackAll retryAll", "b"}, want: []string{"a/1", "b/1"}, warnings: []string{warningAll("retryAll()", "ackAll()")}},
		{rule: "retryAll() then ack() retries", settings: once, messages: []string{"a 1@retryAll 1@ack", "b"}, want: []string{"a/1", "b/1", "a/2", "b/2"}, warnings: []string{warning("ack()", "retryAll()", "a")}},
		{rule: "retryAll() then ackAll() retries", settings: once, messages: []string{"a 1@retryAll 1@ackAll", "b"}, want: []string{"a/1", "b/1", "a/2", "b/2"}, warnings: []string{warningAll("ackAll()", "retryAll()")}},
		{rule: "retry() then ackAll() retries the message alone", settings: once, messages: []string{"a 1@retry 1@ackAll", "b"}, want: []string{"a/1", "b/1", "a/2"}},
		{rule: "ack() then retryAll() acknowledges the message alone", settings: once, messages: []string{"a 1@ack 1@retryAll", "b"}, want: []string{"a/1", "b/1", "b/2"}},
		{rule: "ackAll() stands when the handler throws", settings: once, messages: []string{"a ackAll throw", "b"}, want: []string{"a/1", "b/1"}},
		{rule: "work after the handler that fails retries all", settings: once, messages: []string{"a 1@late", "b ack"}, want: []string{"a/1", "b/1", "a/2"}, only: "Go"},
		{rule: "without retries a message is delivered once", settings: "max_retries = 0", messages: []string{"a throw"}, want: []string{"a/1"}, warnings: []string{"a message is dropped"}},
		{rule: "after max_retries retries a message is dropped", settings: "max_retries = 2", messages: []string{"a retry", "b"}, want: []string{"a/1", "b/1", "a/2", "a/3"}},
		{rule: "after max_retries retries a message goes to the dead letter queue", settings: once + "\ndead_letter_queue = \"DEAD\"", messages: []string{"a retry", "b"}, want: []string{"a/1", "b/1", "a/2", "dead/a/1"}},
		{rule: "a message that ends the instance every time does not block those of other batches", settings: "max_batch_size = 1\nmax_retries = 1", messages: []string{"a trap", "b", "c"}, want: []string{"a/1", "b/1", "c/1", "a/2"}},
		{rule: "a message that ends the instance has its batch retried", settings: once, messages: []string{"a 1@trap", "b", "c"}, want: []string{"a/1", "a/2", "b/2", "c/2"}},
		{rule: "a batch of one has no company", settings: "max_batch_size = 1\nmax_retries = 1", messages: []string{"a 1@throw", "b", "c"}, want: []string{"a/1", "b/1", "c/1", "a/2"}},
		{rule: "by default there are three retries", messages: []string{"a retry", "b"}, want: []string{"a/1", "a/2", "a/3", "a/4", "b/1"}, slow: true},
	}
}

// queueConfig is the configuration of a server with a queue per sequence, s0, s1, ...; their dead letter queues are dead0, dead1, ...
func queueConfig(list []sequence) string {
	var b strings.Builder
	b.WriteString("kv_namespaces = [{binding = \"SEEN\"}]\n")
	consumer := func(name, settings string, slow bool) {
		fmt.Fprintf(&b, "[[queues.producers]]\nbinding = \"%s\"\nqueue = \"%s\"\n[[queues.consumers]]\nqueue = \"%s\"\n%s\n", strings.ToUpper(name), name, name, settings)
		if !slow {
			b.WriteString("max_batch_timeout = 1\n")
		}
	}
	for i, s := range list {
		dead := fmt.Sprint("dead", i)
		consumer(fmt.Sprint("s", i), strings.ReplaceAll(s.settings, "DEAD", dead), s.slow)
		if strings.Contains(s.settings, "DEAD") {
			consumer(dead, "max_retries = 0", false)
		}
	}
	return b.String()
}

func TestConsumersThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			list := sequences()
			writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig(list)})
			s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off", "--log-level", "warn")
			for i, q := range list { // all at once: most of the time is waiting
				letters(q.lines()...).send(t, s.URL, fmt.Sprint("S", i))
			}
			for i, q := range list {
				if q.only == "" || q.only == language {
					t.Run(q.rule, func(t *testing.T) { q.check(t, s, i) })
				}
			}
		})
	}
}

// lines are the messages as the probe sends them.
func (q *sequence) lines() []string {
	lines := make([]string, len(q.messages))
	for i, m := range q.messages {
		lines[i] = "text - " + m
	}
	return lines
}

// check waits until the queue is done with what was sent.
func (q *sequence) check(t *testing.T, s *process.Server, i int) {
	name := fmt.Sprint("s", i)
	drained(t, s.URL, strings.ToUpper(name))
	seen := deliveries(t, s.URL, name)
	got := slices.Collect(maps.Keys(seen))
	if strings.Contains(q.settings, "DEAD") {
		drained(t, s.URL, fmt.Sprint("DEAD", i))
		for key, d := range deliveries(t, s.URL, fmt.Sprint("dead", i)) {
			got = append(got, "dead/"+key)
			if first := seen[key]; d.id != first.id || d.sent != first.sent || d.body != first.body || d.kind != first.kind {
				t.Errorf("dead letter %s: %+v, was %+v", key, d, first)
			}
		}
	}
	slices.Sort(got)
	slices.Sort(q.want)
	if !slices.Equal(got, q.want) {
		t.Errorf("delivered %q, want %q", got, q.want)
	}
	for _, w := range q.warnings {
		for key, d := range seen {
			w = strings.ReplaceAll(w, "{"+strings.TrimSuffix(key, "/1")+"}", d.id)
		}
		s.Line(w, patience)
	}
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

func TestMessagesArriveAsTheyWereSent(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig([]sequence{{}, {settings: "max_batch_size = 100"}})})
			s := start(t, dir, "serve", probe.path(t), "--port", "0", "--admin", "off")
			before := time.Now().UnixMilli()
			letters(`json - "json é"`, "text - text é\t🤓", "bytes - bytes \x00\xff", "text - long "+strings.Repeat("z", 100_000)).send(t, s.URL, "S0")
			drained(t, s.URL, "S0")
			got := deliveries(t, s.URL, "s0")
			for key, want := range map[string]delivery{
				"json/1": {kind: "json", body: `"json%20%c3%a9"`}, "text/1": {kind: "text", body: "text%20%c3%a9%09%f0%9f%a4%93"}, "bytes/1": {kind: "bytes", body: "bytes%20%00%ff"},
				"long/1": {kind: "text", body: hashed("long " + strings.Repeat("z", 100_000))},
			} {
				d := got[key]
				if d.kind != want.kind || d.body != want.body || d.of != 4 || len(d.id) != 32 || d.sent < before || d.at < d.sent {
					t.Errorf("%s: %+v", key, d)
				}
			}
			var many []string
			for i := range 100 {
				many = append(many, fmt.Sprintf("text - m%02d", i))
			}
			letters(many...).send(t, s.URL, "S1")
			drained(t, s.URL, "S1")
			if got := deliveries(t, s.URL, "s1"); len(got) != 100 || got["m00/1"].of != 100 {
				t.Errorf("%d deliveries, of %d", len(got), got["m00/1"].of)
			}
		})
	}
}

// hashed is what the probes show of a long text.
func hashed(s string) string {
	hash := uint64(0xcbf29ce484222325)
	for _, c := range []byte(s) {
		hash = (hash ^ uint64(c)) * 0x100000001b3
	}
	return fmt.Sprintf("#%d:%x", len(s), hash)
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
				writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig([]sequence{{}})})
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
	writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig([]sequence{{settings: "max_retries = 100"}})})
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
