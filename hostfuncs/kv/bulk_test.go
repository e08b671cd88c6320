package kv

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestBulkGetChecks(t *testing.T) { eachWay(t, testBulkGetChecks) }

func testBulkGetChecks(t *testing.T, p *probe) {
	p.set("text", "not json")
	p.set("json", `{"a":1}`)
	keys := func(n int) (list []abi.ByteString) {
		for i := range n {
			list = append(list, abi.ByteString(fmt.Sprint(i)))
		}
		return list
	}
	const at = "KV GET_BULK failed: "
	for _, c := range []struct {
		name string
		get  abi.KVGetBulkRequest
		want string
	}{
		{"no key is too few", abi.KVGetBulkRequest{}, at + "400 You must request a minimum of 1 key"},
		{"one key is enough", abi.KVGetBulkRequest{Keys: keys(1)}, ""},
		{"100 keys are the most", abi.KVGetBulkRequest{Keys: keys(100)}, ""},
		{"101 keys are too many", abi.KVGetBulkRequest{Keys: keys(101)}, at + "400 You can request a maximum of 100 keys"},
		{"an empty key is refused", abi.KVGetBulkRequest{Keys: []abi.ByteString{"a", ""}}, at + "400 Key names must not be empty"},
		{"dots are merely missing", abi.KVGetBulkRequest{Keys: []abi.ByteString{".", ".."}}, ""},
		{"a key of 513 bytes is refused", abi.KVGetBulkRequest{Keys: []abi.ByteString{keyOf(513)}}, at + "414 UTF-8 encoded length of 513 exceeds key length limit of 512."},
		{"a key that is no UTF-8 is refused", abi.KVGetBulkRequest{Keys: []abi.ByteString{"\xff"}}, at + "400 Could not URL-decode key name"},
		{"text is a type", abi.KVGetBulkRequest{Keys: keys(1), Type: "text"}, ""},
		{"json is a type", abi.KVGetBulkRequest{Keys: []abi.ByteString{"json", "missing"}, Type: "json"}, ""},
		{"a value that is no JSON is refused with type json", abi.KVGetBulkRequest{Keys: []abi.ByteString{"json", "text"}, Type: "json"}, at + "400 At least one of the requested keys corresponds to a non-json value"},
		{"arrayBuffer is no type", abi.KVGetBulkRequest{Keys: keys(1), Type: "arrayBuffer"}, at + `400 "arrayBuffer" is not a valid type. Use "json" or "text"`},
		{"stream is no type", abi.KVGetBulkRequest{Keys: keys(1), Type: "stream"}, at + `400 "stream" is not a valid type. Use "json" or "text"`},
		{"types are case-sensitive", abi.KVGetBulkRequest{Keys: keys(1), Type: "TEXT"}, at + `400 "TEXT" is not a valid type. Use "json" or "text"`},
		{"a cacheTtl of 29 is too short", abi.KVGetBulkRequest{Keys: keys(1), CacheTTLS: number(29)}, at + "400 Invalid cache_ttl of 29. Cache TTL must be at least 30."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.getBulk(&c.get)
			wantError(t, err, c.want)
		})
	}
}

func TestBulkGetAnswersEachKeyOnceInTheOrderOfFirstMention(t *testing.T) {
	eachWay(t, testBulkGetAnswersEachKeyOnceInTheOrderOfFirstMention)
}

func testBulkGetAnswersEachKeyOnceInTheOrderOfFirstMention(t *testing.T, p *probe) {
	if err := p.put(&abi.KVPutRequest{Key: "b", Value: []byte("B"), Metadata: document("1")}); err != nil {
		t.Fatal(err)
	}
	p.set("a", "")
	for _, with := range []bool{false, true} {
		r, err := p.getBulk(&abi.KVGetBulkRequest{Keys: []abi.ByteString{"b", "missing", "a", "b", "missing"}, WithMetadata: with})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range r.Entries {
			got = append(got, fmt.Sprintf("%s:%v:%s:%v", e.Key, e.Found, e.Value, e.Metadata != nil))
		}
		want := fmt.Sprintf("b:true:B:%v missing:false::false a:true::false", with)
		if strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestABulkGetMayHave25MiBTogether(t *testing.T) { eachWay(t, testABulkGetMayHave25MiBTogether) }

func testABulkGetMayHave25MiBTogether(t *testing.T, p *probe) {
	half := make([]byte, abi.KVValueBytesMax/2)
	for _, put := range []abi.KVPutRequest{{Key: "a", Value: half}, {Key: "b", Value: half}, {Key: "c", Value: []byte("x")}} {
		if err := p.put(&put); err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.getBulk(&abi.KVGetBulkRequest{Keys: []abi.ByteString{"a", "b", "a"}})
	wantError(t, err, "")
	_, err = p.getBulk(&abi.KVGetBulkRequest{Keys: []abi.ByteString{"a", "b", "c"}})
	wantError(t, err, "KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB")
}

func TestFilesOfPuts(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"nothing", `[]`, ""},
		{"all fields", `[{"key":"k","value":"v","expiration":1,"expiration_ttl":2,"metadata":{"a": 1},"base64":false}]`, `k=v 1 2 {"a":1}`},
		{"base64", `[{"key":"k","value":"AP8=","base64":true}]`, "k=\x00\xff"},
		{"metadata that is null", `[{"key":"k","value":"v","metadata":null}]`, "k=v null"},
		{"a value that is no string", `[{"key":"k","value":1}]`, `item 0: "value" must not be a JSON number`},
		{"a value that is missing", `[{"key":"a","value":""},{"key":"k"}]`, `item 1: "key" and "value" are required and must be strings`},
		{"an unknown field", `[{"key":"k","value":"v","ttl":1}]`, `item 0: unknown field "ttl"`},
		{"base64 that is none", `[{"key":"k","value":"?","base64":true}]`, `item 0: "value" is not base64: illegal base64 data at input byte 0`},
		{"no array", `{"key":"k"}`, "not a JSON array: found a JSON object"},
		{"something behind", `[] []`, "there is something after the JSON array"},
		{"all problems at once", `[1,{"key":"k"}]`, "item 0: found a JSON number\nitem 1: \"key\" and \"value\" are required and must be strings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			puts, err := ReadPuts(strings.NewReader(c.file))
			got := fmt.Sprint(err)
			if err == nil {
				got = describe(puts)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func describe(puts []*abi.KVPutRequest) string {
	var parts []string
	for _, q := range puts {
		parts = append(parts, fmt.Sprintf("%s=%s", q.Key, q.Value))
		for _, n := range []*int64{q.Expiration, q.ExpirationTTLS} {
			if n != nil {
				parts = append(parts, fmt.Sprint(*n))
			}
		}
		if q.Metadata != nil {
			parts = append(parts, string(*q.Metadata))
		}
	}
	return strings.Join(parts, " ")
}

func TestFilesOfKeys(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"strings", `["a","b"]`, "a b"},
		{"what a list prints", `[{"name":"a","expiration":1},"b"]`, "a b"},
		{"a number", `["a",1]`, `item 1: must be a string, or an object whose "name" is one`},
		{"null", `[null]`, `item 0: must be a string, or an object whose "name" is one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := ReadKeys(strings.NewReader(c.file))
			got := fmt.Sprint(err)
			if err == nil {
				got = strings.Trim(fmt.Sprint(keys), "[]")
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzFiles(f *testing.F) {
	f.Add([]byte(`[{"key":"k","value":"AP8=","base64":true,"metadata":{}},"a",{"name":"n"}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		ReadPuts(strings.NewReader(string(file)))
		ReadKeys(strings.NewReader(string(file)))
	})
}

func TestManyAreWrittenListedAndDeleted(t *testing.T) {
	p := newProbe(t)
	n := p.live.(*live).opened[0]
	var puts []*abi.KVPutRequest
	var keys []abi.ByteString
	for i := range 2*manyEntriesMax + 10 {
		keys = append(keys, abi.ByteString(fmt.Sprintf("%05d", i)))
		puts = append(puts, &abi.KVPutRequest{Key: keys[i], Value: []byte(fmt.Sprint(i))})
	}
	var steps []int
	progress := func(done int) { steps = append(steps, done) }
	if err := n.PutMany(t.Context(), puts, progress); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(steps); got != "[500 1000 1010]" {
		t.Errorf("progress was %s", got)
	}
	listed := 0
	if err := n.EachKey(t.Context(), "", func(*abi.KVKey) error { listed++; return nil }); err != nil || listed != len(keys) {
		t.Errorf("%d keys listed, %v", listed, err)
	}
	if err := n.DeleteMany(t.Context(), keys[1:], func(int) {}); err != nil {
		t.Fatal(err)
	}
	if got := p.names(""); len(got) != 1 || got[0] != "00000" {
		t.Errorf("left are %v", got)
	}
}

func TestARefusedItemKeepsAllFromBeingWritten(t *testing.T) {
	p := newProbe(t)
	n := p.live.(*live).opened[0]
	err := n.PutMany(t.Context(), []*abi.KVPutRequest{{Key: "a"}, {Key: ""}, {Key: "b", ExpirationTTLS: number(1)}}, func(int) {})
	want := "item 1: Key name cannot be empty.\nitem 2: KV PUT failed: 400 Invalid expiration_ttl of 1. Expiration TTL must be at least 60."
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if got := p.names(""); len(got) != 0 {
		t.Errorf("stored are %v", got)
	}
}

func TestWhatIsPrintedCanBePutAgain(t *testing.T) {
	p := newProbe(t)
	n := p.live.(*live).opened[0]
	for key, value := range map[string]string{"text": "é", "bytes": "\xff\x00", "empty": ""} {
		q := abi.KVPutRequest{Key: abi.ByteString(key), Value: []byte(value), Metadata: document(`{"k":"` + key + `"}`)}
		if err := p.put(&q); err != nil {
			t.Fatal(err)
		}
	}
	var items []map[string]any
	err := n.EachEntry(context.Background(), []abi.ByteString{"text", "bytes", "empty", "missing", "text"}, func(e *abi.KVEntry) error {
		v := NewFileValue(e)
		if v.Value != nil {
			items = append(items, map[string]any{"key": e.Key, "value": v.Value, "base64": v.Base64, "metadata": v.Metadata})
		} else if e.Key != "missing" {
			t.Errorf("%s has no value", e.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(items)
	puts, err := ReadPuts(strings.NewReader(string(text)))
	if err != nil || len(puts) != 3 {
		t.Fatalf("%d items, %v", len(puts), err)
	}
	for _, q := range puts {
		if got, _ := p.value(string(q.Key)); got != string(q.Value) || string(*q.Metadata) != `{"k":"`+string(q.Key)+`"}` {
			t.Errorf("%s came out as %q with %s", q.Key, q.Value, *q.Metadata)
		}
	}
}
