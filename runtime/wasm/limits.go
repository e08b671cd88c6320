package wasm

// Limits bounds what [Inspect] accepts. A field left at zero means "none allowed", so start from [DefaultLimits].
//
// The numbers guard the compiler, whose cost grows faster than the size of some constructs.
type Limits struct {
	// ModuleBytes is the size of the file.
	ModuleBytes int
	// Types, Functions, Imports, Exports and Globals count entries; functions and globals include the imported ones.
	Types, Functions, Imports, Exports, Globals int
	// Params and Results count the values of one function type.
	Params, Results int
	// FunctionLocals counts the declared locals of one function and ModuleLocals those of all functions together.
	FunctionLocals, ModuleLocals int
	// BodyBytes is the size of one function body.
	BodyBytes int
	// Nesting is the depth of blocks in one function.
	Nesting int
	// BranchTable counts the targets of one br_table.
	BranchTable int
	// FunctionWork and CompileWork bound the estimated time, for one function and for all, of the parts of a compiler whose cost grows
	// faster than the code. They count units of about 30 ns.
	FunctionWork, CompileWork int64
	// Tables counts tables; TableEntries is the sum of their initial sizes.
	Tables, TableEntries int
	// MemoryPages is the largest initial memory, in pages of 64 KiB.
	MemoryPages int
	// Segments counts element and data segments, each kind on its own.
	Segments int
	// ElementEntries is the number of entries of all element segments together.
	ElementEntries int
	// CustomSections counts custom sections.
	CustomSections int
}

// DefaultLimits gives the limits that ordinary guests stay well within. The largest guests that were measured are a Go program with
// net/http (9,211 functions, bodies of up to 50,636 bytes, 550 nested blocks, br_tables of 1,145 targets) and CRuby 3.4 (17,825 functions,
// 138,250 bytes, 617 nested blocks, 169 locals; three quarters of FunctionWork, half of CompileWork). BodyBytes is the number browsers agreed on;
// the work of compiling is what bounds bodies in practice.
func DefaultLimits() Limits {
	return Limits{
		ModuleBytes:    64 << 20,
		Types:          100_000,
		Functions:      100_000,
		Imports:        10_000,
		Exports:        100_000,
		Globals:        10_000,
		Params:         1_000,
		Results:        1_000,
		FunctionLocals: 50_000,
		ModuleLocals:   5_000_000,
		BodyBytes:      7_654_321,
		Nesting:        1_000,
		BranchTable:    10_000,
		FunctionWork:   300_000_000,
		CompileWork:    2_000_000_000,
		Tables:         100,
		TableEntries:   1_000_000,
		MemoryPages:    65_536,
		Segments:       100_000,
		ElementEntries: 2_000_000,
		CustomSections: 1_000,
	}
}
