package wasm

// feature is a proposal that the engine does not run.
type feature struct {
	name string
	hint string
}

var (
	featureExceptions  = feature{"exception handling", "build without it (clang: -fno-exceptions or -fno-wasm-exceptions; Rust: panic=abort; Emscripten: -fno-wasm-exceptions)"}
	featureTailCall    = feature{"tail calls", "build without it (clang: -mno-tail-call; Rust: -C target-feature=-tail-call)"}
	featureFuncRefs    = feature{"typed function references", "build for plain core WebAssembly 2.0, with this proposal off"}
	featureGC          = feature{"garbage-collected types (WasmGC)", "compile with a toolchain that brings its own collector, e.g. Go, TinyGo, Rust, C or AssemblyScript"}
	featureThreads     = feature{"threads and shared memory", "build single-threaded (clang: without -pthread, with -mno-atomics; Rust: target wasm32-wasip1, not wasm32-wasip1-threads)"}
	featureMemory64    = feature{"64-bit memory (memory64)", "build for wasm32 instead of wasm64"}
	featureMultiMemory = feature{"several memories (multi-memory)", "build with one memory (binaryen: --multi-memory-lowering)"}
	featurePageSize    = feature{"custom page sizes", "build with the standard page size of 64 KiB"}
	featureRelaxedSIMD = feature{"relaxed SIMD", "build without it (clang: -mno-relaxed-simd; Rust: -C target-feature=-relaxed-simd)"}
	featureExtended    = feature{"extended constant expressions", "build without it (clang: -mno-extended-const; Rust: -C target-feature=-extended-const)"}
	featureWide        = feature{"wide arithmetic", "build without it (clang: -mno-wide-arithmetic; Rust: -C target-feature=-wide-arithmetic)"}
	featureStackSwitch = feature{"stack switching", "build without it; the host suspends a guest only inside its calls"}
)

func (f feature) errorAt(offset int) *Error {
	return errorf(CodeUnsupported, offset, "the module uses %s, which this host does not run", f.name).withHint(f.hint)
}

// opFeature names the proposal that an unknown instruction belongs to; ok is false for bytes that no proposal uses.
func opFeature(op byte) (f feature, ok bool) {
	switch {
	case op >= 0x06 && op <= 0x0a, op == 0x18, op == 0x19, op == 0x1f:
		return featureExceptions, true
	case op == 0x12, op == 0x13:
		return featureTailCall, true
	case op == 0x14, op == 0x15, op >= 0xd4 && op <= 0xd6:
		return featureFuncRefs, true
	case op == 0xd3, op == 0xfb:
		return featureGC, true
	case op >= 0xe0 && op <= 0xe5:
		return featureStackSwitch, true
	case op == 0xfe:
		return featureThreads, true
	}
	return feature{}, false
}

// typeFeature names the proposal that an unknown value type or composite type belongs to.
func typeFeature(b byte) (f feature, ok bool) {
	switch b {
	case 0x63, 0x64:
		return featureFuncRefs, true
	case 0x69, 0x74:
		return featureExceptions, true
	case 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73, 0x77, 0x78, 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		return featureGC, true
	case 0x5d, 0x68, 0x75:
		return featureStackSwitch, true
	}
	return feature{}, false
}

// constFeature names the proposal that an instruction outside the constant ones belongs to.
func constFeature(op byte) (f feature, ok bool) {
	switch op {
	case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
		return featureExtended, true
	}
	return opFeature(op)
}
