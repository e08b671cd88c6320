package pagesrun

import (
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// background handles an event that is no request, given its message. The decoder of the message is the handler's, so that a program without the
// handler is not linked with it.
type background func(ctx *Context, message []byte) error

// ScheduledEvent is the tick of a cron trigger.
type ScheduledEvent struct {
	// ScheduledTime is the minute the event was due at. It may run later; see [Context.Time].
	ScheduledTime time.Time
	// Cron is the expression as the configuration has it, to tell several triggers apart.
	Cron string
}

// ScheduledHandler does what is due. An error, or [Context.Fail] in what WaitUntil runs, makes the outcome of the event "exception"; it is logged and counted,
// and the tick is not run again. A panic does the same and ends the instance.
type ScheduledHandler func(ctx *Context, ev *ScheduledEvent) error

// HandleScheduled makes h the function's handler for cron triggers, the [triggers] crons of the configuration. Call it once, in main or in an init
// function. Without it these events fail with "Handler does not export a scheduled() function.".
func HandleScheduled(h ScheduledHandler) {
	checkHandler("HandleScheduled", h == nil, program.scheduled != nil)
	program.scheduled = func(ctx *Context, message []byte) error {
		var e abi.Event
		if err := e.DecodeShared(message); err != nil || e.Scheduled == nil {
			panic("pagesrun: the scheduled event cannot be read")
		}
		return h(ctx, &ScheduledEvent{ScheduledTime: time.UnixMilli(e.Scheduled.ScheduledTimeMS), Cron: e.Scheduled.Cron})
	}
}

// QueueHandler consumes a batch as it is in the message. Package queues has one that is easier to write.
type QueueHandler func(ctx *Context, batch *abi.QueueEvent) error

// HandleQueue makes h the function's consumer of all its queues. It is the floor on which queues.Handle stands. Call it once, in main or in an init
// function. Without it batches fail with "Handler does not export a queue() function.", which has their messages delivered again.
func HandleQueue(h QueueHandler) {
	checkHandler("HandleQueue", h == nil, program.queue != nil)
	program.queue = func(ctx *Context, message []byte) error {
		var e abi.Event
		if err := e.DecodeShared(message); err != nil || e.Queue == nil {
			panic("pagesrun: the queue event cannot be read")
		}
		return h(ctx, e.Queue)
	}
}

// runBackground runs an event that is no request, or has no handler.
func runBackground(ctx *Context, kind string, message []byte) {
	var handle background
	switch kind {
	case abi.EventScheduled:
		handle = program.scheduled
	case abi.EventQueue:
		handle = program.queue
	}
	ctx.silent = kind != abi.EventFetch
	if handle == nil {
		ctx.fail("Handler does not export a " + kind + "() function.")
		return
	}
	if err := handle(ctx, message); err != nil {
		ctx.fail(err.Error())
	}
}

// Fail says that the event has failed, as a handler's error does; the first to say so is heard. It is for work that goes on after the handler has
// returned: functions given to [Context.WaitUntil] have no result. After a request has been answered it changes the outcome in log and metrics
// alone; before, pagesrun answers the request with status 500.
func (c *Context) Fail(err error) {
	if !c.over() {
		c.fail(err.Error())
	}
}

// fail tells the host. Where that is not possible the instance ends, so that a failure never passes for a success.
func (c *Context) fail(why string) {
	if err := c.tell(abi.OpFail, (&abi.FailRequest{Message: why}).AppendCBOR(requestBuffer())); err != nil {
		panic("pagesrun: " + err.Error() + ", after: " + why)
	}
}

// Tell performs an operation of the runtime itself, such as [abi.OpAck], whose reply says nothing. After the event it fails with
// [abi.CodeCanceled]. It is the floor on which package queues stands.
func (c *Context) Tell(op string, request Encoder) error {
	if c.over() {
		return errEventOver
	}
	return c.tell(op, request.AppendCBOR(requestBuffer()))
}

func (c *Context) tell(op string, message []byte) error {
	h := host.Call("", op, message)
	if h < 0 {
		return hostError("call "+op, h)
	}
	host.Close(uint32(h), abi.CloseFinish)
	return nil
}

// over reports whether the event is over.
func (c *Context) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause == errEventOver
}

// Post performs an operation of a binding that answers at once and whose reply says nothing. encode appends the request to the slice it is given and
// must not do anything else. Post allocates nothing. It is the floor on which package analytics stands.
func Post(target, op string, encode func([]byte) []byte) {
	h := host.Call(target, op, encode(requestBuffer()))
	if h < 0 {
		hostError("call "+op, h)
		return
	}
	handles := [1]uint32{uint32(h)}
	host.Wait(handles[:], -1) // right after the call, this lets the host perform it on the spot
	host.Close(uint32(h), abi.CloseFinish)
}
