package pagesrun

import (
	"sync/atomic"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// Handler answers a request. An error is logged and answered with status 500 and a line of text that names the event; the event's outcome is "exception". A panic ends the instance: the client gets status 500, the
// stack goes to the log, and nothing of the instance is used again.
type Handler func(ctx *Context, req *Request) (*Response, error)

// program is what main has registered. It is part of the image.
var program struct {
	fetch     Handler
	scheduled background
	queue     background
	warm      []func()
}

// HandleFetch makes h the function's answer to HTTP requests. Call it once, in main or in an init function; a program that
// has registered no handler of any kind when main and the OnWarm functions have returned fails to start.
func HandleFetch(h Handler) {
	checkHandler("HandleFetch", h == nil, program.fetch != nil)
	program.fetch = h
}

// checkHandler panics where a handler cannot be registered.
func checkHandler(function string, isNil, again bool) {
	switch {
	case isNil:
		panic("pagesrun: " + function + ": nil handler")
	case again:
		panic("pagesrun: " + function + " was called twice")
	}
}

// OnWarm has f run once, after main and before the image of the instance is taken, so every event finds its results in memory. Only variables,
// secrets and the log can be used in it. A panic in it is a failure to start.
func OnWarm(f func()) { program.warm = append(program.warm, f) }

// finishStart runs the OnWarm functions after main. A program without a handler fails here, at start, and not at every event.
func finishStart() {
	for _, f := range program.warm {
		f()
	}
	if program.fetch == nil && program.scheduled == nil && program.queue == nil {
		panic("pagesrun: no handler: call pagesrun.HandleFetch in main")
	}
}

// fetch is all the SDK itself allocates for one request, in one piece: the fewer places an event writes to, the sooner
// its instance is put back.
type fetch struct {
	event abi.EventRoom
	ctx   Context
	req   Request
	body  Stream
}

// eventBytes is the length up to which an event's message is taken with one host call.
const eventBytes = 16 << 10

// instance is what the SDK writes to in an event, in one piece.
//
// The first event of an instance uses memory that is there already. Where instances live for one event, that is every event; where
// they live longer, later ones get memory of their own, because a function may have kept parts of a request.
var instance struct {
	waits    waiter
	current  atomic.Pointer[Context] // the event this instance runs; an instance runs one at a time
	used     bool                    // the first event has begun
	answered bool                    // response is in use
	rest     []byte                  // what the first event's message has left of its buffer
	first    fetch
	response responseRoom
}

// runEvent runs the event behind handle 0 and stays until nothing of it is left to do.
func runEvent() {
	f, message := newEvent()
	if err := f.event.DecodeShared(message); err != nil {
		panic("pagesrun: the event cannot be read: " + err.Error())
	}
	f.ctx.id, f.ctx.timeMS = f.event.ID, f.event.TimeMS
	if instance.current.Load() != &f.ctx {
		instance.current.Store(&f.ctx)
	}
	instance.waits.beginEvent()
	if f.event.Kind == abi.EventFetch && program.fetch != nil {
		f.run()
	} else {
		runBackground(&f.ctx, f.event.Kind, message)
	}
	f.ctx.runAfter()
	f.body.finish(errStreamClosed)
	f.ctx.cancel(errEventOver)
}

// newEvent takes the event's message and finds memory for all else of it.
func newEvent() (*fetch, []byte) {
	if instance.used {
		instance.rest = nil
		return new(fetch), takeEvent(make([]byte, eventBytes))
	}
	instance.used = true
	b := firstBuffer()
	message := takeEvent(b)
	if len(message) < len(b) && &message[0] == &b[0] {
		instance.rest = b[len(message):]
	}
	return &instance.first, message
}

// takeEvent takes the event message, into b if it fits.
func takeEvent(b []byte) []byte {
	n := host.Result(uint32(abi.HandleEvent), b)
	if int(n) > len(b) {
		b = make([]byte, n)
		n = host.Result(uint32(abi.HandleEvent), b)
	}
	if n < 0 {
		panic("pagesrun: there is no event: " + abi.Code(-n).String())
	}
	return b[:n]
}

// run makes the request of the message and answers it. The body aliases the message.
func (f *fetch) run() {
	m := f.event.Fetch
	if m == nil {
		panic("pagesrun: the fetch event has no request")
	}
	f.body = Stream{handle: uint32(m.BodyStream), rest: m.Body}
	f.req = Request{
		Method: m.Method, URL: string(m.URL), Header: Header{m.Headers}, Body: &f.body,
		RemoteAddr: m.RemoteAddr, Protocol: m.Protocol,
	}
	answer(&f.ctx, &f.req)
}

// answer calls the handler and sends what it returns.
func answer(ctx *Context, req *Request) {
	resp, err := program.fetch(ctx, req)
	if err != nil {
		answerFailure(ctx, err)
		return
	}
	if resp == nil {
		return
	}
	if err := ctx.Respond(resp); err != nil {
		Log(LevelError, "response: "+err.Error())
	}
}

// answerFailure logs why a handler has failed, answers the request unless the handler has, and tells the host, whose log and metrics count
// the event as failed then.
func answerFailure(ctx *Context, why error) {
	Log(LevelError, "handler: "+why.Error())
	if !ctx.Responded() {
		if err := ctx.Respond(Text(500, "Internal Server Error (event "+ctx.id+")\n")); err != nil {
			Log(LevelError, "response: "+err.Error())
		}
	}
	ctx.fail(why.Error())
}
