package main

import (
	"bytes"
	"encoding/hex"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	fx "github.com/fxamacker/cbor/v2"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/gen/internal/kinds"
)

const root = "../.."

func TestNothingEmittedIsStale(t *testing.T) {
	files, err := emitAll(root)
	if err != nil {
		t.Fatal(err)
	}
	emitted := map[string]bool{}
	for _, f := range files {
		emitted[f.path] = true
		got, err := os.ReadFile(filepath.Join(root, f.path))
		if err != nil || !bytes.Equal(got, f.content) {
			t.Errorf("%s is stale: run go run ./abi/gen", f.path)
		}
	}
	vectors, _ := filepath.Glob(filepath.Join(root, "abi/vectors/*"))
	for _, path := range vectors {
		if rel, _ := filepath.Rel(root, path); !emitted[rel] {
			t.Errorf("%s is emitted no more: remove it", rel)
		}
	}
}

func TestWritingLeavesUnchangedFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	if err := write(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(path)
	if err := write(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !after.ModTime().Equal(before.ModTime()) {
		t.Fatal("it was written again")
	}
}

func TestNamesBecomeSnakeCase(t *testing.T) {
	for in, want := range map[string]string{
		"Key": "key", "CacheTTLS": "cache_ttl_s", "TimeMS": "time_ms", "IsJSON": "is_json", "URL": "url", "ID": "id",
		"KVGetBulkRequest": "kv_get_bulk_request", "KVEntry": "kv_entry", "RemoteAddr": "remote_addr", "BodyStream": "body_stream",
		"HTTPStatus": "http_status", "XYZThing": "xyz_thing", "Int64s": "int64s", "ListComplete": "list_complete",
	} {
		if got := snake(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestSourcesThatBreakTheRulesAreNamed(t *testing.T) {
	for name, row := range map[string][2]string{
		"keys out of order":       {"type M struct {\n// A is a.\nA string `cbor:\"2\"`\n// B is b.\nB string `cbor:\"1\"`\n}", "keys must ascend"},
		"a key used twice":        {"type M struct {\n// A is a.\nA string `cbor:\"1\"`\n// B is b.\nB string `cbor:\"1\"`\n}", "keys must ascend"},
		"key 0":                   {"type M struct {\n// A is a.\nA string `cbor:\"0\"`\n}", "number from 1"},
		"a tag with options":      {"type M struct {\n// A is a.\nA string `cbor:\"1,omitempty\"`\n}", "number from 1"},
		"a field without comment": {"type M struct {\nA string `cbor:\"1\"`\n}", "not documented"},
		"a field without tag":     {"type M struct {\n// A is a.\nA string `cbor:\"1\"`\nB string\n}", "has no cbor tag"},
		"an unknown type":         {"type M struct {\n// A is a.\nA time.Time `cbor:\"1\"`\n}", "cannot have the type time.Time"},
		"an unknown named type":   {"type M struct {\n// A is a.\nA Thing `cbor:\"1\"`\n}", "cannot have the type Thing"},
		"a nested value":          {"type M struct {\n// A is a.\nA N `cbor:\"1\"`\n}\ntype N struct {\n// B is b.\nB bool `cbor:\"1\"`\n}", "held by pointer"},
		"a request alone":         {"//pagesrun:op x.y\ntype XRequest struct{}", "has no reply"},
		"a bad directive":         {"//pagesrun:opp x.y\ntype XRequest struct{}", "bad directive"},
		"an unknown error":        {"//pagesrun:op x.y\n//pagesrun:errors nonsense\ntype XRequest struct{}\ntype XReply struct{}", "unknown error nonsense"},
		"two names in one field":  {"type M struct {\n// A is a.\nA, B string `cbor:\"1\"`\n}", "one name per field"},
	} {
		s := &schema{byName: map[string]*message{}}
		err := s.addFile(token.NewFileSet(), "m.go", []byte("package abi\n"+row[0]))
		if err == nil {
			err = s.resolve()
		}
		if err == nil || !strings.Contains(err.Error(), row[1]) {
			t.Errorf("%s: got %v, want %q", name, err, row[1])
		}
	}
}

func TestNamesThatMeetInCAreRefused(t *testing.T) {
	s := &schema{byName: map[string]*message{}}
	src := "package abi\n// A is a.\nconst CodeTimeout Code = 5\n// Timeout is b.\nconst Timeout = 5"
	if err := s.addFile(token.NewFileSet(), "m.go", []byte(src)); err != nil {
		t.Fatal(err)
	}
	if _, err := emitC(s); err == nil || !strings.Contains(err.Error(), "PR_TIMEOUT") {
		t.Fatal(err)
	}
}

func TestGeneratorKnowsTheHandleTag(t *testing.T) {
	for where, tag := range map[string]int{"abi": abi.TagHandle, "kinds": kinds.TagHandle} {
		if tag != tagHandle {
			t.Errorf("package %s has another tag", where)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestEveryTypeOfFieldSurvivesRoundTrip(t *testing.T) {
	full := kinds.All{
		Text: "é", Raw: "\xff", Doc: "{}", Bytes: []byte{0}, Flag: true, Stream: 1, Reason: 2, Int64: math.MinInt64, Int32: math.MinInt32,
		Uint64: math.MaxUint64, Uint32: math.MaxUint32, Float: -0.5, TextPtr: ptr(""), RawPtr: ptr(kinds.ByteString("")),
		FlagPtr: ptr(false), StreamPtr: ptr(kinds.Handle(0)), Int64Ptr: ptr(int64(0)), Uint32Ptr: ptr(uint32(0)), FloatPtr: ptr(0.0),
		Nested: &kinds.All{Int32: math.MaxInt32}, Texts: []string{"", "x"}, Raws: []kinds.ByteString{"\x80", ""},
		Flags: []bool{true, false}, Streams: []kinds.Handle{0, 7}, Int64s: []int64{0, -1}, Floats: []float64{0, math.Inf(1)},
		Many: []kinds.All{{}, {Text: "y"}},
	}
	negativeZero := kinds.All{Float: math.Copysign(0, -1)}
	for _, in := range []kinds.All{{}, full, {Nested: &full, Many: []kinds.All{full}}, negativeZero} {
		enc := in.AppendCBOR(nil)
		var out kinds.All
		if err := out.DecodeCBOR(enc); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("%v: got %+v, want %+v", err, out, in)
		}
		if err := fx.Wellformed(enc); err != nil {
			t.Fatal(err)
		}
	}
	if enc := negativeZero.AppendCBOR(nil); hex.EncodeToString(enc) != "a10cfb8000000000000000" {
		t.Fatalf("negative zero is %x", enc)
	}
}

func TestEveryTypeOfFieldRefusesOtherTypes(t *testing.T) {
	s, err := parse(filepath.Join(root, kindsDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range rejectedVectors(s)[len(brokenRows()):] {
		data, _ := hex.DecodeString(v.Hex)
		var m kinds.All
		if err := m.DecodeCBOR(data); err == nil || err.Error() != v.Reason {
			t.Errorf("%s: got %v, want %s", v.Name, err, v.Reason)
		}
	}
	for _, v := range vectorsOf(s.messages[0]) {
		data, _ := hex.DecodeString(v.Hex)
		var m kinds.All
		if err := m.DecodeCBOR(data); err != nil || !bytes.Equal(m.AppendCBOR(nil), data) {
			t.Errorf("%s: %v, %x", v.Name, err, m.AppendCBOR(nil))
		}
	}
}

func TestNumbersOutOfRangeAreRefused(t *testing.T) {
	for name, data := range map[string]string{
		"int32 above": "a1091a80000000", "int32 below": "a1093a80000000", "uint32 above": "a10b1b0000000100000000",
		"handle above": "a106d990721b0000000100000000", "code above": "a1071b0000000100000000", "int64 above": "a1081b8000000000000000",
	} {
		b, _ := hex.DecodeString(data)
		if err := new(kinds.All).DecodeCBOR(b); err == nil || !strings.Contains(err.Error(), outOfRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
