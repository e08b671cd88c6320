package wasm

// work estimates how long the compiler takes with one function beyond what grows with its size. An optimising compiler joins values
// where ways through the code meet, so blocks, loops and locals multiply each other: a function of 8 KiB with 500 nested loops and 1,000
// locals takes two minutes. The weights were fitted to such functions; ordinary ones stay thousands of times below the limit.
type work struct {
	// state follows each local: see the constants. many counts those that reached joined.
	state []localState
	many  int64
	// blocks are the places where ways part or meet, targets those of br_tables, values the operands passed by calls and branches.
	blocks, targets, values int64
	// nested is the sum of the loops' depths.
	nested int64
	locals int64
	// opened numbers the blocks.
	opened uint32
}

// unitsPerSecond is how many units of work the compiler does in a second on an ordinary machine.
const unitsPerSecond = 30_000_000

// The weights. A check adds three blocks, so a loop and each straightLine of code count as four.
const (
	blocksPerCheck = 3
	valueWeight    = 40
	targetWeight   = 20
)

// localState tells how a local has been used so far. A local that is written once and read only where that write has surely
// happened costs little; any other must be joined where ways meet.
type localState struct {
	kind uint8
	// depth and block are the place of the one write: the number of open blocks and the innermost one's serial number.
	depth uint32
	block uint32
}

const (
	localUntouched uint8 = iota
	localRead            // read before any write
	localWritten         // written once
	localJoined
)

func (w *work) reset(params, locals int) {
	if cap(w.state) < locals {
		w.state = make([]localState, locals)
	}
	w.state = w.state[:locals]
	clear(w.state)
	for i := range params {
		w.state[i].kind = localWritten
	}
	*w = work{state: w.state, locals: int64(locals)}
}

// local takes an instruction that names a local within bounds, and the blocks that are open.
func (w *work) local(i *instr, frames []checkFrame) {
	s := &w.state[i.a]
	switch {
	case s.kind == localJoined:
		return
	case i.op == opLocalGet && s.kind == localUntouched:
		s.kind = localRead
	case i.op == opLocalGet && s.kind == localWritten && !s.within(frames):
		w.join(s)
	case i.op == opLocalGet:
	case s.kind == localUntouched:
		depth := len(frames) - 1
		*s = localState{localWritten, uint32(depth), frames[depth].serial}
	default:
		w.join(s)
	}
}

func (w *work) join(s *localState) {
	s.kind = localJoined
	w.many++
}

// within tells whether the block of the write is still open.
func (s *localState) within(frames []checkFrame) bool {
	return int(s.depth) < len(frames) && frames[s.depth].serial == s.block
}

// serial gives the number of a block that opens now, or of the second arm of an if.
func (w *work) serial() uint32 {
	w.opened++
	return w.opened
}

func (w *work) block(t FuncType) {
	w.blocks++
	w.values += int64(len(t.Params) + len(t.Results))
}

func (w *work) loop(depth int32) {
	w.blocks += blocksPerCheck
	w.nested += int64(depth)
}

func (w *work) branch(arity int32) {
	w.blocks++
	w.values += int64(arity)
}

func (w *work) target(arity int32) {
	w.targets++
	w.values += int64(arity)
}

func (w *work) call(t FuncType) { w.values += int64(len(t.Params) + len(t.Results)) }

// total gives the units of work for the function that has been followed.
func (w *work) total(f *function) int64 {
	blocks := w.blocks + int64(f.cost)/straightLine*blocksPerCheck
	return blocks*blocks +
		blocks*w.many*w.many/10 +
		blocks*w.locals/50 +
		w.nested*(w.many*w.many/6+12*w.many) +
		w.targets*targetWeight + w.targets*w.targets/100 +
		w.values*valueWeight
}
