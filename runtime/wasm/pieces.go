package wasm

// A bulk operation on memory is one instruction, however long: 128 MiB of pages that are touched for the first time keep a processor for 50 ms or more, and nothing
// can interrupt it, not even a garbage collection that everybody waits for. So copies and fills that are longer than a piece are done piece by piece, with a tick
// after each, in two functions that the rewriter adds. What they do is what the instructions do: an operation that reaches out of the memory is left to the instruction
// and traps before anything is written, and overlapping copies begin at the end where nothing is written that is yet to be read.

// defaultPieceBytes is well under a millisecond of copying.
const defaultPieceBytes = 1 << 20

// split tells whether an instruction is done piece by piece when it is long.
func (i *instr) split() bool { return i.op == opMemoryCopy || i.op == opMemoryFill }

// splitFunctions are how many functions are added: first the one that fills, then the one that copies.
func (w *rewriter) splitFunctions() uint32 {
	if w.m.movesMemory {
		return 2
	}
	return 0
}

// splitIndex is the index of the function for an instruction.
func (w *rewriter) splitIndex(op opcode) uint32 {
	fill := uint32(w.m.ImportedFunctions + 1 + w.m.Functions)
	if op == opMemoryFill {
		return fill
	}
	return fill + 1
}

// functions writes the function section with those that are added.
func (w *rewriter) functions() []byte {
	more := w.splitFunctions()
	if more == 0 {
		return w.original(sectionFunction)
	}
	n, items := w.items(sectionFunction)
	b := appendU32(nil, n+more)
	b = append(b, w.src[items.start:items.end]...)
	for range more {
		b = appendU32(b, w.splitType)
	}
	return b
}

// chargeSplit writes an operation, which has been charged, so that a long one goes piece by piece.
func (c *charger) chargeSplit() {
	c.op(opLocalGet, c.lengthLocal)
	c.buf = appendS64(append(c.buf, byte(opI32Const)), int64(c.w.piece()))
	c.buf = append(c.buf, byte(opI32GtU), byte(opIf))
	c.buf = appendS64(c.buf, int64(c.w.splitType))
	c.op(opCall, c.w.splitIndex(c.in.op))
	if c.localLoops > 0 {
		c.op(opGlobalGet, c.w.fuel)
		c.op(opLocalSet, c.fuelLocal)
	}
	c.buf = append(c.buf, byte(opElse))
	c.flush(c.r.pos)
	c.buf = append(c.buf, byte(opEnd))
}

func (w *rewriter) piece() uint32 {
	if w.opts.PieceBytes > 0 {
		return w.opts.PieceBytes
	}
	return defaultPieceBytes
}

// The locals of the functions that are added: their parameters, as the instructions take them.
const (
	splitTo = iota
	splitFrom
	splitLength
)

// appendSplitBodies writes the bodies of the functions that are added.
func (w *rewriter) appendSplitBodies(b []byte) []byte {
	if w.splitFunctions() == 0 {
		return b
	}
	for _, body := range [][]byte{w.fillBody(), w.copyBody()} {
		b = append(appendU32(b, uint32(len(body))), body...)
	}
	return b
}

// splitter writes code.
type splitter struct{ buf []byte }

func (s *splitter) code(ops ...opcode) *splitter {
	for _, op := range ops {
		s.buf = append(s.buf, byte(op))
	}
	return s
}

func (s *splitter) get(locals ...uint32) *splitter {
	for _, l := range locals {
		s.buf = appendU32(append(s.buf, byte(opLocalGet)), l)
	}
	return s
}

func (s *splitter) set(local uint32) *splitter {
	s.buf = appendU32(append(s.buf, byte(opLocalSet)), local)
	return s
}

func (s *splitter) i32(v uint32) *splitter {
	s.buf = appendS64(append(s.buf, byte(opI32Const)), int64(int32(v)))
	return s
}

// bulk writes the instruction itself.
func (s *splitter) bulk(op opcode) *splitter {
	s.buf = append(s.buf, prefixMisc, byte(op), 0)
	if op == opMemoryCopy {
		s.buf = append(s.buf, 0)
	}
	return s
}

// open writes the start of a block without a type.
func (s *splitter) open(op opcode) *splitter {
	s.buf = append(s.buf, byte(op), blockVoid)
	return s
}

// outside leaves on the stack whether the bytes from a local on reach out of the memory.
func (s *splitter) outside(start uint32) *splitter {
	s.get(start).code(opI64ExtendU).get(splitLength).code(opI64ExtendU, opI64Add, opMemorySize, 0, opI64ExtendU)
	s.buf = append(s.buf, byte(opI64Const), 16)
	return s.code(opI64Shl, opI64GtU)
}

// loop repeats what step writes, with a tick after each time, while more than a piece is left.
func (s *splitter) loop(w *rewriter, step func()) *splitter {
	s.open(opLoop)
	step()
	s.buf = appendU32(append(s.buf, byte(opCall)), uint32(w.m.ImportedFunctions))
	s.get(splitLength).i32(w.piece()).code(opI32GtU, opBrIf, 0, opEnd)
	return s
}

// change writes an addition to, or subtraction from, a local.
func (s *splitter) change(local uint32, op opcode, by uint32) *splitter {
	return s.get(local).i32(by).code(op).set(local)
}

func (w *rewriter) fillBody() []byte {
	s := &splitter{buf: []byte{0}} // no more locals
	s.outside(splitTo).open(opIf).get(splitTo, splitFrom, splitLength).bulk(opMemoryFill).code(opReturn, opEnd)
	s.loop(w, func() {
		s.get(splitTo, splitFrom).i32(w.piece()).bulk(opMemoryFill)
		s.change(splitTo, opI32Add, w.piece()).change(splitLength, opI32Sub, w.piece())
	})
	return s.get(splitTo, splitFrom, splitLength).bulk(opMemoryFill).code(opEnd).buf
}

func (w *rewriter) copyBody() []byte {
	s := &splitter{buf: []byte{0}}
	s.outside(splitTo).outside(splitFrom).code(opI32Or).open(opIf).get(splitTo, splitFrom, splitLength).bulk(opMemoryCopy).code(opReturn, opEnd)
	s.get(splitTo, splitFrom).code(opI32LeU).open(opIf)
	s.loop(w, func() {
		s.get(splitTo, splitFrom).i32(w.piece()).bulk(opMemoryCopy)
		s.change(splitTo, opI32Add, w.piece()).change(splitFrom, opI32Add, w.piece()).change(splitLength, opI32Sub, w.piece())
	})
	s.code(opElse)
	s.loop(w, func() {
		s.change(splitLength, opI32Sub, w.piece())
		s.get(splitTo, splitLength).code(opI32Add).get(splitFrom, splitLength).code(opI32Add).i32(w.piece()).bulk(opMemoryCopy)
	})
	s.code(opEnd)
	return s.get(splitTo, splitFrom, splitLength).bulk(opMemoryCopy).code(opEnd).buf
}
