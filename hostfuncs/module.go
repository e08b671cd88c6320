package hostfuncs

import (
	"context"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/guestmem"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Instantiate makes the seven host functions importable by every module of r. They find the session of the running event in
// the context of the call.
func Instantiate(ctx context.Context, r wazero.Runtime) error {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	b := r.NewHostModuleBuilder(abi.Module)
	for _, f := range []struct {
		name   string
		fn     hostFunction
		params []api.ValueType
	}{
		{abi.FuncCall, abiCall, []api.ValueType{i32, i32, i32, i32, i32, i32}},
		{abi.FuncWait, abiWait, []api.ValueType{i32, i32, i64}},
		{abi.FuncResult, abiResult, []api.ValueType{i32, i32, i32}},
		{abi.FuncRead, abiRead, []api.ValueType{i32, i32, i32}},
		{abi.FuncWrite, abiWrite, []api.ValueType{i32, i32, i32}},
		{abi.FuncClose, abiClose, []api.ValueType{i32, i32}},
		{abi.FuncLog, abiLog, []api.ValueType{i32, i32, i32}},
	} {
		b.NewFunctionBuilder().WithGoModuleFunction(f.fn, f.params, []api.ValueType{i32}).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// hostFunction is a host function over the raw stack: parameters in, and its result (a count, a handle or minus a code) out.
type hostFunction func(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code)

// Call implements api.GoModuleFunction.
func (f hostFunction) Call(ctx context.Context, mod api.Module, stack []uint64) {
	s := FromContext(ctx)
	s.sched.Charge(callUnits)
	n, code := f(s, mod.Memory(), stack)
	if code != 0 {
		n = -int32(code)
	}
	stack[0] = api.EncodeI32(n)
}

// What host functions charge, in units of guest code (about a nanosecond each): every call, a byte that is copied or decoded, a handle that is
// waited for, an immediate operation.
const (
	callUnits   = 100
	bytesShift  = 2
	handleUnits = 16
	logUnits    = 2000

	immediateUnits = 500
)

// chargeBytes charges for moving n bytes.
func (s *Session) chargeBytes(n int) { s.sched.Charge(n >> bytesShift) }

func abiCall(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code) {
	targetLen, opLen, msgLen := uint32(stack[1]), uint32(stack[3]), uint32(stack[5])
	if targetLen > abi.TargetBytesMax || opLen > abi.OpBytesMax || msgLen > abi.MessageBytesMax {
		return 0, abi.CodeTooLarge
	}
	target, ok1 := guestmem.View(mem, uint32(stack[0]), targetLen)
	op, ok2 := guestmem.View(mem, uint32(stack[2]), opLen)
	msg, ok3 := guestmem.View(mem, uint32(stack[4]), msgLen)
	if !ok1 || !ok2 || !ok3 {
		return 0, abi.CodeBadPointer
	}
	s.chargeBytes(len(msg))
	h, code := s.call(target, op, msg)
	return int32(h), code
}

func abiWait(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code) {
	n := uint32(stack[1])
	if n > abi.WaitHandlesMax {
		return 0, abi.CodeTooLarge
	}
	var ok bool
	if s.waiting, ok = guestmem.Uint32s(mem, uint32(stack[0]), n, s.waiting[:0]); !ok {
		return 0, abi.CodeBadPointer
	}
	s.sched.Charge(int(n) * handleUnits)
	i, code := s.wait(time.Duration(int64(stack[2])))
	return int32(i), code
}

func abiResult(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code) {
	h, ptr, capacity := uint32(stack[0]), uint32(stack[1]), uint32(stack[2])
	if _, ok := guestmem.View(mem, ptr, capacity); !ok {
		return 0, abi.CodeBadPointer
	}
	msg, code := s.result(h)
	if code != 0 {
		return 0, code
	}
	if len(msg) <= int(capacity) {
		guestmem.Write(mem, ptr, msg)
		s.chargeBytes(len(msg))
		s.taken(h)
	}
	return int32(len(msg)), 0
}

func abiRead(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code) {
	dst, ok := guestmem.View(mem, uint32(stack[1]), uint32(stack[2]))
	if !ok {
		return 0, abi.CodeBadPointer
	}
	n, code := s.read(uint32(stack[0]), dst[:min(len(dst), ioBytesMax)])
	s.chargeBytes(n)
	return int32(n), code
}

func abiWrite(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code) {
	data, ok := guestmem.View(mem, uint32(stack[1]), uint32(stack[2]))
	if !ok {
		return 0, abi.CodeBadPointer
	}
	n, code := s.write(uint32(stack[0]), data)
	s.chargeBytes(n)
	return int32(n), code
}

func abiClose(s *Session, _ api.Memory, stack []uint64) (int32, abi.Code) {
	return 0, s.close(uint32(stack[0]), uint32(stack[1]))
}

func abiLog(s *Session, mem api.Memory, stack []uint64) (int32, abi.Code) {
	text, ok := guestmem.View(mem, uint32(stack[1]), uint32(stack[2]))
	if !ok {
		return 0, abi.CodeBadPointer
	}
	code := s.log(uint32(stack[0]), text)
	if code == 0 {
		s.chargeBytes(len(text) + logUnits<<bytesShift)
	}
	return 0, code
}

// ioBytesMax is the most one read moves: what a host call copies is not charged to the guest's time piece by piece.
const ioBytesMax = 1 << 20
