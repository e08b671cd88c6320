package wasm

// work estimates how long the compiler takes with one function beyond what grows with its size. An optimising compiler looks for the value
// of a local through all blocks back to its last use, and joins values wherever ways meet, so blocks, loops and locals multiply each
// other: a function of 8 KiB with 500 nested loops and 1,000 locals takes two minutes. The weights were fitted to such functions.
type work struct {
	// seen is, for each local, one more than the number of blocks at its last use; 0 before the first. touched lists those with a use.
	seen    []uint32
	touched []uint32
	// blocks are the places where ways part or meet, targets those of br_tables, values the operands passed by calls and branches.
	blocks, targets, values int64
	// lookups are the blocks between the uses of each local.
	lookups int64
	// accesses are the memory accesses so far, and bounds the sum of them at every block: what is known of their addresses is handed from
	// block to block.
	accesses, bounds int64
	// spent is the cost of the code since the last check that the rewriter will put into straight-line code.
	spent int
	// nested is the cost of the values that nested loops carry round.
	nested int64
}

// unitsPerSecond is how many units of work the compiler does in a second on an ordinary machine.
const unitsPerSecond = 30_000_000

// The weights. A check adds three blocks, so a loop and each straightLine of code count as four.
const (
	blocksPerCheck = 3
	blocksPerBulk  = 8 // its check, and the loops and bounds checks that the compiler makes of the operation
	lookupWeight   = 80
	boundWeight    = 5
	valueWeight    = 80
	targetWeight   = 20
)

func (w *work) reset(locals int) {
	if cap(w.seen) < locals {
		w.seen = make([]uint32, locals)
	}
	w.seen = w.seen[:locals]
	clear(w.seen)
	*w = work{seen: w.seen, touched: w.touched[:0]}
}

func (w *work) addBlocks(n int64) {
	w.blocks += n
	w.bounds += n * w.accesses
}

func (w *work) access() { w.accesses++ }

// spend takes the cost of an instruction, for the checks along straight-line code.
func (w *work) spend(cost uint8) {
	w.spent += int(cost)
	if w.spent >= straightLine {
		w.spent = 0
		w.addBlocks(blocksPerCheck)
	}
}

// local takes an instruction that names a local within bounds.
func (w *work) local(i *instr) {
	seen, now := w.seen[i.a], uint32(w.blocks)+1
	if i.op == opLocalGet {
		w.lookups += int64(now - max(seen, 1))
	}
	if seen == 0 {
		w.touched = append(w.touched, uint32(i.a))
	}
	w.seen[i.a] = now
}

// endLoop takes the end of a loop that opened after so many blocks: each local used within is looked up once more from the loop's end.
func (w *work) endLoop(opened uint32, depth int32) {
	now, carried := uint32(w.blocks)+1, int64(0)
	for _, a := range w.touched {
		if seen := w.seen[a]; seen > opened {
			w.lookups += int64(now - seen)
			w.seen[a] = now
			carried++
		}
	}
	w.nested += int64(depth) * (carried*carried/6 + 12*carried)
	w.lookups += int64(len(w.touched)) / 16
}

func (w *work) block(t FuncType) {
	w.addBlocks(1)
	w.values += int64(len(t.Params) + len(t.Results))
}

func (w *work) loop() { w.addBlocks(blocksPerCheck) }

func (w *work) bulk() { w.addBlocks(blocksPerBulk) }

func (w *work) branch(arity int32) {
	w.addBlocks(1)
	w.values += int64(arity)
}

func (w *work) target(arity int32) {
	w.targets++
	w.values += int64(arity)
}

func (w *work) call(t FuncType) { w.values += int64(len(t.Params) + len(t.Results)) }

// total gives the units of work for the function that has been followed.
func (w *work) total() int64 {
	return w.blocks*w.blocks +
		w.lookups*lookupWeight +
		w.nested +
		w.bounds*boundWeight +
		w.targets*targetWeight + w.targets*w.targets/100 +
		w.values*valueWeight
}
