package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// start of the tests' time, in seconds since the Unix epoch.
const testNow = 1_800_000_000

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(testNow, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// streams are the streams of a pretended event.
type streams struct {
	mu       sync.Mutex
	readable map[abi.Handle]io.ReadCloser
	next     abi.Handle
}

func (s *streams) add(r io.ReadCloser) abi.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.readable[s.next] = r
	return s.next
}

// TakeReadable implements [hostfuncs.Streams].
func (s *streams) TakeReadable(h abi.Handle) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.readable[h]
	if !ok {
		return nil, &abi.Error{Code: abi.CodeBadHandle}
	}
	delete(s.readable, h)
	return r, nil
}

// GiveReadable implements [hostfuncs.Streams].
func (s *streams) GiveReadable(r io.ReadCloser) (abi.Handle, error) { return s.add(r), nil }

// probe is an opened binding, called as a guest's messages are.
type probe struct {
	t       testing.TB
	dir     string
	clock   *clock
	streams *streams
	live    hostfuncs.Live
	ops     map[string]hostfuncs.Operation
	target  string
	// send sends one message to the target and gives the reply.
	send func(op string, msg []byte) ([]byte, error)
}

// newProbe opens a binding NS in a new directory.
func newProbe(t testing.TB) *probe {
	return openProbe(t, t.TempDir(), newClock(), &Resource{Binding: "NS", ID: "ns"})
}

func openProbe(t testing.TB, dir string, c *clock, resources ...hostfuncs.Resource) *probe {
	t.Helper()
	p := &probe{t: t, dir: dir, clock: c, target: "NS", streams: &streams{readable: map[abi.Handle]io.ReadCloser{}}}
	live, err := New().Open(t.Context(), hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: dir, Now: c.Now, Metrics: prometheus.NewRegistry(), Durability: "relaxed",
	}, resources)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { live.Close(t.Context()) })
	p.live, p.ops = live, map[string]hostfuncs.Operation{}
	for _, op := range live.Operations() {
		p.ops[op.Name] = op
	}
	p.send = func(op string, msg []byte) ([]byte, error) {
		return p.ops[op].Run(context.Background(), hostfuncs.NewCall(p.target, p.streams), msg, nil)
	}
	return p
}

// run sends one message and decodes the reply.
func (p *probe) run(op string, request interface{ AppendCBOR([]byte) []byte }, reply interface{ DecodeCBOR([]byte) error }) error {
	b, err := p.send(op, request.AppendCBOR(nil))
	if err != nil {
		return err
	}
	if err := reply.DecodeCBOR(b); err != nil {
		p.t.Fatalf("%s: reply %x: %v", op, b, err)
	}
	return nil
}

func (p *probe) get(q *abi.KVGetRequest) (r abi.KVGetReply, err error) {
	return r, p.run(abi.OpKVGet, q, &r)
}

func (p *probe) getBulk(q *abi.KVGetBulkRequest) (r abi.KVGetBulkReply, err error) {
	return r, p.run(abi.OpKVGetBulk, q, &r)
}

func (p *probe) put(q *abi.KVPutRequest) error { return p.run(abi.OpKVPut, q, &abi.KVPutReply{}) }

func (p *probe) delete(key string) error {
	return p.run(abi.OpKVDelete, &abi.KVDeleteRequest{Key: abi.ByteString(key)}, &abi.KVDeleteReply{})
}

func (p *probe) list(q *abi.KVListRequest) (r abi.KVListReply, err error) {
	return r, p.run(abi.OpKVList, q, &r)
}

// set writes a key that must be accepted.
func (p *probe) set(key, value string) {
	p.t.Helper()
	if err := p.put(&abi.KVPutRequest{Key: abi.ByteString(key), Value: []byte(value)}); err != nil {
		p.t.Fatal(err)
	}
}

// value reads a key as text; false when it is not there.
func (p *probe) value(key string) (string, bool) {
	p.t.Helper()
	r, err := p.get(&abi.KVGetRequest{Key: abi.ByteString(key)})
	if err != nil {
		p.t.Fatal(err)
	}
	return string(r.Value), r.Found
}

// names lists all keys with a prefix.
func (p *probe) names(prefix string) []string {
	p.t.Helper()
	r, err := p.list(&abi.KVListRequest{Prefix: abi.ByteString(prefix)})
	if err != nil {
		p.t.Fatal(err)
	}
	return keyNames(r.Keys)
}

func keyNames(keys []abi.KVKey) []string {
	names := []string{}
	for _, k := range keys {
		names = append(names, string(k.Name))
	}
	return names
}

// number and document make optional fields.
func number(n int64) *int64          { return &n }
func document(s string) *abi.JSON    { j := abi.JSON(s); return &j }
func keyOf(bytes int) abi.ByteString { return abi.ByteString(strings.Repeat("k", bytes)) }

// wantError checks an error's text, status and code; an empty text wants none.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	var public *abi.Error
	if !errors.As(err, &public) {
		t.Fatalf("got %v, want %q", err, text)
	}
	if public.Message != text {
		t.Errorf("got  %q\nwant %q", public.Message, text)
	}
	var method string
	var status uint32
	fmt.Sscanf(text, "KV %s failed: %d", &method, &status)
	if public.Status != status {
		t.Errorf("status is %d, want %d", public.Status, status)
	}
	want := abi.CodeInvalidArgument
	if status == 413 {
		want = abi.CodeTooLarge
	}
	if public.Code != want {
		t.Errorf("code is %v, want %v", public.Code, want)
	}
}

// expiration texts have no better home: both forms, for a put.
const (
	badTTL        = "KV PUT failed: 400 Invalid expiration_ttl of %d. Please specify integer greater than 0."
	shortTTL      = "KV PUT failed: 400 Invalid expiration_ttl of %d. Expiration TTL must be at least 60."
	badExpiration = "KV PUT failed: 400 Invalid expiration of %d. Please specify integer greater than the current number of seconds since the UNIX epoch."
	nearBy        = "KV PUT failed: 400 Invalid expiration of %d. Expiration times must be at least 60 seconds in the future."
	outOfRange    = "Value out of range. Must be between -2147483648 and 2147483647 (inclusive)."
	notDecodable  = "KV %s failed: 400 Could not URL-decode key name"
)

func TestKeysOfSingleOperations(t *testing.T) { eachWay(t, testKeysOfSingleOperations) }

func testKeysOfSingleOperations(t *testing.T, p *probe) {
	operations := []struct {
		method string
		run    func(abi.ByteString) error
	}{
		{"GET", func(k abi.ByteString) error { _, err := p.get(&abi.KVGetRequest{Key: k}); return err }},
		{"PUT", func(k abi.ByteString) error { return p.put(&abi.KVPutRequest{Key: k, Value: []byte("v")}) }},
		{"DELETE", func(k abi.ByteString) error { return p.delete(string(k)) }},
	}
	for _, c := range []struct {
		name string
		key  abi.ByteString
		want string // %s stands for the method
	}{
		{"an empty key is refused by the client", "", "Key name cannot be empty."},
		{"a dot is refused by the client", ".", `"." is not allowed as a key name.`},
		{"two dots are refused by the client", "..", `".." is not allowed as a key name.`},
		{"three dots are a key", "...", ""},
		{"a path with a dot in front is a key", "./x", ""},
		{"a path with two dots in front is a key", "../x", ""},
		{"URL syntax may be in a key", "a/b?c#d%20e%", ""},
		{"NUL may be in a key", "a\x00b", ""},
		{"one character is a key", "k", ""},
		{"511 bytes are a key", keyOf(511), ""},
		{"512 bytes are a key", keyOf(512), ""},
		{"513 bytes are too long", keyOf(513), "KV %s failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512."},
		{"the limit counts bytes, not characters", abi.ByteString(strings.Repeat("é", 257)), "KV %s failed: 414 UTF-8 encoded length of 514 exceeds key length limit of 512."},
		{"256 characters of two bytes are a key", abi.ByteString(strings.Repeat("é", 256)), ""},
		{"bytes that are no UTF-8 are refused", "\xff", notDecodable},
		{"a lone surrogate is refused", "a\xed\xa0\x80", notDecodable},
		{"a cut character is refused", "a\xc3", notDecodable},
	} {
		for _, o := range operations {
			t.Run(c.name+" in "+o.method, func(t *testing.T) {
				want := c.want
				if strings.Contains(want, "%s") {
					want = fmt.Sprintf(want, o.method)
				}
				wantError(t, o.run(c.key), want)
			})
		}
	}
}

func TestPutChecks(t *testing.T) { eachWay(t, testPutChecks) }

func testPutChecks(t *testing.T, p *probe) {
	quoted := func(n int) *abi.JSON { return document(`"` + strings.Repeat("m", n-2) + `"`) }
	for _, c := range []struct {
		name string
		put  abi.KVPutRequest
		want string
	}{
		{"a ttl of 60 seconds is the shortest", abi.KVPutRequest{ExpirationTTLS: number(60)}, ""},
		{"a ttl of 59 seconds is too short", abi.KVPutRequest{ExpirationTTLS: number(59)}, fmt.Sprintf(shortTTL, 59)},
		{"a ttl of 1 second is too short", abi.KVPutRequest{ExpirationTTLS: number(1)}, fmt.Sprintf(shortTTL, 1)},
		{"a ttl of 0 is refused in other words", abi.KVPutRequest{ExpirationTTLS: number(0)}, fmt.Sprintf(badTTL, 0)},
		{"a negative ttl is refused", abi.KVPutRequest{ExpirationTTLS: number(-1)}, fmt.Sprintf(badTTL, -1)},
		{"the largest ttl is 2147483647", abi.KVPutRequest{ExpirationTTLS: number(2147483647)}, ""},
		{"a ttl in milliseconds is out of range", abi.KVPutRequest{ExpirationTTLS: number(1 << 31)}, outOfRange},
		{"a ttl below the range is refused by the client", abi.KVPutRequest{ExpirationTTLS: number(-1<<31 - 1)}, outOfRange},
		{"an expiration of now is refused", abi.KVPutRequest{Expiration: number(testNow)}, fmt.Sprintf(badExpiration, testNow)},
		{"an expiration in the past is refused", abi.KVPutRequest{Expiration: number(1)}, fmt.Sprintf(badExpiration, 1)},
		{"an expiration a second from now is too near", abi.KVPutRequest{Expiration: number(testNow + 1)}, fmt.Sprintf(nearBy, testNow+1)},
		{"an expiration 59 seconds from now is too near", abi.KVPutRequest{Expiration: number(testNow + 59)}, fmt.Sprintf(nearBy, testNow+59)},
		{"an expiration 60 seconds from now is the nearest", abi.KVPutRequest{Expiration: number(testNow + 60)}, ""},
		{"an expiration in milliseconds is out of range", abi.KVPutRequest{Expiration: number(testNow * 1000)}, outOfRange},
		{"the ttl wins and a bad expiration is not looked at", abi.KVPutRequest{ExpirationTTLS: number(60), Expiration: number(1)}, ""},
		{"a bad ttl is refused though the expiration is good", abi.KVPutRequest{ExpirationTTLS: number(5), Expiration: number(testNow + 60)}, fmt.Sprintf(shortTTL, 5)},
		{"metadata of 1024 bytes is the longest", abi.KVPutRequest{Metadata: quoted(1024)}, ""},
		{"metadata of 1025 bytes is too long", abi.KVPutRequest{Metadata: quoted(1025)}, "KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024."},
		{"metadata that is no JSON is refused", abi.KVPutRequest{Metadata: document(`{"a":`)}, "The metadata is not a JSON document."},
		{"empty metadata is no JSON", abi.KVPutRequest{Metadata: document("")}, "The metadata is not a JSON document."},
		{"an empty value is a value", abi.KVPutRequest{}, ""},
		{"25 MiB are the longest value", abi.KVPutRequest{Value: make([]byte, 26_214_400)}, ""},
		{"25 MiB and a byte are too long", abi.KVPutRequest{Value: make([]byte, 26_214_401)}, "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400."},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.put.Key = "k"
			wantError(t, p.put(&c.put), c.want)
		})
	}
}

func TestARefusedPutLeavesWhatWasThere(t *testing.T) { eachWay(t, testARefusedPutLeavesWhatWasThere) }

func testARefusedPutLeavesWhatWasThere(t *testing.T, p *probe) {
	p.set("k", "before")
	if err := p.put(&abi.KVPutRequest{Key: "k", Value: []byte("after"), ExpirationTTLS: number(1)}); err == nil {
		t.Fatal("the put was accepted")
	}
	if got, _ := p.value("k"); got != "before" {
		t.Errorf("the value is %q", got)
	}
}

func TestGetChecks(t *testing.T) { eachWay(t, testGetChecks) }

func testGetChecks(t *testing.T, p *probe) {
	p.set("there", "value")
	const badCacheTTL = "KV GET failed: 400 Invalid cache_ttl of %d. Cache TTL must be at least 30."
	const badType = `Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".`
	for _, c := range []struct {
		name string
		get  abi.KVGetRequest
		want string
	}{
		{"no type means text", abi.KVGetRequest{Key: "there"}, ""},
		{"text is a type", abi.KVGetRequest{Key: "there", Type: "text"}, ""},
		{"json is a type, parsed by the guest", abi.KVGetRequest{Key: "there", Type: "json"}, ""},
		{"arrayBuffer is a type", abi.KVGetRequest{Key: "there", Type: "arrayBuffer"}, ""},
		{"stream is a type", abi.KVGetRequest{Key: "there", Type: "stream"}, ""},
		{"types are case-sensitive", abi.KVGetRequest{Key: "there", Type: "TEXT"}, badType},
		{"an unknown type is refused", abi.KVGetRequest{Key: "there", Type: "blob"}, badType},
		{"an unknown type of a missing key is not", abi.KVGetRequest{Key: "missing", Type: "blob"}, ""},
		{"a cacheTtl of 30 is the shortest", abi.KVGetRequest{Key: "there", CacheTTLS: number(30)}, ""},
		{"a cacheTtl of 29 is too short", abi.KVGetRequest{Key: "there", CacheTTLS: number(29)}, fmt.Sprintf(badCacheTTL, 29)},
		{"a cacheTtl of 0 is too short", abi.KVGetRequest{Key: "there", CacheTTLS: number(0)}, fmt.Sprintf(badCacheTTL, 0)},
		{"a bad cacheTtl of a missing key is refused too", abi.KVGetRequest{Key: "missing", CacheTTLS: number(1)}, fmt.Sprintf(badCacheTTL, 1)},
		{"a cacheTtl beyond 32 bits is refused by the client", abi.KVGetRequest{Key: "there", CacheTTLS: number(1 << 31)}, outOfRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.get(&c.get)
			wantError(t, err, c.want)
		})
	}
}

func TestTheReplyToAGetIsWhatTheCodecMakes(t *testing.T) {
	p := newProbe(t)
	for _, size := range []int{0, 1, 23, 24, 255, 256, 65535, 65536, largeBytes - 1, largeBytes, largeBytes + 1, 3*largeBytes + 7} {
		for _, metadata := range []*abi.JSON{nil, document(`{"a":"é🤓"}`)} {
			for _, with := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d bytes, metadata %v, asked for %v", size, metadata != nil, with), func(t *testing.T) {
					value := pattern(size)
					if err := p.put(&abi.KVPutRequest{Key: "k", Value: value, Metadata: metadata}); err != nil {
						t.Fatal(err)
					}
					want := abi.KVGetReply{Found: true, Value: value}
					if with {
						want.Metadata = metadata
					}
					request := abi.KVGetRequest{Key: "k", WithMetadata: with}
					before := []byte("before")
					got, err := p.ops[abi.OpKVGet].Run(t.Context(), hostfuncs.NewCall("NS", nil), request.AppendCBOR(nil), before)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, want.AppendCBOR(before)) {
						t.Error("the bytes differ")
					}
				})
			}
		}
	}
}

// pattern makes bytes that differ from place to place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

func TestAMissingKeyIsNoError(t *testing.T) { eachWay(t, testAMissingKeyIsNoError) }

func testAMissingKeyIsNoError(t *testing.T, p *probe) {
	for _, valueType := range []string{"", "text", "json", "arrayBuffer", "stream"} {
		r, err := p.get(&abi.KVGetRequest{Key: "missing", Type: valueType, WithMetadata: true})
		if err != nil || r.Found || r.Value != nil || r.Stream != 0 || r.Metadata != nil {
			t.Errorf("type %q: %+v, %v", valueType, r, err)
		}
	}
	if err := p.delete("missing"); err != nil {
		t.Error(err)
	}
}

func TestMetadata(t *testing.T) { eachWay(t, testMetadata) }

func testMetadata(t *testing.T, p *probe) {
	for _, c := range []struct {
		name     string
		metadata *abi.JSON
		want     string // empty for none
	}{
		{"none is none", nil, ""},
		{"null means none", document("null"), ""},
		{"null with space around means none", document(" null\n"), ""},
		{"zero is kept", document("0"), "0"},
		{"false is kept", document("false"), "false"},
		{"an empty string is kept", document(`""`), `""`},
		{"an array is kept", document(`[1,"a"]`), `[1,"a"]`},
		{"text beyond ASCII is kept", document(`{"a":"é🤓"}`), `{"a":"é🤓"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := p.put(&abi.KVPutRequest{Key: "k", Value: []byte("v"), Metadata: c.metadata}); err != nil {
				t.Fatal(err)
			}
			r, err := p.get(&abi.KVGetRequest{Key: "k", WithMetadata: true})
			if err != nil {
				t.Fatal(err)
			}
			list, err := p.list(&abi.KVListRequest{})
			if err != nil {
				t.Fatal(err)
			}
			for where, got := range map[string]*abi.JSON{"get": r.Metadata, "list": list.Keys[0].Metadata} {
				if c.want == "" && got != nil || c.want != "" && (got == nil || string(*got) != c.want) {
					t.Errorf("%s gave %v, want %q", where, got, c.want)
				}
			}
		})
	}
}

func TestAPutErasesMetadataAndExpirationItDoesNotGive(t *testing.T) {
	eachWay(t, testAPutErasesMetadataAndExpirationItDoesNotGive)
}

func testAPutErasesMetadataAndExpirationItDoesNotGive(t *testing.T, p *probe) {
	if err := p.put(&abi.KVPutRequest{Key: "k", Metadata: document("1"), ExpirationTTLS: number(60)}); err != nil {
		t.Fatal(err)
	}
	p.set("k", "plain")
	p.clock.advance(time.Hour)
	r, err := p.get(&abi.KVGetRequest{Key: "k", WithMetadata: true})
	if err != nil || !r.Found || r.Metadata != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestKeysExpireAtTheirSecond(t *testing.T) {
	for _, c := range []struct {
		name string
		put  abi.KVPutRequest
	}{
		{"by ttl", abi.KVPutRequest{ExpirationTTLS: number(100)}},
		{"by expiration", abi.KVPutRequest{Expiration: number(testNow + 100)}},
		{"by ttl though an expiration is given too", abi.KVPutRequest{ExpirationTTLS: number(100), Expiration: number(testNow + 500)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, p *probe) { testExpiry(t, p, c.put) })
		})
	}
}

// testExpiry checks that a put with 100 seconds to live is there just until then.
func testExpiry(t *testing.T, p *probe, put abi.KVPutRequest) {
	put.Key = "k"
	if err := p.put(&put); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want bool) {
		t.Helper()
		bulk, err := p.getBulk(&abi.KVGetBulkRequest{Keys: []abi.ByteString{"k"}})
		if err != nil {
			t.Fatal(err)
		}
		_, found := p.value("k")
		if listed := len(p.names("")) == 1; found != want || listed != want || bulk.Entries[0].Found != want {
			t.Errorf("%s: get %v, list %v, bulk %v, want %v", when, found, listed, bulk.Entries[0].Found, want)
		}
	}
	list, _ := p.list(&abi.KVListRequest{})
	if at := list.Keys[0].Expiration; at == nil || *at != testNow+100 {
		t.Errorf("the list says it expires at %v", at)
	}
	p.clock.advance(99*time.Second + 999*time.Millisecond)
	check("just before", true)
	p.clock.advance(time.Millisecond)
	check("at its second", false)
}

func TestTheSweeperRemovesWhatHasExpired(t *testing.T) {
	p := newProbe(t)
	for i := range 3*sweepEntriesMax + 1 {
		q := abi.KVPutRequest{Key: abi.ByteString(fmt.Sprint(i)), Value: []byte("v"), ExpirationTTLS: number(60)}
		if err := p.put(&q); err != nil {
			t.Fatal(err)
		}
	}
	p.set("stays", "v")
	if err := p.put(&abi.KVPutRequest{Key: "later", ExpirationTTLS: number(61)}); err != nil {
		t.Fatal(err)
	}
	p.clock.advance(60 * time.Second)
	n := p.live.(*live).opened[0]
	if err := n.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.clock.advance(-time.Hour) // what is still in the file is visible again
	if got := strings.Join(p.names(""), " "); got != "later stays" {
		t.Errorf("left are %s", got)
	}
}

func TestBindingsWithTheSameIDShareData(t *testing.T) {
	p := openProbe(t, t.TempDir(), newClock(), &Resource{Binding: "NS", ID: "one"}, &Resource{Binding: "SAME", ID: "one"}, &Resource{Binding: "OTHER", ID: "two"})
	p.set("k", "v")
	for target, want := range map[string]bool{"NS": true, "SAME": true, "OTHER": false} {
		p.target = target
		if _, found := p.value("k"); found != want {
			t.Errorf("%s: found is %v", target, found)
		}
	}
	p.target = "NONE"
	if _, err := p.get(&abi.KVGetRequest{Key: "k"}); !errors.Is(err, abi.CodeNotConfigured) {
		t.Errorf("an unknown target gave %v", err)
	}
}

func TestDataOutlivesTheProcess(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	p := openProbe(t, dir, c, &Resource{Binding: "NS", ID: "ns"})
	p.set("k", "v")
	if err := p.live.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p = openProbe(t, dir, c, &Resource{Binding: "NS", ID: "ns"})
	if got, _ := p.value("k"); got != "v" {
		t.Errorf("the value is %q", got)
	}
}

func TestGarbageIsABadMessage(t *testing.T) {
	p := newProbe(t)
	for name, op := range p.ops {
		_, err := op.Run(t.Context(), hostfuncs.NewCall("NS", p.streams), []byte{0xff, 0x00}, nil)
		if !errors.Is(err, abi.CodeBadMessage) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

func TestFileNamesAreSafeAndDistinct(t *testing.T) {
	long := strings.Repeat("x", 200)
	seen := map[string]string{}
	for _, id := range []string{
		"06779da6940b431db6e566b4846d64db", "TODO", "todo", "a/b", "../x", "..", ".", "", "con", "a b", "~", "~2e", "é", "x\x00y", long, long + "y", strings.Repeat("/", 100),
	} {
		name := fileName(id)
		if other, taken := seen[strings.ToLower(name)]; taken {
			t.Errorf("%q and %q have the same name %s", id, other, name)
		}
		seen[strings.ToLower(name)] = id
		if back, ok := idOf(name); ok != (len(id) < 100) || ok && back != id {
			t.Errorf("%q has the name %s, which stands for %q (%v)", id, name, back, ok)
		}
		if filepath.Base(name) != name || len(name) > 200 || strings.Contains(name, "..") {
			t.Errorf("%q has the name %q", id, name)
		}
	}
	if got := fileName("06779da6"); got != "kv-06779da6.sqlite" {
		t.Errorf("an ordinary id has the name %s", got)
	}
}

func TestStoredNamespacesAreThoseWithAFile(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "kv")
	if ids, err := StoredIDs(dir); len(ids) > 0 || err != nil {
		t.Errorf("of a directory that is not there: %q, %v", ids, err)
	}
	for _, id := range []string{"todo", "Pages/1"} {
		n, err := OpenNamespace(ctx, Options{Dir: dir}, id)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
	}
	for _, name := range []string{"kv-a~2.sqlite", "kv-a~zz.sqlite", "kv-UPPER.sqlite", "kv-x.sqlite-wal", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := StoredIDs(dir); !slices.Equal(ids, []string{"Pages/1", "todo"}) || err != nil {
		t.Errorf("%q, %v", ids, err)
	}
	for id, want := range map[string]bool{"todo": true, "Pages/1": true, "UPPER": false, "pages/1": false} {
		if got, err := Stored(dir, id); got != want || err != nil {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("kv-a~2f.sqlite")
	f.Fuzz(func(t *testing.T, name string) {
		if id, ok := idOf(name); ok && fileName(id) != name {
			t.Fatalf("%q stands for %q, which has the name %q", name, id, fileName(id))
		}
		if back, ok := idOf(fileName(name)); ok && back != name {
			t.Fatalf("%q came back as %q", name, back)
		}
	})
}

func TestConfiguration(t *testing.T) {
	for _, c := range []struct {
		name string
		toml string
		want string // bindings and ids, or what is wrong
	}{
		{"nothing", ``, ""},
		{"the id", "[[kv_namespaces]]\nbinding = \"A\"\nid = \"1\"", "A=1"},
		{"the preview id wins", "[[kv_namespaces]]\nbinding = \"A\"\nid = \"1\"\npreview_id = \"2\"", "A=2"},
		{"the binding where there is no id", "[[kv_namespaces]]\nbinding = \"A\"", "A=A"},
		{"two namespaces", "kv_namespaces = [{binding = \"A\"}, {binding = \"B\", id = \"1\"}]", "A=A B=1"},
		{"remote is allowed with a warning", "[[kv_namespaces]]\nbinding = \"A\"\nremote = true", "A=A wrangler.toml:4: kv_namespaces[0].remote: is not supported: pagesrun keeps all data on this machine"},
		{"no binding", "[[kv_namespaces]]\nid = \"1\"", "wrangler.toml:2: kv_namespaces[0].binding: is required and must be a string"},
		{"an empty id", "[[kv_namespaces]]\nbinding = \"A\"\nid = \"\"", "wrangler.toml:4: kv_namespaces[0].id: must not be empty"},
		{"an id that is no string", "[[kv_namespaces]]\nbinding = \"A\"\nid = 7", "wrangler.toml:4: kv_namespaces[0].id: must be a string, not an integer"},
		{"an unknown key", "[[kv_namespaces]]\nbinding = \"A\"\nidd = \"7\"", `wrangler.toml:4: kv_namespaces[0].idd: Unexpected fields found in kv_namespaces[0] field: "idd". Did you mean "id"?`},
		{"no array", "kv_namespaces = 1", "wrangler.toml:2: kv_namespaces: must be an array of tables, not an integer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resources, problems := New().Decode(load(t, c.toml))
			var got []string
			if problems.Err() == nil {
				for _, r := range resources {
					got = append(got, r.BindingName()+"="+strings.TrimPrefix(r.Describe(), "id "))
				}
			}
			for _, p := range problems {
				p.Pos.File = filepath.Base(p.Pos.File)
				got = append(got, p.Error())
			}
			if strings.Join(got, " ") != c.want && !(len(problems) > 0 && strings.HasPrefix(strings.Join(got, " "), c.want)) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.want)
			}
		})
	}
}

func load(t testing.TB, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrangler.toml")
	if err := os.WriteFile(path, []byte("name = \"test\"\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(config.Options{File: path, Sections: New().Sections()})
	if err := problems.Err(); err != nil && !strings.Contains(err.Error(), Section) {
		t.Fatal(err)
	}
	return cfg
}
