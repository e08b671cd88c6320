package linear

import (
	"bytes"
	"errors"
	"fmt"
)

// Portable is the backend that works everywhere: memories are Go slices and a reset copies the whole image.
func Portable() Backend { return portable{} }

type portable struct{}

func (portable) Name() string { return "full-copy" }

func (portable) NewMemory(max uint64) (Memory, error) { return &sliceMemory{max: max}, nil }

func (portable) NewImage(data []byte) (Image, error) {
	return sliceImage(append([]byte(nil), data...)), nil
}

// sliceMemory grows by copying. It keeps a little room so that growing page by page stays linear.
type sliceMemory struct {
	buf     []byte
	max     uint64
	refused bool
}

func (m *sliceMemory) Reallocate(size uint64) []byte {
	if size > m.max {
		m.refused = true
		return nil
	}
	if size > uint64(cap(m.buf)) {
		grown := make([]byte, size, min(size+size/4, m.max))
		copy(grown, m.buf)
		m.buf = grown
	}
	m.buf = m.buf[:size]
	return m.buf
}

func (m *sliceMemory) Free() { m.buf = nil }

func (m *sliceMemory) Refused() bool { return m.refused }

type sliceImage []byte

func (i sliceImage) Len() int { return len(i) }

func (i sliceImage) TouchedBytes() int { return len(i) }

func (i sliceImage) Equal(data []byte) bool { return bytes.Equal(i, data) }

func (i sliceImage) Attach(m Memory) error {
	s, ok := m.(*sliceMemory)
	if !ok || len(s.buf) != len(i) {
		return errors.New("attach: the memory is not of the image's size and kind")
	}
	copy(s.buf, i)
	return nil
}

func (i sliceImage) Reset(m Memory, size int) (Stats, error) {
	s, ok := m.(*sliceMemory)
	if !ok || len(s.buf) < len(i) || len(s.buf) != size {
		return Stats{}, fmt.Errorf("reset: the memory has %d bytes, not %d", len(s.buf), size)
	}
	copy(s.buf, i)
	clear(s.buf[len(i):])
	s.refused = false
	return Stats{Copied: len(i), ResidentBytes: cap(s.buf)}, nil
}

func (i sliceImage) Close() error { return nil }
