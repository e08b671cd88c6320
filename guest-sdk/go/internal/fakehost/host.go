package fakehost

import (
	"fmt"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// Config is what a host offers to its guest.
type Config struct {
	// Vars and Secrets are the values by name.
	Vars, Secrets map[string]string
	// KV names the KV namespaces.
	KV []string
	// D1 names the D1 databases.
	D1 []string
	// Queues and Datasets name the bindings of queue producers and Analytics Engine datasets.
	Queues, Datasets []string
	// Delay is how long every binding operation takes.
	Delay time.Duration
	// PipeBytes is how much a pipe holds; 0 means 256 KiB.
	PipeBytes int
}

// LogLine is one line of the guest's log.
type LogLine struct {
	Level uint32
	Text  string
}

// Host is the host of one guest. Its seven functions are the ABI's; everything may be called from many goroutines.
type Host struct {
	config Config

	mu       sync.Mutex
	changed  *sync.Cond
	next     uint32
	handles  map[uint32]any // *call, *readEnd, *writeEnd
	event    []byte
	response *Response
	trace    []string
	logs     []LogLine
	kv       map[string]map[string]kvValue
	d1       map[string]*d1Database
	canceled bool
	hungUp   bool
	failing  map[string]*abi.Error
	said     background
	sent     map[string][]abi.QueueSend
	points   map[string][]abi.AnalyticsWriteRequest
}

// New makes a host.
func New(c Config) *Host {
	if c.PipeBytes == 0 {
		c.PipeBytes = 256 << 10
	}
	h := &Host{config: c, kv: map[string]map[string]kvValue{}, d1: map[string]*d1Database{}, failing: map[string]*abi.Error{}}
	h.sent, h.points = map[string][]abi.QueueSend{}, map[string][]abi.AnalyticsWriteRequest{}
	h.changed = sync.NewCond(&h.mu)
	for _, name := range c.KV {
		h.kv[name] = map[string]kvValue{}
	}
	for _, name := range c.D1 {
		h.d1[name] = nil
	}
	h.begin(nil)
	return h
}

// call is an operation in progress: its reply is there at ready.
type call struct {
	ready time.Time
	reply []byte
	known bool
}

// Begin starts an event; what an earlier one left behind is gone.
func (h *Host) Begin(ev *abi.Event) {
	h.begin(ev.AppendCBOR(nil))
	h.mu.Lock()
	defer h.mu.Unlock()
	if ev.Queue != nil {
		h.said = background{isBatch: true, batch: make([]Settlement, len(ev.Queue.Messages))}
	}
}

func (h *Host) begin(event []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.event, h.response, h.canceled, h.hungUp, h.trace, h.logs = event, nil, false, false, nil, nil
	h.handles, h.next, h.said = map[uint32]any{}, 0, background{}
}

// BeginBytes starts an event with any bytes for a message, for tests of broken ones.
func (h *Host) BeginBytes(b []byte) { h.begin(b) }

// BeginStreaming starts a fetch event whose body comes through the writer.
func (h *Host) BeginStreaming(ev *abi.Event) *BodyWriter {
	h.begin(nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &pipe{}
	ev.Fetch.BodyStream = abi.Handle(h.add(&readEnd{p}))
	h.event = ev.AppendCBOR(nil)
	return &BodyWriter{h, p}
}

// FailOperation has an operation answered with an error from now on.
func (h *Host) FailOperation(op string, err *abi.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing[op] = err
}

// Cancel cancels the event, as when the client goes away.
func (h *Host) Cancel() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.canceled = true
	h.changed.Broadcast()
}

// Trace returns the host calls of the event in their order.
func (h *Host) Trace() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.trace...)
}

// Note adds a line to the trace, for host functions outside of the ABI.
func (h *Host) Note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef(format, args...)
}

// Logs returns the log lines of the event.
func (h *Host) Logs() []LogLine {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]LogLine(nil), h.logs...)
}

func (h *Host) notef(format string, args ...any) {
	h.trace = append(h.trace, fmt.Sprintf(format, args...))
}

func (h *Host) add(entry any) uint32 {
	h.next++
	h.handles[h.next] = entry
	return h.next
}

// Call is the ABI's call.
func (h *Host) Call(target, op string, msg []byte) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("call %q %s", target, op)
	if h.canceled {
		return code(abi.CodeCanceled)
	}
	c := &call{}
	id := h.add(c)
	h.operate(c, target, op, append([]byte(nil), msg...))
	return int32(id)
}

// reply settles a call.
func (h *Host) reply(c *call, m interface{ AppendCBOR([]byte) []byte }, err *abi.Error) {
	if err != nil {
		c.reply = abi.AppendError(nil, err)
	} else {
		c.reply = m.AppendCBOR(nil)
	}
	c.known, c.ready = true, time.Now()
	if h.config.Delay > 0 {
		c.ready = c.ready.Add(h.config.Delay)
		time.AfterFunc(h.config.Delay, h.broadcast)
	}
	h.changed.Broadcast()
}

func (h *Host) broadcast() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed.Broadcast()
}

func (c *call) done() bool { return c.known && !time.Now().Before(c.ready) }

// Wait is the ABI's wait.
func (h *Host) Wait(handles []uint32, timeoutNS int64) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("wait %v", handles)
	deadline := time.Now().Add(time.Duration(timeoutNS))
	if timeoutNS > 0 {
		defer time.AfterFunc(time.Duration(timeoutNS), h.broadcast).Stop()
	}
	for {
		if h.canceled {
			return code(abi.CodeCanceled)
		}
		if n := h.firstReady(handles); n != code(abi.CodeWouldBlock) {
			return n
		}
		if timeoutNS >= 0 && !time.Now().Before(deadline) {
			return code(abi.CodeTimeout)
		}
		h.changed.Wait()
	}
}

// firstReady is the index of the first ready handle, would_block when there is none.
func (h *Host) firstReady(handles []uint32) int32 {
	for i, id := range handles {
		ready := false
		switch e := h.handles[id].(type) {
		case *call:
			ready = e.done()
		case *readEnd:
			ready = e.p.readable()
		case *writeEnd:
			ready = e.p.writable(h.config.PipeBytes)
		default:
			return code(abi.CodeBadHandle)
		}
		if ready {
			return int32(i)
		}
	}
	return code(abi.CodeWouldBlock)
}

// Result is the ABI's result.
func (h *Host) Result(handle uint32, b []byte) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("result %d", handle)
	if handle == 0 {
		return h.takeEvent(b)
	}
	c, ok := h.handles[handle].(*call)
	switch {
	case !ok:
		return code(abi.CodeBadHandle)
	case !c.done():
		return code(abi.CodeWouldBlock)
	case len(c.reply) <= len(b):
		delete(h.handles, handle)
	}
	return fit(b, c.reply)
}

func (h *Host) takeEvent(b []byte) int32 {
	if h.event == nil {
		return code(abi.CodeBadHandle)
	}
	n := fit(b, h.event)
	if int(n) <= len(b) {
		h.event = nil
	}
	return n
}

// fit copies the message where there is room for all of it.
func fit(b, message []byte) int32 {
	if len(message) <= len(b) {
		copy(b, message)
	}
	return int32(len(message))
}

// Close is the ABI's close.
func (h *Host) Close(handle, reason uint32) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("close %d %d", handle, reason)
	switch e := h.handles[handle].(type) {
	case nil:
		return code(abi.CodeBadHandle)
	case *readEnd:
		e.p.readerGone = true
	case *writeEnd:
		e.p.ended, e.p.aborted = true, reason == abi.CloseAbort
	}
	delete(h.handles, handle)
	h.changed.Broadcast()
	return 0
}

// Log is the ABI's log.
func (h *Host) Log(level uint32, text string) int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notef("log %d", level)
	h.logs = append(h.logs, LogLine{level, text})
	return 0
}

func code(c abi.Code) int32 { return -int32(c) }
