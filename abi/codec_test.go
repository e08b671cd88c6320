package abi

import (
	"errors"
	"reflect"
	"testing"
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
