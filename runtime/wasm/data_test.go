package wasm

import (
	"bytes"
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
)

// at is a data segment of memory 0 at a constant offset.
func at(offset int64, content string) []byte {
	return code(0, opI32Const, offset, opEnd, len(content), []byte(content))
}

// dataModule is a module that is nothing but data. Global 0 is imported and immutable.
func dataModule(pages int, counted bool, segments ...[]byte) []byte {
	b := sections(
		section(sectionImport, 1, appendName(appendName(nil, "env"), "base"), byte(KindGlobal), byte(I32), 0),
		section(sectionMemory, 1, 0, pages), section(sectionExport, 1, appendExport(nil, "memory", KindMemory, 0)))
	if counted {
		b = append(b, section(sectionDataCount, len(segments))...)
	}
	return append(b, section(sectionData, vector(len(segments), func(i int) []byte { return segments[i] }))...)
}

func TestDataSegmentsAreJoinedWhereThatCannotBeNoticed(t *testing.T) {
	long := string(bytes.Repeat([]byte("long "), 100))
	tests := []struct {
		name     string
		counted  bool
		segments [][]byte
		want     uint32
	}{
		{name: "no segments"},
		{name: "one segment", segments: [][]byte{at(5, "a")}, want: 1},
		{name: "touching ones", segments: [][]byte{at(0, "ab"), at(2, "cd")}, want: 1},
		{name: "a gap that is filled", segments: [][]byte{at(0, "ab"), at(2+dataGapBytesMax, "cd")}, want: 1},
		{name: "a gap that is too wide", segments: [][]byte{at(0, "ab"), at(3+dataGapBytesMax, "cd")}, want: 2},
		{name: "not in order", segments: [][]byte{at(600, long), at(4, "b"), at(0, "a"), at(1150, "c")}, want: 2},
		{name: "empty ones", segments: [][]byte{at(9, ""), at(9, ""), at(3, ""), at(4, "x")}, want: 1},
		{name: "up to the memory's end", segments: [][]byte{at(1<<16-4, "ab"), at(1<<16-1, "c"), at(1<<16, "")}, want: 1},
		{name: "overlapping ones", segments: [][]byte{at(0, "abc"), at(2, "de")}, want: 2},
		{name: "overlapping ones in reverse", segments: [][]byte{at(2, "de"), at(0, "abc")}, want: 2},
		{name: "one that is passive", segments: [][]byte{at(0, "a"), at(1, "b"), code(1, 1, []byte("p"))}, want: 3},
		{name: "one at an imported offset", segments: [][]byte{at(0, "a"), at(1, "b"), code(0, opGlobalGet, 0, opEnd, 1, []byte("g"))}, want: 3},
		{name: "ones that code may name", counted: true, segments: [][]byte{at(0, "a"), at(1, "b")}, want: 2},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := dataModule(1, tc.counted, tc.segments...)
			rw := rewrite(t, b, RewriteOptions{}).Binary
			if got := dataSegments(t, rw); got != tc.want {
				t.Errorf("%d segments, want %d", got, tc.want)
			}
			if !bytes.Equal(memoryOf(t, b), memoryOf(t, rw)) {
				t.Error("the memory is another")
			}
		})
	}
}

func TestDataOutsideTheMemoryStaysOutside(t *testing.T) {
	for name, segment := range map[string][]byte{
		"a byte over the end": at(1<<16, "x"), "an empty one over the end": at(1<<16+1, ""), "far away": at(-1, "x"),
	} {
		b := dataModule(1, false, at(1<<16-2, "a"), segment)
		for kind, module := range map[string][]byte{"plain": b, "rewritten": rewrite(t, b, RewriteOptions{}).Binary} {
			if memoryOf(t, module) != nil {
				t.Errorf("%s: instantiated %s", name, kind)
			}
		}
	}
}

// dataSegments counts a module's data segments.
func dataSegments(t *testing.T, b []byte) uint32 {
	t.Helper()
	m, err := Inspect(b, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := (&rewriter{src: b, m: m}).items(sectionData)
	return n
}

// memoryOf gives a module's memory after instantiation, nil when that fails.
func memoryOf(t *testing.T, b []byte) []byte {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { rt.Close(ctx) })
	refill(t, ctx, rt, 1000)
	env := sections(section(sectionGlobal, 1, byte(I32), 0, opI32Const, int64(77), opEnd), section(sectionExport, 1, appendExport(nil, "base", KindGlobal, 0)))
	if _, err := rt.InstantiateWithConfig(ctx, env, wazero.NewModuleConfig().WithName("env")); err != nil {
		t.Fatal(err)
	}
	mod, err := rt.InstantiateWithConfig(ctx, b, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil
	}
	data, _ := mod.Memory().Read(0, mod.Memory().Size())
	return bytes.Clone(data)
}
