package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

func TestQueuesCommandsWithAndWithoutARunningServer(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprint("a server runs: ", running), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{
				"wrangler.toml": "queues.producers = [{binding = \"Q\", queue = \"orders\"}]\n", "long.txt": strings.Repeat("x", 128_001), "some.txt": "from a file\n", "bytes": "\xff",
			})
			if running {
				start(t, dir, "serve", goProbe.path(t), "--port", "0", "--admin", "off")
			} else {
				expect(t, pagesrun(t, dir, "queues", "list"), 0, "There are no queues.")
				expect(t, pagesrun(t, dir, "queues", "list", "--json"), 0, "[]")
				expect(t, pagesrun(t, dir, "queues", "info", "orders"), 1, `there is no queue "orders"; there are: none`)
			}
			checkQueuesCommands(t, func(args ...string) process.Result { return pagesrun(t, dir, append([]string{"queues"}, args...)...) })
		})
	}
}

// checkQueuesCommands works with the queue orders, which is empty.
func checkQueuesCommands(t *testing.T, queues func(args ...string) process.Result) {
	expect(t, queues("send", "orders", `{"id":1}`), 0)
	expect(t, queues("send", "orders", "two\t\x1b", "--content-type", "TEXT", "--delay", "3600"), 0)
	expect(t, queues("send", "orders", "--path", "some.txt", "--content-type", "bytes"), 0)
	expect(t, queues("send", "orders", "--path", "bytes", "--content-type", "bytes"), 0)
	expect(t, queues("send", "ordres", "1"), 1, `there is no queue "ordres"; there are: orders`)
	expect(t, queues("send", "orders", "no JSON"), 1, `Content Type "json" requires a body that is valid JSON`)
	expect(t, queues("send", "orders", "1", "--content-type", "v8"), 1, `content type "v8" is for JavaScript values`)
	expect(t, queues("send", "orders", "1", "--delay", "43201"), 1, "delaySeconds must be between 0 and 43200, not 43201")
	expect(t, queues("send", "orders", "--path", "long.txt", "--content-type", "text"), 1, "message length of 128001 bytes exceeds limit of 128000")
	expect(t, queues("send", "orders"), 1, "give either a message or --path")
	expect(t, queues("send", "or ders", "1"), 1, "a queue's name has 1 to 63")

	expect(t, queues("list"), 0, "QUEUE", "orders           4            26  no")
	expect(t, queues("info", "orders"), 0, "messages   4\nbytes      26\n", "consumed   no")
	var info struct {
		Name     string
		Backlog  int   `json:"backlog_count"`
		OldestMS int64 `json:"oldest_message_timestamp_ms"`
	}
	if err := json.Unmarshal([]byte(queues("info", "orders", "--json").Stdout), &info); err != nil || info.Name != "orders" || info.Backlog != 4 || info.OldestMS == 0 {
		t.Errorf("info: %+v, %v", info, err)
	}
	expect(t, queues("peek", "orders"), 0, `  json         8 bytes  "{\"id\":1}"`, `"two\t\x1b"  not before `, `"from a file\n"`, `1 bytes  "\xff"`)
	var messages []struct {
		ID, Body    string
		Base64      []byte `json:"body_base64"`
		ContentType string `json:"content_type"`
		Sent        int64  `json:"timestamp_ms"`
		NotBefore   int64  `json:"not_before_ms"`
	}
	if err := json.Unmarshal([]byte(queues("peek", "orders", "--json").Stdout), &messages); err != nil || len(messages) != 4 {
		t.Fatalf("%v: %+v", err, messages)
	}
	if m := messages[1]; len(m.ID) != 32 || m.Body != "two\t\x1b" || m.ContentType != "text" || m.NotBefore-m.Sent != 3_600_000 {
		t.Errorf("%+v", m)
	}
	if m := messages[3]; string(m.Base64) != "\xff" || m.NotBefore != 0 {
		t.Errorf("%+v", m)
	}
	if got := queues("peek", "orders", "-n", "2").Stdout; strings.Count(got, "\n") != 2 {
		t.Errorf("two of them: %q", got)
	}
	expect(t, queues("peek", "orders", "-n", "0"), 2, "-n must be at least 1")

	expect(t, queues("purge", "orders"), 2, "Remove all 4 messages of the queue orders? Say --yes")
	expect(t, queues("purge", "orders", "-y"), 0, "4 messages removed")
	expect(t, queues("purge", "orders", "-y", "--json"), 0, `"removed": 0`)
	expect(t, queues("purge", "nothing", "-y"), 1, `there is no queue "nothing"`)
	expect(t, queues("info", "orders"), 0, "messages   0\n", "oldest     -")
}

func TestAMessageSentByCommandIsConsumed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": queueConfig("max_batch_size = 1\n")})
	expect(t, pagesrun(t, dir, "queues", "send", "s0", "early", "--content-type", "text"), 0)
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off")
	expect(t, pagesrun(t, dir, "queues", "send", "s0", "late", "--content-type", "text"), 0)
	eventually(t, patience, func() (string, bool) {
		got := deliveries(t, s.URL, "s0")
		return fmt.Sprint(got), len(got) == 2
	})
	expect(t, pagesrun(t, dir, "queues", "info", "s0"), 0, "consumed   yes")
}
