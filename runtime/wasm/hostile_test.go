package wasm

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

var errOutOfFuel = errors.New("out of fuel")

// fuelMeter is a host that gives out fuel in quanta and traps after the last.
type fuelMeter struct {
	quantum uint64
	last    int
	ticks   int
}

func (m *fuelMeter) tick(_ context.Context, mod api.Module, _ []uint64) {
	m.ticks++
	if m.ticks >= m.last {
		panic(errOutOfFuel)
	}
	mod.ExportedGlobal(FuelExport).(api.MutableGlobal).Set(m.quantum)
}

func (m *fuelMeter) install(tb testing.TB, ctx context.Context, rt wazero.Runtime) {
	tb.Helper()
	if _, err := rt.NewHostModuleBuilder(TickModule).NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(m.tick), nil, nil).Export(TickName).Instantiate(ctx); err != nil {
		tb.Fatal(err)
	}
}

// runMetered calls f0 of the rewritten module on the compiler.
func runMetered(tb testing.TB, b []byte, meter *fuelMeter, args ...uint64) ([]uint64, error) {
	tb.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	defer rt.Close(ctx)
	meter.install(tb, ctx, rt)
	mod := instantiate(tb, ctx, rt, rewrite(tb, b, RewriteOptions{}).Binary)
	return mod.ExportedFunction("f0").Call(ctx, args...)
}

func straight(n int) []byte {
	return repeat(n, func(int) []byte { return code(opI32Const, int64(1), opDrop) })
}

const opDrop opcode = 0x1a

var (
	takesI32  = FuncType{Params: []ValueType{I32}}
	givesI32  = FuncType{Results: []ValueType{I32}}
	fill128MB = code(opI32Const, int64(0), opI32Const, int64(7), opI32Const, int64(128<<20), opMemoryFill, 0)
)

// hostileModules never end, or not within any patience.
func hostileModules() map[string]testModule {
	callTwice := make([]testFunc, 46)
	for i := range callTwice {
		if i < len(callTwice)-1 {
			callTwice[i].body = code(opCall, i+1, opCall, i+1)
		}
	}
	one := func(body ...any) testModule {
		return testModule{funcs: []testFunc{{body: code(body...), locals: 2}}, pages: 1}
	}
	forever := func(body ...any) testModule { return one(opLoop, void, code(body...), opBr, 0, opEnd) }
	return map[string]testModule{
		"an empty loop":                           forever(),
		"46 functions that call the next twice":   {funcs: callTwice, pages: 1},
		"two functions that call each other":      {funcs: []testFunc{{body: code(opCall, 1)}, {body: code(opCall, 0)}}, pages: 1},
		"recursion through the table":             one(opI32Const, int64(0), opCallIndirect, 0, 0),
		"a loop that goes on by br_table":         one(opLoop, void, opLocalGet, 0, opBrTable, 2, 0, 0, 0, opEnd),
		"a loop that goes on from an inner block": one(opLoop, void, opBlock, void, opBlock, void, opBr, 2, opEnd, opEnd, opEnd),
		"a loop that goes on from an else":        forever(opLocalGet, 0, opIf, void, opNop, opElse, opBr, 1, opEnd),
		"a loop in a loop, left each time":        forever(opLoop, void, opLocalGet, 0, opBrIf, 1, opBr, 1, opEnd),
		"a loop that calls a small leaf":          {funcs: []testFunc{{body: code(opLoop, void, opCall, 1, opBr, 0, opEnd)}, {body: straight(8)}}, pages: 1},
		"a loop that calls a leaf with a loop": {funcs: []testFunc{
			{body: code(opLoop, void, opCall, 1, opBr, 0, opEnd)},
			{body: code(opLoop, void, opLocalGet, 0, opBrIf, 0, opEnd), locals: 1}}, pages: 1},
		"a loop of small fills in a leaf": {funcs: []testFunc{
			{body: code(opLoop, void, opCall, 1, opBr, 0, opEnd)},
			{body: code(opI32Const, int64(0), opI32Const, int64(0), opI32Const, int64(65536), opMemoryFill, 0)}}, pages: 1},
		"a loop of table.grow that is refused":  forever(opRefNull, byte(FuncRef), opI32Const, int64(-1), opTableGrow, 0, opDrop),
		"a loop of memory.grow that is refused": forever(opI32Const, int64(-1), opMemoryGrow, byte(0), opDrop),
		"a loop of empty table.copy":            forever(opI32Const, int64(0), opI32Const, int64(0), opI32Const, int64(0), opTableCopy, 0, 0),
		"a loop with a parameter and a result": {funcs: []testFunc{{typ: FuncType{}, body: code(opI32Const, int64(1), opLoop, 1, opBr, 0, opEnd, opDrop)},
			{typ: FuncType{Params: []ValueType{I32}, Results: []ValueType{I32}}, body: code(opLocalGet, 0)}}, pages: 1},
	}
}

func TestHostileModulesAreStopped(t *testing.T) {
	for name, m := range hostileModules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meter := &fuelMeter{quantum: 20_000, last: 10}
			start := time.Now()
			_, err := runMetered(t, m.binary(), meter)
			if !errors.Is(err, errOutOfFuel) {
				t.Fatalf("the call ended with %v after %d ticks", err, meter.ticks)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("the module ran for %v", d)
			}
		})
	}
}

func TestStraightLineCodeIsCharged(t *testing.T) {
	const instructions = 2_000_000
	meter := &fuelMeter{quantum: 10_000, last: 1 << 30}
	m := testModule{funcs: []testFunc{{body: straight(instructions / 2)}}, pages: 1}
	if _, err := runMetered(t, m.binary(), meter); err != nil {
		t.Fatal(err)
	}
	if want := instructions / 10_000; meter.ticks < want*9/10 || meter.ticks > want*12/10 {
		t.Errorf("%d ticks for %d instructions, not about %d", meter.ticks, instructions, want)
	}
}

func TestCallsOfLeavesAreChargedToTheCaller(t *testing.T) {
	meter := &fuelMeter{quantum: 10_000, last: 1 << 30}
	calls := repeat(10_000, func(int) []byte { return code(opCall, 1) })
	m := testModule{funcs: []testFunc{{body: calls}, {body: straight(30)}}, pages: 1}
	if _, err := runMetered(t, m.binary(), meter); err != nil {
		t.Fatal(err)
	}
	if want := 10_000 * 60 / 10_000; meter.ticks < want || meter.ticks > want*2 {
		t.Errorf("%d ticks, not %d to %d", meter.ticks, want, want*2)
	}
}

func TestEachLargeFillIsPrecededByATick(t *testing.T) {
	meter := &fuelMeter{quantum: 1_000_000, last: 8}
	line := repeat(1_000, func(int) []byte { return fill128MB })
	m := testModule{funcs: []testFunc{{body: line}}, pages: 2048}
	start := time.Now()
	if _, err := runMetered(t, m.binary(), meter); !errors.Is(err, errOutOfFuel) {
		t.Fatalf("the call ended with %v after %d ticks", err, meter.ticks)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("7 fills took %v", d)
	}
}

// TestBulkOperationsAreChargedBeforeTheyHappen gives just enough fuel that the check before the operation must trap, and looks at memory.
func TestBulkOperationsAreChargedBeforeTheyHappen(t *testing.T) {
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	meter := &fuelMeter{quantum: 100, last: 2}
	meter.install(t, ctx, rt)
	m := testModule{funcs: []testFunc{{body: code(opI32Const, int64(0), opI32Const, int64(7), opI32Const, int64(4096), opMemoryFill, 0)}}, pages: 1}
	m.exports = []Export{{Name: "memory", Extern: Extern{Kind: KindMemory}}}
	mod := instantiate(t, ctx, rt, rewrite(t, m.binary(), RewriteOptions{}).Binary)
	mod.ExportedGlobal(FuelExport).(api.MutableGlobal).Set(100)
	meter.ticks = 1 // the next tick traps
	if _, err := mod.ExportedFunction("f0").Call(ctx); !errors.Is(err, errOutOfFuel) {
		t.Fatalf("the call ended with %v", err)
	}
	if b, _ := mod.Memory().ReadByte(0); b != 0 {
		t.Error("the memory was filled before the check")
	}
}

// TestFuelIsNeverLessThanTheWorkDone counts the fuel of a loop; a tick here forgets what the fuel was below zero.
func TestFuelIsNeverLessThanTheWorkDone(t *testing.T) {
	const rounds = 1_000_000
	body := code(opLoop, void, opLocalGet, 0, opI32Const, int64(1), opI32Sub, opLocalTee, 0, opBrIf, 0, opEnd)
	meter := &fuelMeter{quantum: 1_000, last: 1 << 30}
	m := testModule{funcs: []testFunc{{typ: takesI32, body: body}}, pages: 1}
	if _, err := runMetered(t, m.binary(), meter, rounds); err != nil {
		t.Fatal(err)
	}
	if used := meter.ticks * 1_000; used < rounds*49/10 || used > rounds*6 {
		t.Errorf("%d units for %d rounds of 5 instructions", used, rounds)
	}
}

const (
	opNop opcode = 0x01
)
