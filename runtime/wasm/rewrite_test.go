package wasm

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

func TestReservedNamesAreRefused(t *testing.T) {
	tests := map[string][]byte{
		"an export": testModule{exports: []Export{{Name: "pagesrun:fuel", Extern: Extern{Kind: KindMemory}}}}.binary(),
		"an import": rewrite(t, testModule{pages: 1}.binary(), RewriteOptions{}).Binary,
		"another import": sections(section(sectionType, 1, 0x60, 0, 0),
			section(sectionImport, 1, appendName(nil, TickModule), appendName(nil, "other"), byte(KindFunc), 0)),
	}
	for name, b := range tests {
		m, err := Inspect(b, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		_, err = Rewrite(b, m, RewriteOptions{})
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeReserved || e.Hint == "" {
			t.Errorf("%s with a reserved name gives %v", name, err)
		}
	}
}

func TestMemoryIsCapped(t *testing.T) {
	tests := []struct {
		name      string
		min, max  int
		limit     uint32
		wantMax   uint32
		tooLarge  bool
		unlimited bool
	}{
		{name: "no maximum of its own", min: 2, limit: 10, wantMax: 10},
		{name: "a maximum above the limit", min: 2, max: 20, limit: 10, wantMax: 10},
		{name: "a maximum below the limit", min: 2, max: 5, limit: 10, wantMax: 5},
		{name: "a minimum at the limit", min: 10, limit: 10, wantMax: 10},
		{name: "a minimum above the limit", min: 11, limit: 10, tooLarge: true},
		{name: "no limit", min: 2, unlimited: true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := testModule{pages: tc.min, memoryMax: tc.max}.binary()
			m, err := Inspect(b, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			rw, err := Rewrite(b, m, RewriteOptions{MemoryMaxPages: tc.limit})
			if tc.tooLarge {
				if e, ok := err.(*Error); !ok || e.Code != CodeMemory {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			after, err := Inspect(rw.Binary, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if got := *after.Memory; got.Min != uint32(tc.min) || got.Max != tc.wantMax || got.HasMax == tc.unlimited {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestTablesAreCapped(t *testing.T) {
	rw := rewrite(t, testModule{tableMin: 5}.binary(), RewriteOptions{TableMaxEntries: 100})
	m, err := Inspect(rw.Binary, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Tables[0]; got != (Table{FuncRef, 5, 100, true}) {
		t.Errorf("got %+v", got)
	}
}

// TestStateIsExported reads and writes what the rewriter exports through the engine.
func TestStateIsExported(t *testing.T) {
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	refill(t, ctx, rt, 1_000)
	m := testModule{pages: 1, start: 1, globals: []Global{{I32, true}, {I64, false}, {F64, true}, {ExternRef, true}}, funcs: []testFunc{
		{body: code(opI32Const, int64(41), opGlobalSet, 0)},
		{body: code(opI32Const, int64(0), opRefFunc, 0, opTableSet, 0)},
		{body: code(opElemDrop, 0)},
		{body: code(opDataDrop, 0)},
		{body: code(opRefNull, byte(ExternRef), opGlobalSet, 3)},
		{body: code(opRefNull, byte(FuncRef), opI32Const, int64(1), opTableGrow, 0, opDrop)},
	}}
	rw := rewrite(t, m.binary(), RewriteOptions{})
	want := []GlobalExport{{"pagesrun:g0", I32}, {"pagesrun:g2", F64}, {"pagesrun:g3", ExternRef}}
	if len(rw.Globals) != 3 || rw.Globals[0] != want[0] || rw.Globals[1] != want[1] || rw.Globals[2] != want[2] || !rw.HasStart || !rw.HasDirty || rw.Fuel != FuelExport {
		t.Fatalf("got %+v", rw)
	}
	for f := 1; f <= 5; f++ {
		mod := instantiate(t, ctx, rt, rw.Binary)
		if got := mod.ExportedGlobal("pagesrun:g0").Get(); got != 0 {
			t.Fatalf("the start function ran by itself: %d", got)
		}
		if _, err := mod.ExportedFunction(StartExport).Call(ctx); err != nil {
			t.Fatal(err)
		}
		if got := mod.ExportedGlobal("pagesrun:g0").Get(); got != 41 {
			t.Errorf("the start function left %d", got)
		}
		if mod.ExportedGlobal(DirtyExport).Get() != 0 {
			t.Error("dirty before anything happened")
		}
		if _, err := mod.ExportedFunction(functionName(f)).Call(ctx); err != nil {
			t.Fatal(err)
		}
		if mod.ExportedGlobal(DirtyExport).Get() != 1 {
			t.Errorf("f%d does not set dirty", f)
		}
		mod.Close(ctx)
	}
	clean := rewrite(t, testModule{pages: 1, funcs: []testFunc{{}}}.binary(), RewriteOptions{})
	if clean.HasDirty || clean.HasStart || len(clean.Globals) != 0 || bytes.Contains(clean.Binary, []byte(DirtyExport)) {
		t.Errorf("got %+v for a module that does none of it", clean)
	}
}

func TestNamesFollowTheirFunctions(t *testing.T) {
	names := code(byte(nameFunctions), 8, 1, 0, appendName(nil, "first"))
	b := append(testModule{pages: 1, funcs: []testFunc{{body: code(opUnreachable)}}}.binary(), section(sectionCustom, appendName(nil, "name"), names)...)
	b = append(b, section(sectionCustom, appendName(nil, ".debug_line"), []byte("offsets"))...)
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	refill(t, ctx, rt, 1_000)
	rw := rewrite(t, b, RewriteOptions{})
	_, err := instantiate(t, ctx, rt, rw.Binary).ExportedFunction("f0").Call(ctx)
	if err == nil || !strings.Contains(err.Error(), ".first(") {
		t.Errorf("the trap does not name the function: %v", err)
	}
	if bytes.Contains(rw.Binary, []byte(".debug_line")) {
		t.Error("debug sections, whose offsets no longer hold, are kept")
	}
}

func TestRewriteRefusesOtherBytes(t *testing.T) {
	m, err := Inspect(testModule{pages: 1}.binary(), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rewrite([]byte(header), m, RewriteOptions{}); err == nil {
		t.Error("a module that was not the inspected one is rewritten")
	}
}

// TestGoProgramsRunRewritten runs a whole Go program, with its scheduler and collector, plain and rewritten with a tick every few microseconds.
func TestGoProgramsRunRewritten(t *testing.T) {
	ctx := context.Background()
	b := goGuest(t)
	start := time.Now()
	m, err := Inspect(b, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	inspected := time.Since(start)
	rw, err := Rewrite(b, m, RewriteOptions{MemoryMaxPages: 8192})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes: inspected in %v, rewritten in %v to %d bytes; largest body %d, work %d", len(b), inspected, time.Since(start)-inspected, len(rw.Binary), m.LargestBody, m.CompileWork)
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	refill(t, ctx, rt, 5_000)
	var out [2]bytes.Buffer
	for i, module := range [][]byte{b, rw.Binary} {
		start := time.Now()
		if _, err := rt.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName("").WithStdout(&out[i])); err != nil {
			t.Fatal(err)
		}
		t.Logf("compiled and run in %v", time.Since(start))
	}
	if out[0].String() != out[1].String() || out[0].Len() == 0 {
		t.Errorf("plain prints %q, rewritten %q", out[0].String(), out[1].String())
	}
}
