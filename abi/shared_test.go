package abi_test

import (
	"errors"
	"reflect"
	"testing"
	"unsafe"

	"github.com/pagesrun/pagesrun/abi"
)

func TestSharedDecodingGivesTheSameMessageAndAliasesTheBytes(t *testing.T) {
	want := abi.Event{Kind: abi.EventFetch, ID: "e1", Fetch: &abi.FetchEvent{
		Method: "GET", URL: "http://x/\xff", Headers: []abi.Header{{Name: "A", Value: "b"}, {Name: "", Value: ""}}, Body: []byte("hi"),
	}}
	b := want.AppendCBOR(nil)
	var got abi.Event
	if err := got.DecodeShared(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if p := uintptr(unsafe.Pointer(unsafe.StringData(got.ID))); p < uintptr(unsafe.Pointer(&b[0])) || p > uintptr(unsafe.Pointer(&b[len(b)-1])) {
		t.Error("the string was copied")
	}
	for n := 1; n < len(b); n++ {
		if err := got.DecodeShared(b[:n]); err == nil {
			t.Errorf("%d of %d bytes were accepted", n, len(b))
		}
	}
}

func TestASharedD1QueryKeepsNothingOfTheOneBefore(t *testing.T) {
	var got abi.D1QueryRequest
	for _, want := range []abi.D1QueryRequest{
		{Session: "s", Statements: []abi.D1Statement{{SQL: "SELECT 1", Params: []byte{1}}, {SQL: "SELECT 2"}}},
		{Statements: []abi.D1Statement{{SQL: "SELECT ?"}}},
		{Statements: []abi.D1Statement{}},
	} {
		b := want.AppendCBOR(nil)
		if err := got.DecodeShared(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, not %+v", got, err, want)
		}
		for n := 1; n < len(b); n++ {
			if err := new(abi.D1QueryRequest).DecodeShared(b[:n]); err == nil {
				t.Errorf("%d of %d bytes were accepted", n, len(b))
			}
		}
	}
}

func TestAnEventRoomDecodesLikeAnEvent(t *testing.T) {
	many := make([]abi.Header, 17)
	for i := range many {
		many[i] = abi.Header{Name: string(rune('a' + i)), Value: "v"}
	}
	for name, want := range map[string]abi.Event{
		"no fetch":             {Kind: "later", ID: "e1", TimeMS: -5},
		"an empty fetch":       {Kind: abi.EventFetch, Fetch: &abi.FetchEvent{}},
		"headers that fit":     {Kind: abi.EventFetch, TimeMS: 1, Fetch: &abi.FetchEvent{Method: "GET", Headers: many[:16]}},
		"headers that do not":  {Kind: abi.EventFetch, Fetch: &abi.FetchEvent{URL: "http://x/", Headers: many, Body: []byte("b")}},
		"a tick":               {Kind: abi.EventScheduled, ID: "e", Scheduled: &abi.ScheduledEvent{ScheduledTimeMS: 5, Cron: "* * * * *"}},
		"a batch":              {Kind: abi.EventQueue, Queue: &abi.QueueEvent{Queue: "q", Messages: []abi.QueueMessage{{ID: "m", Body: []byte("b"), Attempts: 1}}}},
		"a stream and the end": {Kind: abi.EventFetch, Fetch: &abi.FetchEvent{BodyStream: 3, RemoteAddr: "::1", Protocol: "HTTP/1.1"}},
	} {
		b := want.AppendCBOR(nil)
		room := new(abi.EventRoom)
		for range 2 {
			want.Scheduled, want.Queue = nil, nil
			if err := room.DecodeShared(b); err != nil || !reflect.DeepEqual(room.Event, want) {
				t.Errorf("%s: got %+v, %v", name, room.Event, err)
			}
		}
		for n := 1; n < len(b); n++ {
			if err := room.DecodeShared(b[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were accepted", name, n, len(b))
			}
		}
	}
}

func TestAnEventRoomHasEveryField(t *testing.T) {
	if n := reflect.TypeFor[abi.Event]().NumField(); n != 6 {
		t.Errorf("an event has %d fields, EventRoom decodes the first 4 of 6", n)
	}
}

func TestDecodingIntoAnEventRoomAllocatesNothing(t *testing.T) {
	b := (&abi.Event{Kind: abi.EventFetch, ID: "e", Fetch: &abi.FetchEvent{Method: "GET", Headers: []abi.Header{{Name: "Host", Value: "x"}}}}).AppendCBOR(nil)
	room := new(abi.EventRoom)
	if n := testing.AllocsPerRun(100, func() {
		if err := room.DecodeShared(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSharedReplyDecodingReturnsTheErrorAReplyCarries(t *testing.T) {
	var m abi.VarsGetReply
	if err := abi.DecodeReplyShared(abi.AppendError(nil, &abi.Error{Code: abi.CodeNotConfigured}), &m); !errors.Is(err, abi.CodeNotConfigured) {
		t.Errorf("got %v", err)
	}
	if err := abi.DecodeReplyShared((&abi.VarsGetReply{Value: "v"}).AppendCBOR(nil), &m); err != nil || m.Value != "v" {
		t.Errorf("got %q, %v", m.Value, err)
	}
}
