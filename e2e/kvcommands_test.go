package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

func TestKVCommandsSeeTheDataOfARunningServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"wrangler.toml": "[[kv_namespaces]]\nbinding = \"KV\"\nid = \"main\"\n"})
	s := start(t, dir, "serve", goProbe.path(t), "--port", "0", "--admin", "off")
	kv := func(args ...string) process.Result { return pagesrun(t, dir, append([]string{"kv"}, args...)...) }

	expect(t, kv("key", "put", "--binding", "KV", "from command", "v1", "--metadata", `{"a":1}`, "--ttl", "3600"), 0)
	wantAnswer(t, s, get("from command").with("with_metadata", "1"), "KV", "value=v1 metadata={\"a\":1}\n")

	wantAnswer(t, s, put("from guest", "\x00\xff").with("metadata", "[2]"), "KV", done)
	if got := kv("key", "get", "--namespace-id", "main", "from guest"); got.Code != 0 || got.Stdout != "\x00\xff" {
		t.Errorf("key get: %+v", got)
	}
	var keys []struct {
		Name       string
		Expiration int64
		Metadata   any
	}
	if err := json.Unmarshal([]byte(kv("key", "list", "--binding", "KV", "--prefix", "from ").Stdout), &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || keys[0].Name != "from command" || keys[0].Expiration == 0 || keys[1].Name != "from guest" || fmt.Sprint(keys[1].Metadata) != "[2]" {
		t.Errorf("key list: %+v", keys)
	}
	expect(t, kv("key", "delete", "--binding", "KV", "from guest"), 0)
	wantAnswer(t, s, get("from guest"), "KV", missing)
	expect(t, kv("key", "get", "--binding", "KV", "from guest"), 1, `there is no key "from guest"`)
	expect(t, kv("key", "put", "--binding", "KV", "k", "v", "--ttl", "59"), 1, "KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.")
	expect(t, kv("key", "put", "--binding", "NONE", "k", "v"), 1, `no KV namespace has the binding "NONE"; configured are: KV`)
	expect(t, kv("key", "get", "--binding", "KV"), 2, "<key>")
}

func TestKVBulkCommandsSeeTheDataOfARunningServer(t *testing.T) {
	t.Parallel()
	const count = 1200
	var puts, keys []any
	for i := range count {
		puts = append(puts, map[string]any{"key": fmt.Sprintf("k%04d", i), "value": fmt.Sprint(i), "metadata": i})
		keys = append(keys, fmt.Sprintf("k%04d", i))
	}
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"puts.json": jsonText(t, puts), "keys.json": jsonText(t, keys),
		"bad.json": `[{"key": "good", "value": "v"}, {"key": "", "value": "v"}]`,
	})
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off", "-k", "KV=main")
	bulkly := func(args ...string) process.Result {
		return pagesrun(t, dir, append([]string{"kv", "bulk"}, append(args, "--namespace-id", "main")...)...)
	}
	expect(t, bulkly("put", "puts.json"), 0, "1200 keys written")
	wantAnswer(t, s, get("k1199").with("with_metadata", "1"), "KV", "value=1199 metadata=1199\n")
	wantAnswer(t, s, list().with("prefix", "k119", "limit", "1"), "KV", "k1190 expiration=- metadata=1190\nmore "+cursorAfter("k1190")+"\n")
	wantAnswer(t, s, put("k0003", "changed"), "KV", done)
	var values map[string]struct{ Value string }
	if err := json.Unmarshal([]byte(bulkly("get", "keys.json").Stdout), &values); err != nil {
		t.Fatal(err)
	}
	if len(values) != count || values["k0003"].Value != "changed" || values["k1199"].Value != "1199" {
		t.Errorf("%d values, %q, %q", len(values), values["k0003"].Value, values["k1199"].Value)
	}
	expect(t, bulkly("put", "bad.json"), 1, "item 1: Key name cannot be empty.")
	wantAnswer(t, s, get("good"), "KV", missing)
	expect(t, bulkly("delete", "keys.json", "--json"), 0, `"deleted":1200`)
	wantAnswer(t, s, list(), "KV", "complete\n")
}

func TestKVCommandsAndAGuestWriteAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off", "-k", "KV=main")
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				ended <- n
				return
			default:
			}
			if _, answer, err := put(fmt.Sprintf("guest%04d", n), "v").try(s.URL, "KV"); err != nil || answer != done {
				t.Errorf("put %d: %v %s", n, err, answer)
			}
		}
	}()
	for i := range 5 {
		expect(t, pagesrun(t, dir, "kv", "key", "put", "--namespace-id", "main", fmt.Sprint("command", i), "v"), 0)
	}
	close(stop)
	written := <-ended
	all := pagesrun(t, dir, "kv", "key", "list", "--namespace-id", "main").Stdout
	if guest, command := strings.Count(all, `"guest`), strings.Count(all, `"command`); guest != written || command != 5 || written == 0 {
		t.Errorf("%d of %d and %d of 5 keys are there", guest, written, command)
	}
}

func jsonText(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
