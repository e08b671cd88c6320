package simulator

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/hosttest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Places in the guest's memory.
const (
	atTarget  = 0
	atOp      = 512
	atHandles = 768
	atMessage = 1024
	atReply   = 48 << 10
	replyCap  = hosttest.MemoryBytes - atReply
)

// guest makes calls of the host functions out of a real module.
type guest struct {
	*hostfuncs.Session
	runtime wazero.Runtime
	memory  api.Memory
	fns     [hosttest.FunctionCount]api.Function
}

// Block, Unblock and Charge implement [hostfuncs.Scheduler]: a simulated guest has all the time there is.
func (*guest) Block()     {}
func (*guest) Unblock()   {}
func (*guest) Charge(int) {}

func newGuest(ctx context.Context) (*guest, error) {
	g := &guest{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())}
	if err := hostfuncs.Instantiate(ctx, g.runtime); err != nil {
		return nil, err
	}
	module, err := g.runtime.Instantiate(ctx, hosttest.Forwarder())
	if err != nil {
		return nil, err
	}
	g.memory = module.Memory()
	for i, name := range hosttest.Functions {
		g.fns[i] = module.ExportedFunction(name)
	}
	return g, nil
}

// open gives the guest a session with bindings, and begins an event that may take so long.
func (g *guest) open(ctx context.Context, registry *hostfuncs.Registry, most time.Duration) {
	limits := hostfuncs.Limits{Handles: 64, Operations: 1 << 30, LogBytes: 1 << 20}
	g.Session = hostfuncs.NewSession(registry, limits, g, func(int, string) {}, slog.New(slog.DiscardHandler))
	g.Begin(ctx, hostfuncs.PhaseEvent, []byte{0xa1, 1, 2}, time.Now().Add(most))
}

// eventTime is how long an event may take: no call may hang.
const eventTime = 2 * time.Minute

// over says that an error is the end of the event, by its deadline.
func over(err error) bool {
	var stop *hostfuncs.Stop
	return errors.As(err, &stop) && errors.Is(err, context.DeadlineExceeded)
}

// end ends the event and waits until none of its calls is at work any more.
func (g *guest) end() error {
	for end := time.Now().Add(eventTime); !g.End(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			return fmt.Errorf("calls are at work %s after their event has ended", eventTime)
		}
	}
	return nil
}

func (g *guest) invoke(fn int, args ...uint64) (int32, error) {
	out, err := g.fns[fn].Call(g.Session, args...)
	if err != nil {
		return 0, fmt.Errorf("%s%v: %w", hosttest.Functions[fn], args, err)
	}
	return int32(out[0]), nil
}

func (g *guest) put(at uint32, data []byte) error {
	if !g.memory.Write(at, data) {
		return fmt.Errorf("%d bytes do not fit at %d", len(data), at)
	}
	return nil
}

// start begins a call.
func (g *guest) start(a *action) (handle int32, err error) {
	if err := errors.Join(g.put(atTarget, []byte(a.target)), g.put(atOp, []byte(a.op)), g.put(atMessage, a.message)); err != nil {
		return 0, err
	}
	h, err := g.invoke(hosttest.Call, atTarget, uint64(len(a.target)), atOp, uint64(len(a.op)), atMessage, uint64(len(a.message)))
	if err == nil && h <= 0 {
		err = fmt.Errorf("call %s: %d", a.op, h)
	}
	return h, err
}

// any waits until one of the calls has its reply and gives which.
func (g *guest) any(handles []int32) (int, error) {
	var list []byte
	for _, h := range handles {
		list = binary.LittleEndian.AppendUint32(list, uint32(h))
	}
	if err := g.put(atHandles, list); err != nil {
		return 0, err
	}
	i, err := g.invoke(hosttest.Wait, atHandles, uint64(len(handles)), ^uint64(0))
	if err == nil && (i < 0 || int(i) >= len(handles)) {
		err = fmt.Errorf("wait for %v: %d", handles, i)
	}
	return int(i), err
}

// take takes the reply of a call, first with room for nothing, as a careful guest may.
func (g *guest) take(h int32) ([]byte, error) {
	need, err := g.invoke(hosttest.Result, uint64(h), atReply, 0)
	if err != nil {
		return nil, err
	}
	n, err := g.invoke(hosttest.Result, uint64(h), atReply, replyCap)
	if err != nil || n < 0 || need > 0 && n != need {
		return nil, fmt.Errorf("result of %d: %d bytes, then %d, %w", h, need, n, err)
	}
	b, ok := g.memory.Read(atReply, uint32(n))
	if !ok {
		return nil, fmt.Errorf("result of %d: %d bytes", h, n)
	}
	return append([]byte(nil), b...), nil
}

// cancel closes a call whose reply nobody wants.
func (g *guest) cancel(h int32) error {
	code, err := g.invoke(hosttest.Close, uint64(h), uint64(abi.CloseAbort))
	if err == nil && code != 0 {
		err = fmt.Errorf("close %d: %d", h, code)
	}
	return err
}
