package abi

// Kinds of event, the values of [Event].Kind.
const (
	// EventFetch is an HTTP request; the guest answers it with "respond".
	EventFetch = "fetch"
	// EventScheduled is the tick of a cron trigger.
	EventScheduled = "scheduled"
	// EventQueue is a batch of messages of a queue; the guest settles them with "ack" and "retry".
	EventQueue = "queue"
)

// Event is the message behind handle 0: one thing for the guest to do. An event other than a fetch has succeeded when its handler
// returns without having called "fail".
type Event struct {
	// Kind says which of the other fields is there: "fetch", "scheduled" or "queue".
	Kind string `cbor:"1"`
	// ID names the event in logs and in errors shown to clients.
	ID string `cbor:"2"`
	// TimeMS is when the event began, in milliseconds since the Unix epoch.
	TimeMS int64 `cbor:"3"`
	// Fetch is the HTTP request of an [EventFetch].
	Fetch *FetchEvent `cbor:"4"`
	// Scheduled is the tick of an [EventScheduled].
	Scheduled *ScheduledEvent `cbor:"5"`
	// Queue is the batch of an [EventQueue].
	Queue *QueueEvent `cbor:"6"`
}

// FetchEvent is an HTTP request.
type FetchEvent struct {
	// Method is the request method as sent, such as "GET".
	Method string `cbor:"1"`
	// URL is the absolute URL: scheme, host as the client named it, path and query as sent.
	URL ByteString `cbor:"2"`
	// Headers are the header fields in the order of their names; a repeated field has an entry for each of its lines.
	Headers []Header `cbor:"3"`
	// Body is the whole body where it was short and had arrived before the event began.
	Body []byte `cbor:"4"`
	// BodyStream is the readable stream of the body otherwise; 0 when Body is all there is.
	BodyStream Handle `cbor:"5"`
	// RemoteAddr is the client's IP address.
	RemoteAddr string `cbor:"6"`
	// Protocol is the HTTP version, such as "HTTP/1.1".
	Protocol string `cbor:"7"`
}

// Header is one header field line.
type Header struct {
	// Name is the field name; names compare without regard to case.
	Name string `cbor:"1"`
	// Value is the field value, without surrounding white space. Its bytes need not be UTF-8.
	Value ByteString `cbor:"2"`
}

// FailRequest says that the handler has failed, before it returns. The event's outcome is "exception". A fetch event that has no response yet is
// answered with status 500, a queue's messages that are not settled are retried. The target is the empty string.
//
//pagesrun:op fail
type FailRequest struct {
	// Message is why, for the log; clients never see it.
	Message string `cbor:"1"`
}

// FailReply says that the failure has been noted.
type FailReply struct{}

// RespondRequest answers an [EventFetch]. The response goes out at once; the guest may keep working afterwards, and the event
// ends when its handler returns. The target is the empty string.
//
//pagesrun:op respond
//pagesrun:errors already_responded invalid_argument bad_handle limit_exceeded
type RespondRequest struct {
	// Status is the HTTP status, 200 to 599; 0 means 200.
	Status uint32 `cbor:"1"`
	// Headers are the header fields to send, at most 256 of them and 128 KiB together.
	Headers []Header `cbor:"2"`
	// Body is the whole body, when Stream is 0.
	Body []byte `cbor:"3"`
	// Stream is a readable stream to send as the body: the readable end of a pipe, the request's own body, or any
	// stream a binding gave. It is taken from the guest.
	Stream Handle `cbor:"4"`
}

// RespondReply says that the response has been accepted.
type RespondReply struct{}

// PipeRequest makes a stream: what is written to one end is read from the other. The target is the empty string.
//
//pagesrun:op pipe
//pagesrun:errors too_many_handles
type PipeRequest struct{}

// PipeReply has the two ends of a new stream. It buffers up to 256 KiB; a writer ahead of its reader by more gets would_block.
type PipeReply struct {
	// Readable is the end to read from, or to give away as a body.
	Readable Handle `cbor:"1"`
	// Writable is the end to write to; close it to end the stream.
	Writable Handle `cbor:"2"`
}

// BindingsRequest lists the configured bindings. The target is the empty string.
//
//pagesrun:op bindings
type BindingsRequest struct{}

// BindingsReply is the list of configured bindings in the order of their names.
type BindingsReply struct {
	// Bindings has one entry per binding.
	Bindings []BindingInfo `cbor:"1"`
}

// BindingInfo names a binding and its kind.
type BindingInfo struct {
	// Name is the binding's name: the target of its calls.
	Name string `cbor:"1"`
	// Kind is "kv", "vars", "secrets", ...
	Kind string `cbor:"2"`
}
