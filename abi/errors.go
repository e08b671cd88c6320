package abi

// Code says what went wrong. Codes are append-only: a number and its name never change. A host function returns minus the code; a
// failed operation carries it in its [Error].
type Code uint32

// The codes, in order of publication.
const (
	// CodeBadHandle: the handle was never given out in this event, or is used up, or is of the wrong kind for this function.
	CodeBadHandle Code = 1
	// CodeBadPointer: a pointer and length reach outside the guest's memory.
	CodeBadPointer Code = 2
	// CodeTooLarge: a length is over its limit.
	CodeTooLarge Code = 3
	// CodeWouldBlock: nothing can be read, written or taken yet; wait on the handle first.
	CodeWouldBlock Code = 4
	// CodeTimeout: the time given to wait has passed, or the operation's own time limit.
	CodeTimeout Code = 5
	// CodeCanceled: the event was canceled (the client went away) or the call was closed.
	CodeCanceled Code = 6
	// CodeTooManyHandles: the event has as many open handles as it may; close some.
	CodeTooManyHandles Code = 7
	// CodeBadMessage: the message is not what the operation's schema says.
	CodeBadMessage Code = 8
	// CodeNotConfigured: no binding of that name is configured.
	CodeNotConfigured Code = 9
	// CodeUnknownOperation: the host does not know the operation; it may be older than the SDK.
	CodeUnknownOperation Code = 10
	// CodeWrongKind: the binding exists but is of another kind than the operation.
	CodeWrongKind Code = 11
	// CodeAlreadyResponded: the event has its response already.
	CodeAlreadyResponded Code = 12
	// CodeStreamClosed: the other side of the stream is gone; on read, the data is incomplete.
	CodeStreamClosed Code = 13
	// CodeLimitExceeded: a limit of the event (operations, log bytes, response bytes) is used up.
	CodeLimitExceeded Code = 14
	// CodeNotDuringWarm: the operation is not available before the first event.
	CodeNotDuringWarm Code = 15
	// CodeInternal: the host failed; the cause is in its log.
	CodeInternal Code = 16
	// CodeInvalidArgument: the request was understood and refused; the text says which field and why.
	CodeInvalidArgument Code = 17
	// CodeStorageFull: the disk has no room. Reads and deletes still work, writes resume when there is room again.
	CodeStorageFull Code = 18
	// CodeStorageFailed: the storage failed; the cause is in the host's log.
	CodeStorageFailed Code = 19
	// CodeUnavailable: the binding is closing or overloaded; trying again later may work.
	CodeUnavailable Code = 20
	// CodeUnsupported: the operation exists on the platform but not here or not in this guest.
	CodeUnsupported Code = 21
)

// codeNames holds the stable name of each code, at its number.
var codeNames = [...]string{
	"ok", "bad_handle", "bad_pointer", "too_large", "would_block", "timeout", "canceled", "too_many_handles",
	"bad_message", "not_configured", "unknown_operation", "wrong_kind", "already_responded", "stream_closed",
	"limit_exceeded", "not_during_warm", "internal", "invalid_argument", "storage_full", "storage_failed",
	"unavailable", "unsupported",
}

// String gives the stable name of the code, such as "bad_handle".
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown_code"
}

// Error is the code itself as an error, so that errors.Is(err, abi.CodeStorageFull) holds for every [Error] with that code.
func (c Code) Error() string { return c.String() }

// CodeMax is the highest code of this version of the schema.
const CodeMax = CodeUnsupported

// Error is a failed operation: what a guest may know about it. In a reply it stands alone under key 0.
type Error struct {
	// Code is the stable reason.
	Code Code `cbor:"1"`
	// Message is a sentence for a person, with the platform's exact text where it has one.
	Message string `cbor:"2"`
	// Status is the HTTP-like status the platform gives this failure (413, 414, ...), 0 when it has none.
	Status uint32 `cbor:"3"`
}

// Error gives the message, or the code's name when there is none.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.String()
	}
	return e.Message
}

// Is reports whether target is this error's code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}
