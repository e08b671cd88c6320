package hostfuncs_test

import (
	"context"
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/hosttest"
)

// program reads the fuzzer's bytes; past their end it reads zeros.
type program []byte

func (p *program) byte() byte {
	if len(*p) == 0 {
		return 0
	}
	b := (*p)[0]
	*p = (*p)[1:]
	return b
}

func (p *program) bytes(n int) []byte {
	n = min(n, len(*p))
	b := (*p)[:n]
	*p = (*p)[n:]
	return b
}

// pick gives one of the values, or sometimes any 32 bits.
func (p *program) pick(values ...uint64) uint64 {
	b := int(p.byte())
	if b >= 240 {
		return uint64(binary.LittleEndian.Uint32(append(append([]byte{}, p.bytes(4)...), 0, 0, 0, 0)))
	}
	return values[b%len(values)]
}

// handle gives a handle: small ones are the ones there are.
func (p *program) handle() uint64 {
	return p.pick(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1<<31, 1<<32-1)
}

// target and operation are those there are, and some there are not.
func (p *program) target() string {
	names := []string{"", "", "", "PROBE", "PROBE", "KV", "VAR", "SECRET", "NOBODY", "\xff\x00"}
	return names[int(p.byte())%len(names)]
}

func (p *program) operation() string {
	names := []string{"probe.echo", "probe.now", "probe.slow", "probe.take", "probe.give", "probe.none", "", "respond\x00"}
	for _, op := range abi.Operations() {
		names = append(names, op.Name)
	}
	return names[int(p.byte())%len(names)]
}

// message is a well-formed message, one with a handle in it, or raw bytes.
func (p *program) message() []byte {
	h := abi.Handle(p.handle())
	switch p.byte() % 8 {
	case 0:
		return nil
	case 1:
		return []byte{0xa0}
	case 2:
		return (&abi.RespondRequest{Status: uint32(p.pick(0, 200, 404, 599, 600)), Body: p.bytes(8)}).AppendCBOR(nil)
	case 3:
		return (&abi.RespondRequest{Stream: h}).AppendCBOR(nil)
	case 4:
		return (&abi.KVPutRequest{Key: "k", Stream: h}).AppendCBOR(nil)
	case 5:
		return (&abi.KVPutRequest{Key: abi.ByteString(p.bytes(3)), Value: p.bytes(20)}).AppendCBOR(nil)
	case 6:
		return (&abi.KVGetRequest{Key: abi.ByteString(p.bytes(3))}).AppendCBOR(nil)
	}
	return p.bytes(40)
}

// step makes one host call. Its error is a Stop: no guest code would run after it.
func (p *program) step(g *guest) error {
	places := []uint64{0, 1, atMessage, atReply, hosttest.MemoryBytes - 8, hosttest.MemoryBytes - 1, hosttest.MemoryBytes, hosttest.MemoryBytes + 1, 1 << 31, 1<<32 - 1}
	lengths := []uint64{0, 1, 3, 64, 4096, hosttest.MemoryBytes, abi.MessageBytesMax, abi.MessageBytesMax + 1, 1 << 31, 1<<32 - 1}
	place, length := func() uint64 { return p.pick(places...) }, func() uint64 { return p.pick(lengths...) }
	var err error
	switch op := p.byte() % 12; op {
	case hosttest.Call:
		_, err = g.invoke(hosttest.Call, place(), length(), place(), length(), place(), length())
	case hosttest.Wait:
		_, err = g.invoke(hosttest.Wait, place(), p.pick(0, 1, 2, 5, 1024, 1025, 1<<31), uint64(p.timeout()))
	case hosttest.Result, hosttest.Read, hosttest.Write:
		_, err = g.invoke(int(op), p.handle(), place(), length())
	case hosttest.Close:
		_, err = g.invoke(hosttest.Close, p.handle(), p.pick(0, 1, 2, 1<<31))
	case hosttest.Log:
		_, err = g.invoke(hosttest.Log, p.pick(0, 1, 2, 3, 4), place(), length())
	case 7:
		handles := binary.LittleEndian.AppendUint32(nil, uint32(p.handle()))
		g.put(atTarget, binary.LittleEndian.AppendUint32(handles, uint32(p.handle())))
		_, err = g.invoke(hosttest.Wait, atTarget, uint64(1+p.byte()%2), uint64(p.timeout()))
	default:
		_, err = g.start(p.target(), p.operation(), p.message())
	}
	return err
}

func (p *program) timeout() int64 { return []int64{0, 0, 1000, 100_000, -1, -1 << 63}[p.byte()%6] }

// FuzzABI runs random sequences of host calls in a real session: none panics, and afterwards nothing is left.
func FuzzABI(f *testing.F) {
	f.Add([]byte{8, 0, 8, 1, 7, 0, 5, 2, 4, 4, 2, 3, 3})
	f.Add([]byte{8, 3, 2, 0, 1, 8, 3, 3, 0, 1, 7, 1, 0, 0})
	f.Add([]byte{9, 5, 10, 0, 5, 1, 2, 3, 7, 1, 1, 0, 4, 2, 1, 3, 3})
	f.Add([]byte{8, 0, 8, 0, 1, 8, 0, 7, 2, 3, 8, 0, 7, 2, 2})
	g := newGuest(f, hostfuncs.Limits{Handles: 12, Operations: 40, LogBytes: 4096})
	f.Fuzz(func(t *testing.T, data []byte) {
		g.t = t
		goroutines := runtime.NumGoroutine()
		p := program(data)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		phase := hostfuncs.PhaseEvent
		if p.byte() == 1 {
			phase = hostfuncs.PhaseWarm
		}
		g.Begin(ctx, phase, []byte{0xa0}, time.Now().Add(3*time.Millisecond))
		g.logged = 0
		g.AddReadable(g.probe.stream(int(p.pick(0, 1, 1000, 100_000))))
		for range 40 {
			if len(p) == 0 || p.step(g) != nil {
				break
			}
		}
		g.finishFuzz(t, goroutines)
	})
}

// finishFuzz ends the event and checks that nothing of it is left.
func (g *guest) finishFuzz(t *testing.T, goroutines int) {
	if r := g.Response(); r != nil && r.Stream != nil {
		r.Stream.Close()
	}
	reusable := g.End()
	if g.logged > 4096 {
		t.Errorf("logged %d bytes", g.logged)
	}
	settle(t, "open streams", 0, func() int { return int(g.probe.open.Load()) })
	settle(t, "goroutines", goroutines+2, runtime.NumGoroutine)
	for h := range uint64(20) {
		if code, _ := g.invoke(hosttest.Read, h, atReply, 1); code != -int32(abi.CodeBadHandle) {
			t.Errorf("the handle %d outlives its event: %d", h, code)
		}
	}
	if !reusable {
		g.renew()
	}
}
