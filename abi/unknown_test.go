package abi

import (
	"reflect"
	"slices"
	"testing"
)

// TestUnknownKeysOfEveryMessageAreSkipped decodes what a later version may add to a message: a key that is new, with a value of any shape.
func TestUnknownKeysOfEveryMessageAreSkipped(t *testing.T) {
	values := map[string][]byte{
		"a number": {0x01}, "text": {0x61, 'a'}, "bytes": {0x41, 0xff}, "null": {0xf6}, "a float": {0xfb, 0x40, 9, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18},
		"a handle": {0xd9, 0x90, 0x72, 0x01}, "an array of maps": {0x82, 0xa1, 0x01, 0x02, 0xa0}, "a map of arrays": {0xa1, 0x01, 0x81, 0x80},
	}
	for _, name := range messageNames() {
		for kind, value := range values {
			m := newMessage[name]()
			if err := m.DecodeCBOR(slices.Concat([]byte{0xa1, 0x19, 0x7f, 0xff}, value)); err != nil {
				t.Errorf("%s with %s: %v", name, kind, err)
			}
			if !reflect.DeepEqual(m, newMessage[name]()) {
				t.Errorf("%s with %s became %+v", name, kind, m)
			}
		}
	}
}

func TestErrorsSayWhatTheyAre(t *testing.T) {
	for _, test := range []struct{ err, want string }{
		{CodeBadHandle.Error(), "bad_handle"},
		{(CodeMax + 1).Error(), "unknown_code"},
		{(&Error{Code: CodeStorageFull}).Error(), "storage_full"},
		{(&Error{Code: CodeStorageFull, Message: "the disk is full"}).Error(), "the disk is full"},
	} {
		if test.err != test.want {
			t.Errorf("%q, want %q", test.err, test.want)
		}
	}
	for _, decode := range []func([]byte, message) error{
		func(b []byte, m message) error { return DecodeReply(b, m) }, func(b []byte, m message) error { return DecodeReplyShared(b, m) },
	} {
		var e *Error
		// {0: {2: "x"}}: an error without a code.
		if err := decode([]byte{0xa1, 0x00, 0xa1, 0x02, 0x61, 'x'}, &RespondReply{}); !asError(err, &e) || e.Code != CodeInternal || e.Message != "x" {
			t.Errorf("an error without a code is %v", err)
		}
		if err := decode([]byte{0xa1, 0x00, 0x01}, &RespondReply{}); err == nil || asError(err, &e) {
			t.Errorf("an error that is none is %v", err)
		}
	}
}

// asError says whether a reply carried an error.
func asError(err error, e **Error) (ok bool) {
	*e, ok = err.(*Error)
	return ok
}
