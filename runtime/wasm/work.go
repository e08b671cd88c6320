package wasm

// work estimates how long the compiler takes with one function beyond what grows with its size. An optimising compiler joins values
// where ways through the code meet, so blocks, loops and locals multiply each other: a function of 8 KiB with 500 nested loops and 1,000
// locals takes two minutes. The weights were fitted to such functions; ordinary ones stay thousands of times below the limit.
type work struct {
	// sets counts the writes of each local up to 2; a local that is written more than once is many, the others cost little.
	sets []uint8
	many int64
	// blocks are the places where ways part or meet, targets those of br_tables, values the operands passed by calls and branches.
	blocks, targets, values int64
	// nested is the sum of the loops' depths.
	nested int64
	locals int64
}

// unitsPerSecond is how many units of work the compiler does in a second on an ordinary machine.
const unitsPerSecond = 30_000_000

// The weights. A check adds three blocks, so a loop and each straightLine of code count as four.
const (
	blocksPerCheck = 3
	valueWeight    = 10
	targetWeight   = 20
)

func (w *work) reset(params, locals int) {
	if cap(w.sets) < locals {
		w.sets = make([]uint8, locals)
	}
	w.sets = w.sets[:locals]
	clear(w.sets)
	for i := range params {
		w.sets[i] = 1
	}
	*w = work{sets: w.sets, locals: int64(locals)}
}

// local takes an instruction that names a local within bounds.
func (w *work) local(i *instr) {
	if i.op == opLocalGet || w.sets[i.a] == 2 {
		return
	}
	w.sets[i.a]++
	if w.sets[i.a] == 2 {
		w.many++
	}
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
