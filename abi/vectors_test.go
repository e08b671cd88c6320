package abi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	fx "github.com/fxamacker/cbor/v2"
)

// message is what every message can do.
type message interface {
	AppendCBOR([]byte) []byte
	DecodeCBOR([]byte) error
}

// vector is an entry of a file under vectors/.
type vector struct {
	Message   string          `json:"message"`
	Name      string          `json:"name"`
	Hex       string          `json:"hex"`
	Value     json.RawMessage `json:"value"`
	Canonical *string         `json:"canonical"`
	Reason    string          `json:"reason"`
}

// readVectors gives every vector of every file.
func readVectors(t testing.TB) []vector {
	t.Helper()
	names, err := filepath.Glob("vectors/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var all []vector
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var vs []vector
		if err := json.Unmarshal(data, &vs); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, vs...)
	}
	return all
}

func TestVectors(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range readVectors(t) {
		t.Run(v.Message+"/"+v.Name, func(t *testing.T) {
			if seen[v.Message+v.Name] {
				t.Fatal("two vectors have this name")
			}
			seen[v.Message+v.Name] = true
			if newMessage[v.Message] == nil {
				t.Fatal("no such message")
			}
			data, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			checkVector(t, v, data)
		})
	}
}

func checkVector(t *testing.T, v vector, data []byte) {
	m := newMessage[v.Message]()
	err := m.DecodeCBOR(data)
	if v.Reason != "" {
		if err == nil || err.Error() != v.Reason {
			t.Fatalf("got error %v, want %q", err, v.Reason)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want := data
	if v.Canonical != nil {
		want, _ = hex.DecodeString(*v.Canonical)
	}
	if got := m.AppendCBOR(nil); !bytes.Equal(got, want) {
		t.Fatalf("encoded again to %x, want %x", got, want)
	}
	if got := oracleAgain(t, want); !bytes.Equal(got, want) {
		t.Fatalf("the oracle encodes %x, want %x", got, want)
	}
	if v.Canonical == nil {
		checkValue(t, v, m)
	}
}

// checkValue compares a message with a vector's JSON.
func checkValue(t *testing.T, v vector, m message) {
	var want any
	if err := json.Unmarshal(v.Value, &want); err != nil {
		t.Fatal(err)
	}
	if got := neutral(reflect.ValueOf(m).Elem()); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// neutral is the JSON form vectors use, as encoding/json would decode it.
func neutral(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				out[neutralNames[v.Type().Field(i).Name]] = neutral(f)
			}
		}
		return out
	case reflect.Pointer:
		return neutral(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return map[string]any{"hex": hex.EncodeToString(v.Bytes())}
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = neutral(v.Index(i))
		}
		return out
	case reflect.String:
		if v.Type() == reflect.TypeFor[ByteString]() {
			return map[string]any{"hex": hex.EncodeToString([]byte(v.String()))}
		}
		return v.String()
	case reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Uint32:
		return float64(v.Uint())
	}
	return v.Interface()
}

// oracle is another CBOR codec, set to the rules of messages.
var oracle = func() (o struct {
	fx.DecMode
	fx.EncMode
}) {
	var err error
	o.DecMode, err = fx.DecOptions{
		DupMapKey: fx.DupMapKeyEnforcedAPF, IndefLength: fx.IndefLengthForbidden, MaxNestedLevels: 32,
		MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 20, IntDec: fx.IntDecConvertNone,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	o.EncMode, err = fx.EncOptions{Sort: fx.SortCoreDeterministic, ShortestFloat: fx.ShortestFloatNone, IndefLength: fx.IndefLengthForbidden}.EncMode()
	if err != nil {
		panic(err)
	}
	return o
}()

// oracleAgain decodes and encodes with the oracle.
func oracleAgain(t testing.TB, data []byte) []byte {
	t.Helper()
	var v any
	if err := oracle.Unmarshal(data, &v); err != nil {
		t.Fatalf("the oracle cannot decode %x: %v", data, err)
	}
	out, err := oracle.Marshal(v)
	if err != nil {
		t.Fatalf("the oracle cannot encode %v: %v", v, err)
	}
	return out
}

// TestEveryTruncationIsRejected cuts every accepted vector at every byte.
func TestEveryTruncationIsRejected(t *testing.T) {
	for _, v := range readVectors(t) {
		if v.Reason != "" {
			continue
		}
		data, _ := hex.DecodeString(v.Hex)
		for n := 1; n < len(data); n++ {
			if err := newMessage[v.Message]().DecodeCBOR(data[:n]); err == nil {
				t.Fatalf("%s/%s: the first %d of %d bytes are accepted", v.Message, v.Name, n, len(data))
			}
		}
	}
}

func TestEveryMessageHasVectors(t *testing.T) {
	var found strings.Builder
	for _, v := range readVectors(t) {
		found.WriteString(v.Message + "/" + v.Name + "\n")
	}
	for name := range newMessage {
		if !strings.Contains(found.String(), name+"/empty\n") {
			t.Errorf("%s has none", name)
		}
	}
}
