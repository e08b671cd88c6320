package kv

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

func TestListChecks(t *testing.T) { eachWay(t, testListChecks) }

func testListChecks(t *testing.T, p *probe) {
	const badLimit = "KV GET failed: 400 Invalid key_count_limit of %d. Please specify an integer less than 1000."
	for _, c := range []struct {
		name string
		list abi.KVListRequest
		want string
	}{
		{"a limit of 1000 is the largest", abi.KVListRequest{Limit: number(1000)}, ""},
		{"a limit of 1001 is too large", abi.KVListRequest{Limit: number(1001)}, fmt.Sprintf(badLimit, 1001)},
		{"a limit beyond 32 bits is refused by the client", abi.KVListRequest{Limit: number(1 << 31)}, outOfRange},
		{"a prefix of 512 bytes is the longest", abi.KVListRequest{Prefix: keyOf(512)}, ""},
		{"a prefix of 513 bytes is too long", abi.KVListRequest{Prefix: keyOf(513)}, "KV GET failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512."},
		{"a prefix that is no UTF-8 is refused", abi.KVListRequest{Prefix: "\xff"}, fmt.Sprintf(notDecodable, "GET")},
		{"a dot is a prefix", abi.KVListRequest{Prefix: "."}, ""},
		{"a cursor that is no base64 is tolerated", abi.KVListRequest{Cursor: "what is this?"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.list(&c.list)
			wantError(t, err, c.want)
		})
	}
}

func TestALimitOfZeroOrLessMeansTheDefault(t *testing.T) {
	eachWay(t, testALimitOfZeroOrLessMeansTheDefault)
}

func testALimitOfZeroOrLessMeansTheDefault(t *testing.T, p *probe) {
	fillWith(t, p, 1001)
	for _, limit := range []*int64{nil, number(0), number(-1), number(-1 << 31), number(1000)} {
		r, err := p.list(&abi.KVListRequest{Limit: limit})
		if err != nil || len(r.Keys) != 1000 || r.ListComplete || r.Cursor == "" {
			t.Errorf("limit %v: %d keys, complete %v, %v", limit, len(r.Keys), r.ListComplete, err)
		}
	}
}

// fillWith writes n keys whose order is that of their numbers.
func fillWith(t testing.TB, p *probe, n int) {
	t.Helper()
	puts := make([]*abi.KVPutRequest, n)
	for i := range puts {
		puts[i] = &abi.KVPutRequest{Key: abi.ByteString(fmt.Sprintf("%06d", i))}
	}
	if err := p.live.(*live).opened[0].PutMany(t.Context(), puts, func(int) {}); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreListedInTheOrderOfTheirBytes(t *testing.T) {
	eachWay(t, testKeysAreListedInTheOrderOfTheirBytes)
}

func testKeysAreListedInTheOrderOfTheirBytes(t *testing.T, p *probe) {
	keys := []string{"b", "B", "a", "ab", "a\x00", "é", "z", "\U0001F913", "\uffff", "~", "a/b", "\x01", "10", "9"}
	for _, k := range keys {
		p.set(k, "v")
	}
	slices.Sort(keys) // Go compares bytes; UTF-16 would have \U0001F913 before \uffff
	if got := p.names(""); !slices.Equal(got, keys) {
		t.Errorf("got  %q\nwant %q", got, keys)
	}
}

func TestPrefixes(t *testing.T) { eachWay(t, testPrefixes) }

func testPrefixes(t *testing.T, p *probe) {
	for _, k := range []string{"a", "a:", "a:1", "a:2", "a;", "b", "é", "éa", "\U0010ffff", "\U0010ffffz", "%", "_", "%x"} {
		p.set(k, "v")
	}
	for prefix, want := range map[string][]string{
		"a:":           {"a:", "a:1", "a:2"},
		"a":            {"a", "a:", "a:1", "a:2", "a;"},
		"é":            {"é", "éa"},
		"\U0010ffff":   {"\U0010ffff", "\U0010ffffz"},
		"%":            {"%", "%x"},
		"_":            {"_"},
		"c":            {},
		"a:1 and more": {},
	} {
		if got := p.names(prefix); !slices.Equal(got, want) {
			t.Errorf("prefix %q: got %q, want %q", prefix, got, want)
		}
	}
}

func TestPagesCoverEverythingOnce(t *testing.T) { eachWay(t, testPagesCoverEverythingOnce) }

func testPagesCoverEverythingOnce(t *testing.T, p *probe) {
	fillWith(t, p, 25)
	for _, limit := range []int64{1, 2, 5, 7, 24, 25, 26} {
		var names []string
		q := abi.KVListRequest{Limit: &limit, Prefix: "0"}
		for pages := 1; ; pages++ {
			r, err := p.list(&q)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, keyNames(r.Keys)...)
			if r.ListComplete != (r.Cursor == "") {
				t.Errorf("limit %d: complete is %v with the cursor %q", limit, r.ListComplete, r.Cursor)
			}
			if r.ListComplete {
				if want := int((25 + limit - 1) / limit); pages != want {
					t.Errorf("limit %d took %d pages, want %d", limit, pages, want)
				}
				break
			}
			if int64(len(r.Keys)) != limit {
				t.Errorf("limit %d: a page of %d keys", limit, len(r.Keys))
			}
			q.Cursor = r.Cursor
		}
		if !slices.Equal(names, p.names("")) {
			t.Errorf("limit %d: the pages together are %v", limit, names)
		}
	}
}

func TestAFullPageWithOnlyExpiredKeysBehindItIsComplete(t *testing.T) {
	eachWay(t, testAFullPageWithOnlyExpiredKeysBehindItIsComplete)
}

func testAFullPageWithOnlyExpiredKeysBehindItIsComplete(t *testing.T, p *probe) {
	p.set("a", "v")
	p.set("b", "v")
	if err := p.put(&abi.KVPutRequest{Key: "c", ExpirationTTLS: number(60)}); err != nil {
		t.Fatal(err)
	}
	p.clock.advance(time.Minute)
	r, err := p.list(&abi.KVListRequest{Limit: number(2)})
	if err != nil || len(r.Keys) != 2 || !r.ListComplete || r.Cursor != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCursors(t *testing.T) { eachWay(t, testCursors) }

func testCursors(t *testing.T, p *probe) {
	for _, k := range []string{"a1", "a2", "b1", "b2", "c?>"} {
		p.set(k, "v")
	}
	after := func(key string) string { return base64.StdEncoding.EncodeToString([]byte(key)) }
	for _, c := range []struct {
		name string
		list abi.KVListRequest
		want string
	}{
		{"an empty cursor begins at the start", abi.KVListRequest{}, "a1 a2 b1 b2 c?>"},
		{"a cursor begins behind its key", abi.KVListRequest{Cursor: after("a2")}, "b1 b2 c?>"},
		{"its key need not exist any more", abi.KVListRequest{Cursor: after("a11")}, "a2 b1 b2 c?>"},
		{"the prefix is not remembered", abi.KVListRequest{Cursor: after("a1")}, "a2 b1 b2 c?>"},
		{"a prefix holds beside the cursor", abi.KVListRequest{Cursor: after("a1"), Prefix: "a"}, "a2"},
		{"a cursor before the prefix changes nothing", abi.KVListRequest{Cursor: after("a1"), Prefix: "b"}, "b1 b2"},
		{"a cursor behind the prefix leaves nothing", abi.KVListRequest{Cursor: after("c"), Prefix: "b"}, ""},
		{"the URL form of base64 is understood", abi.KVListRequest{Cursor: base64.RawURLEncoding.EncodeToString([]byte("c?>"))}, ""},
		{"padding may be missing", abi.KVListRequest{Cursor: strings.TrimRight(after("b1"), "=")}, "b2 c?>"},
		{"what is no base64 is passed over", abi.KVListRequest{Cursor: "!" + after("b1") + "\n"}, "b2 c?>"},
		{"a single character decodes to nothing", abi.KVListRequest{Cursor: "Y"}, "a1 a2 b1 b2 c?>"},
		{"any key may lie in a cursor", abi.KVListRequest{Cursor: after("\xff\xff")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := p.list(&c.list)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(keyNames(r.Keys), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzList(f *testing.F) {
	p := newProbe(f)
	keys := []string{"\x00", "a", "a\x00", "ab", "b", "é", "\U0010ffff"}
	for _, k := range keys {
		p.set(k, "v")
	}
	f.Add("", "", int64(0))
	f.Add("a", "YQ==", int64(1))
	f.Add("\U0010ffff", "////", int64(1000))
	f.Fuzz(func(t *testing.T, prefix, cursor string, limit int64) {
		r, err := p.list(&abi.KVListRequest{Prefix: abi.ByteString(prefix), Cursor: cursor, Limit: &limit})
		if err != nil {
			return
		}
		names := keyNames(r.Keys)
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("not in order: %q", names)
		}
		for _, n := range names {
			if !strings.HasPrefix(n, prefix) || !slices.Contains(keys, n) {
				t.Errorf("%q does not belong", n)
			}
		}
		if r.ListComplete != (r.Cursor == "") {
			t.Errorf("complete is %v with the cursor %q", r.ListComplete, r.Cursor)
		}
	})
}

func FuzzRequests(f *testing.F) {
	p := newProbe(f)
	p.set("k", "v")
	names := []string{abi.OpKVGet, abi.OpKVGetBulk, abi.OpKVPut, abi.OpKVDelete, abi.OpKVList}
	for i, m := range []interface{ AppendCBOR([]byte) []byte }{
		&abi.KVGetRequest{Key: "k", Type: "stream", CacheTTLS: number(30), WithMetadata: true},
		&abi.KVGetBulkRequest{Keys: []abi.ByteString{"k", "k", "m"}, Type: "json"},
		&abi.KVPutRequest{Key: "k", Value: []byte("v"), Stream: 1, Expiration: number(testNow + 60), Metadata: document("1")},
		&abi.KVDeleteRequest{Key: "x"},
		&abi.KVListRequest{Prefix: "k", Limit: number(3), Cursor: "aw=="},
	} {
		f.Add(uint8(i), m.AppendCBOR(nil))
	}
	f.Fuzz(func(t *testing.T, op uint8, msg []byte) {
		name := names[int(op)%len(names)]
		dst := []byte("before")
		got, err := p.ops[name].Run(t.Context(), newCall(p), msg, dst)
		if !strings.HasPrefix(string(got), "before") {
			t.Errorf("%s lost what was in the buffer", name)
		}
		if err != nil && len(got) != len(dst) {
			t.Errorf("%s failed with %v and left a reply", name, err)
		}
	})
}
