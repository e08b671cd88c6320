package wasm

// op writes an instruction with one index.
func (c *charger) op(op opcode, index uint32) {
	c.buf = appendU32(append(c.buf, byte(op)), index)
}

// chargeConst writes a check that charges a known amount.
func (c *charger) chargeConst(amount int) {
	c.loadFuel()
	c.buf = appendS64(append(c.buf, byte(opI64Const)), int64(amount))
	c.storeFuel()
}

// placeholder writes a check whose amount is not known yet and gives the place of the amount in buf.
func (c *charger) placeholder() int {
	c.loadFuel()
	c.buf = append(c.buf, byte(opI64Const), 0x80, 0)
	at := len(c.buf) - 2
	c.storeFuel()
	return at
}

// The charge of a bulk operation, from its length operand.
const (
	// bytesShift makes one unit of 8 bytes.
	bytesShift = 3
	// growMask and growShift charge 64 units for each of the at most 65,535 pages that can be had.
	growMask  = 0xffff
	growShift = 6
)

// chargeLength writes a check that charges for the length on the top of the stack, which it leaves there.
func (c *charger) chargeLength() {
	c.op(opLocalTee, c.lengthLocal)
	c.loadFuel()
	c.op(opLocalGet, c.lengthLocal)
	switch c.in.op {
	case opMemoryGrow:
		c.buf = appendS64(append(c.buf, byte(opI32Const)), growMask)
		c.buf = append(c.buf, byte(opI32And), byte(opI64ExtendU), byte(opI64Const), growShift, byte(opI64Shl))
	case opMemoryFill, opMemoryCopy, opMemoryInit:
		c.buf = append(c.buf, byte(opI64ExtendU), byte(opI64Const), bytesShift, byte(opI64ShrU))
	default:
		c.buf = append(c.buf, byte(opI64ExtendU))
	}
	c.storeFuel()
}

func (c *charger) loadFuel() {
	if c.localLoops > 0 {
		c.op(opLocalGet, c.fuelLocal)
		return
	}
	c.op(opGlobalGet, c.w.fuel)
}

// storeFuel writes the rest of a check: take the amount on the stack from the fuel below it, keep the result, and call tick when it is
// negative. Within loops that call nothing the fuel stays in a local; the global is still written, so that it is right wherever the
// loop is left, but never read, which would add the latency of a store and a load to each iteration.
//
// The empty arm of the if is what makes the check cheap: an allocator that gives a merge the registers of its first predecessor then takes
// those of the ordinary way, and puts all stores and loads around the call into the other arm.
func (c *charger) storeFuel() {
	c.buf = append(c.buf, byte(opI64Sub))
	if c.localLoops == 0 {
		c.op(opGlobalSet, c.w.fuel)
		c.op(opGlobalGet, c.w.fuel)
		c.tickIfNegative()
	} else {
		c.op(opLocalTee, c.fuelLocal)
		c.op(opGlobalSet, c.w.fuel)
		c.op(opLocalGet, c.fuelLocal)
		c.tickIfNegative()
		c.op(opGlobalGet, c.w.fuel)
		c.op(opLocalSet, c.fuelLocal)
	}
	c.buf = append(c.buf, byte(opEnd))
}

// tickIfNegative writes the check of the fuel on the stack up to the call of tick, in an arm that the caller ends.
func (c *charger) tickIfNegative() {
	c.buf = append(c.buf, byte(opI64Const), 0, byte(opI64GeS), byte(opIf), blockVoid, byte(opElse))
	c.op(opCall, uint32(c.w.m.ImportedFunctions))
}

// blockVoid is the block type of a block without parameters and results.
const blockVoid = 0x40
