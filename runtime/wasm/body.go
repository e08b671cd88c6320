package wasm

// checkFrame is an open block during the check of a body.
type checkFrame struct {
	op opcode
	// loop is the index in Module.loops of the innermost loop that is open, -1 when there is none.
	loop int32
}

func (in *inspector) code() {
	at := in.pos
	n := in.count(in.limits.Functions, "function bodies")
	if n != in.declaredFuncs && in.err == nil {
		in.failf(CodeMalformed, at, "the module declares %d functions but has %d bodies", in.declaredFuncs, n)
		return
	}
	in.m.functions = make([]function, 0, n)
	for i := 0; i < n && in.err == nil; i++ {
		in.body(in.m.ImportedFunctions + i)
	}
	in.m.Functions = n
}

// body decodes one function body, which must end where its size says.
func (in *inspector) body(index int) {
	at, section := in.pos, in.end
	size := in.u32()
	if uint64(size) > uint64(section-in.pos) {
		in.short()
		return
	}
	if int(size) > in.limits.BodyBytes {
		in.fail(limitError(at, "bytes in one function body", uint64(size), in.limits.BodyBytes))
		return
	}
	in.m.LargestBody = max(in.m.LargestBody, int(size))
	in.end = in.pos + int(size)
	f := function{start: in.pos, loop: uint32(len(in.m.loops))}
	f.locals = in.locals()
	f.code = span{in.pos, in.end}
	in.instructions(&f, len(in.m.funcType(uint32(index)).Params)+int(f.locals))
	in.m.functions = append(in.m.functions, f)
	if in.err == nil {
		in.end = section
	}
}

// locals decodes the declarations of locals and gives their number.
func (in *inspector) locals() uint32 {
	at, total := in.pos, uint64(0)
	groups := in.count(in.limits.BodyBytes, "groups of locals")
	for i := 0; i < groups && in.err == nil; i++ {
		total += uint64(in.u32())
		valueType(&in.reader)
		if total > uint64(in.limits.FunctionLocals) && in.err == nil {
			in.fail(limitError(at, "locals in one function", total, in.limits.FunctionLocals))
			return 0
		}
	}
	in.moduleLocals += int(total)
	if in.moduleLocals > in.limits.ModuleLocals {
		in.fail(limitError(at, "locals in all functions", uint64(in.moduleLocals), in.limits.ModuleLocals))
	}
	return uint32(total)
}

// instructions decodes the code of one function up to the end of its body.
func (in *inspector) instructions(f *function, locals int) {
	in.frames = append(in.frames[:0], checkFrame{opBlock, -1})
	targets := 0
	for len(in.frames) > 0 && in.err == nil {
		i := &in.instr
		i.next(&in.reader, &in.limits)
		if in.err != nil {
			return
		}
		f.cost += uint32(i.info.cost)
		switch i.info.shape {
		case shapeLocal:
			in.within(i.start, i.a, locals, "local")
		case shapeMemArg, shapeMemory, shapeMemArgLane, shapeMemMem:
			in.needMemory(i)
			f.hasBulk = f.hasBulk || i.bulk()
		case shapeNone:
			in.control(i)
		default:
			in.checkIndices(f, i)
			targets += len(i.targets)
			i.targets = i.targets[:0]
		}
	}
	switch {
	case in.err != nil:
	case in.pos != in.end:
		in.failf(CodeMalformed, in.pos, "a function has instructions after its end")
	case targets > in.limits.BranchTables:
		in.fail(limitError(f.code.start, "br_table targets in one function", uint64(targets), in.limits.BranchTables))
	}
}

// control follows the instructions that open and close blocks and have no immediate.
func (in *inspector) control(i *instr) {
	top := &in.frames[len(in.frames)-1]
	switch i.op {
	case opElse:
		if top.op != opIf {
			in.failf(CodeMalformed, i.start, "an else stands outside an if")
		}
		top.op = opElse
	case opEnd:
		in.frames = in.frames[:len(in.frames)-1]
	}
}

func (in *inspector) push(f *function, i *instr) {
	if len(in.frames) > in.limits.Nesting {
		in.fail(limitError(i.start, "nested blocks in one function", uint64(len(in.frames)), in.limits.Nesting))
		return
	}
	frame := checkFrame{i.op, in.innermostLoop()}
	if i.op == opLoop {
		in.m.loops = append(in.m.loops, loop{parent: frame.loop})
		frame.loop = int32(len(in.m.loops) - 1)
		f.hasLoop = true
	}
	in.frames = append(in.frames, frame)
}

// checkIndices checks the immediates of the instructions that are not checked on the fast path.
func (in *inspector) checkIndices(f *function, i *instr) {
	switch i.info.shape {
	case shapeBlock:
		in.within(i.start, i.a, len(in.m.types), "type")
		in.push(f, i)
	case shapeLabel:
		in.within(i.start, i.a, len(in.frames), "label")
	case shapeLabels:
		for _, t := range i.targets {
			in.within(i.start, int64(t), len(in.frames), "label")
		}
	case shapeFunc:
		in.within(i.start, i.a, len(in.m.funcTypes), "function")
		in.call(f, i)
	case shapeIndirect:
		in.within(i.start, i.a, len(in.m.types), "type")
		in.within(i.start, i.b, len(in.m.Tables), "table")
		f.hasCall = true
		markCalls(in.m.loops, in.innermostLoop())
	case shapeGlobal:
		in.global(i)
	default:
		in.checkSegments(f, i)
	}
}

func (in *inspector) innermostLoop() int32 { return in.frames[len(in.frames)-1].loop }

// call follows a call, and requires a function that ref.func names to be named outside the bodies too.
func (in *inspector) call(f *function, i *instr) {
	if i.op == opRefFunc {
		if in.err == nil && (in.declared == nil || !in.declared[i.a]) {
			in.failf(CodeInvalid, i.start, "ref.func names the function %d, which no export, element or global declares", i.a)
		}
		return
	}
	f.hasCall = true
	at := in.innermostLoop()
	switch {
	case at < 0:
	case i.a < int64(in.m.ImportedFunctions):
		markCalls(in.m.loops, at)
	default:
		in.m.loopCalls = append(in.m.loopCalls, loopCall{at, uint32(i.a)})
	}
}

// markCalls marks a loop and those around it.
func markCalls(loops []loop, at int32) {
	for at >= 0 && !loops[at].calls {
		loops[at].calls = true
		at = loops[at].parent
	}
}

func (in *inspector) checkSegments(f *function, i *instr) {
	f.hasBulk = f.hasBulk || i.bulk()
	switch i.info.shape {
	case shapeTable:
		in.within(i.start, i.a, len(in.m.Tables), "table")
	case shapeTables:
		in.within(i.start, i.a, len(in.m.Tables), "table")
		in.within(i.start, i.b, len(in.m.Tables), "table")
	case shapeElem:
		in.within(i.start, i.a, in.m.elements, "element segment")
	case shapeElemTable:
		in.within(i.start, i.a, in.m.elements, "element segment")
		in.within(i.start, i.b, len(in.m.Tables), "table")
	case shapeData, shapeDataMem:
		in.dataSegment(i)
	}
	in.m.MutatesTables = in.m.MutatesTables || i.mutatesTable()
	in.m.DropsSegments = in.m.DropsSegments || i.op == opElemDrop || i.op == opDataDrop
}

func (in *inspector) dataSegment(i *instr) {
	if in.m.dataCount < 0 {
		in.failf(CodeMalformed, i.start, "an instruction names a data segment but the module has no data count section")
		return
	}
	in.within(i.start, i.a, in.m.dataCount, "data segment")
	if i.op == opMemoryInit {
		in.needMemory(i)
	}
}

func (in *inspector) global(i *instr) {
	in.within(i.start, i.a, len(in.m.Globals), "global")
	if i.op != opGlobalSet || in.err != nil {
		return
	}
	g := in.m.Globals[i.a]
	if !g.Mutable {
		in.failf(CodeInvalid, i.start, "an instruction writes the immutable global %d", i.a)
	}
	in.m.WritesOpaqueGlobals = in.m.WritesOpaqueGlobals || g.Type.opaque()
}

func (in *inspector) needMemory(i *instr) {
	if in.m.Memory == nil {
		in.failf(CodeInvalid, i.start, "an instruction uses memory but the module has none")
	}
}

// mutatesTable tells whether the instruction changes a table's entries or size.
func (i *instr) mutatesTable() bool {
	switch i.op {
	case opTableSet, opTableInit, opTableCopy, opTableGrow, opTableFill:
		return true
	}
	return false
}

// bulk tells whether the instruction's time depends on a length operand, which is the last one it takes.
func (i *instr) bulk() bool {
	switch i.op {
	case opMemoryGrow, opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableGrow, opTableFill:
		return true
	}
	return false
}
