package abi

import (
	"errors"
	"reflect"
	"testing"

	"github.com/pagesrun/pagesrun/abi/cbor"
)

// ptr gives a pointer to a value.
func ptr[T any](v T) *T { return &v }

func TestEventSurvivesRoundTrip(t *testing.T) {
	in := Event{Kind: EventFetch, ID: "é-1", TimeMS: -5, Fetch: &FetchEvent{
		Method: "GET", URL: "http://x/\xff", Headers: []Header{{"a", "b"}, {"", "\xff"}, {}}, Body: []byte("body"), BodyStream: 7,
	}}
	var out Event
	if err := out.DecodeCBOR(in.AppendCBOR(nil)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Fatalf("got %+v, want %+v", out, in)
	}
}

func TestReplyCarriesEitherMessageOrError(t *testing.T) {
	var m KVGetReply
	in := KVGetReply{Found: true, Value: []byte("v"), Metadata: ptr(JSON(""))}
	if err := DecodeReply(in.AppendCBOR(nil), &m); err != nil || !reflect.DeepEqual(in, m) {
		t.Fatalf("message: %v, %+v", err, m)
	}
	err := DecodeReply(AppendError(nil, &Error{Code: CodeStorageFull, Message: "full"}), &m)
	if !errors.Is(err, CodeStorageFull) || err.Error() != "full" {
		t.Fatalf("error: %v", err)
	}
	if err := DecodeReply(nil, &m); err != nil || m.Found {
		t.Fatalf("empty reply: %v, %+v", err, m)
	}
	if err := DecodeReply([]byte{0xa1, 0x00, 0x05}, &m); err == nil || err.Error() != "key 0: map expected" {
		t.Fatalf("broken error: %v", err)
	}
}

// smallEvent is what most fetch events look like.
func smallEvent() *Event {
	e := &Event{Kind: EventFetch, ID: "01JD3Q0000000000", TimeMS: 1_760_000_000_000, Fetch: &FetchEvent{
		Method: "GET", URL: "http://localhost:8787/hello?name=x", RemoteAddr: "127.0.0.1", Protocol: "HTTP/1.1",
	}}
	for _, n := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Host", "User-Agent"} {
		e.Fetch.Headers = append(e.Fetch.Headers, Header{Name: n, Value: ByteString(n + " of a client")})
	}
	return e
}

func TestEncodingAllocatesNothingWhereThereIsRoom(t *testing.T) {
	e, buf := smallEvent(), make([]byte, 0, 4096)
	invalid := Error{Code: 1, Message: "\xff is not UTF-8"}
	if n := testing.AllocsPerRun(100, func() {
		e.AppendCBOR(buf)
		AppendError(buf, &invalid)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestBytesAliasTheMessageAndStringsDoNot(t *testing.T) {
	msg := (&KVPutRequest{Key: "key", Value: []byte("value")}).AppendCBOR(nil)
	var m KVPutRequest
	if err := m.DecodeCBOR(msg); err != nil {
		t.Fatal(err)
	}
	for i := range msg {
		msg[i] = '#'
	}
	if string(m.Value) != "#####" || m.Key != "key" {
		t.Fatalf("value %q, key %q", m.Value, m.Key)
	}
	if cap(m.Value) != len(m.Value) {
		t.Fatal("appending to the value would overwrite the message")
	}
}

// TestHostileHeadsDoNotAllocate decodes heads that claim far more than they bring.
func TestHostileHeadsDoNotAllocate(t *testing.T) {
	for name, msg := range map[string][]byte{
		"array of 2^40 keys":           {0xa1, 0x01, 0x9b, 0, 0, 1, 0, 0, 0, 0, 0},
		"array of 2^31 keys":           {0xa1, 0x01, 0x9a, 0x80, 0, 0, 0},
		"byte string of 2^40":          {0xa1, 0x02, 0x5b, 0, 0, 1, 0, 0, 0, 0, 0},
		"unknown byte string of 2^40":  {0xa1, 0x09, 0x5b, 0, 0, 1, 0, 0, 0, 0, 0},
		"map of 2^40 pairs":            {0xbb, 0, 0, 1, 0, 0, 0, 0, 0},
		"array of more than the limit": append([]byte{0xa1, 0x01, 0x9a, 0, 1, 0, 1}, make([]byte, ArrayItemsMax+1)...),
	} {
		var err error
		if n := testing.AllocsPerRun(10, func() {
			var m KVGetBulkRequest
			err = m.DecodeCBOR(msg)
		}); err == nil || n > 1 { // the one is the error
			t.Errorf("%s: %v allocations, error %v", name, n, err)
		}
	}
}

func TestArraysMayHaveAsManyItemsAsTheLimit(t *testing.T) {
	in := KVGetBulkRequest{Keys: make([]ByteString, ArrayItemsMax)}
	var out KVGetBulkRequest
	if err := out.DecodeCBOR(in.AppendCBOR(nil)); err != nil || len(out.Keys) != ArrayItemsMax {
		t.Fatalf("%d keys, error %v", len(out.Keys), err)
	}
	in.Keys = append(in.Keys, "")
	if err := out.DecodeCBOR(in.AppendCBOR(nil)); !errors.Is(err, cbor.ErrTooManyItems) {
		t.Fatalf("one more: %v", err)
	}
}

func TestDecodingReplacesWhatWasThere(t *testing.T) {
	m := KVGetReply{Found: true, Value: []byte("old"), Stream: 4, Metadata: ptr(JSON("1"))}
	if err := m.DecodeCBOR(nil); err != nil || !reflect.DeepEqual(m, KVGetReply{}) {
		t.Fatalf("%v, %+v", err, m)
	}
}

func TestTextThatIsNotUTF8IsMadeSo(t *testing.T) {
	var e Error
	if err := e.DecodeCBOR((&Error{Message: "a\xffb\xe2\x82"}).AppendCBOR(nil)); err != nil || e.Message != "a\uFFFDb\uFFFD\uFFFD" {
		t.Fatalf("%v, %q", err, e.Message)
	}
}

func TestLimitsOfThePrimitivesAreThoseOfTheContract(t *testing.T) {
	if cbor.DepthMax != DepthMax || cbor.ArrayItemsMax != ArrayItemsMax {
		t.Fatal("they differ")
	}
}

func TestOperationsNameTheirErrors(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range Operations() {
		if seen[op.Name] || op.Name == "" || len(op.Name) > OpBytesMax {
			t.Errorf("bad or repeated name %q", op.Name)
		}
		seen[op.Name] = true
	}
	if !seen[OpRespond] || !seen[OpKVGetBulk] {
		t.Fatalf("operations are missing: %v", seen)
	}
}

func TestEveryCodeHasItsName(t *testing.T) {
	if len(codeNames) != int(CodeMax)+1 {
		t.Fatalf("%d names for codes up to %d", len(codeNames), CodeMax)
	}
}

func BenchmarkEventAppend(b *testing.B) {
	e, buf := smallEvent(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		e.AppendCBOR(buf)
	}
}

func BenchmarkEventDecode(b *testing.B) {
	msg := smallEvent().AppendCBOR(nil)
	b.ReportAllocs()
	for b.Loop() {
		var e Event
		if err := e.DecodeCBOR(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRespondDecode(b *testing.B) {
	msg := (&RespondRequest{Status: 200, Headers: []Header{{"content-type", "text/plain"}}, Body: []byte("Hello\n")}).AppendCBOR(nil)
	b.ReportAllocs()
	for b.Loop() {
		var m RespondRequest
		if err := m.DecodeCBOR(msg); err != nil {
			b.Fatal(err)
		}
	}
}
