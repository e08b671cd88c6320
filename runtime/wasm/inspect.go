package wasm

import (
	"bytes"
	"encoding/binary"
)

// The sections, by their number in the binary.
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionTable     = 4
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionElement   = 9
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
	sectionTag       = 13
	sectionCount     = 13
)

// sectionOrder gives each section's place: the data count stands before the code although its number is higher.
var sectionOrder = [sectionCount]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}

const headerBytes = 8

// Inspect decodes and checks the whole module. Its error is always an [*Error]; the module is nil then. The result keeps no reference to
// the bytes, but [Rewrite] needs them again. It takes about 10 ms per MiB of code.
func Inspect(module []byte, limits Limits) (*Module, error) {
	if err := checkHeader(module); err != nil {
		return nil, err
	}
	if len(module) > limits.ModuleBytes {
		return nil, limitError(0, "bytes", uint64(len(module)), limits.ModuleBytes)
	}
	in := inspector{
		reader: reader{data: module, pos: headerBytes, end: len(module)},
		m:      &Module{size: len(module), dataCount: -1},
		limits: limits,
	}
	in.container()
	in.allSections()
	if in.err != nil {
		return nil, in.err
	}
	return in.m, nil
}

// inspector is the state of one inspection; the reader's range is the section, or the function body, being decoded.
type inspector struct {
	reader
	m      *Module
	limits Limits

	exportNames   map[string]struct{}
	moduleLocals  int
	tableEntries  uint64
	declaredFuncs int
	declared      []bool
	instr         instr
	frames        []checkFrame
	work          work
}

func checkHeader(b []byte) error {
	magic := []byte("\x00asm")
	switch {
	case len(b) == 0:
		return errorf(CodeEmpty, 0, "the file is empty").withHint("give the .wasm file that the compiler wrote")
	case len(b) < len(magic) && bytes.HasPrefix(magic, b), bytes.HasPrefix(b, magic) && len(b) < headerBytes:
		return errorf(CodeTruncated, len(b), "the file ends within the WebAssembly header").withHint("copy or build the file again")
	case !bytes.HasPrefix(b, magic):
		return notWasm(b)
	}
	version, layer := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
	if layer == 1 {
		return errorf(CodeComponent, 4, "the file is a WebAssembly component, not a core module").
			withHint("build a core module, e.g. with Rust's --target wasm32-wasip1, TinyGo's -target=wasip1, or Go's GOOS=wasip1 GOARCH=wasm")
	}
	if version != 1 || layer != 0 {
		return errorf(CodeMalformed, 4, "the file has WebAssembly version 0x%08x; only version 1 exists", binary.LittleEndian.Uint32(b[4:]))
	}
	return nil
}

// notWasm names the kind of file that was given instead of a module.
func notWasm(b []byte) error {
	kinds := []struct{ prefix, kind, hint string }{
		{"\x7fELF", "an ELF program for this machine", "compile for WebAssembly, e.g. GOOS=wasip1 GOARCH=wasm go build, or cargo build --target wasm32-wasip1"},
		{"MZ", "a Windows program", "compile for WebAssembly, e.g. GOOS=wasip1 GOARCH=wasm go build, or cargo build --target wasm32-wasip1"},
		{"\xcf\xfa\xed\xfe", "a macOS program", "compile for WebAssembly, e.g. GOOS=wasip1 GOARCH=wasm go build, or cargo build --target wasm32-wasip1"},
		{"\xca\xfe\xba\xbe", "a macOS program or a Java class", "compile for WebAssembly"},
		{"!<arch>", "a static library", "link it into a module first, e.g. with wasm-ld or the compiler's own link step"},
		{"\x1f\x8b", "compressed with gzip", "decompress it first: gunzip"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first: unzstd"},
		{"PK\x03\x04", "a zip archive", "unpack it first"},
		{"BC\xc0\xde", "LLVM bitcode", "link it into a module first, without -flto or with wasm-ld"},
		{"#!", "a script", "give a compiled .wasm module"},
	}
	for _, k := range kinds {
		if bytes.HasPrefix(b, []byte(k.prefix)) {
			return errorf(CodeNotWasm, 0, "the file is not a WebAssembly module but %s", k.kind).withHint(k.hint)
		}
	}
	head := bytes.TrimLeft(b[:min(len(b), 4096)], " \t\r\n")
	if bytes.HasPrefix(head, []byte("(")) || bytes.HasPrefix(head, []byte(";;")) {
		return errorf(CodeNotWasm, 0, "the file is WebAssembly text, not a binary").withHint("translate it first: wat2wasm app.wat -o app.wasm")
	}
	return errorf(CodeNotWasm, 0, "the file is not a WebAssembly module").withHint("give the .wasm file that the compiler wrote")
}

// container walks from section to section without looking into them, so that a file that was cut is refused before anything large in it
// is decoded.
func (in *inspector) container() {
	whole := in.reader
	for in.more() {
		in.byte()
		in.bytes(in.u32())
	}
	if in.err == nil {
		in.reader = whole
	}
}

func (in *inspector) allSections() {
	last := 0
	for in.more() {
		at := in.pos
		id := in.byte()
		size := in.u32()
		if in.err != nil {
			return
		}
		if uint64(size) > uint64(in.end-in.pos) {
			in.short()
			return
		}
		if id != sectionCustom && !in.inOrder(at, id, &last) {
			return
		}
		in.section(id, span{in.pos, in.pos + int(size)})
	}
	in.finish()
}

func (in *inspector) inOrder(at int, id byte, last *int) bool {
	switch {
	case id == sectionTag:
		in.fail(featureExceptions.errorAt(at))
	case id >= sectionCount:
		in.failf(CodeMalformed, at, "there is no section %d", id)
	case sectionOrder[id] <= *last:
		in.failf(CodeMalformed, at, "section %d is out of order or repeated", id)
	default:
		*last = sectionOrder[id]
	}
	return in.err == nil
}

// section decodes one section and requires it to end where its size says.
func (in *inspector) section(id byte, s span) {
	whole := in.end
	in.pos, in.end = s.start, s.end
	if id != sectionCustom {
		in.m.sections[id] = s
	}
	in.decode(id, s)
	if in.err == nil && in.pos != s.end {
		in.failf(CodeMalformed, in.pos, "section %d is longer than its content", id)
	}
	if in.err == nil {
		in.end = whole
	}
}

func (in *inspector) decode(id byte, s span) {
	switch id {
	case sectionCustom:
		in.custom(s)
	case sectionType:
		in.types()
	case sectionImport:
		in.imports()
	case sectionFunction:
		in.functions()
	case sectionTable:
		in.tables()
	case sectionMemory:
		in.memories()
	case sectionGlobal:
		in.globals()
	case sectionExport:
		in.exports()
	case sectionStart:
		in.start()
	case sectionElement:
		in.elements()
	case sectionDataCount:
		in.m.dataCount = in.count0(in.limits.Segments, "data segments")
	case sectionCode:
		in.code()
	case sectionData:
		in.dataSegments()
	}
}

// finish checks what the presence of sections together must satisfy.
func (in *inspector) finish() {
	if in.err != nil {
		return
	}
	if in.declaredFuncs != in.m.Functions {
		in.failf(CodeMalformed, in.end, "the module declares %d functions but has %d bodies", in.declaredFuncs, in.m.Functions)
		return
	}
	if in.m.dataCount > 0 && in.m.sections[sectionData].end == 0 {
		in.failf(CodeMalformed, in.end, "the module announces %d data segments but has none", in.m.dataCount)
	}
}
