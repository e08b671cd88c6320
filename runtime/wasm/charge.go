package wasm

import "slices"

// How fuel is counted. One unit is about one simple instruction. The rewriter follows every body once and keeps, for each point, the cost of
// the most expensive way to it since the last charge. What is pending is charged
//   - at each loop head, with the most expensive way once around (known only at the loop's end, so filled in then),
//   - at the entry of a function, with the most expensive way from the last charge to a return,
//   - wherever straightLine units have come together,
//   - before each bulk operation, by its length.
//
// So no way through the code runs further than straightLine units plus one instruction without a check, and what is charged is never
// less than what is executed. Functions that are at most leafCost long and call nothing are charged to their callers; a caller that
// reaches one through a table cannot know which, and pays costIndirect.
const (
	// straightLine is how many units may come together before a check.
	straightLine = 512
	// leafCost is the most that a function may cost and have no check at its entry.
	leafCost = 64
)

// noCost marks a label that nothing branches to.
const noCost = -1

// charger writes one body with its checks.
type charger struct {
	w   *rewriter
	r   reader
	in  instr
	f   *function
	buf []byte
	// copied is how far of the body has been written.
	copied int

	frames []chargeFrame
	// pending is the cost of the most expensive way to here since the last charge; dead tells that there is no way to here.
	pending int
	dead    bool

	// fuelLocal holds the fuel within loops that call nothing that is charged, where localLoops counts those that are open.
	fuelLocal   uint32
	lengthLocal uint32
	localLoops  int
	// loops are all loops of the module and loop is the index of the next one to open.
	loops []loop
	loop  uint32
}

// chargeFrame is an open block.
type chargeFrame struct {
	op opcode
	// branches is the pending cost of the most expensive branch to the label, for a loop also of the way into it.
	branches int
	// before and deadBefore are the state at the start of an if, which its else goes on from.
	before     int
	deadBefore bool
	// patch is where the charge of a loop or function stands in buf; 0 when it has none.
	patch int
	// local tells that the loop counts in fuelLocal.
	local bool
}

func (w *rewriter) code() []byte {
	s := w.m.sections[sectionCode]
	out := make([]byte, 0, (s.end-s.start)*5/4+16)
	out = appendU32(out, uint32(len(w.m.functions))+w.splitFunctions())
	c := &charger{w: w, loops: w.chargingLoops()}
	lim := Limits{BranchTable: 1 << 30} // the decoder only repeats what Inspect has accepted
	for i := range w.m.functions {
		c.body(&w.m.functions[i], len(w.m.funcType(uint32(w.m.ImportedFunctions+i)).Params), &lim)
		out = appendU32(out, uint32(len(c.buf)))
		out = append(out, c.buf...)
	}
	return w.appendSplitBodies(out)
}

// chargingLoops gives the module's loops with those marked that call a function which changes the fuel.
func (w *rewriter) chargingLoops() []loop {
	loops := slices.Clone(w.m.loops)
	for _, call := range w.m.loopCalls {
		if !w.m.functions[int(call.callee)-w.m.ImportedFunctions].uncharged() {
			markCalls(loops, call.loop)
		}
	}
	return loops
}

// body leaves the rewritten body in buf.
func (c *charger) body(f *function, params int, lim *Limits) {
	c.f, c.buf, c.frames = f, c.buf[:0], c.frames[:0]
	c.pending, c.dead, c.localLoops, c.loop = 0, false, 0, f.loop
	c.locals(params)
	c.r = reader{data: c.w.src, pos: f.code.start, end: f.code.end}
	c.copied = f.code.start
	frame := chargeFrame{op: opBlock, branches: noCost}
	if f.chargesEntry() {
		frame.patch = c.placeholder()
	}
	c.frames = append(c.frames, frame)
	for len(c.frames) > 0 {
		c.in.next(&c.r, lim)
		c.step()
	}
	c.flush(c.r.pos)
}

// chargesEntry tells whether the function has a check of its own at its entry.
func (f *function) chargesEntry() bool { return f.hasCall || f.cost > leafCost }

// uncharged tells whether the function never touches the fuel.
func (f *function) uncharged() bool { return !f.chargesEntry() && !f.hasLoop && !f.hasBulk }

// locals writes the declarations with those the checks need.
func (c *charger) locals(params int) {
	r := reader{data: c.w.src, pos: c.f.start, end: c.f.code.start}
	groups := r.u32()
	extra := make([]byte, 0, 4)
	next := uint32(params) + c.f.locals
	if c.f.hasLoop {
		c.fuelLocal, next = next, next+1
		extra = append(extra, 1, byte(I64))
	}
	if c.f.hasBulk {
		c.lengthLocal = next
		extra = append(extra, 1, byte(I32))
	}
	c.buf = appendU32(c.buf, groups+uint32(len(extra)/2))
	c.buf = append(c.buf, c.w.src[r.pos:c.f.code.start]...)
	c.buf = append(c.buf, extra...)
}

// step follows one instruction, whose bytes stay to be copied by the next flush unless it changes.
func (c *charger) step() {
	if c.pending >= straightLine && !c.dead {
		c.flush(c.in.start)
		c.chargeConst(c.pending)
		c.pending = 0
	}
	c.pending += int(c.in.info.cost)
	switch c.in.op {
	case opBlock, opIf, opLoop:
		c.open()
	case opElse:
		c.otherwise()
	case opEnd:
		c.close()
	case opBr, opBrIf, opBrTable, opReturn, opUnreachable:
		c.branch()
	case opCall, opRefFunc:
		c.function()
	case opGlobalSet:
		if c.w.m.Globals[c.in.a].Type.opaque() {
			c.setDirty()
		}
	default:
		c.special()
	}
}

// special handles the instructions that take time by their length or change what a host cannot restore.
func (c *charger) special() {
	if c.in.op < prefixMisc<<8 && c.in.op != opMemoryGrow && c.in.op != opTableSet {
		return
	}
	if c.in.bulk() {
		c.flush(c.in.start)
		c.chargeLength()
		if c.in.split() {
			c.chargeSplit()
		}
	}
	if c.in.mutatesTable() || c.in.op == opElemDrop || c.in.op == opDataDrop {
		c.setDirty()
	}
}

func (c *charger) setDirty() {
	c.flush(c.in.start)
	c.op(opI32Const, 1)
	c.op(opGlobalSet, c.w.dirty)
}

// function renews the index of a called or referenced function and takes over the cost of a leaf.
func (c *charger) function() {
	own := int(c.in.a) - c.w.m.ImportedFunctions
	if own < 0 {
		return
	}
	if f := &c.w.m.functions[own]; c.in.op == opCall && !f.chargesEntry() {
		c.pending += int(f.cost)
	}
	c.flush(c.in.start)
	c.op(c.in.op, uint32(c.in.a+1))
	c.copied = c.r.pos
}

func (c *charger) open() {
	frame := chargeFrame{op: c.in.op, branches: noCost, before: c.pending, deadBefore: c.dead}
	if c.in.op == opLoop {
		frame = c.openLoop(frame)
	}
	c.frames = append(c.frames, frame)
}

func (c *charger) openLoop(frame chargeFrame) chargeFrame {
	calls := c.loops[c.loop].calls
	c.loop++
	if !calls {
		if c.localLoops == 0 {
			c.flush(c.in.start)
			c.op(opGlobalGet, c.w.fuel)
			c.op(opLocalSet, c.fuelLocal)
		}
		c.localLoops++
		frame.local = true
	}
	c.flush(c.r.pos)
	frame.branches = c.pending
	frame.patch = c.placeholder()
	c.pending = 0
	return frame
}

func (c *charger) otherwise() {
	top := &c.frames[len(c.frames)-1]
	c.toLabel(top)
	c.pending, c.dead = top.before, top.deadBefore
	top.op = opElse
}

// toLabel takes the way that ends here into account at the label's other end.
func (c *charger) toLabel(f *chargeFrame) {
	if !c.dead {
		f.branches = max(f.branches, c.pending)
	}
}

func (c *charger) close() {
	top := c.frames[len(c.frames)-1]
	c.frames = c.frames[:len(c.frames)-1]
	if top.op == opLoop {
		c.patch(top)
		if top.local {
			c.localLoops--
		}
		return
	}
	c.toLabel(&top)
	if top.op == opIf && !top.deadBefore {
		top.branches = max(top.branches, top.before)
	}
	c.pending, c.dead = max(top.branches, 0), top.branches == noCost
	c.patch(top)
}

// patch fills in the charge that was left open at the start of a loop or function.
func (c *charger) patch(f chargeFrame) {
	if f.patch > 0 {
		putPadded2(c.buf[f.patch:], min(max(f.branches, 1), maxPadded2))
	}
}

func (c *charger) branch() {
	switch c.in.op {
	case opBr, opBrIf:
		c.toLabel(c.label(uint32(c.in.a)))
	case opBrTable:
		for _, t := range c.in.targets {
			c.toLabel(c.label(t))
		}
	case opReturn:
		c.toLabel(&c.frames[0])
	}
	c.dead = c.dead || c.in.op != opBrIf
}

func (c *charger) label(depth uint32) *chargeFrame { return &c.frames[len(c.frames)-1-int(depth)] }

// flush copies the original bytes up to a position.
func (c *charger) flush(to int) {
	c.buf = append(c.buf, c.w.src[c.copied:to]...)
	c.copied = to
}
