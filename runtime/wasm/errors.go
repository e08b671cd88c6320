package wasm

import "fmt"

// Code names a kind of refusal. Codes are stable: scripts and tests may compare them.
type Code string

// The codes of [Error].
const (
	CodeEmpty       Code = "empty_file"          // no bytes at all
	CodeNotWasm     Code = "not_wasm"            // another kind of file
	CodeComponent   Code = "component"           // a component-model binary
	CodeTruncated   Code = "truncated"           // the file ends early
	CodeMalformed   Code = "malformed"           // the bytes do not follow the binary format
	CodeInvalid     Code = "invalid"             // an index, alignment or count that names nothing
	CodeUnsupported Code = "unsupported_feature" // a proposal the engine does not run
	CodeLimit       Code = "limit_exceeded"      // over one of [Limits]
	CodeReserved    Code = "reserved_name"       // uses a name that belongs to the rewriter
	CodeMemory      Code = "memory_too_large"    // needs more memory than the limit at start
)

// Error is why a module was refused.
type Error struct {
	Code Code
	// Offset is the position in the file, in bytes from its start; -1 where the problem has no position.
	Offset int
	// Message is a sentence without its final stop that names the problem.
	Message string
	// Hint is a sentence that names the fix; empty when there is none to name.
	Hint string
}

// Error gives the message, its position and the hint.
func (e *Error) Error() string {
	s := e.Message
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s (at byte 0x%x)", s, e.Offset)
	}
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

func errorf(code Code, offset int, format string, args ...any) *Error {
	return &Error{Code: code, Offset: offset, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) withHint(hint string) *Error {
	e.Hint = hint
	return e
}
