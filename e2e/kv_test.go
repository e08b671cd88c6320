package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// kvCase is a rule of KV as a sentence, with what shows it. Each case begins with an empty namespace.
type kvCase struct {
	rule  string
	steps []step
}

// step is one operation and its answer, or a passing of time.
type step struct {
	ask    ask
	answer string
	// passed is how many seconds pass instead.
	passed int64
}

// begin is the time at which every case begins, in seconds since the Unix epoch.
const begin = 1_800_000_000

// at is a time of a case, as a field of a message.
func at(seconds int64) string { return fmt.Sprint(begin + seconds) }

func refused(text string) string { return "error invalid_argument 0 " + text + "\n" }

func failed(status int, text string) string {
	return fmt.Sprintf("error invalid_argument %d %s\n", status, text)
}

func tooLarge(text string) string { return "error too_large 413 " + text + "\n" }

// found is the answer to a read.
func found(value string) string { return "value=" + value + " metadata=-\n" }

const (
	done    = "done\n"
	missing = "missing\n"
)

func TestKVThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.seconds.Store(begin)
	sites := map[string]string{}
	for language, probe := range probes() {
		sites[language] = serveInProcess(t, probe.bytes(t), c, map[string]string{"wrangler.toml": "kv_namespaces = [{binding = \"KV\"}]"})
	}
	for _, table := range [][]kvCase{kvGetCases(), kvPutCases(), kvExpirationCases(), kvMetadataCases(), kvKeyCases(), kvBulkCases(), kvListCases()} {
		for _, kv := range table {
			t.Run(kv.rule, func(t *testing.T) {
				kv.run(t, sites, "KV", c)
				c.seconds.Store(begin) // what has expired shows again
				for _, site := range sites {
					empty(t, site)
				}
			})
		}
	}
}

// TestLimitsOfKVThroughGuestsInEveryLanguage asks the real binary: these cases need no clock, and much time where the engine is watched for races.
func TestLimitsOfKVThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	cases := kvLimitCases()
	args := []string{"--port", "0", "--admin", "off"}
	for i := range cases {
		args = append(args, "-k", fmt.Sprint("KV", i))
	}
	sites := map[string]string{}
	for language, probe := range probes() {
		sites[language] = start(t, t.TempDir(), append([]string{"serve", probe.path(t)}, args...)...).URL
	}
	for i, kv := range cases {
		t.Run(kv.rule, func(t *testing.T) { kv.run(t, sites, fmt.Sprint("KV", i), &clock{}) })
	}
}

// run takes the steps of a case through functions in every language, which must all give the same answer.
func (kv kvCase) run(t *testing.T, sites map[string]string, target string, c *clock) {
	for _, s := range kv.steps {
		c.seconds.Add(s.passed)
		for language, site := range sites {
			if s.ask.op == "" {
				continue
			}
			if answer := s.ask.send(t, site, target); answer != s.answer {
				t.Fatalf("%s: %s %q\ngot  %q\nwant %q", language, s.ask.op, s.ask.fields, short(answer), short(s.answer))
			}
		}
	}
}

// empty deletes all keys.
func empty(t *testing.T, site string) {
	t.Helper()
	for line := range strings.Lines(list().send(t, site, "KV")) {
		shown, _, isKey := strings.Cut(line, " expiration=")
		key, err := url.PathUnescape(shown)
		if err != nil {
			t.Fatal(err)
		}
		if isKey {
			del(key).send(t, site, "KV")
		}
	}
}

// short is an answer that can be shown.
func short(s string) string {
	const longest = 2000
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}

// store is a step that writes a key.
func store(key, value string) step { return step{ask: put(key, value), answer: done} }

func kvGetCases() []kvCase {
	unknown := refused(`Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".`)
	typed := func(kind string) ask { return get("k").with("type", kind) }
	cases := []kvCase{
		{"a missing key reads as nothing", []step{{ask: get("k"), answer: missing}}},
		{"a missing key reads as nothing with metadata asked for", []step{{ask: get("k").with("with_metadata", "1"), answer: missing}}},
		{"metadata is given only where it is asked for", []step{
			{ask: put("k", "v").with("metadata", `{"a":1}`), answer: done},
			{ask: get("k"), answer: found("v")},
			{ask: get("k").with("with_metadata", "1"), answer: "value=v metadata={\"a\":1}\n"},
			{ask: typed("stream").with("with_metadata", "1"), answer: "value=v metadata={\"a\":1}\n"},
		}},
		{"a value can be passed on to the client as it is read", []step{
			store("k", "one\ntwo\x00"), {ask: typed("stream").with("pass", "1"), answer: "one\ntwo\x00"}, {ask: get("none").with("type", "stream"), answer: missing},
		}},
		{"a long value can be passed on to the client as it is read", []step{
			store("k", strings.Repeat("0123456789", 300_000)), {ask: typed("stream").with("pass", "1"), answer: strings.Repeat("0123456789", 300_000)},
		}},
		{"an unknown type is an error where the key exists", []step{
			store("k", "v"), {ask: typed("blob"), answer: unknown}, {ask: typed("TEXT"), answer: unknown}, {ask: typed("arraybuffer"), answer: unknown},
		}},
		{"an unknown type of a missing key is no error", []step{{ask: typed("blob"), answer: missing}}},
		{"cacheTtl of 30 and more is accepted", []step{
			store("k", "v"), {ask: get("k").with("cache_ttl", "30"), answer: found("v")}, {ask: get("k").with("cache_ttl", "2147483647"), answer: found("v")},
		}},
		{"cacheTtl below 30 is refused, for missing keys too", []step{
			{ask: get("k").with("cache_ttl", "29"), answer: failed(400, "KV GET failed: 400 Invalid cache_ttl of 29. Cache TTL must be at least 30.")},
			{ask: get("k").with("cache_ttl", "0"), answer: failed(400, "KV GET failed: 400 Invalid cache_ttl of 0. Cache TTL must be at least 30.")},
			{ask: get("k").with("cache_ttl", "-1"), answer: failed(400, "KV GET failed: 400 Invalid cache_ttl of -1. Cache TTL must be at least 30.")},
			{ask: get("k").with("cache_ttl", "2147483648"), answer: refused(outOfRange)},
		}},
	}
	for _, kind := range []string{"", "text", "json", "arrayBuffer", "stream"} {
		cases = append(cases, kvCase{"a value reads back as type " + kind, []step{store("k", `{"a":[1]}`), {ask: typed(kind), answer: found(`{"a":[1]}`)}}})
	}
	return cases
}

const outOfRange = "Value out of range. Must be between -2147483648 and 2147483647 (inclusive)."

func kvPutCases() []kvCase {
	every := make([]byte, 256)
	var shown strings.Builder
	for i := range every {
		every[i] = byte(i)
		if i > ' ' && i < 0x7f && i != '%' {
			shown.WriteByte(byte(i))
		} else {
			fmt.Fprintf(&shown, "%%%02x", i)
		}
	}
	both := func(value, shown string) []step {
		return []step{
			store("k", value), {ask: get("k"), answer: found(shown)}, {ask: get("k").with("type", "arrayBuffer"), answer: found(shown)},
			{ask: put("s", value).with("source", "stream"), answer: done}, {ask: get("s").with("type", "stream"), answer: found(shown)},
		}
	}
	return []kvCase{
		{"an empty value is stored and is not missing", both("", "")},
		{"every byte is stored as it is", both(string(every), shown.String())},
		{"a NUL byte is stored", both("\x00", "%00")},
		{"bytes that are no UTF-8 are stored", both("\xff\xfe\xc3", "%ff%fe%c3")},
		{"text is stored as UTF-8", both("é🤓", "%c3%a9%f0%9f%a4%93")},
		{"a put replaces the value", []step{store("k", "one"), store("k", "2"), {ask: get("k"), answer: found("2")}}},
		{"the body of a request can be stored unread, of unknown length too", []step{
			{ask: ask{op: "kv.put", body: "streamed", chunk: true}.with("key", "k", "source", "stream"), answer: done}, {ask: get("k"), answer: found("streamed")},
		}},
		{"a stream that breaks off stores nothing", []step{
			store("k", "before"), {ask: put("k", "").with("source", "abort", "n", "100000"), answer: brokenOff},
			{ask: put("new", "").with("source", "abort", "n", "0"), answer: brokenOff},
			{ask: get("k"), answer: found("before")}, {ask: get("new"), answer: missing},
		}},
		{"deleting a key makes it missing", []step{store("k", "v"), {ask: del("k"), answer: done}, {ask: get("k"), answer: missing}, {ask: list(), answer: "complete\n"}}},
		{"deleting a missing key is no error", []step{{ask: del("k"), answer: done}}},
	}
}

const brokenOff = "error stream_closed 0 the stream broke off before the value was complete; nothing was stored\n"

func kvExpirationCases() []kvCase {
	ttl := func(v string) ask { return put("k", "v").with("ttl", v) }
	expiration := func(v string) ask { return put("k", "v").with("expiration", v) }
	notPositive := func(v string) string {
		return failed(400, "KV PUT failed: 400 Invalid expiration_ttl of "+v+". Please specify integer greater than 0.")
	}
	tooNear := func(v string) string {
		return failed(400, "KV PUT failed: 400 Invalid expiration_ttl of "+v+". Expiration TTL must be at least 60.")
	}
	past := func(v string) string {
		return failed(400, "KV PUT failed: 400 Invalid expiration of "+v+". Please specify integer greater than the current number of seconds since the UNIX epoch.")
	}
	near := func(v string) string {
		return failed(400, "KV PUT failed: 400 Invalid expiration of "+v+". Expiration times must be at least 60 seconds in the future.")
	}
	listed := func(seconds int64) string { return "k expiration=" + at(seconds) + " metadata=-\ncomplete\n" }
	return []kvCase{
		{"a time to live of 0 or less is refused", []step{{ask: ttl("0"), answer: notPositive("0")}, {ask: ttl("-1"), answer: notPositive("-1")}, {ask: ttl("-2147483648"), answer: notPositive("-2147483648")}}},
		{"a time to live of 1 to 59 is refused", []step{{ask: ttl("1"), answer: tooNear("1")}, {ask: ttl("59"), answer: tooNear("59")}}},
		{"a time to live of 60 is the shortest", []step{{ask: ttl("60"), answer: done}, {ask: list(), answer: listed(60)}}},
		{"the longest time to live is that of a 32-bit number", []step{{ask: ttl("2147483647"), answer: done}, {ask: list(), answer: listed(2147483647)}}},
		{"a time to live beyond 32 bits is refused", []step{
			{ask: ttl("2147483648"), answer: refused(outOfRange)}, {ask: ttl("-2147483649"), answer: refused(outOfRange)}, {ask: get("k"), answer: missing},
		}},
		{"an expiration now or in the past is refused", []step{{ask: expiration(at(0)), answer: past(at(0))}, {ask: expiration(at(-1)), answer: past(at(-1))}, {ask: expiration("0"), answer: past("0")}, {ask: expiration("-5"), answer: past("-5")}}},
		{"an expiration in less than 60 seconds is refused", []step{{ask: expiration(at(1)), answer: near(at(1))}, {ask: expiration(at(59)), answer: near(at(59))}}},
		{"an expiration in 60 seconds is the nearest", []step{{ask: expiration(at(60)), answer: done}, {ask: list(), answer: listed(60)}}},
		{"an expiration beyond 32 bits, such as a time in milliseconds, is refused", []step{{ask: expiration("2147483647"), answer: done}, {ask: expiration("2147483648"), answer: refused(outOfRange)}, {ask: expiration("1800000100000"), answer: refused(outOfRange)}}},
		{"of both the time to live wins and the expiration is not looked at", []step{
			{ask: ttl("90").with("expiration", at(600)), answer: done}, {ask: list(), answer: listed(90)},
			{ask: ttl("91").with("expiration", "1"), answer: done}, {ask: list(), answer: listed(91)},
			{ask: ttl("59").with("expiration", at(600)), answer: tooNear("59")},
		}},
		{"a key is there until its second has come", []step{
			{ask: ttl("60"), answer: done}, {passed: 59}, {ask: get("k"), answer: found("v")}, {ask: list(), answer: listed(60)},
			{ask: bulk("k"), answer: "k " + found("v")}, {passed: 1},
			{ask: get("k"), answer: missing}, {ask: list(), answer: "complete\n"}, {ask: bulk("k"), answer: "k missing\n"}, {ask: get("k").with("type", "stream"), answer: missing},
		}},
		{"a put without expiration erases the one before", []step{
			{ask: ttl("60"), answer: done}, store("k", "stays"), {passed: 600}, {ask: get("k"), answer: found("stays")}, {ask: list(), answer: "k expiration=- metadata=-\ncomplete\n"},
		}},
		{"a refused put leaves what was there", []step{
			{ask: ttl("60").with("metadata", "1"), answer: done}, {ask: ttl("59").with("metadata", "2"), answer: tooNear("59")},
			{ask: get("k").with("with_metadata", "1"), answer: "value=v metadata=1\n"}, {ask: list(), answer: "k expiration=" + at(60) + " metadata=1\ncomplete\n"},
		}},
		{"an expired key can be written again", []step{{ask: ttl("60"), answer: done}, {passed: 100}, {ask: get("k"), answer: missing}, store("k", "new"), {ask: get("k"), answer: found("new")}}},
	}
}

func kvMetadataCases() []kvCase {
	with := func(metadata string) ask { return put("k", "v").with("metadata", metadata) }
	read := get("k").with("with_metadata", "1")
	keeps := func(metadata, shown string) kvCase {
		return kvCase{"metadata " + metadata + " is kept", []step{
			{ask: with(metadata), answer: done}, {ask: read, answer: "value=v metadata=" + shown + "\n"},
			{ask: bulk("k").with("with_metadata", "1"), answer: "k value=v metadata=" + shown + "\n"},
			{ask: list(), answer: "k expiration=- metadata=" + shown + "\ncomplete\n"},
		}}
	}
	text := func(n int) string { return `"` + strings.Repeat("m", n-2) + `"` }
	return []kvCase{
		keeps("0", "0"), keeps("false", "false"), keeps(`""`, `""`), keeps("[]", "[]"), keeps(`{"a":{"b":[1,2.5,null]}}`, `{"a":{"b":[1,2.5,null]}}`),
		keeps(`"é🤓"`, `"%c3%a9%f0%9f%a4%93"`), keeps("12345678901234567890", "12345678901234567890"),
		{"metadata null means none", []step{{ask: with("null"), answer: done}, {ask: read, answer: found("v")}, {ask: list(), answer: "k expiration=- metadata=-\ncomplete\n"}}},
		{"a put without metadata erases the one before", []step{{ask: with("1"), answer: done}, store("k", "v"), {ask: read, answer: found("v")}}},
		{"metadata of 1024 bytes is the longest", []step{{ask: with(text(1024)), answer: done}, {ask: read, answer: "value=v metadata=" + text(1024) + "\n"}}},
		{"metadata over 1024 bytes is refused and nothing is stored", []step{
			{ask: with(text(1025)), answer: tooLarge("KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.")}, {ask: get("k"), answer: missing},
		}},
		{"the length of metadata is counted in bytes", []step{
			{ask: with(`"` + strings.Repeat("é", 511) + `"`), answer: done},
			{ask: with(`"` + strings.Repeat("é", 512) + `"`), answer: tooLarge("KV PUT failed: 413 Metadata length of 1026 exceeds limit of 1024.")},
		}},
		{"metadata that is no JSON is refused", []step{{ask: with("{"), answer: refused("The metadata is not a JSON document.")}, {ask: with(""), answer: refused("The metadata is not a JSON document.")}, {ask: get("k"), answer: missing}}},
	}
}
