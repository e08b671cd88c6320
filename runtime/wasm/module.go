package wasm

// Module is what [Inspect] found. It is not changed after and may be read by many goroutines.
type Module struct {
	// Imports and Exports are in the order of the binary.
	Imports []Import
	Exports []Export
	// Memory is the module's memory, imported or its own; nil when it has none.
	Memory *Memory
	// Tables and Globals are indexed as in the binary: the imported ones first.
	Tables  []Table
	Globals []Global
	// Functions counts the functions the module defines, ImportedFunctions those it imports.
	Functions, ImportedFunctions int
	// ImportedGlobals and ImportedTables count the imported entries at the head of Globals and Tables.
	ImportedGlobals, ImportedTables int
	// ImportsMemory tells that Memory is imported.
	ImportsMemory bool
	// HasStart tells that the module has a start section.
	HasStart bool
	// LargestBody is the size of the largest function body, in bytes.
	LargestBody int
	// CompileWork is the estimate that [Limits].CompileWork bounds.
	CompileWork int64
	// ElementEntries and DataBytes are the sizes of all element and data segments together.
	ElementEntries, DataBytes int
	// CustomSections are the names of the custom sections, in order, repetitions included.
	CustomSections []string
	// Producers are the entries of the producers section; none when it is absent or damaged.
	Producers []Producer
	// MutatesTables tells that an instruction changes a table; DropsSegments that one drops a segment; WritesOpaqueGlobals that one writes
	// a global of type v128, funcref or externref. A host cannot undo any of the three.
	MutatesTables, DropsSegments, WritesOpaqueGlobals bool

	types     []FuncType
	funcTypes []uint32
	functions []function
	loops     []loop
	loopCalls []loopCall
	// movesMemory tells that an instruction copies or fills memory.
	movesMemory bool
	sections    [sectionCount]span
	customs     []custom
	funcRefs    []funcRef
	startIndex  uint32
	size        int
	dataCount   int
	elements    int
}

// Import is one import.
type Import struct {
	Module string
	Name   string
	Extern
}

// Export is one export.
type Export struct {
	Name string
	// Index is the position of the exported item among the module's items of its kind, imported ones first.
	Index uint32
	Extern
}

// Producer is one entry of the producers section, e.g. {"language", "Go", "1.26"}.
type Producer struct {
	Field   string
	Name    string
	Version string
}

// Export gives the export of that name, or nil.
func (m *Module) Export(name string) *Export {
	for i := range m.Exports {
		if m.Exports[i].Name == name {
			return &m.Exports[i]
		}
	}
	return nil
}

// span is a range of the file.
type span struct{ start, end int }

type custom struct {
	name string
	span
}

// funcRef is a place outside function bodies where a function's index stands.
type funcRef struct {
	span
	index uint32
}

// function is what the rewriter needs to know of a body before it walks it.
type function struct {
	// code is the range from the first instruction to the end of the body; start is where the local declarations begin.
	start  int
	code   span
	locals uint32
	// cost is the fuel of all the text together.
	cost uint32
	// loop is the index of the function's first loop in Module.loops.
	loop                      uint32
	hasLoop, hasCall, hasBulk bool
}

// loop is one loop instruction, in the order of the file.
type loop struct {
	// parent is the index of the loop around it, -1 when there is none.
	parent int32
	// calls tells that the loop, or one within it, calls an imported function or calls through a table.
	calls bool
}

// loopCall is a direct call within a loop; loop is the innermost one.
type loopCall struct {
	loop   int32
	callee uint32
}

// funcType gives the type of a function by its index in the whole index space, which must be within bounds.
func (m *Module) funcType(index uint32) FuncType { return m.types[m.funcTypes[index]] }
