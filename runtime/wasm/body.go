package wasm

// checkFrame is an open block during the check of a body.
type checkFrame struct {
	op opcode
	// loop is the index in Module.loops of the innermost loop that is open, -1 when there is none.
	loop int32
	// depth counts the loops that are open; arity is the number of values that a branch to the block takes along.
	depth, arity int32
	// opened is the number of blocks when this one opened.
	opened uint32
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
	if in.err != nil {
		return // the number of locals is not to be trusted then, and would have as much memory made for it
	}
	f.code = span{in.pos, in.end}
	in.instructions(&f, in.m.funcType(uint32(index)))
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
func (in *inspector) instructions(f *function, t FuncType) {
	locals := len(t.Params) + int(f.locals)
	in.frames = append(in.frames[:0], checkFrame{op: opBlock, loop: -1, arity: int32(len(t.Results))})
	in.work.reset(locals)
	for len(in.frames) > 0 && in.err == nil {
		i := &in.instr
		i.next(&in.reader, &in.limits)
		if in.err != nil {
			return
		}
		f.cost += uint32(i.info.cost)
		in.work.spend(i.info.cost)
		switch i.info.shape {
		case shapeLocal:
			if in.within(i.start, i.a, locals, "local") {
				in.work.local(i)
			}
		case shapeMemArg, shapeMemory, shapeMemArgLane, shapeMemMem:
			in.needMemory(i)
			in.bulk(f, i)
			in.work.access()
		case shapeNone:
			in.control(i)
		default:
			in.checkIndices(f, i)
		}
	}
	if in.err == nil && in.pos != in.end {
		in.failf(CodeMalformed, in.pos, "a function has instructions after its end")
	}
	in.addWork(f)
}

// addWork takes the function that has been followed into the estimate of the compiler's work.
func (in *inspector) addWork(f *function) {
	units := in.work.total()
	in.m.CompileWork += units
	if in.err != nil || units <= in.limits.FunctionWork && in.m.CompileWork <= in.limits.CompileWork {
		return
	}
	in.fail(errorf(CodeLimit, f.code.start, "the module would take more than %d s to compile: its functions have too many blocks, loops and locals", in.m.CompileWork/unitsPerSecond).
		withHint("build with optimisation, split the largest functions, or raise the limit in the configuration if the module is trusted"))
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
		if top.op == opLoop {
			in.work.endLoop(top.opened, top.depth)
		}
		in.frames = in.frames[:len(in.frames)-1]
	}
}

func (in *inspector) push(f *function, i *instr) {
	if len(in.frames) > in.limits.Nesting {
		in.fail(limitError(i.start, "nested blocks in one function", uint64(len(in.frames)), in.limits.Nesting))
		return
	}
	top := in.frames[len(in.frames)-1]
	frame := checkFrame{op: i.op, loop: top.loop, depth: top.depth, opened: uint32(in.work.blocks)}
	t := in.blockType(i)
	frame.arity = int32(len(t.Results))
	in.work.block(t)
	if i.op == opLoop {
		frame.depth, frame.arity = top.depth+1, int32(len(t.Params))
		in.work.loop()
		in.m.loops = append(in.m.loops, loop{parent: top.loop})
		frame.loop = int32(len(in.m.loops) - 1)
		f.hasLoop = true
	}
	in.frames = append(in.frames, frame)
}

// blockType gives the type of a block; one without a type index counts as taking and giving nothing.
func (in *inspector) blockType(i *instr) FuncType {
	if i.a < 0 || in.err != nil {
		return FuncType{}
	}
	return in.m.types[i.a]
}

// checkIndices checks the immediates of the instructions that are not checked on the fast path.
func (in *inspector) checkIndices(f *function, i *instr) {
	switch i.info.shape {
	case shapeBlock:
		in.within(i.start, i.a, len(in.m.types), "type")
		in.push(f, i)
	case shapeLabel:
		in.work.branch(in.label(i, i.a))
	case shapeLabels:
		for _, t := range i.targets {
			in.work.target(in.label(i, int64(t)))
		}
	case shapeFunc:
		in.within(i.start, i.a, len(in.m.funcTypes), "function")
		in.call(f, i)
	case shapeIndirect:
		in.within(i.start, i.a, len(in.m.types), "type")
		in.within(i.start, i.b, len(in.m.Tables), "table")
		in.work.call(in.blockType(i))
		f.hasCall = true
		markCalls(in.m.loops, in.innermostLoop())
	case shapeGlobal:
		in.global(i)
	default:
		in.checkSegments(f, i)
	}
}

// label checks the label of a branch and gives the number of values the branch takes along.
func (in *inspector) label(i *instr, depth int64) int32 {
	in.within(i.start, depth, len(in.frames), "label")
	if in.err != nil {
		return 0
	}
	return in.frames[len(in.frames)-1-int(depth)].arity
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
	case in.err != nil:
		return
	case at < 0:
	case i.a < int64(in.m.ImportedFunctions):
		markCalls(in.m.loops, at)
	default:
		in.m.loopCalls = append(in.m.loopCalls, loopCall{at, uint32(i.a)})
	}
	in.work.call(in.m.funcType(uint32(i.a)))
}

// markCalls marks a loop and those around it.
func markCalls(loops []loop, at int32) {
	for at >= 0 && !loops[at].calls {
		loops[at].calls = true
		at = loops[at].parent
	}
}

func (in *inspector) checkSegments(f *function, i *instr) {
	in.bulk(f, i)
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

func (in *inspector) bulk(f *function, i *instr) {
	if i.bulk() {
		f.hasBulk = true
		in.m.movesMemory = in.m.movesMemory || i.split()
		in.work.bulk()
	}
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
