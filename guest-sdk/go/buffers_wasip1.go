package pagesrun

import "unsafe"

// The buffers of an instance. They are static so that an event dirties the same few pages every time, and shared without locks because
// nothing switches goroutines between filling one and handing it to the host.
var (
	eventBuffer   [eventBytes + hostPageBytes]byte
	responseBytes [16 << 10]byte
	requestBytes  [4 << 10]byte
	replyBytes    [4 << 10]byte
)

const (
	hostPageBytes     = 4 << 10
	responseHeadBytes = 1 << 10 // of a response message beside its body, usually
	unsupportedText   = "the host does not support it"
)

// firstBuffer is the buffer of the first event's message. It begins with a page, so that a small event and its answer are on one.
func firstBuffer() []byte {
	skip := -uintptr(unsafe.Pointer(&eventBuffer)) % hostPageBytes
	return eventBuffer[skip:][:eventBytes]
}

// responseBuffer is for the message of a response with n bytes of body.
func responseBuffer(n int) []byte {
	if n+responseHeadBytes <= len(instance.rest) {
		return instance.rest[:0]
	}
	return responseBytes[:0]
}

func requestBuffer() []byte { return requestBytes[:0] }
func replyBuffer() []byte   { return replyBytes[:] }

// newResponseRoom makes a response. The first one within an event uses memory that is there already.
func newResponseRoom() *responseRoom {
	if !instance.used || instance.answered {
		return new(responseRoom)
	}
	instance.answered = true
	return &instance.response
}

// bodyOf is a copy of s, behind the first event's message where there is room.
func bodyOf(s string) []byte {
	if len(s) > len(instance.rest) {
		return []byte(s)
	}
	n := copy(instance.rest, s)
	b := instance.rest[:n:n]
	instance.rest = instance.rest[n:]
	return b
}
