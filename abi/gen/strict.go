package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pagesrun/pagesrun/abi/cbor"
)

// Problems as the Go codec words them; other codecs may word them as they like.
const (
	truncated   = "the message ends in the middle of an item"
	indefinite  = "indefinite length"
	reserved    = "reserved item head"
	notShortest = "number not in its shortest form"
	notUTF8     = "text is not UTF-8"
	keyOrder    = "keys are not in ascending order"
	outOfRange  = "number out of range"
	tooDeep     = "nested too deeply"
)

// acceptedVectors are encodings that an encoder never writes and a decoder must take all the same: fields that hold their zero
// value, and what a later version may add.
func acceptedVectors() []vector {
	deep := strings.Repeat("81", 15) + "00"
	rows := []struct{ message, name, hex, canonical string }{
		{"Header", "no bytes at all", "", "a0"},
		{"VarsGetRequest", "no bytes at all, no fields", "", "a0"},
		{"Header", "fields that hold their zero value", "a201600240", "a0"},
		{"KVGetReply", "false, empty bytes and handle 0 written out", "a301f4024003d9907200", "a0"},
		{"KVGetBulkRequest", "an empty array written out", "a10180", "a0"},
		{"Header", "an unknown integer", "a3016161024162181903", "a2016161024162"},
		{"Header", "an unknown key above 32 bits", "a11b000000010000000000", "a0"},
		{"Header", "unknown items of every kind", "af0300042005381806430001020761630882010209a26161016162020ac1000bf40cf50df60ef70ff93c0010fa3fc0000011fb3ff8000000000000", "a0"},
		{"Header", "an unknown map whose keys are neither integers nor in order", "a103a3616201616102f603", "a0"},
		{"Header", "an unknown simple value", "a203f82004e0", "a0"},
		{"Header", "an unknown item at the depth limit", "a103" + deep, "a0"},
		{"VarsGetRequest", "fields for a message without any", "a2010102820203", "a0"},
		{"Event", "an unknown field within a nested message", "a104a2016347455418640a", "a104a10163474554"},
	}
	var out []vector
	for _, r := range rows {
		out = append(out, vector{Message: r.message, Name: r.name, Hex: r.hex, Canonical: &r.canonical})
	}
	return out
}

// rejectedVectors are encodings every decoder must refuse.
func rejectedVectors(s *schema) []vector {
	var out []vector
	for _, r := range brokenRows() {
		out = append(out, vector{Message: r[0], Name: r[1], Hex: r[2], Reason: r[3]})
	}
	for _, m := range s.messages {
		for _, f := range m.fields {
			out = append(out, wrongTypes(m, f)...)
		}
	}
	return out
}

// brokenRows are message, name, bytes and reason of encodings that are broken whatever the schema.
func brokenRows() [][4]string {
	deep := strings.Repeat("81", 16) + "00"
	return [][4]string{
		{"Header", "not a map but an array", "8101", "map expected"},
		{"Header", "not a map but null", "f6", "map expected"},
		{"Header", "the map's head alone", "a1", truncated},
		{"Header", "a key without a value", "a101", truncated},
		{"Header", "a value cut off", "a1016261", "key 1: " + truncated},
		{"Header", "a head cut off", "a10178", "key 1: " + truncated},
		{"Header", "a second pair missing", "a2016161", truncated},
		{"Header", "a byte after the message", "a000", "bytes follow the message"},
		{"Header", "a second message after the first", "a0a0", "bytes follow the message"},
		{"Header", "a map of indefinite length", "bf016161ff", indefinite},
		{"Header", "text of indefinite length", "a1017f6161ff", "key 1: " + indefinite},
		{"Header", "bytes of indefinite length", "a1025f4161ff", "key 2: " + indefinite},
		{"KVGetBulkRequest", "an array of indefinite length", "a1019f4161ff", "key 1: " + indefinite},
		{"Header", "an unknown array of indefinite length", "a1039fff", "key 3: " + indefinite},
		{"Header", "a break on its own", "a103ff", "key 3: " + indefinite},
		{"Header", "reserved additional information 28", "a1031c", "key 3: " + reserved},
		{"Header", "reserved additional information 30", "a1037e", "key 3: " + reserved},
		{"Header", "an integer of indefinite length", "a1031f", "key 3: " + reserved},
		{"Header", "a key that is not shortest", "a118016161", notShortest},
		{"Header", "a map head that is not shortest", "b801016161", notShortest},
		{"Header", "a length that is not shortest", "a101780161", "key 1: " + notShortest},
		{"Header", "a length of 16 bits that is not shortest", "a102590001ff", "key 2: " + notShortest},
		{"KVPutRequest", "an integer of 16 bits that is not shortest", "a1041900ff", "key 4: " + notShortest},
		{"KVPutRequest", "an integer of 32 bits that is not shortest", "a1041a0000ffff", "key 4: " + notShortest},
		{"KVPutRequest", "an integer of 64 bits that is not shortest", "a1041b00000000ffffffff", "key 4: " + notShortest},
		{"KVPutRequest", "a negative integer that is not shortest", "a1043817", "key 4: " + notShortest},
		{"PipeReply", "a tag that is not shortest", "a101da0000907201", "key 1: " + notShortest},
		{"Header", "an unknown integer that is not shortest", "a1031800", "key 3: " + notShortest},
		{"Header", "keys in descending order", "a2024161016162", keyOrder},
		{"Header", "a key given twice", "a2016161016162", keyOrder},
		{"Header", "an unknown key given twice", "a203000300", keyOrder},
		{"Event", "keys in descending order in a nested message", "a104a2024161016162", "key 4: " + keyOrder},
		{"Header", "a key that is text", "a161616161", "unsigned integer expected as key"},
		{"Header", "a key that is negative", "a1206161", "unsigned integer expected as key"},
		{"Header", "text with a byte that begins nothing", "a10161ff", "key 1: " + notUTF8},
		{"Header", "text with a surrogate", "a10163eda080", "key 1: " + notUTF8},
		{"Header", "text with an overlong character", "a10162c080", "key 1: " + notUTF8},
		{"Header", "text above U+10FFFF", "a10164f4908080", "key 1: " + notUTF8},
		{"Header", "text that ends within a character", "a10162e282", "key 1: " + notUTF8},
		{"Header", "unknown text that is not UTF-8", "a10361ff", "key 3: " + notUTF8},
		{"Header", "an unknown simple value in the long form", "a103f818", "key 3: invalid simple value"},
		{"Header", "an unknown item one below the depth limit", "a103" + deep, "key 3: " + tooDeep},
		{"Header", "unknown tags one below the depth limit", "a103" + strings.Repeat("c1", 16) + "00", "key 3: " + tooDeep},
		{"Header", "a map that claims 2^64-1 pairs", "bbffffffffffffffff01", truncated},
		{"KVGetBulkRequest", "an array that claims 2^32 items", "a1019b0000000100000000", "key 1: " + truncated},
		{"Header", "text that claims 2^63 bytes", "a1017b8000000000000000", "key 1: " + truncated},
		{"Header", "unknown bytes that claim 2^64-1", "a1035bffffffffffffffff", "key 3: " + truncated},
		{"Header", "an unknown map that claims 2^63 pairs", "a103bb800000000000000000", "key 3: " + truncated},
		{"RespondRequest", "a status above 32 bits", "a1011b0000000100000000", "key 1: " + outOfRange},
		{"RespondRequest", "a status below zero", "a10120", "key 1: unsigned integer expected"},
		{"RespondRequest", "a handle above 32 bits", "a104d990721b0000000100000000", "key 4: " + outOfRange},
		{"RespondRequest", "a handle without its tag", "a10401", "key 4: tag expected"},
		{"RespondRequest", "a handle under another tag", "a104c101", "key 4: another tag expected"},
		{"RespondRequest", "a handle that is text", "a104d990726131", "key 4: unsigned integer expected"},
		{"KVPutRequest", "an integer above 63 bits", "a1041b8000000000000000", "key 4: " + outOfRange},
		{"KVPutRequest", "an integer below -2^63", "a1043b8000000000000000", "key 4: " + outOfRange},
		{"KVPutRequest", "an integer as a float", "a104fb3ff0000000000000", "key 4: integer expected"},
		{"KVGetRequest", "a boolean as an integer", "a10401", "key 4: true or false expected"},
		{"KVGetRequest", "a boolean in the long form", "a104f815", "key 4: true or false expected"},
	}
}

// wrongTypes gives each field items of the kinds it is not.
func wrongTypes(m *message, f field) []vector {
	var out []vector
	want := expectation(f.typ)
	for _, w := range []struct{ what, hex, kind string }{
		{"null", "f6", "null"}, {"text", "6131", "text"}, {"bytes", "4131", "bytes"}, {"an integer", "01", "int"},
		{"true", "f5", "bool"}, {"an array", "8101", "array"}, {"a map", "a10100", "map"},
	} {
		if w.kind == want.kind {
			continue
		}
		out = append(out, vector{
			Message: m.name, Name: snake(f.name) + " as " + w.what,
			Hex:    "a1" + hex.EncodeToString(cbor.AppendUint(nil, f.key)) + w.hex,
			Reason: fmt.Sprintf("key %d: %s", f.key, want.sentence),
		})
	}
	return out
}

// wanted is the kind of item a field takes and what is said of any other.
type wanted struct{ kind, sentence string }

func expectation(t fieldType) wanted {
	switch {
	case t.slice:
		return wanted{"array", "array expected"}
	case t.message != nil:
		return wanted{"map", "map expected"}
	}
	switch t.base {
	case "string", "JSON":
		return wanted{"text", "text expected"}
	case "ByteString", "bytes":
		return wanted{"bytes", "byte string expected"}
	case "bool":
		return wanted{"bool", "true or false expected"}
	case "float64":
		return wanted{"float", "64-bit float expected"}
	case "Handle":
		return wanted{"tag", "tag expected"}
	case "int64", "int32":
		return wanted{"int", "integer expected"}
	}
	return wanted{"int", "unsigned integer expected"}
}
