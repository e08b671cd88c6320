package wasm

// instr is one decoded instruction. Targets is reused by the next one.
type instr struct {
	op    opcode
	info  opInfo
	start int
	// a and b are the immediates that are indices, in the order of the binary. For a block, a is the type's index, or -1.
	a, b int64
	// targets holds the labels of a br_table, the default last.
	targets []uint32
	// indexAt is where the immediate a starts in the file.
	indexAt int
}

// next decodes the instruction at r.pos. It checks what can be checked without the rest of the module.
func (in *instr) next(r *reader, lim *Limits) {
	in.start = r.pos
	b := r.byte()
	in.op, in.info = opcode(b), oneByteOps[b]
	switch in.info.shape {
	case shapeNone:
	case shapeLocal, shapeLabel, shapeFunc, shapeGlobal, shapeTable:
		in.indexAt = r.pos
		in.a = int64(r.u32())
	case shapeMemArg:
		in.memArg(r)
	case shapeI32:
		r.signed(32)
	default:
		in.rare(r, lim)
	}
}

func (in *instr) rare(r *reader, lim *Limits) {
	switch in.info.shape {
	case shapeUnknown:
		in.prefixed(r)
	case shapeBlock:
		in.blockType(r)
	case shapeLabels:
		in.labels(r, lim)
	case shapeIndirect:
		in.a, in.b = int64(r.u32()), int64(r.u32())
	case shapeSelect:
		in.selectTypes(r)
	case shapeMemory:
		zeroByte(r)
	case shapeI64:
		r.signed(64)
	case shape4:
		r.bytes(4)
	case shape8:
		r.bytes(8)
	case shapeRefType:
		refType(r)
	}
}

// prefixed decodes an instruction that is not in the one-byte table.
func (in *instr) prefixed(r *reader) {
	prefix := byte(in.op)
	if r.err != nil {
		return
	}
	if prefix != prefixMisc && prefix != prefixSIMD {
		r.fail(unknownOp(in.start, prefix))
		return
	}
	n := r.u32()
	switch {
	case r.err != nil:
		return
	case prefix == prefixMisc && n <= 0xff:
		in.info = miscOps[n]
	case prefix == prefixSIMD && n <= 0xff:
		in.info = simdOps[n]
	default:
		in.info = opInfo{}
	}
	in.op = opcode(prefix)<<8 | opcode(n&0xff)
	if in.info.shape == shapeUnknown {
		r.fail(unknownPrefixed(in.start, prefix, n))
		return
	}
	in.prefixedImmediates(r)
}

func (in *instr) prefixedImmediates(r *reader) {
	switch in.info.shape {
	case shapeMemArg:
		in.memArg(r)
	case shapeMemArgLane:
		in.memArg(r)
		lane(r, in.info.lanes)
	case shapeLane:
		lane(r, in.info.limit)
	case shape16:
		r.bytes(16)
	case shapeShuffle:
		for range 16 {
			lane(r, 32)
		}
	case shapeMemory:
		zeroByte(r)
	case shapeMemMem:
		zeroByte(r)
		zeroByte(r)
	case shapeData, shapeElem, shapeTable:
		in.a = int64(r.u32())
	case shapeDataMem:
		in.a = int64(r.u32())
		zeroByte(r)
	case shapeElemTable, shapeTables:
		in.a, in.b = int64(r.u32()), int64(r.u32())
	}
}

func (in *instr) memArg(r *reader) {
	at := r.pos
	align := r.u32()
	if align >= 0x40 && align < 0x80 {
		r.fail(featureMultiMemory.errorAt(at))
		return
	}
	if align > uint32(in.info.limit) && r.err == nil {
		r.failf(CodeInvalid, at, "an alignment of 2^%d is larger than the access", align)
		return
	}
	r.u32()
}

// blockType decodes the type of a block; a value type in it must be one of the release.
func (in *instr) blockType(r *reader) {
	at := r.pos
	v := r.signed(33)
	in.a = v
	if v >= 0 || r.err != nil {
		return
	}
	in.a = -1
	if b := byte(v & 0x7f); v >= -64 && (b == 0x40 || isValueType(b)) {
		return
	}
	r.fail(unknownType(at, byte(v&0x7f)))
}

func (in *instr) labels(r *reader, lim *Limits) {
	n := r.count(lim.BranchTable, "targets in one br_table")
	in.targets = in.targets[:0]
	for i := 0; i <= n && r.err == nil; i++ {
		in.targets = append(in.targets, r.u32())
	}
}

func (in *instr) selectTypes(r *reader) {
	at := r.pos
	if n := r.u32(); n != 1 && r.err == nil {
		r.failf(CodeInvalid, at, "a typed select has %d types instead of 1", n)
		return
	}
	valueType(r)
}

func lane(r *reader, lanes uint8) {
	at := r.pos
	if b := r.byte(); b >= lanes && r.err == nil {
		r.failf(CodeInvalid, at, "lane %d does not exist", b)
	}
}

func zeroByte(r *reader) {
	at := r.pos
	if b := r.byte(); b != 0 && r.err == nil {
		r.fail(featureMultiMemory.errorAt(at))
	}
}

func unknownOp(offset int, op byte) *Error {
	if f, ok := opFeature(op); ok {
		return f.errorAt(offset)
	}
	return errorf(CodeMalformed, offset, "there is no instruction 0x%02x", op)
}

func unknownPrefixed(offset int, prefix byte, n uint32) *Error {
	switch {
	case prefix == prefixSIMD && n >= 0x100 && n <= 0x12f:
		return featureRelaxedSIMD.errorAt(offset)
	case prefix == prefixMisc && n >= 0x13 && n <= 0x16:
		return featureWide.errorAt(offset)
	}
	return errorf(CodeMalformed, offset, "there is no instruction 0x%02x %d", prefix, n)
}
