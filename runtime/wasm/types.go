package wasm

import (
	"fmt"
	"strings"
)

// ValueType is the type of a value, as in the binary format.
type ValueType byte

// The value types of release 2.0.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String gives the name used in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("0x%02x", byte(t))
}

// opaque tells whether a host cannot read and write the value through a 64-bit number.
func (t ValueType) opaque() bool { return t == V128 || t == FuncRef || t == ExternRef }

// FuncType is the type of a function.
type FuncType struct {
	Params  []ValueType
	Results []ValueType
}

// String gives e.g. "(i32, i32) -> (i64)".
func (t FuncType) String() string {
	return "(" + joinTypes(t.Params) + ") -> (" + joinTypes(t.Results) + ")"
}

func joinTypes(types []ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

// Memory is the declared size of a memory, in pages of 64 KiB.
type Memory struct {
	Min uint32
	// Max is the declared maximum when HasMax is true.
	Max    uint32
	HasMax bool
}

// Table is the type of a table; sizes count entries.
type Table struct {
	Type   ValueType
	Min    uint32
	Max    uint32
	HasMax bool
}

// Global is the type of a global.
type Global struct {
	Type    ValueType
	Mutable bool
}

// Kind is what an import or export is.
type Kind byte

// The kinds, with the numbers of the binary format.
const (
	KindFunc   Kind = 0
	KindTable  Kind = 1
	KindMemory Kind = 2
	KindGlobal Kind = 3
)

// String gives the word of the text format.
func (k Kind) String() string {
	switch k {
	case KindFunc:
		return "func"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Extern is the type of an import or export: the field of its Kind is set.
type Extern struct {
	Kind   Kind
	Func   FuncType
	Table  Table
	Memory Memory
	Global Global
}

// String describes the type for people, e.g. "func (i32) -> ()" or "memory of 17 pages".
func (e Extern) String() string {
	switch e.Kind {
	case KindFunc:
		return "func " + e.Func.String()
	case KindTable:
		return fmt.Sprintf("table of %d %s", e.Table.Min, e.Table.Type)
	case KindMemory:
		return fmt.Sprintf("memory of %d pages", e.Memory.Min)
	}
	if e.Global.Mutable {
		return "mutable global " + e.Global.Type.String()
	}
	return "global " + e.Global.Type.String()
}

func isValueType(b byte) bool {
	switch ValueType(b) {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return true
	}
	return false
}

func valueType(r *reader) ValueType {
	at := r.pos
	b := r.byte()
	if r.err == nil && !isValueType(b) {
		r.fail(unknownType(at, b))
	}
	return ValueType(b)
}

func refType(r *reader) ValueType {
	at := r.pos
	t := valueType(r)
	if r.err == nil && t != FuncRef && t != ExternRef {
		r.failf(CodeMalformed, at, "%s is not a reference type", t)
	}
	return t
}

func unknownType(offset int, b byte) *Error {
	if f, ok := typeFeature(b); ok {
		return f.errorAt(offset)
	}
	return errorf(CodeMalformed, offset, "there is no type 0x%02x", b)
}
