package e2e_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

func kvKeyCases() []kvCase {
	every := func(key, answer string) []step {
		return []step{{ask: get(key), answer: answer}, {ask: put(key, "v"), answer: answer}, {ask: del(key), answer: answer}}
	}
	tooLong := func(method string, n int) string {
		return failed(414, fmt.Sprintf("KV %s failed: 414 UTF-8 encoded length of %d exceeds key length limit of 512.", method, n))
	}
	lone := func(method string) string {
		return failed(400, "KV "+method+" failed: 400 Could not URL-decode key name")
	}
	cases := []kvCase{
		{"the empty key is refused", every("", refused("Key name cannot be empty."))},
		{`the key "." is refused`, every(".", refused(`"." is not allowed as a key name.`))},
		{`the key ".." is refused`, every("..", refused(`".." is not allowed as a key name.`))},
		{"a key that is no UTF-8 is refused", []step{
			{ask: get("\xed\xa0\x80"), answer: lone("GET")}, {ask: put("\xff", "v"), answer: lone("PUT")}, {ask: del("a\xc3"), answer: lone("DELETE")},
			{ask: bulk("a", "\xff"), answer: lone("GET_BULK")}, {ask: list().with("prefix", "\xff"), answer: lone("GET")},
		}},
		{"a key of 512 bytes is the longest", []step{
			store(strings.Repeat("k", 512), "v"), {ask: get(strings.Repeat("k", 512)), answer: found("v")}, {ask: bulk(strings.Repeat("k", 512)), answer: strings.Repeat("k", 512) + " " + found("v")},
			{ask: list().with("prefix", strings.Repeat("k", 512)), answer: strings.Repeat("k", 512) + " expiration=- metadata=-\ncomplete\n"}, {ask: del(strings.Repeat("k", 512)), answer: done},
		}},
		{"a key over 512 bytes is refused", []step{
			{ask: get(strings.Repeat("k", 513)), answer: tooLong("GET", 513)}, {ask: put(strings.Repeat("k", 513), "v"), answer: tooLong("PUT", 513)},
			{ask: del(strings.Repeat("k", 513)), answer: tooLong("DELETE", 513)}, {ask: bulk(strings.Repeat("k", 513)), answer: tooLong("GET_BULK", 513)},
			{ask: list().with("prefix", strings.Repeat("k", 513)), answer: tooLong("GET", 513)},
		}},
		{"the length of a key is counted in bytes", []step{store(strings.Repeat("é", 256), "v"), {ask: put(strings.Repeat("é", 257), "v"), answer: tooLong("PUT", 514)}}},
		{"keys that differ only in case or in Unicode form are different keys", []step{
			store("a", "1"), store("A", "2"), store("\u00e9", "3"), store("e\u0301", "4"),
			{ask: get("a"), answer: found("1")}, {ask: get("A"), answer: found("2")}, {ask: get("\u00e9"), answer: found("3")}, {ask: get("e\u0301"), answer: found("4")},
		}},
	}
	for _, key := range []string{"/", "a/b", "?", "a?b=c&d", "#", "a#b", "%", "%41", "%zz", "\x00", "a\x00b", "./x", "../x", "...", "a/../b", " ", "a b", "\n", "é🤓", `"'\;`} {
		shown := showBytes(key)
		cases = append(cases, kvCase{fmt.Sprintf("%q is a key like any other", key), []step{
			store(key, "v"), {ask: get(key), answer: found("v")}, {ask: list(), answer: shown + " expiration=- metadata=-\ncomplete\n"},
			{ask: list().with("prefix", key), answer: shown + " expiration=- metadata=-\ncomplete\n"}, {ask: del(key), answer: done}, {ask: get(key), answer: missing},
		}})
	}
	return cases
}

// showBytes writes bytes as the probes do.
func showBytes(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// numbered gives n keys.
func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%04d", i)
	}
	return keys
}

func kvBulkCases() []kvCase {
	invalidType := func(kind string) string {
		return failed(400, `KV GET_BULK failed: 400 "`+kind+`" is not a valid type. Use "json" or "text"`)
	}
	noJSON := failed(400, "KV GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value")
	return []kvCase{
		{"a bulk get answers in the order of first mention, missing keys in place, doubles once", []step{
			store("a", "1"), store("b", "2"), {ask: bulk("b", "none", "a", "b", "none"), answer: "b " + found("2") + "none missing\na " + found("1")},
		}},
		{"a bulk get gives metadata where it is asked for", []step{
			{ask: put("a", "1").with("metadata", "[1]"), answer: done}, store("b", ""),
			{ask: bulk("a", "b", "c").with("with_metadata", "1"), answer: "a value=1 metadata=[1]\nb value= metadata=-\nc missing\n"},
			{ask: bulk("a"), answer: "a " + found("1")},
		}},
		{"a bulk get with metadata gives falsy values like any other", []step{
			store("a", ""), store("b", "0"), store("c", "false"),
			{ask: bulk("b", "c").with("with_metadata", "1", "type", "json"), answer: "b " + found("0") + "c " + found("false")},
			{ask: bulk("a").with("with_metadata", "1"), answer: "a " + found("")},
		}},
		{"a bulk get of no key is refused", []step{{ask: bulk(), answer: failed(400, "KV GET_BULK failed: 400 You must request a minimum of 1 key")}}},
		{"a bulk get of 100 keys is the largest", []step{
			{ask: bulk(numbered(100)...), answer: strings.Join(numbered(100), " missing\n") + " missing\n"},
			{ask: bulk(numbered(101)...), answer: failed(400, "KV GET_BULK failed: 400 You can request a maximum of 100 keys")},
			{ask: bulk(slices.Repeat([]string{"a"}, 101)...), answer: failed(400, "KV GET_BULK failed: 400 You can request a maximum of 100 keys")},
		}},
		{"a bulk get with an empty key is refused", []step{{ask: bulk("a", ""), answer: failed(400, "KV GET_BULK failed: 400 Key names must not be empty")}}},
		{"a bulk get is of type text or json, written so", []step{
			store("a", "1"), {ask: bulk("a").with("type", "text"), answer: "a " + found("1")}, {ask: bulk("a").with("type", "json"), answer: "a " + found("1")},
			{ask: bulk("a").with("type", "arrayBuffer"), answer: invalidType("arrayBuffer")}, {ask: bulk("a").with("type", "stream"), answer: invalidType("stream")},
			{ask: bulk("a").with("type", "TEXT"), answer: invalidType("TEXT")}, {ask: bulk("none").with("type", "JSON"), answer: invalidType("JSON")},
		}},
		{"a bulk get of type json is refused when a value is no JSON", []step{
			store("a", "1"), store("b", "{"), store("c", ""), {ask: bulk("a", "b").with("type", "json"), answer: noJSON}, {ask: bulk("c").with("type", "json"), answer: noJSON},
			{ask: bulk("a", "none").with("type", "json"), answer: "a " + found("1") + "none missing\n"},
		}},
		{"a bulk get checks cacheTtl", []step{{ask: bulk("a").with("cache_ttl", "29"), answer: failed(400, "KV GET_BULK failed: 400 Invalid cache_ttl of 29. Cache TTL must be at least 30.")}, {ask: bulk("a").with("cache_ttl", "30"), answer: "a missing\n"}}},
		{"a bulk get does not mind what a single get refuses as a name", []step{{ask: bulk(".", ".."), answer: ". missing\n.. missing\n"}}},
	}
}

// page is the answer to a list.
func page(end string, keys ...string) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(showBytes(k) + " expiration=- metadata=-\n")
	}
	return b.String() + end + "\n"
}

// cursorAfter is the cursor of a page that ends with key. Guests must not look into it; that it is this one shows that it says where to go on.
func cursorAfter(key string) string { return base64.StdEncoding.EncodeToString([]byte(key)) }

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// storeAll writes keys.
func storeAll(keys ...string) []step {
	steps := make([]step, len(keys))
	for i, k := range keys {
		steps[i] = store(k, "v")
	}
	return steps
}

func kvListCases() []kvCase {
	limit := func(n string) ask { return list().with("limit", n) }
	tooMany := func(n string) string {
		return failed(400, "KV GET failed: 400 Invalid key_count_limit of "+n+". Please specify an integer less than 1000.")
	}
	after := cursorAfter
	byBytes := []string{"\x00", " ", "A", "Z", "a", "a\x00", "aa", "b", "~", "\u00e9", "\u07ff", "\uffee", "\U00010000", "\U0001f913"}
	return []kvCase{
		{"the list of an empty namespace is complete", []step{{ask: list(), answer: page("complete")}}},
		{"keys are listed in the order of their UTF-8 bytes", append(storeAll(reversed(byBytes)...), step{ask: list(), answer: page("complete", byBytes...)})},
		{"a prefix selects the keys that begin with it", append(storeAll("a", "a/", "a/1", "a/2", "a0", "b", "\U0010ffff", "\U0010ffffx"),
			step{ask: list().with("prefix", "a/"), answer: page("complete", "a/", "a/1", "a/2")}, step{ask: list().with("prefix", "c"), answer: page("complete")},
			step{ask: list().with("prefix", ""), answer: page("complete", "a", "a/", "a/1", "a/2", "a0", "b", "\U0010ffff", "\U0010ffffx")},
			step{ask: list().with("prefix", "\U0010ffff"), answer: page("complete", "\U0010ffff", "\U0010ffffx")})},
		{"a prefix is text, not a pattern", append(storeAll("a%b", "axb", "a_b", "*"), step{ask: list().with("prefix", "a%"), answer: page("complete", "a%b")},
			step{ask: list().with("prefix", "a_"), answer: page("complete", "a_b")}, step{ask: list().with("prefix", "*"), answer: page("complete", "*")})},
		{"a limit below 1 counts as none", append(storeAll("a", "b"), step{ask: limit("0"), answer: page("complete", "a", "b")}, step{ask: limit("-1"), answer: page("complete", "a", "b")},
			step{ask: limit("-2147483648"), answer: page("complete", "a", "b")})},
		{"a limit over 1000 is refused", []step{{ask: limit("1000"), answer: page("complete")}, {ask: limit("1001"), answer: tooMany("1001")}, {ask: limit("2147483647"), answer: tooMany("2147483647")}}},
		{"a limit beyond 32 bits is refused", []step{{ask: limit("2147483648"), answer: refused(outOfRange)}, {ask: limit("-2147483649"), answer: refused(outOfRange)}}},
		{"pages follow one another by their cursors", append(storeAll("a", "b", "c", "d", "e"),
			step{ask: limit("2"), answer: page("more "+after("b"), "a", "b")}, step{ask: limit("2").with("cursor", after("b")), answer: page("more "+after("d"), "c", "d")},
			step{ask: limit("2").with("cursor", after("d")), answer: page("complete", "e")})},
		{"a full page is complete when nothing follows, and has no cursor", append(storeAll("a", "b"), step{ask: limit("2"), answer: page("complete", "a", "b")})},
		{"a full page is complete when only expired keys follow", append(storeAll("a", "b"), step{ask: put("c", "v").with("ttl", "60"), answer: done},
			step{ask: limit("2"), answer: page("more "+after("b"), "a", "b")}, step{passed: 60}, step{ask: limit("2"), answer: page("complete", "a", "b")})},
		{"the prefix counts on the page it is given for, the cursor does not remember it", append(storeAll("a1", "a2", "a3", "b1"),
			step{ask: limit("2").with("prefix", "a"), answer: page("more "+after("a2"), "a1", "a2")},
			step{ask: limit("2").with("prefix", "a", "cursor", after("a2")), answer: page("complete", "a3")},
			step{ask: limit("2").with("cursor", after("a2")), answer: page("complete", "a3", "b1")})},
		{"a key written meanwhile shows on a later page only behind the cursor", append(storeAll("b", "d", "f"),
			step{ask: limit("2"), answer: page("more "+after("d"), "b", "d")}, store("a", "v"), store("e", "v"), step{ask: del("d"), answer: done},
			step{ask: limit("2").with("cursor", after("d")), answer: page("complete", "e", "f")})},
		{"any text is a cursor", append(storeAll("a", "b"), step{ask: list().with("cursor", "!"), answer: page("complete", "a", "b")}, step{ask: list().with("cursor", ""), answer: page("complete", "a", "b")},
			step{ask: list().with("cursor", "%%%%"), answer: page("complete", "a", "b")})},
		{"a list has metadata and expiration, and no value", []step{
			{ask: put("k", "v").with("metadata", `{"é":1}`, "ttl", "61"), answer: done}, {ask: list(), answer: "k expiration=" + at(61) + " metadata={\"%c3%a9\":1}\ncomplete\n"},
		}},
	}
}

// kvLimitCases are the limits on the size of values, and those that need many keys.
func kvLimitCases() []kvCase {
	const most = 26_214_400
	over := tooLarge("KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.")
	sized := func(key, source string, n int) ask {
		return put(key, "").with("source", source, "n", fmt.Sprint(n))
	}
	full := found(xs(most))
	tooMuch := tooLarge("KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB")
	return []kvCase{
		{"a value of 25 MiB is the longest", []step{
			{ask: sized("k", "memory", most), answer: done}, {ask: get("k"), answer: full}, {ask: get("k").with("type", "stream"), answer: full}, {ask: bulk("k"), answer: "k " + full},
		}},
		{"a body of 25 MiB can be stored as a value", []step{
			{ask: put("k", strings.Repeat("x", most)), answer: done}, {ask: get("k").with("type", "stream"), answer: full},
			{ask: put("k", strings.Repeat("x", most+1)), answer: over}, {ask: get("k").with("type", "stream"), answer: full},
		}},
		{"a value over 25 MiB is refused and nothing is stored", []step{
			store("k", "before"), {ask: sized("k", "memory", most+1), answer: over}, {ask: get("k"), answer: found("before")}, {ask: sized("new", "memory", most+1), answer: over}, {ask: get("new"), answer: missing},
		}},
		{"a stream of 25 MiB is the longest", []step{{ask: sized("k", "pipe", most), answer: done}, {ask: get("k").with("type", "stream"), answer: full}}},
		{"a stream over 25 MiB is refused and nothing is stored", []step{store("k", "before"), {ask: sized("k", "pipe", most+1), answer: over}, {ask: sized("k", "pipe", 30<<20), answer: over}, {ask: get("k"), answer: found("before")}}},
		{"a body over 25 MiB that is handed on unread is refused", []step{
			{ask: ask{op: "kv.put", body: strings.Repeat("x", most+1), chunk: true}.with("key", "k", "source", "stream"), answer: over}, {ask: get("k"), answer: missing},
			{ask: ask{op: "kv.put", body: strings.Repeat("x", most), chunk: true}.with("key", "k", "source", "stream"), answer: done}, {ask: get("k").with("type", "stream"), answer: full},
		}},
		{"a bulk get of 25 MiB together is the largest", []step{
			{ask: sized("a", "memory", most/2), answer: done}, {ask: sized("b", "memory", most-most/2), answer: done}, {ask: bulk("a", "b"), answer: "a " + found(xs(most/2)) + "b " + found(xs(most-most/2))},
			store("c", "x"), {ask: bulk("a", "b", "c"), answer: tooMuch}, {ask: bulk("a", "c", "none"), answer: "a " + found(xs(most/2)) + "c " + found("x") + "none missing\n"},
		}},
		{"a page of a list has 1000 keys at most, and as many without a limit", append(storeAll(numbered(1001)...),
			step{ask: list(), answer: page("more "+cursorAfter("0999"), numbered(1000)...)}, step{ask: list().with("limit", "1000"), answer: page("more "+cursorAfter("0999"), numbered(1000)...)},
			step{ask: list().with("cursor", cursorAfter("0999")), answer: page("complete", "1000")},
			step{ask: del("1000"), answer: done}, step{ask: list(), answer: page("complete", numbered(1000)...)}, step{ask: list().with("limit", "999"), answer: page("more "+cursorAfter("0998"), numbered(999)...)})},
	}
}

// xs is what the probes show of n times the letter x.
func xs(n int) string {
	hash := uint64(0xcbf29ce484222325)
	for range n {
		hash = (hash ^ 'x') * 0x100000001b3
	}
	return fmt.Sprintf("#%d:%x", n, hash)
}
