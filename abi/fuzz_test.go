package abi

import (
	"bytes"
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"strconv"
	"testing"

	fx "github.com/fxamacker/cbor/v2"
)

// messageNames are the names of all messages in a fixed order.
func messageNames() []string {
	var names []string
	for name := range newMessage {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// FuzzDecode compares every message's decoder with an independent codec on foreign bytes: what is accepted must be well-formed and
// survive being encoded, and what the other codec finds canonical and of the schema's types must be accepted.
func FuzzDecode(f *testing.F) {
	names := messageNames()
	for _, v := range readVectors(f) {
		data, _ := hex.DecodeString(v.Hex)
		f.Add(uint8(slices.Index(names, v.Message)), data)
	}
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		name := names[int(n)%len(names)]
		m := newMessage[name]()
		if err := m.DecodeCBOR(data); err != nil {
			if mustAccept(data, reflect.TypeOf(m).Elem()) {
				t.Fatalf("%s: %x is refused: %v", name, data, err)
			}
			return
		}
		if err := oracle.Wellformed(data); err != nil && len(data) > 0 {
			t.Fatalf("%s: %x is accepted, but %v", name, data, err)
		}
		checkAgain(t, name, m, data)
	})
}

// checkAgain encodes a decoded message and decodes that.
func checkAgain(t *testing.T, name string, m message, data []byte) {
	enc := m.AppendCBOR(nil)
	if len(enc) > max(len(data), 1) {
		t.Fatalf("%s: %x became longer: %x", name, data, enc)
	}
	if got := oracleAgain(t, enc); !bytes.Equal(got, enc) {
		t.Fatalf("%s: the oracle encodes %x, not %x", name, got, enc)
	}
	again := newMessage[name]()
	if err := again.DecodeCBOR(enc); err != nil {
		t.Fatalf("%s: %x, made of %x, is refused: %v", name, enc, data, err)
	}
	if enc2 := again.AppendCBOR(nil); !bytes.Equal(enc, enc2) {
		t.Fatalf("%s: %x encodes to %x", name, enc, enc2)
	}
}

// FuzzDecodeReply checks that a reply is either an error or what its message says, and never both.
func FuzzDecodeReply(f *testing.F) {
	f.Add(AppendError(nil, &Error{Code: CodeTimeout, Message: "late", Status: 504}))
	f.Add([]byte{0xa2, 0, 0xa1, 1, 5, 1, 0xf5})
	f.Add((&KVGetReply{Found: true, Value: []byte("v")}).AppendCBOR(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m KVGetReply
		err := DecodeReply(data, &m)
		if e, ok := err.(*Error); ok {
			if e2, ok := DecodeReply(AppendError(nil, e), &m).(*Error); !ok || *e2 != *e {
				t.Fatalf("%+v became %+v", e, e2)
			}
		}
		if err == nil && m.DecodeCBOR(data) != nil {
			t.Fatalf("%x is no message", data)
		}
	})
}

// mustAccept reports whether the oracle finds data canonical and of the schema's types.
func mustAccept(data []byte, typ reflect.Type) bool {
	var v any
	if len(data) == 0 {
		return true
	}
	if oracle.Unmarshal(data, &v) != nil || depthOf(v) > DepthMax {
		return false
	}
	again, err := oracle.Marshal(v)
	return err == nil && bytes.Equal(again, data) && fits(v, typ)
}

// fits reports whether a generic value is one of the type, as far as the type knows its keys.
func fits(v any, typ reflect.Type) bool {
	switch typ.Kind() {
	case reflect.Pointer:
		return fits(v, typ.Elem())
	case reflect.Struct:
		return fitsStruct(v, typ)
	case reflect.Slice:
		return fitsSlice(v, typ)
	case reflect.Bool:
		_, ok := v.(bool)
		return ok
	case reflect.String:
		if typ == reflect.TypeFor[ByteString]() {
			_, ok := v.([]byte)
			return ok
		}
		_, ok := v.(string)
		return ok
	case reflect.Uint32:
		if typ == reflect.TypeFor[Handle]() {
			tag, ok := v.(fx.Tag)
			if !ok || tag.Number != TagHandle {
				return false
			}
			v = tag.Content
		}
		u, ok := v.(uint64)
		return ok && u <= math.MaxUint32
	case reflect.Uint64:
		_, ok := v.(uint64)
		return ok
	case reflect.Float64:
		_, ok := v.(float64)
		return ok
	case reflect.Int64:
		if u, ok := v.(uint64); ok {
			return u <= math.MaxInt64
		}
		_, ok := v.(int64)
		return ok
	}
	panic("a kind of field this test does not know: " + typ.String())
}

func fitsStruct(v any, typ reflect.Type) bool {
	m, ok := v.(map[any]any)
	if !ok {
		return false
	}
	for k, item := range m {
		key, ok := k.(uint64)
		if !ok {
			return false
		}
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Tag.Get("cbor") == strconv.FormatUint(key, 10) && !fits(item, f.Type) {
				return false
			}
		}
	}
	return true
}

func fitsSlice(v any, typ reflect.Type) bool {
	if typ.Elem().Kind() == reflect.Uint8 {
		_, ok := v.([]byte)
		return ok
	}
	items, ok := v.([]any)
	if !ok || len(items) > ArrayItemsMax {
		return false
	}
	for _, item := range items {
		if !fits(item, typ.Elem()) {
			return false
		}
	}
	return true
}

// depthOf counts the maps, arrays and tags around the innermost item.
func depthOf(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[any]any:
		for k, item := range v {
			deepest = max(deepest, depthOf(k), depthOf(item))
		}
	case []any:
		for _, item := range v {
			deepest = max(deepest, depthOf(item))
		}
	case fx.Tag:
		deepest = depthOf(v.Content)
	default:
		return 0
	}
	return deepest + 1
}
