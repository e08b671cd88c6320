package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const header = "\x00asm\x01\x00\x00\x00"

func sections(parts ...[]byte) []byte { return append([]byte(header), code(anys(parts)...)...) }

func anys(parts [][]byte) []any {
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out
}

func section(id byte, content ...any) []byte { return appendSection(nil, id, code(content...)) }

// withBody is a module of one function () -> () with a memory, whose body is given without its end.
func withBody(body ...any) []byte {
	return testModule{funcs: []testFunc{{body: code(body...), locals: 1}}, pages: 1}.binary()
}

func TestRefusalsNameTheProblemAndTheFix(t *testing.T) {
	tests := []struct {
		name    string
		module  []byte
		code    Code
		message string // within the whole error text
	}{
		{"an empty file", nil, CodeEmpty, "the file is empty"},
		{"half a header", []byte("\x00as"), CodeTruncated, "ends within the WebAssembly header"},
		{"a header without its version", []byte("\x00asm\x01"), CodeTruncated, "ends within the WebAssembly header"},
		{"an ELF program", []byte("\x7fELF\x02\x01"), CodeNotWasm, "GOOS=wasip1"},
		{"a gzip file", []byte("\x1f\x8b\x08\x00"), CodeNotWasm, "gunzip"},
		{"the text format", []byte("  (module\n)"), CodeNotWasm, "wat2wasm"},
		{"the text format after a comment", []byte(";; hello\n(module)"), CodeNotWasm, "wat2wasm"},
		{"a static library", []byte("!<arch>\n"), CodeNotWasm, "wasm-ld"},
		{"a shell script", []byte("#!/bin/sh"), CodeNotWasm, "a script"},
		{"anything else", []byte("hello"), CodeNotWasm, "not a WebAssembly module"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), CodeComponent, "wasm32-wasip1"},
		{"another version", []byte("\x00asm\x02\x00\x00\x00"), CodeMalformed, "only version 1"},
		{"a section that is cut off", sections([]byte{sectionType, 9, 1}), CodeTruncated, "ends in the middle"},
		{"an unknown section", sections(section(77)), CodeMalformed, "no section 77"},
		{"sections out of order", sections(section(sectionFunction, 0), section(sectionType, 0)), CodeMalformed, "out of order"},
		{"a repeated section", sections(section(sectionType, 0), section(sectionType, 0)), CodeMalformed, "repeated"},
		{"a number of six bytes", sections(section(sectionType, []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0})), CodeMalformed, "does not fit in 32 bits"},
		{"a name that is not UTF-8", sections(section(sectionCustom, 2, []byte{0xff, 0xfe})), CodeMalformed, "UTF-8"},
		{"a function of a type that does not exist", sections(section(sectionType, 0), section(sectionFunction, 1, 3)), CodeInvalid, "no type 3"},
		{"functions without bodies", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0)), CodeMalformed, "1 functions but has 0 bodies"},
		{"a call of a function that does not exist", withBody(opCall, 9), CodeInvalid, "no function 9"},
		{"a local that does not exist", withBody(opLocalGet, 9, opDrop), CodeInvalid, "no local 9"},
		{"a global that does not exist", withBody(opGlobalGet, 9, opDrop), CodeInvalid, "no global 9"},
		{"a label that does not exist", withBody(opBr, 5), CodeInvalid, "no label 5"},
		{"a table that does not exist", withBody(opI32Const, int64(0), opCallIndirect, 0, 5), CodeInvalid, "no table 5"},
		{"an element segment that does not exist", withBody(opElemDrop, 5), CodeInvalid, "no element segment 5"},
		{"a data segment that does not exist", withBody(opDataDrop, 5), CodeInvalid, "no data segment 5"},
		{"an else without an if", withBody(opElse), CodeMalformed, "outside an if"},
		{"an alignment above the natural one", withBody(opI32Const, int64(0), byte(0x28), 3, 0, opDrop), CodeInvalid, "alignment"},
		{"an unknown instruction", withBody(byte(0x27)), CodeMalformed, "no instruction 0x27"},
		{"tail calls", withBody(byte(0x12), 0), CodeUnsupported, "-mno-tail-call"},
		{"exception handling", withBody(byte(0x06), void), CodeUnsupported, "-fno-exceptions"},
		{"threads", withBody(byte(0xfe), 0), CodeUnsupported, "-pthread"},
		{"garbage collection", withBody(byte(0xfb), 0), CodeUnsupported, "WasmGC"},
		{"struct types", sections(section(sectionType, 1, byte(0x5f), 0)), CodeUnsupported, "WasmGC"},
		{"typed function references", sections(section(sectionType, 1, byte(0x60), 1, byte(0x64), 0, 0)), CodeUnsupported, "typed function references"},
		{"relaxed SIMD", withBody(byte(0xfd), 0x101), CodeUnsupported, "-mno-relaxed-simd"},
		{"wide arithmetic", withBody(byte(0xfc), 0x13), CodeUnsupported, "wide arithmetic"},
		{"a 64-bit memory", sections(section(sectionMemory, 1, byte(4), 1)), CodeUnsupported, "wasm32"},
		{"a shared memory", sections(section(sectionMemory, 1, byte(3), 1, 1)), CodeUnsupported, "threads"},
		{"two memories", sections(section(sectionMemory, 2, byte(0), 1, byte(0), 1)), CodeUnsupported, "one memory"},
		{"a tag section", sections(section(sectionTag, 0)), CodeUnsupported, "exception handling"},
		{"extended constants", sections(section(sectionGlobal, 1, byte(I32), byte(0), opI32Const, int64(1), opI32Const, int64(1), byte(0x6a), opEnd)), CodeUnsupported, "-mno-extended-const"},
		{"a memory above its own maximum", sections(section(sectionMemory, 1, byte(1), 3, 2)), CodeInvalid, "above its maximum"},
		{"two exports of one name", testModule{exports: []Export{{Name: "a", Extern: Extern{Kind: KindMemory}}, {Name: "a", Extern: Extern{Kind: KindMemory}}}}.binary(), CodeInvalid, `two exports are named "a"`},
		{"an undeclared function reference", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionCode, 1, 5, 0, opRefFunc, 0, opDrop, opEnd)), CodeInvalid, "ref.func"},
		{"instructions after a function's end", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionCode, 1, 3, 0, opEnd, opNop)), CodeMalformed, "after its end"},
		{"a body that is longer than its section", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionCode, 1, 99, 0, opEnd)), CodeTruncated, "ends"},
		{"a WasmGC instruction of one byte", withBody(byte(0xd3)), CodeUnsupported, "WasmGC"},
		{"stack switching", withBody(byte(0xe0), 0), CodeUnsupported, "stack switching"},
		{"a WasmGC type of a value", sections(section(sectionType, 1, byte(0x60), 1, byte(0x6e), 0)), CodeUnsupported, "WasmGC"},
		{"a stack switching type", sections(section(sectionType, 1, byte(0x60), 1, byte(0x68), 0)), CodeUnsupported, "stack switching"},
		{"an unknown instruction with a prefix", withBody(byte(0xfc), 99), CodeMalformed, "no instruction 0xfc 99"},
		{"an export of a tag", sections(section(sectionExport, 1, 1, byte('t'), byte(4), 0)), CodeUnsupported, "exception handling"},
		{"an export of an unknown kind", sections(section(sectionExport, 1, 1, byte('t'), byte(9), 0)), CodeMalformed, "no export kind 9"},
		{"an element segment with unknown flags", sections(section(sectionElement, 1, 8)), CodeMalformed, "unknown flags 8"},
		{"an element segment of an unknown kind", sections(section(sectionElement, 1, 1, byte(7), 0)), CodeMalformed, "no element kind 7"},
		{"a data segment with unknown flags", sections(section(sectionMemory, 1, byte(0), 1), section(sectionData, 1, 3)), CodeMalformed, "unknown flags 3"},
		{"a vector instruction in a constant", sections(section(sectionGlobal, 1, byte(V128), byte(0), byte(0xfd), 0x0d, opEnd)), CodeInvalid, "not allowed in a constant expression"},
		{"a memory beside an imported one", sections(section(sectionImport, 1, 1, byte('m'), 1, byte('n'), byte(KindMemory), byte(0), 1), section(sectionMemory, 1, byte(0), 1)), CodeUnsupported, "one memory"},
		{"a section without its size", append([]byte(header), sectionType), CodeTruncated, "ends"},
		{"a body over the limit", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionCode, 1, 8_000_000, make([]byte, 8_000_000))), CodeLimit, "one function body"},
		{"more locals than all functions may have", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 101, make([]byte, 101)), section(sectionCode, 101, bytes.Repeat(code(6, 1, 50_000, byte(I32), opEnd), 101))), CodeLimit, "locals in all functions"},
		{"more tables than there may be", sections(section(sectionTable, 101, bytes.Repeat([]byte{byte(FuncRef), 0, 0}, 101))), CodeLimit, "tables"},
		{"more functions with the imported ones", sections(section(sectionType, 1, 0x60, 0, 0), section(sectionImport, 1, 1, byte('m'), 1, byte('n'), byte(KindFunc), 0), section(sectionFunction, 100_000, make([]byte, 100_000))), CodeLimit, "functions"},
		{"a data segment without a memory", sections(section(sectionData, 1, 0, opI32Const, int64(0), opEnd, 0)), CodeInvalid, "no memory 0"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Inspect(tc.module, DefaultLimits())
			var e *Error
			if !errors.As(err, &e) || e.Code != tc.code || !strings.Contains(e.Error(), tc.message) {
				t.Errorf("got %v, not %s with %q", err, tc.code, tc.message)
			}
		})
	}
}

// TestCompileBombsAreRefusedAtOnce holds shapes that take the compiler seconds to minutes, or all memory there is.
func TestCompileBombsAreRefusedAtOnce(t *testing.T) {
	locals := func(n int) []byte {
		body := code(1, n, byte(I32), opEnd)
		return sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionCode, 1, len(body), body))
	}
	odd := code(1, 4_000_000_000, byte(0x0f), opEnd) // a group of locals of a type that there is not
	bump := func(i int) []byte { return code(opLocalGet, i, opI32Const, int64(1), byte(0x6a), opLocalSet, i) }
	function := func(locals int, body ...any) []byte {
		return testModule{funcs: []testFunc{{body: code(body...), locals: locals}, {typ: FuncType{Results: make1000()}, body: code(opUnreachable)}}, pages: 1}.binary()
	}
	blocks := repeat(75_000, func(int) []byte { return code(opBlock, void) })
	ends := repeat(75_000, func(int) []byte { return code(opEnd) })
	loops := repeat(500, func(int) []byte { return code(opLoop, void) })
	again := repeat(500, func(int) []byte { return code(opLocalGet, 0, opBrIf, 0, opEnd) })
	values := repeat(1_000, bump)
	tests := map[string][]byte{
		"150 KB of nested blocks":         function(1, blocks, ends),
		"a br_table of 100 KB":            function(1, opBlock, void, opLocalGet, 0, opBrTable, 100_000, make([]byte, 100_001), opEnd),
		"50 million locals":               locals(50_000_000),
		"4 billion locals":                locals(4_000_000_000),
		"4 billion locals of no type":     sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionCode, 1, len(odd), odd)),
		"500 nested loops, 1,000 locals":  function(1_000, loops, values, again),
		"20,000 loops in a row":           function(1, repeat(20_000, func(int) []byte { return code(opLoop, void, opLocalGet, 0, opBrIf, 0, opEnd) })),
		"5,000 ifs, 5,000 locals":         function(5_000, repeat(5_000, func(i int) []byte { return code(opLocalGet, 0, opIf, void, bump(i), opEnd) }), repeat(5_000, bump)),
		"500,000 loads in a row":          function(1, repeat(500_000, func(int) []byte { return code(opLocalGet, 0, byte(0x28), 2, 0, opLocalSet, 0) })),
		"100,000 fills in a row":          function(1, repeat(100_000, func(int) []byte { return code(opLocalGet, 0, opLocalGet, 0, opLocalGet, 0, opMemoryFill, 0) })),
		"10,000 calls of 1,000 results":   function(1, repeat(10_000, func(int) []byte { return code(opBlock, void, opCall, 1, opBr, 0, opEnd) })),
		"200,000 functions":               sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 200_000, make([]byte, 200_000))),
		"a table of 100 million":          sections(section(sectionTable, 1, byte(FuncRef), byte(0), 100_000_000)),
		"a type of 2,000 parameters":      sections(section(sectionType, 1, 0x60, 2_000, make([]byte, 2_000))),
		"200,000 empty data segments":     sections(section(sectionMemory, 1, byte(0), 1), section(sectionData, 200_000, make([]byte, 400_000))),
		"a file of 65 MiB":                append(sections(), make([]byte, 65<<20)...),
		"20,000 custom sections":          append([]byte(header), repeat(20_000, func(int) []byte { return section(sectionCustom, 1, byte('x')) })...),
		"three million element entries":   sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionTable, 1, byte(FuncRef), byte(0), 1), section(sectionElement, 1, byte(1), byte(0), 3_000_000, make([]byte, 3_000_000))),
		"20,000 globals":                  sections(section(sectionGlobal, 20_000, repeat(20_000, func(int) []byte { return code(byte(I32), byte(0), opI32Const, int64(0), opEnd) }))),
		"200,000 exports":                 sections(section(sectionExport, 200_000, make([]byte, 600_000))),
		"20,000 imports":                  sections(section(sectionType, 1, 0x60, 0, 0), section(sectionImport, 20_000, make([]byte, 80_000))),
		"a memory of 5 GiB":               sections(section(sectionMemory, 1, byte(0), 80_000)),
		"a count above the section's end": sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 90_000, 0)),
	}
	for name, module := range tests {
		t.Run(name, func(t *testing.T) {
			var err error
			took := time.Hour
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for try := 0; try < 5 && took > refusalMax; try++ {
				took = min(took, cpuTime(func() { _, err = Inspect(module, DefaultLimits()) }))
			}
			runtime.ReadMemStats(&after)
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
				t.Errorf("the refusal took %d MiB of memory", taken>>20)
			}
			if took > refusalMax {
				t.Errorf("the refusal took %v, at most %v", took, refusalMax)
			}
			var e *Error
			if !errors.As(err, &e) || !slices.Contains([]Code{CodeLimit, CodeTruncated, CodeMalformed, CodeInvalid}, e.Code) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWhatIsAcceptedIsInspectedInBounds holds the largest modules that the limits allow.
func TestWhatIsAcceptedIsInspectedInBounds(t *testing.T) {
	const inspectMax, keptMax = 500 * time.Millisecond * slow, 64 << 20
	empty := []byte{2, 0, byte(opEnd)}
	functions := func(n int) [][]byte {
		return [][]byte{section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, n, make([]byte, n)), section(sectionCode, n, bytes.Repeat(empty, n))}
	}
	names := func(n int) []byte {
		list := code(n, repeat(n, func(i int) []byte { return appendName(code(i), "name") }))
		return section(sectionCustom, appendName(nil, "name"), byte(1), len(list), list)
	}
	for name, module := range map[string][]byte{
		"100,000 functions":              sections(functions(100_000)...),
		"100,000 functions with names":   sections(append(functions(100_000), names(100_000))...),
		"names of a million functions":   sections(append(functions(1), names(1_000_000))...),
		"60 MiB of data":                 sections(section(sectionMemory, 1, byte(0), 1000), section(sectionData, 1, 0, opI32Const, int64(0), opEnd, 60<<20, make([]byte, 60<<20))),
		"60 MiB in a custom section":     sections(section(sectionCustom, 1, byte('x'), make([]byte, 60<<20))),
		"two million element entries":    sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 1, 0), section(sectionTable, 1, byte(FuncRef), byte(0), 1), section(sectionElement, 1, byte(1), byte(0), 2_000_000, make([]byte, 2_000_000)), section(sectionCode, 1, empty)),
		"100,000 empty data segments":    sections(section(sectionMemory, 1, byte(0), 1), section(sectionData, 100_000, bytes.Repeat([]byte{0, byte(opI32Const), 0, byte(opEnd), 0}, 100_000))),
		"4 MB of straight code":          withBody(straight(1_300_000)),
		"100 functions of 50,000 locals": sections(section(sectionType, 1, 0x60, 0, 0), section(sectionFunction, 100, make([]byte, 100)), section(sectionCode, 100, bytes.Repeat(code(6, 1, 50_000, byte(I32), opEnd), 100))),
	} {
		t.Run(name, func(t *testing.T) {
			var m *Module
			var err error
			var before, after runtime.MemStats
			took := time.Hour
			runtime.GC()
			runtime.ReadMemStats(&before)
			for try := 0; try < 5 && took > inspectMax; try++ {
				took = min(took, cpuTime(func() { m, err = Inspect(module, DefaultLimits()) }))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			t.Logf("%d bytes: %v, %d KiB kept", len(module), took, kept>>10)
			if err != nil || took > inspectMax || kept > keptMax {
				t.Errorf("took %v and kept %d MiB (%v), at most %v and %d", took, kept>>20, err, inspectMax, keptMax>>20)
			}
			runtime.KeepAlive(m)
		})
	}
}

// refusalMax is how long refusing a module may keep a processor busy.
const refusalMax = 50 * time.Millisecond * slow

func make1000() []ValueType {
	types := make([]ValueType, 1000)
	for i := range types {
		types[i] = I32
	}
	return types
}

func TestTypesAndKindsHaveTheirNames(t *testing.T) {
	for got, want := range map[string]string{
		I32.String(): "i32", I64.String(): "i64", F32.String(): "f32", F64.String(): "f64", V128.String(): "v128", FuncRef.String(): "funcref", ExternRef.String(): "externref",
		ValueType(9).String(): "0x09", KindFunc.String(): "func", KindTable.String(): "table", KindMemory.String(): "memory", KindGlobal.String(): "global", Kind(9).String(): "kind 9",
		Extern{Kind: KindTable, Table: Table{Min: 3, Type: FuncRef}}.String():       "table of 3 funcref",
		Extern{Kind: KindGlobal, Global: Global{Type: F32, Mutable: true}}.String(): "mutable global f32",
		Extern{Kind: KindFunc, Func: FuncType{Params: []ValueType{I32}}}.String():   "func (i32) -> ()",
		(GlobalExport{Name: "pagesrun:g3", Type: I64}).String():                     "pagesrun:g3 i64",
		fmt.Sprint((&Module{}).Export("nothing") == nil):                            "true",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestInspectDescribesTheModule(t *testing.T) {
	m := testModule{pages: 3, memoryMax: 9, tableMin: 2, start: 2, globals: []Global{{I32, true}, {F64, false}, {V128, true}},
		funcs:   []testFunc{{typ: takesI32, body: code(opGlobalGet, 2, opGlobalSet, 2)}, {body: code(opI32Const, int64(0), opRefNull, byte(FuncRef), opTableSet, 0)}},
		exports: []Export{{Name: "memory", Extern: Extern{Kind: KindMemory}}, {Name: "pi", Index: 1, Extern: Extern{Kind: KindGlobal}}}}
	custom := section(sectionCustom, appendName(nil, "producers"), 1, appendName(nil, "language"), 1, appendName(nil, "Go"), appendName(nil, "1.26"))
	got, err := Inspect(append(m.binary(), custom...), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got.Functions != 2 || got.ImportedFunctions != 0 || !got.HasStart || *got.Memory != (Memory{3, 9, true}) || got.Tables[0].Min != 4 {
		t.Errorf("got %+v", got)
	}
	if len(got.Producers) != 1 || got.Producers[0] != (Producer{"language", "Go", "1.26"}) || len(got.CustomSections) != 1 {
		t.Errorf("got producers %v, custom sections %v", got.Producers, got.CustomSections)
	}
	if !got.MutatesTables || got.DropsSegments || !got.WritesOpaqueGlobals {
		t.Errorf("got mutates %v, drops %v, opaque %v", got.MutatesTables, got.DropsSegments, got.WritesOpaqueGlobals)
	}
	if e := got.Export("pi"); e == nil || e.String() != "global f64" {
		t.Errorf("got export %v", e)
	}
	if e := got.Export("f0"); e == nil || e.String() != "func (i32) -> ()" {
		t.Errorf("got export %v", e)
	}
	if e := got.Export("memory"); e == nil || e.String() != "memory of 3 pages" {
		t.Errorf("got export %v", e)
	}
}

// goGuest builds a program with the Go toolchain: the largest ordinary guest there is, 2.5 MB.
func goGuest(tb testing.TB) []byte {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "guest.wasm")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/guest")
	cmd.Env = append(cmd.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		tb.Skipf("no Go toolchain to build the guest with: %v\n%s", err, msg)
	}
	return readFile(tb, out)
}

// TestTruncatedGuestsAreRefused cuts guests off: one in C at every byte, and every example that has been built at some, or with PAGESRUN_HEAVY at every byte of
// the smaller ones.
func TestTruncatedGuestsAreRefused(t *testing.T) {
	guests := map[string][]byte{"Go": goGuest(t), "C": buildKernels(t)}
	examples, _ := filepath.Glob(filepath.Join("..", "..", "bin", "*.wasm"))
	for _, path := range examples {
		guests[filepath.Base(path)] = readFile(t, path)
	}
	cuts := 0
	for name, b := range guests {
		step := max(1, len(b)/200)
		switch heavy := os.Getenv("PAGESRUN_HEAVY") != ""; {
		case name == "C", heavy && len(b) < 200<<10:
			step = 1
		case name == "Go":
			step = 97
		case heavy:
			step = max(1, len(b)/5_000)
		}
		for n := 0; n < len(b); n += step {
			cuts++
			if _, e := inspectBounded(t, name, b[:n]); e == nil && !endsBetweenSections(b, n) {
				t.Fatalf("the first %d bytes of %d of the %s guest are accepted", n, len(b), name)
			}
		}
	}
	t.Logf("%d guests cut at %d places", len(guests), cuts)
}

// endsBetweenSections tells whether a cut leaves whole sections, which may be a module.
func endsBetweenSections(b []byte, n int) bool {
	r := reader{data: b, pos: headerBytes, end: len(b)}
	for r.more() && r.pos < n {
		r.byte()
		r.bytes(r.u32())
	}
	return r.pos == n
}

// TestMutantsNeverPanic flips bytes of small valid modules and passes what is accepted on to the rewriter and the engine. PAGESRUN_MUTANTS sets how many,
// PAGESRUN_MUTANTS_SEED which.
func TestMutantsNeverPanic(t *testing.T) {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer rt.Close(ctx)
	var seeds [][]byte
	for _, path := range glob(t, filepath.Join(specDir(t), "v2", "testdata", "*.0.wasm")) {
		if b := readFile(t, path); len(b) > headerBytes && len(b) <= 4096 {
			seeds = append(seeds, b)
		}
	}
	random := rand.New(rand.NewPCG(1, uint64(environment(t, "PAGESRUN_MUTANTS_SEED", 2))))
	accepted, compiled := 0, 0
	for range environment(t, "PAGESRUN_MUTANTS", 20_000) {
		b := slices.Clone(seeds[random.IntN(len(seeds))])
		for range 1 + random.IntN(3) {
			b[8+random.IntN(len(b)-8)] = byte(random.Uint32())
		}
		m, refused := inspectBounded(t, "a mutant", b)
		if refused != nil {
			continue
		}
		accepted++
		if err := compileBoth(ctx, rt, b, m); err != nil {
			t.Fatalf("%v: %x", err, b)
		}
		compiled++
	}
	t.Logf("%d mutants accepted", accepted)
	if compiled < 1000 {
		t.Errorf("only %d mutants got as far as the engine", compiled)
	}
}

// compileBoth requires that the engine says the same of a module before and after rewriting, without a panic.
func compileBoth(ctx context.Context, rt wazero.Runtime, b []byte, m *Module) error {
	before := compiles(ctx, rt, b)
	if before != nil && strings.HasPrefix(before.Error(), "panic") {
		return before
	}
	rw, err := Rewrite(b, m, RewriteOptions{})
	if err != nil {
		return nil // the names are reserved
	}
	if _, err := Inspect(rw.Binary, unbounded()); err != nil {
		return errors.Join(errors.New("the rewritten module is refused"), err)
	}
	after := compiles(ctx, rt, rw.Binary)
	if after == nil && before != nil && strings.Contains(before.Error(), "custom") {
		return nil // a custom section that the engine cannot read, which the specification lets pass and the rewriter leaves out
	}
	if (after == nil) != (before == nil) {
		return errors.Join(errors.New("the engine judges the rewritten module differently"), before, after)
	}
	return nil
}

// unbounded are limits for what the rewriter has made longer.
func unbounded() Limits {
	lim := DefaultLimits()
	lim.FunctionWork, lim.CompileWork, lim.BodyBytes, lim.FunctionLocals = 1<<60, 1<<60, 1<<30, 60_000
	return lim
}
