// Package cbor has the CBOR (RFC 8949) primitives the generated codecs of package abi are made of: functions that append one
// item to a byte slice, and a strict [Reader].
//
// Only the deterministic subset that ABI messages use is written: definite lengths, integers in their shortest form, 64-bit
// floats. The reader accepts only that subset for what it understands and steps over any other well-formed item of definite
// length. It never allocates in proportion to a length that a header merely claims.
//
// The package is compiled into Go guests, so it imports nothing but errors, math, unicode/utf8 and unsafe.
package cbor
