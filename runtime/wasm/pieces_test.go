package wasm

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// pieceModule has functions that do a bulk operation with their three parameters: in straight code, and in a loop that keeps the fuel in a local.
func pieceModule() testModule {
	takes3 := FuncType{Params: []ValueType{I32, I32, I32}}
	args := code(opLocalGet, 0, opLocalGet, 1, opLocalGet, 2)
	straight := func(op ...any) testFunc { return testFunc{typ: takes3, body: code(append([]any{args}, op...)...)} }
	twice := func(op ...any) testFunc {
		body := code(opI32Const, int64(2), opLocalSet, 3, opLoop, void, code(append([]any{args}, op...)...),
			opLocalGet, 3, opI32Const, int64(1), opI32Sub, opLocalTee, 3, opBrIf, 0, opEnd)
		return testFunc{typ: takes3, locals: 1, body: body}
	}
	return testModule{pages: 2, memoryMax: 2, exports: []Export{{Name: "memory", Extern: Extern{Kind: KindMemory}}}, funcs: []testFunc{
		straight(opMemoryFill, 0), straight(opMemoryCopy, 0, 0), twice(opMemoryFill, 0), twice(opMemoryCopy, 0, 0),
	}}
}

// TestLongBulkOperationsDoWhatTheirInstructionsDo compares the two with operands of all sizes, within, across and beyond the end of memory.
func TestLongBulkOperationsDoWhatTheirInstructionsDo(t *testing.T) {
	ctx := context.Background()
	b := pieceModule().binary()
	for _, piece := range []uint32{1, 3, 64, 5000} {
		rt := wazero.NewRuntime(ctx)
		defer rt.Close(ctx)
		refill(t, ctx, rt, 100)
		plain, split := instantiate(t, ctx, rt, b), instantiate(t, ctx, rt, rewrite(t, b, RewriteOptions{PieceBytes: piece}).Binary)
		start := make([]byte, 2<<16)
		for i := range start {
			start[i] = byte(rand.Uint32())
		}
		for range 400 {
			f := functionName(rand.IntN(4))
			args := []uint64{operand(), operand(), operand()}
			if f == "f1" || f == "f3" {
				if rand.IntN(2) == 0 { // close to each other
					args[1] = (args[0] + uint64(rand.IntN(40)) - 20) & (1<<32 - 1)
				}
			}
			var memories [2][]byte
			var errs [2]error
			for i, mod := range []api.Module{plain, split} {
				mod.Memory().Write(0, start)
				_, errs[i] = mod.ExportedFunction(f).Call(ctx, args...)
				memories[i], _ = mod.Memory().Read(0, uint32(len(start)))
			}
			if (errs[0] == nil) != (errs[1] == nil) || !bytes.Equal(memories[0], memories[1]) {
				t.Fatalf("%s(%d) in pieces of %d: %v, and %v with the instruction; the same memory: %v", f, args, piece, errs[1], errs[0], bytes.Equal(memories[0], memories[1]))
			}
		}
	}
}

// operand is an address or a length: mostly a small one, one near the end of memory, or one far beyond.
func operand() uint64 {
	switch rand.IntN(8) {
	case 0:
		return uint64(rand.Uint32())
	case 1:
		return 1<<17 - uint64(rand.IntN(300))
	case 2:
		return uint64(rand.IntN(1 << 17))
	}
	return uint64(rand.IntN(700))
}

// TestALongBulkOperationLetsTheHostInBetweenItsPieces counts ticks, and stops an operation in its midst.
func TestALongBulkOperationLetsTheHostInBetweenItsPieces(t *testing.T) {
	ctx := context.Background()
	for f, args := range map[string][]uint64{"f0": {0, 1, 100_000}, "f1": {0, 31_000, 100_000}, "f3": {31_000, 0, 100_000}} {
		rt := wazero.NewRuntime(ctx)
		defer rt.Close(ctx)
		ticks, most := 0, 1<<30
		tick := api.GoModuleFunc(func(_ context.Context, m api.Module, _ []uint64) {
			if ticks++; ticks == most {
				panic("enough")
			}
			m.ExportedGlobal(FuelExport).(api.MutableGlobal).Set(1 << 40)
		})
		if _, err := rt.NewHostModuleBuilder(TickModule).NewFunctionBuilder().WithGoModuleFunction(tick, nil, nil).Export(TickName).Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
		mod := instantiate(t, ctx, rt, rewrite(t, pieceModule().binary(), RewriteOptions{PieceBytes: 1000}).Binary)
		if _, err := mod.ExportedFunction(f).Call(ctx, args...); err != nil || ticks < 99 || ticks > 210 {
			t.Errorf("%s: %v, the host was let in %d times", f, err, ticks)
		}
		ticks, most = 0, 5
		if _, err := mod.ExportedFunction(f).Call(ctx, args...); err == nil {
			t.Errorf("%s was not stopped", f)
		}
	}
}

// TestFuelIsTheSameInPiecesAndAtOnce: pieces cost what the whole costs.
func TestFuelIsTheSameInPiecesAndAtOnce(t *testing.T) {
	ctx := context.Background()
	var left []uint64
	for _, piece := range []uint32{0, 1000} {
		rt := wazero.NewRuntime(ctx)
		defer rt.Close(ctx)
		tick := api.GoModuleFunc(func(context.Context, api.Module, []uint64) {})
		if _, err := rt.NewHostModuleBuilder(TickModule).NewFunctionBuilder().WithGoModuleFunction(tick, nil, nil).Export(TickName).Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
		mod := instantiate(t, ctx, rt, rewrite(t, pieceModule().binary(), RewriteOptions{PieceBytes: piece}).Binary)
		fuel := mod.ExportedGlobal(FuelExport).(api.MutableGlobal)
		fuel.Set(1 << 40)
		for f := range 4 {
			if _, err := mod.ExportedFunction(functionName(f)).Call(ctx, 10, 20, 100_000); err != nil {
				t.Fatal(err)
			}
		}
		left = append(left, fuel.Get())
	}
	if left[0] != left[1] || left[0] >= 1<<40-6*100_000/8 {
		t.Errorf("fuel left: %d at once, %d in pieces", left[0], left[1])
	}
}
