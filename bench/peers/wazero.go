package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// wazeroEngine is wazero with just enough of pagesrun's ABI for a guest that looks at its request and answers. There are no limits, no
// bindings, no logs and no streams, all of which would cost something.
type wazeroEngine struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	config   wazero.ModuleConfig
}

func newWazero(ctx context.Context, module []byte) (*wazeroEngine, error) {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, err
	}
	if err := exportABI(ctx, r); err != nil {
		return nil, err
	}
	compiled, err := r.CompileModule(ctx, module)
	if err != nil {
		return nil, err
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize", "pagesrun_warm").
		WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader)
	return &wazeroEngine{runtime: r, compiled: compiled, config: config}, nil
}

// exportABI makes the host functions. What the guest has no need for answers "unsupported".
func exportABI(ctx context.Context, r wazero.Runtime) error {
	i32, i64 := api.ValueTypeI32, api.ValueTypeI64
	triple := []api.ValueType{i32, i32, i32}
	one := []api.ValueType{i32}
	host := r.NewHostModuleBuilder("pagesrun_v1")
	for _, f := range []struct {
		name   string
		params []api.ValueType
		fn     api.GoModuleFunc
	}{
		{"call", []api.ValueType{i32, i32, i32, i32, i32, i32}, hostCall},
		{"result", triple, hostResult},
		{"wait", []api.ValueType{i32, i32, i64}, unsupported},
		{"read", triple, unsupported},
		{"write", triple, unsupported},
		{"close", []api.ValueType{i32, i32}, unsupported},
		{"log", triple, unsupported},
	} {
		host = host.NewFunctionBuilder().WithGoModuleFunction(f.fn, f.params, one).Export(f.name)
	}
	_, err := host.Instantiate(ctx)
	return err
}

func (e *wazeroEngine) instance(ctx context.Context) (instance, error) {
	m, err := e.runtime.InstantiateModule(ctx, e.compiled, e.config)
	if err != nil {
		return nil, err
	}
	return &wazeroInstance{module: m, entry: m.ExportedFunction("pagesrun_handle")}, nil
}

// wazeroInstance is a guest, and the event it is at.
type wazeroInstance struct {
	module    api.Module
	entry     api.Function
	event     []byte
	response  abi.RespondRequest
	responded bool
}

// instanceKey is where host functions find the instance in a context.
type instanceKey struct{}

func (in *wazeroInstance) handle(ctx context.Context, ev *abi.FetchEvent) (abi.RespondRequest, error) {
	message := abi.Event{Kind: "fetch", ID: "0123456789abcdef", Fetch: ev}
	in.event, in.responded = message.AppendCBOR(in.event[:0]), false
	if _, err := in.entry.Call(context.WithValue(ctx, instanceKey{}, in)); err != nil {
		return in.response, err
	}
	if !in.responded {
		return in.response, errors.New("the guest did not respond")
	}
	return in.response, nil
}

func (in *wazeroInstance) close(ctx context.Context) error { return in.module.Close(ctx) }

// failed is a code as host functions return it.
func failed(code abi.Code) uint64 { return api.EncodeI32(-int32(code)) }

func unsupported(_ context.Context, _ api.Module, stack []uint64) {
	stack[0] = failed(abi.CodeUnsupported)
}

// hostResult is "result", for the event.
func hostResult(ctx context.Context, m api.Module, stack []uint64) {
	in, ok := ctx.Value(instanceKey{}).(*wazeroInstance)
	if !ok || uint32(stack[0]) != 0 {
		stack[0] = failed(abi.CodeBadHandle)
		return
	}
	if uint32(stack[2]) >= uint32(len(in.event)) && !m.Memory().Write(uint32(stack[1]), in.event) {
		stack[0] = failed(abi.CodeBadPointer)
		return
	}
	stack[0] = uint64(len(in.event))
}

// hostCall is "call", for the operation "respond" of the runtime.
func hostCall(ctx context.Context, m api.Module, stack []uint64) {
	in, inEvent := ctx.Value(instanceKey{}).(*wazeroInstance)
	op, ok1 := m.Memory().Read(uint32(stack[2]), uint32(stack[3]))
	message, ok2 := m.Memory().Read(uint32(stack[4]), uint32(stack[5]))
	switch {
	case !ok1 || !ok2:
		stack[0] = failed(abi.CodeBadPointer)
	case !inEvent || string(op) != "respond":
		stack[0] = failed(abi.CodeUnsupported)
	default:
		stack[0] = in.respond(message)
	}
}

// respond copies the response, since the guest may be gone before it is used.
func (in *wazeroInstance) respond(message []byte) uint64 {
	in.response = abi.RespondRequest{}
	if err := in.response.DecodeCBOR(message); err != nil {
		return failed(abi.CodeBadMessage)
	}
	if in.response.Status == 0 {
		in.response.Status = http.StatusOK
	}
	in.response.Body = append([]byte(nil), in.response.Body...)
	in.responded = true
	const handle = 1
	return handle
}
