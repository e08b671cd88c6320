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

func TestSharedReplyDecodingReturnsTheErrorAReplyCarries(t *testing.T) {
	var m abi.VarsGetReply
	if err := abi.DecodeReplyShared(abi.AppendError(nil, &abi.Error{Code: abi.CodeNotConfigured}), &m); !errors.Is(err, abi.CodeNotConfigured) {
		t.Errorf("got %v", err)
	}
	if err := abi.DecodeReplyShared((&abi.VarsGetReply{Value: "v"}).AppendCBOR(nil), &m); err != nil || m.Value != "v" {
		t.Errorf("got %q, %v", m.Value, err)
	}
}
