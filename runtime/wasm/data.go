package wasm

import (
	"cmp"
	"slices"
)

// dataGapBytesMax is the widest gap between two data segments that is filled with zeros to make one of them.
const dataGapBytesMax = 64

// data gives the data section with neighbouring segments joined. Go's linker splits a program's data at every run of zeros, into tens of
// thousands of segments, of each of which the engine keeps a record per module and another per instance.
//
// The section is left as it is unless joining cannot be noticed: code must not be able to name a segment (it cannot without a
// data count section), and all segments must have constant offsets and be disjoint, so that their order does not matter and
// every gap holds the zeros of a new memory.
func (w *rewriter) data() []byte {
	content := w.original(sectionData)
	if content == nil || w.m.sections[sectionDataCount].end != 0 {
		return content
	}
	segments, ok := w.plainSegments()
	if !ok {
		return content
	}
	slices.SortStableFunc(segments, func(a, b dataSegment) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < len(segments); i++ {
		if segments[i].offset < segments[i-1].end() {
			return content
		}
	}
	return joined(segments)
}

// dataSegment is an active segment of memory 0 with a constant offset.
type dataSegment struct {
	offset uint64
	bytes  []byte
}

func (s dataSegment) end() uint64 { return s.offset + uint64(len(s.bytes)) }

// plainSegments decodes the data section; false when there is a segment of another kind.
func (w *rewriter) plainSegments() ([]dataSegment, bool) {
	n, items := w.items(sectionData)
	r := reader{data: w.src, pos: items.start, end: items.end}
	segments := make([]dataSegment, n)
	for i := range segments {
		if r.u32() != 0 || r.byte() != byte(opI32Const) {
			return nil, false
		}
		segments[i].offset = uint64(uint32(r.signed(32)))
		if r.byte() != byte(opEnd) {
			return nil, false
		}
		segments[i].bytes = r.bytes(r.u32())
	}
	return segments, r.err == nil
}

// joined writes a data section of segments in ascending order.
func joined(segments []dataSegment) []byte {
	var out, open []byte
	n := uint32(0)
	for i, s := range segments {
		open = append(open, s.bytes...)
		if i+1 < len(segments) && segments[i+1].offset-s.end() <= dataGapBytesMax {
			open = append(open, make([]byte, segments[i+1].offset-s.end())...)
			continue
		}
		start := int64(int32(uint32(s.end() - uint64(len(open)))))
		out = append(appendS64(append(out, 0, byte(opI32Const)), start), byte(opEnd))
		out = append(appendU32(out, uint32(len(open))), open...)
		open = open[:0]
		n++
	}
	return append(appendU32(nil, n), out...)
}
