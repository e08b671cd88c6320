package wasm

// opcode is an instruction: the byte itself, or the prefix byte times 256 plus the number that follows it.
type opcode uint16

// The instructions that the package treats by name.
const (
	opUnreachable  opcode = 0x00
	opBlock        opcode = 0x02
	opLoop         opcode = 0x03
	opIf           opcode = 0x04
	opElse         opcode = 0x05
	opEnd          opcode = 0x0b
	opBr           opcode = 0x0c
	opBrIf         opcode = 0x0d
	opBrTable      opcode = 0x0e
	opReturn       opcode = 0x0f
	opCall         opcode = 0x10
	opCallIndirect opcode = 0x11
	opLocalGet     opcode = 0x20
	opLocalSet     opcode = 0x21
	opLocalTee     opcode = 0x22
	opGlobalGet    opcode = 0x23
	opGlobalSet    opcode = 0x24
	opTableSet     opcode = 0x26
	opMemorySize   opcode = 0x3f
	opMemoryGrow   opcode = 0x40
	opI32Const     opcode = 0x41
	opI64Const     opcode = 0x42
	opI32GtU       opcode = 0x4b
	opI32LeU       opcode = 0x4d
	opI64GtU       opcode = 0x56
	opI64GeS       opcode = 0x59
	opI32Add       opcode = 0x6a
	opI32Sub       opcode = 0x6b
	opI32And       opcode = 0x71
	opI32Or        opcode = 0x72
	opI64Add       opcode = 0x7c
	opI64Sub       opcode = 0x7d
	opI64Shl       opcode = 0x86
	opI64ShrU      opcode = 0x88
	opI64ExtendU   opcode = 0xad
	opRefNull      opcode = 0xd0
	opRefFunc      opcode = 0xd2
	opMemoryInit   opcode = 0xfc08
	opDataDrop     opcode = 0xfc09
	opMemoryCopy   opcode = 0xfc0a
	opMemoryFill   opcode = 0xfc0b
	opTableInit    opcode = 0xfc0c
	opElemDrop     opcode = 0xfc0d
	opTableCopy    opcode = 0xfc0e
	opTableGrow    opcode = 0xfc0f
	opTableFill    opcode = 0xfc11
)

const (
	prefixMisc = 0xfc
	prefixSIMD = 0xfd
)

// shape is what follows an instruction in the binary.
type shape uint8

const (
	shapeUnknown    shape = iota // not an instruction of the supported release
	shapeNone                    // nothing
	shapeBlock                   // a block type
	shapeLabel                   // a label
	shapeLabels                  // a vector of labels and a default
	shapeFunc                    // a function
	shapeIndirect                // a type and a table
	shapeSelect                  // a vector of value types
	shapeLocal                   // a local
	shapeGlobal                  // a global
	shapeTable                   // a table
	shapeMemArg                  // an alignment and an offset
	shapeMemArgLane              // an alignment, an offset and a lane
	shapeMemory                  // the zero byte that stands for memory 0
	shapeI32                     // a signed 32-bit number
	shapeI64                     // a signed 64-bit number
	shape4                       // 4 bytes
	shape8                       // 8 bytes
	shape16                      // 16 bytes
	shapeShuffle                 // 16 lanes
	shapeLane                    // a lane
	shapeRefType                 // a reference type
	shapeData                    // a data segment
	shapeDataMem                 // a data segment and the zero byte
	shapeMemMem                  // two zero bytes
	shapeElem                    // an element segment
	shapeElemTable               // an element segment and a table
	shapeTables                  // two tables
)

// opInfo describes one instruction.
type opInfo struct {
	shape shape
	// limit is the largest alignment exponent, or the number of lanes.
	limit uint8
	// lanes is the number of lanes of an instruction that has both.
	lanes uint8
	// cost is the fuel that the instruction itself is charged; 0 for those that emit no code.
	cost uint8
}

// The costs that differ from 1, in units of a simple instruction.
const (
	costCall     = 4
	costIndirect = 8
	costDivide   = 8
	costBulk     = 16
)

type opSpan struct {
	from, to opcode
	info     opInfo
}

// oneByteOps and the tables after it list the instructions of release 2.0; later spans refine earlier ones.
var oneByteOps = expandOps([]opSpan{
	{0x00, 0x00, opInfo{shape: shapeNone, cost: 1}},
	{0x01, 0x01, opInfo{shape: shapeNone}},
	{0x02, 0x03, opInfo{shape: shapeBlock}},
	{0x04, 0x04, opInfo{shape: shapeBlock, cost: 1}},
	{0x05, 0x05, opInfo{shape: shapeNone}},
	{0x0b, 0x0b, opInfo{shape: shapeNone}},
	{0x0c, 0x0d, opInfo{shape: shapeLabel, cost: 1}},
	{0x0e, 0x0e, opInfo{shape: shapeLabels, cost: 2}},
	{0x0f, 0x0f, opInfo{shape: shapeNone, cost: 1}},
	{0x10, 0x10, opInfo{shape: shapeFunc, cost: costCall}},
	{0x11, 0x11, opInfo{shape: shapeIndirect, cost: costIndirect}},
	{0x1a, 0x1b, opInfo{shape: shapeNone, cost: 1}},
	{0x1c, 0x1c, opInfo{shape: shapeSelect, cost: 1}},
	{0x20, 0x22, opInfo{shape: shapeLocal, cost: 1}},
	{0x23, 0x24, opInfo{shape: shapeGlobal, cost: 1}},
	{0x25, 0x26, opInfo{shape: shapeTable, cost: 2}},
	{0x28, 0x28, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x29, 0x29, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x2a, 0x2a, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x2b, 0x2b, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x2c, 0x2d, opInfo{shape: shapeMemArg, limit: 0, cost: 1}},
	{0x2e, 0x2f, opInfo{shape: shapeMemArg, limit: 1, cost: 1}},
	{0x30, 0x31, opInfo{shape: shapeMemArg, limit: 0, cost: 1}},
	{0x32, 0x33, opInfo{shape: shapeMemArg, limit: 1, cost: 1}},
	{0x34, 0x36, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x37, 0x37, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x38, 0x38, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x39, 0x39, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x3a, 0x3a, opInfo{shape: shapeMemArg, limit: 0, cost: 1}},
	{0x3b, 0x3b, opInfo{shape: shapeMemArg, limit: 1, cost: 1}},
	{0x3c, 0x3c, opInfo{shape: shapeMemArg, limit: 0, cost: 1}},
	{0x3d, 0x3d, opInfo{shape: shapeMemArg, limit: 1, cost: 1}},
	{0x3e, 0x3e, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x3f, 0x3f, opInfo{shape: shapeMemory, cost: 1}},
	{0x40, 0x40, opInfo{shape: shapeMemory, cost: costBulk}},
	{0x41, 0x41, opInfo{shape: shapeI32, cost: 1}},
	{0x42, 0x42, opInfo{shape: shapeI64, cost: 1}},
	{0x43, 0x43, opInfo{shape: shape4, cost: 1}},
	{0x44, 0x44, opInfo{shape: shape8, cost: 1}},
	{0x45, 0xc4, opInfo{shape: shapeNone, cost: 1}},
	{0x6d, 0x70, opInfo{shape: shapeNone, cost: costDivide}},
	{0x7f, 0x82, opInfo{shape: shapeNone, cost: costDivide}},
	{0xd0, 0xd0, opInfo{shape: shapeRefType, cost: 1}},
	{0xd1, 0xd1, opInfo{shape: shapeNone, cost: 1}},
	{0xd2, 0xd2, opInfo{shape: shapeFunc, cost: 1}},
})

var miscOps = expandOps([]opSpan{
	{0x00, 0x07, opInfo{shape: shapeNone, cost: 2}},
	{0x08, 0x08, opInfo{shape: shapeDataMem, cost: costBulk}},
	{0x09, 0x09, opInfo{shape: shapeData, cost: 2}},
	{0x0a, 0x0a, opInfo{shape: shapeMemMem, cost: costBulk}},
	{0x0b, 0x0b, opInfo{shape: shapeMemory, cost: costBulk}},
	{0x0c, 0x0c, opInfo{shape: shapeElemTable, cost: costBulk}},
	{0x0d, 0x0d, opInfo{shape: shapeElem, cost: 2}},
	{0x0e, 0x0e, opInfo{shape: shapeTables, cost: costBulk}},
	{0x0f, 0x0f, opInfo{shape: shapeTable, cost: costBulk}},
	{0x10, 0x10, opInfo{shape: shapeTable, cost: 1}},
	{0x11, 0x11, opInfo{shape: shapeTable, cost: costBulk}},
})

var simdOps = expandOps([]opSpan{
	{0x00, 0x00, opInfo{shape: shapeMemArg, limit: 4, cost: 1}},
	{0x01, 0x06, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x07, 0x07, opInfo{shape: shapeMemArg, limit: 0, cost: 1}},
	{0x08, 0x08, opInfo{shape: shapeMemArg, limit: 1, cost: 1}},
	{0x09, 0x09, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x0a, 0x0a, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x0b, 0x0b, opInfo{shape: shapeMemArg, limit: 4, cost: 1}},
	{0x0c, 0x0c, opInfo{shape: shape16, cost: 1}},
	{0x0d, 0x0d, opInfo{shape: shapeShuffle, cost: 1}},
	{0x0e, 0xff, opInfo{shape: shapeNone, cost: 1}},
	{0x15, 0x17, opInfo{shape: shapeLane, limit: 16, cost: 1}},
	{0x18, 0x1a, opInfo{shape: shapeLane, limit: 8, cost: 1}},
	{0x1b, 0x1c, opInfo{shape: shapeLane, limit: 4, cost: 1}},
	{0x1d, 0x1e, opInfo{shape: shapeLane, limit: 2, cost: 1}},
	{0x1f, 0x20, opInfo{shape: shapeLane, limit: 4, cost: 1}},
	{0x21, 0x22, opInfo{shape: shapeLane, limit: 2, cost: 1}},
	{0x54, 0x54, opInfo{shape: shapeMemArgLane, limit: 0, lanes: 16, cost: 1}},
	{0x55, 0x55, opInfo{shape: shapeMemArgLane, limit: 1, lanes: 8, cost: 1}},
	{0x56, 0x56, opInfo{shape: shapeMemArgLane, limit: 2, lanes: 4, cost: 1}},
	{0x57, 0x57, opInfo{shape: shapeMemArgLane, limit: 3, lanes: 2, cost: 1}},
	{0x58, 0x58, opInfo{shape: shapeMemArgLane, limit: 0, lanes: 16, cost: 1}},
	{0x59, 0x59, opInfo{shape: shapeMemArgLane, limit: 1, lanes: 8, cost: 1}},
	{0x5a, 0x5a, opInfo{shape: shapeMemArgLane, limit: 2, lanes: 4, cost: 1}},
	{0x5b, 0x5b, opInfo{shape: shapeMemArgLane, limit: 3, lanes: 2, cost: 1}},
	{0x5c, 0x5c, opInfo{shape: shapeMemArg, limit: 2, cost: 1}},
	{0x5d, 0x5d, opInfo{shape: shapeMemArg, limit: 3, cost: 1}},
	{0x9a, 0x9a, opInfo{}},
	{0xa2, 0xa2, opInfo{}},
	{0xa5, 0xa6, opInfo{}},
	{0xaf, 0xb0, opInfo{}},
	{0xb2, 0xb4, opInfo{}},
	{0xbb, 0xbb, opInfo{}},
	{0xc2, 0xc2, opInfo{}},
	{0xc5, 0xc6, opInfo{}},
	{0xcf, 0xd0, opInfo{}},
	{0xd2, 0xd4, opInfo{}},
	{0xe2, 0xe2, opInfo{}},
	{0xee, 0xee, opInfo{}},
})

func expandOps(spans []opSpan) *[256]opInfo {
	table := new([256]opInfo)
	for _, s := range spans {
		for op := s.from; op <= s.to; op++ {
			table[op] = s.info
		}
	}
	return table
}
