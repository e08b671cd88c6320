package wasm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// RewriterVersion changes whenever Rewrite may give other bytes for the same module; it belongs in the keys of compiled-code caches.
const RewriterVersion = 3

// The names that the rewriter adds. Modules may not use them, nor any other export that starts with ReservedPrefix.
const (
	ReservedPrefix = "pagesrun:"
	// TickModule and TickName name the one import that is added, a function () -> (). It is called when the fuel is negative; it must set
	// the fuel global to a positive number again, or trap.
	TickModule = "pagesrun_rt"
	TickName   = "tick"
	// FuelExport is a mutable i64 global.
	FuelExport = "pagesrun:fuel"
	// DirtyExport is a mutable i32 global: 0 until the guest does something that a host cannot undo, then 1.
	DirtyExport = "pagesrun:dirty"
	// StartExport is the function of the removed start section.
	StartExport = "pagesrun:start"
	// globalExport starts the names of the guest's own mutable globals; the global's index follows.
	globalExport = "pagesrun:g"
)

// RewriteOptions are the caps written into the module.
type RewriteOptions struct {
	// MemoryMaxPages is the most the memory may grow to, in pages of 64 KiB; 0 keeps the module's own maximum.
	MemoryMaxPages uint32
	// TableMaxEntries is the most a table may grow to; 0 keeps the module's own maximum.
	TableMaxEntries uint32
	// PieceBytes is how long a memory.copy or memory.fill may be that is done in one go; longer ones are done in pieces of it with a tick after each. 0 means
	// 1 MiB.
	PieceBytes uint32
}

// Rewritten is a module made by [Rewrite].
type Rewritten struct {
	// Binary is the new module.
	Binary []byte
	// Fuel is FuelExport. The global is 0 at start, so the first check calls tick unless the host has set it before.
	Fuel string
	// Globals are the guest's mutable globals, in the order of their indices.
	Globals []GlobalExport
	// HasStart tells that the guest had a start section: the function is exported as StartExport and nothing calls it.
	HasStart bool
	// HasDirty tells that DirtyExport exists.
	HasDirty bool
}

// GlobalExport is a mutable global of the guest and the name it is exported by.
type GlobalExport struct {
	Name string
	Type ValueType
}

// Rewrite gives the module with fuel checks, exported state and caps, as the package comment describes. The info must come from [Inspect] of the same
// bytes. Its errors are of type [*Error]: a reserved name in use, or a memory whose minimum is above the cap. It takes about 20 ms per
// MiB of code.
func Rewrite(module []byte, info *Module, opts RewriteOptions) (*Rewritten, error) {
	if len(module) != info.size {
		return nil, errorf(CodeInvalid, -1, "the module has %d bytes but the inspected one had %d", len(module), info.size)
	}
	if err := checkReserved(info); err != nil {
		return nil, err
	}
	if m := info.Memory; m != nil && opts.MemoryMaxPages > 0 && m.Min > opts.MemoryMaxPages {
		return nil, memoryError(m.Min, opts.MemoryMaxPages)
	}
	w := &rewriter{src: module, m: info, opts: opts, out: make([]byte, 0, len(module)+len(module)/4)}
	return w.rewrite()
}

func checkReserved(info *Module) error {
	for _, e := range info.Exports {
		if strings.HasPrefix(e.Name, ReservedPrefix) {
			return errorf(CodeReserved, -1, "the module exports %q, a name reserved for the host", e.Name).
				withHint("rename the export; names that start with " + ReservedPrefix + " are reserved")
		}
	}
	for _, i := range info.Imports {
		if i.Module == TickModule {
			return errorf(CodeReserved, -1, "the module imports %q from %q, a module reserved for the host", i.Name, i.Module).
				withHint("build the module for the published ABI; a module that has been rewritten before cannot be rewritten again")
		}
	}
	return nil
}

// rewriter builds the new module section by section.
type rewriter struct {
	src  []byte
	m    *Module
	opts RewriteOptions
	out  []byte

	tickType uint32
	// splitType is that of the functions that do long operations piece by piece.
	splitType uint32
	fuel      uint32
	dirty     uint32
	hasDirty  bool
	// refs are the places of function indices outside bodies that are still ahead.
	refs []funcRef
}

func (w *rewriter) rewrite() (*Rewritten, error) {
	w.hasDirty = w.m.MutatesTables || w.m.DropsSegments || w.m.WritesOpaqueGlobals
	w.fuel = uint32(len(w.m.Globals))
	w.dirty = w.fuel + 1
	w.refs = w.m.funcRefs
	w.out = append(w.out, w.src[:headerBytes]...)
	w.section(sectionType, w.types())
	w.section(sectionImport, w.imports())
	w.section(sectionFunction, w.functions())
	w.section(sectionTable, w.tables())
	w.section(sectionMemory, w.memory())
	w.section(sectionGlobal, w.globals())
	exports, globals := w.exports()
	w.section(sectionExport, exports)
	w.section(sectionElement, w.shifted(sectionElement))
	w.section(sectionDataCount, w.original(sectionDataCount))
	if w.m.Functions > 0 {
		w.section(sectionCode, w.code())
	}
	w.section(sectionData, w.data())
	w.customs()
	return &Rewritten{Binary: w.out, Fuel: FuelExport, Globals: globals, HasStart: w.m.HasStart, HasDirty: w.hasDirty}, nil
}

func (w *rewriter) section(id byte, content []byte) {
	if content != nil {
		w.out = appendSection(w.out, id, content)
	}
}

// original gives a section's content as it was, nil when the module does not have it.
func (w *rewriter) original(id byte) []byte {
	s := w.m.sections[id]
	if s.end == 0 {
		return nil
	}
	return w.src[s.start:s.end]
}

// items splits a section that is a vector into its length and its items; a missing section is an empty vector.
func (w *rewriter) items(id byte) (n uint32, items span) {
	s := w.m.sections[id]
	if s.end == 0 {
		return 0, s
	}
	r := reader{data: w.src, pos: s.start, end: s.end}
	n = r.u32()
	return n, span{r.pos, s.end}
}

// types writes the types with those that are added, and remembers their indices.
func (w *rewriter) types() []byte {
	n, items := w.items(sectionType)
	var more []byte
	add := func(t ...byte) (index uint32) {
		more = append(more, t...)
		n++
		return n - 1
	}
	at := slices.IndexFunc(w.m.types, func(t FuncType) bool { return len(t.Params)+len(t.Results) == 0 })
	if w.tickType = uint32(at); at < 0 {
		w.tickType = add(0x60, 0, 0)
	}
	if w.splitFunctions() > 0 {
		w.splitType = add(0x60, 3, byte(I32), byte(I32), byte(I32), 0)
	}
	b := appendU32(nil, n)
	b = append(b, w.src[items.start:items.end]...)
	return append(b, more...)
}

func (w *rewriter) imports() []byte {
	n, items := w.items(sectionImport)
	b := appendU32(nil, n+1)
	b = append(b, w.src[items.start:items.end]...)
	b = appendName(b, TickModule)
	b = appendName(b, TickName)
	return appendU32(append(b, byte(KindFunc)), w.tickType)
}

// tables writes the tables again when they must be capped.
func (w *rewriter) tables() []byte {
	limit := w.opts.TableMaxEntries
	if limit == 0 {
		return w.original(sectionTable)
	}
	own := w.m.Tables[w.m.ImportedTables:]
	if len(own) == 0 {
		return nil
	}
	b := appendU32(nil, uint32(len(own)))
	for _, t := range own {
		cap := max(limit, t.Min)
		if t.HasMax {
			cap = min(cap, t.Max)
		}
		b = append(b, byte(t.Type), 1)
		b = appendU32(appendU32(b, t.Min), cap)
	}
	return b
}

func (w *rewriter) memory() []byte {
	limit, m := w.opts.MemoryMaxPages, w.m.Memory
	if limit == 0 || m == nil || w.m.ImportsMemory {
		return w.original(sectionMemory)
	}
	if m.HasMax {
		limit = min(limit, m.Max)
	}
	return appendU32(appendU32([]byte{1, 1}, m.Min), limit)
}

func (w *rewriter) globals() []byte {
	n, items := w.items(sectionGlobal)
	added := uint32(1)
	if w.hasDirty {
		added = 2
	}
	b := appendU32(nil, n+added)
	b = w.shift(b, items)
	b = append(b, byte(I64), 1, byte(opI64Const), 0, byte(opEnd))
	if w.hasDirty {
		b = append(b, byte(I32), 1, byte(opI32Const), 0, byte(opEnd))
	}
	return b
}

func (w *rewriter) exports() ([]byte, []GlobalExport) {
	n, items := w.items(sectionExport)
	b := w.shift(nil, items)
	var list []GlobalExport
	for i, g := range w.m.Globals {
		if g.Mutable {
			e := GlobalExport{globalExport + strconv.Itoa(i), g.Type}
			list = append(list, e)
			b = appendExport(b, e.Name, KindGlobal, uint32(i))
		}
	}
	n += uint32(len(list)) + 1
	b = appendExport(b, FuelExport, KindGlobal, w.fuel)
	if w.hasDirty {
		n++
		b = appendExport(b, DirtyExport, KindGlobal, w.dirty)
	}
	if w.m.HasStart {
		n++
		b = appendExport(b, StartExport, KindFunc, w.newIndex(w.m.startIndex))
	}
	return append(appendU32(nil, n), b...), list
}

func appendExport(b []byte, name string, kind Kind, index uint32) []byte {
	return appendU32(append(appendName(b, name), byte(kind)), index)
}

// newIndex is the index of a function after the import has been added.
func (w *rewriter) newIndex(index uint32) uint32 {
	if int(index) < w.m.ImportedFunctions {
		return index
	}
	return index + 1
}

func (w *rewriter) shifted(id byte) []byte {
	s := w.m.sections[id]
	if s.end == 0 {
		return nil
	}
	return w.shift(make([]byte, 0, s.end-s.start+64), s)
}

// shift copies a range outside the code, every function's index in it renewed. Ranges must be given in the order of the file.
func (w *rewriter) shift(b []byte, s span) []byte {
	for len(w.refs) > 0 && w.refs[0].start < s.end {
		ref := w.refs[0]
		w.refs = w.refs[1:]
		b = append(b, w.src[s.start:ref.start]...)
		b = appendU32(b, w.newIndex(ref.index))
		s.start = ref.end
	}
	return append(b, w.src[s.start:s.end]...)
}

// customs writes what is kept of the custom sections. Others may hold offsets into the code (debug information) and are dropped.
func (w *rewriter) customs() {
	for _, c := range w.m.customs {
		switch c.name {
		case "name":
			if content, ok := w.names(w.src[c.start:c.end]); ok {
				w.section(sectionCustom, append(appendName(nil, c.name), content...))
			}
		case "producers":
			w.section(sectionCustom, append(appendName(nil, c.name), w.src[c.start:c.end]...))
		}
	}
}

// String gives e.g. "pagesrun:g3 i32".
func (g GlobalExport) String() string { return fmt.Sprintf("%s %s", g.Name, g.Type) }
