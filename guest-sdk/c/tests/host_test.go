package tests

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// host is the host side of the contract at its most awkward: nothing is ready before it was waited for, reads and writes move little
// at a time, and every second one would block.
type host struct {
	event    []byte
	bodies   map[abi.Handle]*stream // readable streams
	pipe     stream                 // what the guest writes
	calls    map[abi.Handle]*pending
	next     abi.Handle
	kv       map[string]abi.KVPutRequest
	d1       d1
	response *abi.RespondRequest
	counts   map[string]int
	logs     []string
	closed   []string
	said     []string // what the handler of a queue has said, and what was sent and written
}

// pending is a call.
type pending struct {
	reply []byte
	ready bool
	slow  bool // not ready while another is waited for too
}

// stream is one direction of bytes.
type stream struct {
	data  []byte
	ready bool
	fails abi.Code // instead of the end
}

// The most that one read or write moves.
const (
	readMax  = 5
	writeMax = 700
)

func (h *host) reset() {
	*h = host{
		bodies: map[abi.Handle]*stream{}, calls: map[abi.Handle]*pending{}, counts: map[string]int{}, next: 100,
		kv: map[string]abi.KVPutRequest{}, event: h.event,
	}
}

// instantiate makes the seven functions importable.
func (h *host) instantiate(t *testing.T, ctx context.Context, r wazero.Runtime) {
	t.Helper()
	h.reset()
	_, err := r.NewHostModuleBuilder(abi.Module).
		NewFunctionBuilder().WithFunc(h.call).Export(abi.FuncCall).
		NewFunctionBuilder().WithFunc(h.wait).Export(abi.FuncWait).
		NewFunctionBuilder().WithFunc(h.result).Export(abi.FuncResult).
		NewFunctionBuilder().WithFunc(h.read).Export(abi.FuncRead).
		NewFunctionBuilder().WithFunc(h.write).Export(abi.FuncWrite).
		NewFunctionBuilder().WithFunc(h.close).Export(abi.FuncClose).
		NewFunctionBuilder().WithFunc(h.log).Export(abi.FuncLog).
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
}

// bytesAt is a part of the guest's memory.
func bytesAt(m api.Module, ptr, n uint32) []byte {
	b, ok := m.Memory().Read(ptr, n)
	if !ok {
		panic("bad pointer")
	}
	return b
}

func (h *host) call(_ context.Context, m api.Module, target, targetLen, op, opLen, msg, msgLen uint32) int32 {
	h.counts["call"]++
	h.next++
	p := &pending{}
	h.calls[h.next] = p
	handle := h.next
	p.reply = h.perform(p, string(bytesAt(m, target, targetLen)), string(bytesAt(m, op, opLen)), slices.Clone(bytesAt(m, msg, msgLen)))
	return int32(handle)
}

// perform is the reply to an operation.
func (h *host) perform(p *pending, target, op string, msg []byte) []byte {
	switch {
	case op == abi.OpRespond:
		h.response = &abi.RespondRequest{}
		if err := h.response.DecodeCBOR(msg); err != nil {
			panic(err)
		}
		return nil
	case op == abi.OpPipe:
		h.next += 2
		return (&abi.PipeReply{Readable: h.next - 1, Writable: h.next}).AppendCBOR(nil)
	case op == abi.OpVarsGet && target == "GREETING":
		return (&abi.VarsGetReply{Value: "Grüezi"}).AppendCBOR(nil)
	case target == "" || target == "QUEUE" || target == "DATA":
		return h.performEvents(op, msg)
	case target == "KV":
		return h.performKV(p, op, msg)
	case target == "DB":
		return h.d1.perform(op, msg)
	}
	return abi.AppendError(nil, &abi.Error{Code: abi.CodeNotConfigured, Message: "no binding " + target})
}

// performEvents writes down operations of events, queues and datasets.
func (h *host) performEvents(op string, msg []byte) []byte {
	var said string
	switch op {
	case abi.OpFail:
		said = decoded[abi.FailRequest](msg).Message
	case abi.OpAck:
		q := decoded[abi.AckRequest](msg)
		said = fmt.Sprint(q.Messages, q.All)
	case abi.OpRetry:
		q := decoded[abi.RetryRequest](msg)
		said = fmt.Sprint(q.Messages, q.All, " ", seconds(q.DelayS))
	case abi.OpQueuesSend:
		q := decoded[abi.QueuesSendRequest](msg)
		if q.ContentType == abi.QueueV8 {
			return abi.AppendError(nil, &abi.Error{Code: abi.CodeUnsupported, Message: "no v8"})
		}
		said = fmt.Sprintf("%s %q %s", q.ContentType, q.Body, seconds(q.DelayS))
	case abi.OpAnalyticsWrite:
		q := decoded[abi.AnalyticsWriteRequest](msg)
		said = fmt.Sprintf("%q %q %v", q.Indexes, q.Blobs, q.Doubles)
	default:
		panic("operation " + op)
	}
	h.said = append(h.said, op+" "+said)
	return nil
}

func seconds(s *int64) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprint(*s)
}

func (h *host) performKV(p *pending, op string, msg []byte) []byte {
	switch op {
	case abi.OpKVPut:
		q := decoded[abi.KVPutRequest](msg)
		if q.Key == "large" {
			return abi.AppendError(nil, &abi.Error{Code: abi.CodeTooLarge, Message: "value too large", Status: 413})
		}
		h.kv[string(q.Key)] = q
		return (&abi.KVPutReply{}).AppendCBOR(nil)
	case abi.OpKVGet:
		q := decoded[abi.KVGetRequest](msg)
		p.slow = q.Key == "slow"
		return h.get(q)
	case abi.OpKVGetBulk:
		var a abi.KVGetBulkReply
		for _, k := range decoded[abi.KVGetBulkRequest](msg).Keys {
			v, ok := h.kv[string(k)]
			a.Entries = append(a.Entries, abi.KVEntry{Key: k, Found: ok, Value: v.Value, Metadata: v.Metadata})
		}
		return a.AppendCBOR(nil)
	case abi.OpKVList:
		return h.list(decoded[abi.KVListRequest](msg))
	case abi.OpKVDelete:
		delete(h.kv, string(decoded[abi.KVDeleteRequest](msg).Key))
		return nil
	}
	panic("operation " + op)
}

func (h *host) get(q abi.KVGetRequest) []byte {
	switch q.Key {
	case "streamed":
		h.next++
		return (&abi.KVGetReply{Found: true, Stream: h.next}).AppendCBOR(nil)
	case "huge":
		return (&abi.KVGetReply{Found: true, Value: make([]byte, 3<<20)}).AppendCBOR(nil)
	case "slow", "quick":
		return (&abi.KVGetReply{Found: true, Value: []byte(q.Key)}).AppendCBOR(nil)
	}
	v, ok := h.kv[string(q.Key)]
	return (&abi.KVGetReply{Found: ok, Value: v.Value}).AppendCBOR(nil)
}

// list gives one key per page.
func (h *host) list(q abi.KVListRequest) []byte {
	var keys []string
	for k := range h.kv {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	n := len(q.Cursor)
	key := keys[n]
	a := abi.KVListReply{Keys: []abi.KVKey{{Name: abi.ByteString(key), Expiration: h.kv[key].ExpirationTTLS}}}
	if n == len(keys)-1 {
		a.ListComplete = true
	} else {
		a.Cursor = q.Cursor + "+"
	}
	return a.AppendCBOR(nil)
}

// decoded decodes a request.
func decoded[T any, P interface {
	*T
	DecodeCBOR([]byte) error
}](msg []byte) T {
	var q T
	if err := P(&q).DecodeCBOR(msg); err != nil {
		panic(err)
	}
	return q
}

func (h *host) wait(_ context.Context, m api.Module, ptr, n uint32, timeoutNS int64) int32 {
	h.counts["wait"]++
	if timeoutNS == 0 {
		return -int32(abi.CodeTimeout)
	}
	for i := range n {
		id, _ := m.Memory().ReadUint32Le(ptr + 4*i)
		handle := abi.Handle(id)
		if p := h.calls[handle]; p != nil && (n == 1 || !p.slow) {
			p.ready = true
			return int32(i)
		}
		if s := h.bodies[handle]; s != nil {
			s.ready = true
			return int32(i)
		}
		if h.calls[handle] == nil {
			h.pipe.ready = true
			return int32(i)
		}
	}
	return -int32(abi.CodeTimeout)
}

func (h *host) result(_ context.Context, m api.Module, handle, ptr, capacity uint32) int32 {
	h.counts["result"]++
	msg := h.event
	if handle != 0 {
		p := h.calls[abi.Handle(handle)]
		switch {
		case p == nil:
			return -int32(abi.CodeBadHandle)
		case !p.ready:
			return -int32(abi.CodeWouldBlock)
		}
		msg = p.reply
	}
	if len(msg) <= int(capacity) {
		copy(bytesAt(m, ptr, capacity), msg)
		delete(h.calls, abi.Handle(handle))
	}
	return int32(len(msg))
}

func (h *host) read(_ context.Context, m api.Module, handle, ptr, capacity uint32) int32 {
	h.counts["read"]++
	s := h.bodies[abi.Handle(handle)]
	switch {
	case s == nil:
		return -int32(abi.CodeBadHandle)
	case !s.ready:
		return -int32(abi.CodeWouldBlock)
	case len(s.data) == 0 && s.fails != 0:
		return -int32(s.fails)
	}
	s.ready = false
	n := copy(bytesAt(m, ptr, min(capacity, readMax)), s.data)
	s.data = s.data[n:]
	return int32(n)
}

func (h *host) write(_ context.Context, m api.Module, _, ptr, n uint32) int32 {
	h.counts["write"]++
	if !h.pipe.ready {
		return -int32(abi.CodeWouldBlock)
	}
	h.pipe.ready = false
	n = min(n, writeMax)
	h.pipe.data = append(h.pipe.data, bytesAt(m, ptr, n)...)
	return int32(n)
}

func (h *host) close(_ context.Context, _ api.Module, handle uint32, reason int32) int32 {
	h.counts["close"]++
	h.closed = append(h.closed, fmt.Sprintf("%d:%d", handle, reason))
	if p := h.calls[abi.Handle(handle)]; p == nil && h.bodies[abi.Handle(handle)] == nil && len(h.pipe.data) == 0 {
		return -int32(abi.CodeBadHandle)
	}
	delete(h.calls, abi.Handle(handle))
	return 0
}

func (h *host) log(_ context.Context, m api.Module, level int32, ptr, n uint32) int32 {
	h.counts["log"]++
	h.logs = append(h.logs, fmt.Sprintf("%d %s", level, bytesAt(m, ptr, n)))
	return 0
}
