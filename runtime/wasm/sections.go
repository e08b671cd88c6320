package wasm

func (in *inspector) custom(s span) {
	start := in.pos
	name := in.name()
	if in.err != nil {
		return
	}
	if len(in.m.CustomSections) >= in.limits.CustomSections {
		in.fail(limitError(start, "custom sections", uint64(len(in.m.CustomSections)+1), in.limits.CustomSections))
		return
	}
	in.m.CustomSections = append(in.m.CustomSections, name)
	in.m.customs = append(in.m.customs, custom{name, span{in.pos, s.end}})
	if name == "producers" {
		in.m.Producers = producers(in.data[in.pos:s.end])
	}
	in.pos = s.end
}

func (in *inspector) types() {
	n := in.count(in.limits.Types, "types")
	in.m.types = make([]FuncType, 0, n)
	for i := 0; i < n && in.err == nil; i++ {
		at := in.pos
		if b := in.byte(); b != 0x60 && in.err == nil {
			in.fail(unknownType(at, b))
			return
		}
		t := FuncType{Params: in.valueTypes(in.limits.Params, "parameters in one function type")}
		t.Results = in.valueTypes(in.limits.Results, "results in one function type")
		in.m.types = append(in.m.types, t)
	}
}

func (in *inspector) valueTypes(limit int, what string) []ValueType {
	n := in.count(limit, what)
	if n == 0 {
		return nil
	}
	types := make([]ValueType, n)
	for i := range types {
		types[i] = valueType(&in.reader)
	}
	return types
}

func (in *inspector) imports() {
	n := in.count(in.limits.Imports, "imports")
	for i := 0; i < n && in.err == nil; i++ {
		in.oneImport()
	}
	in.m.ImportedGlobals, in.m.ImportedTables = len(in.m.Globals), len(in.m.Tables)
	in.m.ImportedFunctions = len(in.m.funcTypes)
	in.m.ImportsMemory = in.m.Memory != nil
}

func (in *inspector) oneImport() {
	imp := Import{Module: in.name(), Name: in.name()}
	at := in.pos
	imp.Kind = Kind(in.byte())
	switch imp.Kind {
	case KindFunc:
		imp.Func = in.declareFunc()
	case KindTable:
		imp.Table = in.tableType()
	case KindMemory:
		imp.Memory = in.memoryType()
	case KindGlobal:
		imp.Global = in.globalType()
		in.m.Globals = append(in.m.Globals, imp.Global)
	case 4:
		in.fail(featureExceptions.errorAt(at))
	default:
		in.failf(CodeMalformed, at, "there is no import kind %d", imp.Kind)
	}
	in.m.Imports = append(in.m.Imports, imp)
}

// declareFunc decodes the type index of a function and adds the function to the index space.
func (in *inspector) declareFunc() FuncType {
	index := in.index(len(in.m.types), "type")
	if in.err != nil {
		return FuncType{}
	}
	in.m.funcTypes = append(in.m.funcTypes, index)
	return in.m.types[index]
}

func (in *inspector) functions() {
	at := in.pos
	n := in.count(in.limits.Functions, "functions")
	if total := n + len(in.m.funcTypes); total > in.limits.Functions {
		in.fail(limitError(at, "functions", uint64(total), in.limits.Functions))
	}
	for i := 0; i < n && in.err == nil; i++ {
		in.declareFunc()
	}
	in.declaredFuncs = n
}

func (in *inspector) tables() {
	n := in.count(in.limits.Tables, "tables")
	for i := 0; i < n && in.err == nil; i++ {
		if in.more() && in.data[in.pos] == 0x40 {
			in.fail(featureFuncRefs.errorAt(in.pos))
			return
		}
		in.tableType()
	}
}

// tableType decodes a table type and adds the table to the index space.
func (in *inspector) tableType() Table {
	at := in.pos
	t := Table{Type: refType(&in.reader)}
	t.Min, t.Max, t.HasMax = in.sizes(1<<32-1, "table")
	in.m.Tables = append(in.m.Tables, t)
	in.tableEntries += uint64(t.Min)
	switch {
	case in.err != nil:
	case len(in.m.Tables) > in.limits.Tables:
		in.fail(limitError(at, "tables", uint64(len(in.m.Tables)), in.limits.Tables))
	case in.tableEntries > uint64(in.limits.TableEntries):
		in.fail(limitError(at, "table entries at start", in.tableEntries, in.limits.TableEntries))
	}
	return t
}

// sizes decodes the limits of a table or memory.
func (in *inspector) sizes(largest uint32, what string) (lo, hi uint32, hasMax bool) {
	at := in.pos
	flags := in.byte()
	switch {
	case in.err != nil:
		return 0, 0, false
	case flags&8 != 0 && flags < 16:
		in.fail(featurePageSize.errorAt(at))
	case flags&4 != 0 && flags < 16:
		in.fail(featureMemory64.errorAt(at))
	case flags == 2 || flags == 3:
		in.fail(featureThreads.errorAt(at))
	case flags > 1:
		in.failf(CodeMalformed, at, "the limits of a %s have unknown flags 0x%02x", what, flags)
	}
	lo, hasMax = in.u32(), flags == 1
	if hasMax {
		hi = in.u32()
	}
	switch {
	case in.err != nil:
	case lo > largest || hi > largest:
		in.failf(CodeInvalid, at, "a %s is declared larger than %d", what, largest)
	case hasMax && lo > hi:
		in.failf(CodeInvalid, at, "a %s has a minimum of %d above its maximum of %d", what, lo, hi)
	}
	return lo, hi, hasMax
}

func (in *inspector) memories() {
	at := in.pos
	n := in.count(len(in.data), "memories")
	if n > 1 && in.err == nil {
		in.fail(featureMultiMemory.errorAt(at))
	}
	for i := 0; i < n && in.err == nil; i++ {
		in.memoryType()
	}
}

// memoryType decodes a memory type and makes it the module's memory.
func (in *inspector) memoryType() Memory {
	at := in.pos
	var m Memory
	m.Min, m.Max, m.HasMax = in.sizes(1<<16, "memory")
	switch {
	case in.err != nil:
	case in.m.Memory != nil:
		in.fail(featureMultiMemory.errorAt(at))
	case int(m.Min) > in.limits.MemoryPages:
		in.fail(memoryError(m.Min, uint32(in.limits.MemoryPages)))
	}
	in.m.Memory = &m
	return m
}

func memoryError(pages, limit uint32) *Error {
	return errorf(CodeMemory, -1, "the module needs %d pages (%d MiB) of memory at start; the limit is %d pages (%d MiB)", pages, pages/16, limit, limit/16).
		withHint("raise the memory limit in the configuration, or lower the module's initial memory (wasm-ld: --initial-memory)")
}

func (in *inspector) globalType() Global {
	g := Global{Type: valueType(&in.reader)}
	at := in.pos
	switch mut := in.byte(); {
	case in.err != nil || mut == 0:
	case mut == 1:
		g.Mutable = true
	default:
		in.fail(malformedMutability(at, mut))
	}
	return g
}

func malformedMutability(offset int, b byte) *Error {
	if b == 2 || b == 3 {
		return featureThreads.errorAt(offset)
	}
	return errorf(CodeMalformed, offset, "the mutability of a global is %d instead of 0 or 1", b)
}

func (in *inspector) globals() {
	at := in.pos
	n := in.count(in.limits.Globals, "globals")
	if total := n + len(in.m.Globals); total > in.limits.Globals {
		in.fail(limitError(at, "globals", uint64(total), in.limits.Globals))
	}
	for i := 0; i < n && in.err == nil; i++ {
		g := in.globalType()
		in.constExpr()
		in.m.Globals = append(in.m.Globals, g)
	}
}

func (in *inspector) exports() {
	n := in.count(in.limits.Exports, "exports")
	in.exportNames = make(map[string]struct{}, n)
	for i := 0; i < n && in.err == nil; i++ {
		in.oneExport()
	}
}

func (in *inspector) oneExport() {
	at := in.pos
	e := Export{Name: in.name()}
	if _, dup := in.exportNames[e.Name]; dup && in.err == nil {
		in.failf(CodeInvalid, at, "two exports are named %q", e.Name)
		return
	}
	in.exportNames[e.Name] = struct{}{}
	kindAt := in.pos
	e.Kind = Kind(in.byte())
	if in.err != nil {
		return
	}
	switch e.Kind {
	case KindFunc:
		e.Index = in.funcIndex()
	case KindTable:
		e.Index = in.index(len(in.m.Tables), "table")
	case KindMemory:
		e.Index = in.index(in.memoryCount(), "memory")
	case KindGlobal:
		e.Index = in.index(len(in.m.Globals), "global")
	case 4:
		in.fail(featureExceptions.errorAt(kindAt))
	default:
		in.failf(CodeMalformed, kindAt, "there is no export kind %d", e.Kind)
	}
	if in.err == nil {
		e.Extern = in.m.extern(e.Kind, e.Index)
		in.m.Exports = append(in.m.Exports, e)
	}
}

func (m *Module) extern(kind Kind, index uint32) Extern {
	e := Extern{Kind: kind}
	switch kind {
	case KindFunc:
		e.Func = m.funcType(index)
	case KindTable:
		e.Table = m.Tables[index]
	case KindMemory:
		e.Memory = *m.Memory
	case KindGlobal:
		e.Global = m.Globals[index]
	}
	return e
}

func (in *inspector) start() {
	at := in.pos
	in.m.startIndex = in.index(len(in.m.funcTypes), "function")
	if in.err != nil {
		return
	}
	if t := in.m.funcType(in.m.startIndex); len(t.Params)+len(t.Results) > 0 {
		in.failf(CodeInvalid, at, "the start function has the type %s instead of () -> ()", t)
	}
	in.m.HasStart = true
}

func (in *inspector) memoryCount() int {
	if in.m.Memory != nil {
		return 1
	}
	return 0
}

// index decodes an index and checks it against the number of items there are.
func (in *inspector) index(n int, what string) uint32 {
	at := in.pos
	v := in.u32()
	in.within(at, int64(v), n, what)
	return v
}

// within checks an index against the number of items there are.
func (in *inspector) within(at int, v int64, n int, what string) bool {
	if v < int64(n) {
		return true
	}
	if in.err == nil {
		in.failf(CodeInvalid, at, "there is no %s %d; the module has %d", what, v, n)
	}
	return false
}

// funcIndex decodes a function's index outside the bodies and remembers where it stands.
func (in *inspector) funcIndex() uint32 {
	at := in.pos
	v := in.index(len(in.m.funcTypes), "function")
	if in.err != nil {
		return 0
	}
	in.declare(v)
	in.m.funcRefs = append(in.m.funcRefs, funcRef{span{at, in.pos}, v})
	return v
}

// declare remembers that a function is named outside the bodies, so that ref.func may name it within.
func (in *inspector) declare(index uint32) {
	if in.declared == nil {
		in.declared = make([]bool, len(in.m.funcTypes))
	}
	in.declared[index] = true
}

// count0 is count for a number that no items follow.
func (in *inspector) count0(limit int, what string) int {
	at := in.pos
	n := in.u32()
	if uint64(n) > uint64(limit) && in.err == nil {
		in.fail(limitError(at, what, uint64(n), limit))
	}
	return int(n)
}
