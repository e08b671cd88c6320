package runtime

import (
	"io"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Request is one fetch event for a function.
type Request struct {
	// ID names the event in logs and error pages.
	ID string
	// Start is when the request's head had been read.
	Start time.Time
	// Fetch is the event message, with Body filled in where the whole body is short and has arrived.
	Fetch abi.FetchEvent
	// Body is the body otherwise; nil when there is none or Fetch.Body is all of it. The runtime closes it.
	Body io.ReadCloser
}

// Response is a function's answer. The caller must Close it.
type Response struct {
	// Status is the HTTP status, already checked to be within 200 to 599.
	Status int
	// Headers are the fields to send, in the guest's order, not yet checked against HTTP's rules.
	Headers []abi.Header
	// Body is the whole body when Stream is nil. It is valid until Close.
	Body []byte
	// Stream is the body otherwise. Its error, other than io.EOF, means the response is incomplete and the connection must be cut.
	Stream io.ReadCloser

	local  string              // the path a WASI command sends the request on to
	origin *hostfuncs.Response // holds the memory of all this
}

// Close releases the response's body. Nothing of it may be used afterwards. Closing twice is harmless.
func (r *Response) Close() {
	if r.Stream != nil {
		r.Stream.Close()
	}
	if r.origin != nil {
		r.origin.Recycle()
		r.origin = nil
	}
}

// Outcome is how an event ended; it is a metric label and a field of the log line.
type Outcome string

// The outcomes, and the HTTP status a client gets where the guest has not responded.
const (
	OutcomeOK             Outcome = "ok"              // as the guest said
	OutcomeException      Outcome = "exception"       // 500: trap, exit, or a broken ABI call
	OutcomeNoResponse     Outcome = "no_response"     // 500: the handler returned without responding
	OutcomeExceededCPU    Outcome = "exceeded_cpu"    // 503
	OutcomeExceededWall   Outcome = "exceeded_wall"   // 504
	OutcomeExceededMemory Outcome = "exceeded_memory" // 503: trapped after memory.grow was refused
	OutcomeCanceled       Outcome = "canceled"        // 499 in logs: the client went away
	OutcomeOverloaded     Outcome = "overloaded"      // 503 with Retry-After: no instance became free in time
	OutcomeUnavailable    Outcome = "unavailable"     // 503: shutting down, or the function cannot be instantiated
)

// EventError is an event that ended without a usable response.
type EventError struct {
	Outcome Outcome
	// Status is the HTTP status for the client.
	Status int
	// Message is a sentence that may be shown to the client: it names the limit and the event, never guest data.
	Message string
	// RetryAfter is when trying again may help; 0 when it will not.
	RetryAfter time.Duration
	// Cause is for the log.
	Cause error
}

// Error gives the message and the cause.
func (e *EventError) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *EventError) Unwrap() error { return e.Cause }

// Report is what is known of an event once the guest is done with it, which may be after its response was sent.
type Report struct {
	// ID names the event.
	ID string
	// Kind is the kind of event, such as abi.EventFetch.
	Kind string
	// Start is when it began: a request when its head had been read.
	Start time.Time
	// Request is the request of a fetch event, nil otherwise.
	Request *Request
	// Detail is one phrase about an event that is no fetch.
	Detail  string
	Outcome Outcome
	// Status is the response's status, or the error's.
	Status int
	// Err is why the outcome is not ok.
	Err error
	// Duration is from Start until the guest was done.
	Duration time.Duration
	// CPU is the time spent inside guest code.
	CPU time.Duration
	// Fuel is how many units of guest code were run: about one per instruction.
	Fuel int64
	// PoolWait is how long the event waited for an instance.
	PoolWait time.Duration
	// MemoryBytes is the size of the guest's linear memory at the end.
	MemoryBytes int64
	// Reused says that the event ran in an instance that earlier events had used.
	Reused bool
	// Discarded is why the instance was thrown away afterwards; empty when it was kept.
	Discarded string
}

// Observer is told about events. Its methods are called from many goroutines at once and must be quick.
type Observer interface {
	// EventDone is called exactly once per event. The report must not be kept after that; a copy may be.
	EventDone(*Report)
	// GuestLog is called for each line a guest writes: through the ABI's log (level as in abi.LogDebug...) or to its
	// stdout and stderr (source "stdout", "stderr"; level info and warn).
	GuestLog(eventID, source string, level int, line string)
}
