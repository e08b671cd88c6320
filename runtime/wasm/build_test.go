package wasm

// code assembles instructions: an opcode gives its bytes, an int an unsigned number, an int64 a signed one, a byte itself, and a
// slice its content.
func code(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case opcode:
			if v > 0xff {
				b = appendU32(append(b, byte(v>>8)), uint32(v&0xff))
				continue
			}
			b = append(b, byte(v))
		case int:
			b = appendU32(b, uint32(v))
		case int64:
			b = appendS64(b, v)
		case byte:
			b = append(b, v)
		case []byte:
			b = append(b, v...)
		default:
			panic("code: unknown part")
		}
	}
	return b
}

const void = byte(blockVoid)

// repeat joins n pieces of code.
func repeat(n int, piece func(i int) []byte) []byte {
	var b []byte
	for i := range n {
		b = append(b, piece(i)...)
	}
	return b
}

// testFunc is one function of a testModule; the body is without its final end.
type testFunc struct {
	typ    FuncType
	locals int // of type i32
	body   []byte
}

// testModule is a module put together for a test. Function i is exported as "f" and its number; table 0 holds all functions.
type testModule struct {
	funcs     []testFunc
	pages     int
	memoryMax int
	tableMin  int
	globals   []Global
	start     int // 0 for none, else the function's number plus one
	exports   []Export
}

func (m testModule) binary() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = appendSection(b, sectionType, vector(len(m.funcs), func(i int) []byte { return encodeType(m.funcs[i].typ) }))
	b = appendSection(b, sectionFunction, vector(len(m.funcs), func(i int) []byte { return code(i) }))
	b = appendSection(b, sectionTable, code(1, byte(FuncRef), byte(0), len(m.funcs)+m.tableMin))
	b = appendSection(b, sectionMemory, m.memory())
	b = appendSection(b, sectionGlobal, vector(len(m.globals), func(i int) []byte { return encodeGlobal(m.globals[i]) }))
	b = appendSection(b, sectionExport, vector(len(m.funcs)+len(m.exports), m.export))
	if m.start > 0 {
		b = appendSection(b, sectionStart, code(m.start-1))
	}
	elements := vector(len(m.funcs), func(i int) []byte { return code(i) })
	b = appendSection(b, sectionElement, code(1, 0, opI32Const, int64(0), opEnd, elements))
	b = appendSection(b, sectionDataCount, code(1))
	b = appendSection(b, sectionCode, vector(len(m.funcs), func(i int) []byte { return m.funcs[i].encode() }))
	return appendSection(b, sectionData, code(1, 1, 4, []byte("data")))
}

func (m testModule) memory() []byte {
	if m.memoryMax > 0 {
		return code(1, 1, m.pages, m.memoryMax)
	}
	return code(1, 0, m.pages)
}

func (m testModule) export(i int) []byte {
	if i < len(m.funcs) {
		return appendExport(nil, functionName(i), KindFunc, uint32(i))
	}
	e := m.exports[i-len(m.funcs)]
	return appendExport(nil, e.Name, e.Kind, e.Index)
}

func functionName(i int) string { return "f" + string(appendDecimal(nil, i)) }

func appendDecimal(b []byte, i int) []byte {
	if i >= 10 {
		b = appendDecimal(b, i/10)
	}
	return append(b, byte('0'+i%10))
}

func (f testFunc) encode() []byte {
	body := code(0)
	if f.locals > 0 {
		body = code(1, f.locals, byte(I32))
	}
	body = code(body, f.body, opEnd)
	return code(len(body), body)
}

func vector(n int, item func(int) []byte) []byte { return code(n, repeat(n, item)) }

func encodeType(t FuncType) []byte {
	return code(byte(0x60), encodeTypes(t.Params), encodeTypes(t.Results))
}

func encodeTypes(types []ValueType) []byte {
	return vector(len(types), func(i int) []byte { return []byte{byte(types[i])} })
}

// encodeGlobal gives a global its zero value.
func encodeGlobal(g Global) []byte {
	mutable := byte(0)
	if g.Mutable {
		mutable = 1
	}
	return code(byte(g.Type), mutable, zeroConst(g.Type), opEnd)
}

// zeroConst is the instruction that gives the zero of a type.
func zeroConst(t ValueType) []byte {
	switch t {
	case I32:
		return code(opI32Const, int64(0))
	case I64:
		return code(opI64Const, int64(0))
	case F32:
		return code(byte(0x43), make([]byte, 4))
	case F64:
		return code(byte(0x44), make([]byte, 8))
	case V128:
		return code(byte(prefixSIMD), 12, make([]byte, 16))
	}
	return code(opRefNull, byte(t))
}
