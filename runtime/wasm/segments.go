package wasm

// constExpr decodes a constant expression and its end.
func (in *inspector) constExpr() {
	for in.err == nil {
		at := in.pos
		switch op := in.byte(); op {
		case byte(opEnd):
			return
		case byte(opI32Const):
			in.signed(32)
		case byte(opI64Const):
			in.signed(64)
		case 0x43:
			in.bytes(4)
		case 0x44:
			in.bytes(8)
		case byte(opGlobalGet):
			in.constGlobal()
		case byte(opRefNull):
			refType(&in.reader)
		case byte(opRefFunc):
			in.funcIndex()
		case prefixSIMD:
			in.constVector(at)
		default:
			in.badConst(at, op)
		}
	}
}

func (in *inspector) badConst(at int, op byte) {
	if in.err != nil {
		return
	}
	if f, ok := constFeature(op); ok {
		in.fail(f.errorAt(at))
		return
	}
	in.failf(CodeInvalid, at, "the instruction 0x%02x is not allowed in a constant expression", op)
}

func (in *inspector) constVector(at int) {
	if n := in.u32(); n != 0x0c {
		in.failf(CodeInvalid, at, "the instruction 0xfd %d is not allowed in a constant expression", n)
		return
	}
	in.bytes(16)
}

// constGlobal decodes the operand of global.get: an imported, immutable global.
func (in *inspector) constGlobal() {
	at := in.pos
	v := in.index(len(in.m.Globals), "global")
	switch {
	case in.err != nil:
	case int(v) >= in.m.ImportedGlobals:
		in.fail(featureExtended.errorAt(at))
	case in.m.Globals[v].Mutable:
		in.failf(CodeInvalid, at, "a constant expression reads the mutable global %d", v)
	}
}

func (in *inspector) elements() {
	n := in.count(in.limits.Segments, "element segments")
	for i := 0; i < n && in.err == nil; i++ {
		in.oneElement()
	}
	in.m.elements = n
}

// The flags of an element segment: passive or declared, an explicit table (or declared), expressions instead of indices.
const (
	elemPassive  = 1
	elemExplicit = 2
	elemExprs    = 4
)

func (in *inspector) oneElement() {
	at := in.pos
	flags := in.u32()
	if flags > 7 && in.err == nil {
		in.failf(CodeMalformed, at, "an element segment has unknown flags %d", flags)
		return
	}
	if flags&elemPassive == 0 {
		in.activeElement(flags)
	}
	if flags&(elemPassive|elemExplicit) != 0 {
		in.elementKind(flags)
	}
	n := in.count(in.limits.ElementEntries, "element entries")
	in.m.ElementEntries += n
	if in.m.ElementEntries > in.limits.ElementEntries {
		in.fail(limitError(at, "element entries", uint64(in.m.ElementEntries), in.limits.ElementEntries))
	}
	for i := 0; i < n && in.err == nil; i++ {
		if flags&elemExprs != 0 {
			in.constExpr()
		} else {
			in.funcIndex()
		}
	}
}

func (in *inspector) activeElement(flags uint32) {
	at, table := in.pos, uint32(0)
	if flags&elemExplicit != 0 {
		table = in.u32()
	}
	in.within(at, int64(table), len(in.m.Tables), "table")
	in.constExpr()
}

func (in *inspector) elementKind(flags uint32) {
	if flags&elemExprs != 0 {
		refType(&in.reader)
		return
	}
	at := in.pos
	if b := in.byte(); b != 0 && in.err == nil {
		in.failf(CodeMalformed, at, "there is no element kind %d", b)
	}
}

func (in *inspector) dataSegments() {
	at := in.pos
	n := in.count(in.limits.Segments, "data segments")
	if in.m.dataCount >= 0 && in.m.dataCount != n && in.err == nil {
		in.failf(CodeMalformed, at, "the module announces %d data segments but has %d", in.m.dataCount, n)
	}
	for i := 0; i < n && in.err == nil; i++ {
		in.oneData()
	}
}

func (in *inspector) oneData() {
	at := in.pos
	flags := in.u32()
	switch {
	case in.err != nil:
		return
	case flags > 2:
		in.failf(CodeMalformed, at, "a data segment has unknown flags %d", flags)
		return
	case flags == 2:
		at = in.pos
		if in.u32() != 0 {
			in.fail(featureMultiMemory.errorAt(at))
			return
		}
	}
	if flags != 1 {
		in.within(at, 0, in.memoryCount(), "memory")
		in.constExpr()
	}
	in.m.DataBytes += len(in.bytes(in.u32()))
}
