package wasm

// The subsections of the name section that are kept.
const (
	nameModule    = 0
	nameFunctions = 1
)

// producers decodes a producers section; damage gives nothing, as tools ignore it too.
func producers(content []byte) []Producer {
	r := reader{data: content, end: len(content)}
	var list []Producer
	fields := r.u32()
	for i := uint32(0); i < fields && r.more(); i++ {
		field := r.name()
		n := r.u32()
		for j := uint32(0); j < n && r.more(); j++ {
			list = append(list, Producer{field, r.name(), r.name()})
		}
	}
	if r.err != nil {
		return nil
	}
	return list
}

// names rewrites a name section: the module's name and the functions' names, whose indices shift. Others (locals, labels) are
// dropped. A damaged section gives false.
func (w *rewriter) names(content []byte) ([]byte, bool) {
	r := reader{data: content, end: len(content)}
	var out []byte
	for r.more() {
		id := r.byte()
		sub := r.bytes(r.u32())
		switch {
		case r.err != nil:
			return nil, false
		case id == nameModule:
			name := reader{data: sub, end: len(sub)}
			out = appendSection(out, id, appendName(nil, name.name()))
			if name.err != nil || name.more() {
				return nil, false
			}
		case id == nameFunctions:
			names, ok := w.functionNames(sub)
			if !ok {
				return nil, false
			}
			out = appendSection(out, id, names)
		}
	}
	return out, r.err == nil
}

func (w *rewriter) functionNames(sub []byte) ([]byte, bool) {
	r := reader{data: sub, end: len(sub)}
	n := r.count(len(sub), "names")
	out := make([]byte, 0, len(sub)+len(sub)/16+64)
	out = appendU32(out, uint32(n)+1)
	added, last := false, -1
	for i := 0; i < n && r.err == nil; i++ {
		index, name := r.u32(), r.name()
		if !added && int(index) >= w.m.ImportedFunctions {
			out, added = w.tickName(out), true
		}
		if int(index) <= last || int(index) >= len(w.m.funcTypes) {
			return nil, false
		}
		last = int(index)
		out = appendName(appendU32(out, w.newIndex(index)), name)
	}
	if !added {
		out = w.tickName(out)
	}
	return out, r.err == nil && !r.more()
}

func (w *rewriter) tickName(out []byte) []byte {
	return appendName(appendU32(out, uint32(w.m.ImportedFunctions)), TickModule+"."+TickName)
}
