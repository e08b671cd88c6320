// Package kinds has a message with a field of every type the generator knows, for its tests: the messages of package abi do
// not use them all.
package kinds

// The types of package abi that have an encoding of their own.
type (
	ByteString string
	JSON       string
	Handle     uint32
	Code       uint32
)

// TagHandle is the CBOR tag of a [Handle].
const TagHandle = 0x9072

// All has a field of every type.
type All struct {
	// Text is text.
	Text string `cbor:"1"`
	// Raw is a byte string held as a string.
	Raw ByteString `cbor:"2"`
	// Doc is JSON.
	Doc JSON `cbor:"3"`
	// Bytes is a byte string.
	Bytes []byte `cbor:"4"`
	// Flag is a boolean.
	Flag bool `cbor:"5"`
	// Stream is a handle.
	Stream Handle `cbor:"6"`
	// Reason is a code.
	Reason Code `cbor:"7"`
	// Int64 is an integer.
	Int64 int64 `cbor:"8"`
	// Int32 is an integer.
	Int32 int32 `cbor:"9"`
	// Uint64 is an integer.
	Uint64 uint64 `cbor:"10"`
	// Uint32 is an integer.
	Uint32 uint32 `cbor:"11"`
	// Float is a float.
	Float float64 `cbor:"12"`
	// TextPtr is optional text.
	TextPtr *string `cbor:"20"`
	// RawPtr is an optional byte string.
	RawPtr *ByteString `cbor:"21"`
	// FlagPtr is an optional boolean.
	FlagPtr *bool `cbor:"22"`
	// StreamPtr is an optional handle.
	StreamPtr *Handle `cbor:"23"`
	// Int64Ptr is an optional integer.
	Int64Ptr *int64 `cbor:"24"`
	// Uint32Ptr is an optional integer.
	Uint32Ptr *uint32 `cbor:"25"`
	// FloatPtr is an optional float.
	FloatPtr *float64 `cbor:"26"`
	// Nested is an optional message.
	Nested *All `cbor:"255"`
	// Texts are texts.
	Texts []string `cbor:"256"`
	// Raws are byte strings.
	Raws []ByteString `cbor:"257"`
	// Flags are booleans.
	Flags []bool `cbor:"258"`
	// Streams are handles.
	Streams []Handle `cbor:"259"`
	// Int64s are integers.
	Int64s []int64 `cbor:"260"`
	// Floats are floats.
	Floats []float64 `cbor:"261"`
	// Many are messages.
	Many []All `cbor:"65536"`
}
