package linear

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// backends are all that work on this machine, Portable always among them.
func backends(t testing.TB, budget Budget) []Backend {
	all := []Backend{Portable()}
	if b, err := CopyOnWrite(budget); err == nil {
		all = append(all, b)
	} else {
		t.Logf("copy-on-write is not available: %v", err)
	}
	return append(all, extraBackends(t, budget)...)
}

// attached makes a memory with the image of pages Wasm pages of random bytes, every third host page zero.
func attached(t testing.TB, b Backend, pages int, limit uint64) (Memory, Image, []byte) {
	t.Helper()
	want := make([]byte, pages*WasmPageBytes)
	for i := range want {
		if i/4096%3 != 0 {
			want[i] = byte(rand.Uint32())
		}
	}
	img, err := b.NewImage(want)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	m, err := b.NewMemory(limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	copy(m.Reallocate(uint64(len(want))), "data segments are written before the image is attached")
	if err := img.Attach(m); err != nil {
		t.Fatal(err)
	}
	return m, img, want
}

func TestResetLeavesExactlyTheImage(t *testing.T) {
	const pages, limit = 5, 12 * WasmPageBytes
	for _, budget := range []Budget{DefaultBudget(), {ResidentBytesMax: 8192, TrimEvery: 2}, {ResidentBytesMax: 1 << 30, TrimEvery: 1}} {
		for _, b := range backends(t, budget) {
			for name, dirty := range map[string]func(mem []byte){
				"nothing":            func([]byte) {},
				"one byte":           func(mem []byte) { mem[70000]++ },
				"every byte":         func(mem []byte) { fill(mem, 0xa5) },
				"every other page":   func(mem []byte) { everyOther(mem) },
				"first and last":     func(mem []byte) { mem[0]++; mem[len(mem)-1]++ },
				"reads do not count": func(mem []byte) { _ = bytes.Count(mem, []byte{1}) },
			} {
				t.Run(fmt.Sprintf("%s/%v/%s", b.Name(), budget, name), func(t *testing.T) {
					m, img, want := attached(t, b, pages, limit)
					for range 5 {
						mem := m.Reallocate(limit)
						dirty(mem)
						if _, err := img.Reset(m, len(mem)); err != nil {
							t.Fatal(err)
						}
						if !bytes.Equal(m.Reallocate(uint64(len(want))), want) {
							t.Fatal("the memory is not the image")
						}
						if grown := m.Reallocate(limit)[len(want):]; !bytes.Equal(grown, make([]byte, len(grown))) {
							t.Fatal("grown memory does not read as zero")
						}
					}
				})
			}
		}
	}
}

func TestMemoryThatGrewFarIsGivenBackWhole(t *testing.T) {
	const limit = 160*WasmPageBytes + 64<<10 // no whole number of the pieces that are given back at once
	for _, b := range backends(t, DefaultBudget()) {
		m, img, want := attached(t, b, 3, limit)
		for range 2 {
			mem := m.Reallocate(limit)
			fill(mem, 0xa5)
			if _, err := img.Reset(m, len(mem)); err != nil {
				t.Fatal(err)
			}
			mem = m.Reallocate(limit)
			if !bytes.Equal(mem[:len(want)], want) || !bytes.Equal(mem[len(want):], make([]byte, len(mem)-len(want))) {
				t.Errorf("%s: the memory is not the image with zeros behind it", b.Name())
			}
		}
	}
}

func fill(mem []byte, v byte) {
	for i := range mem {
		mem[i] = v
	}
}

func everyOther(mem []byte) {
	for i := 0; i < len(mem); i += 8192 {
		mem[i] ^= 0xff
	}
}

func TestInstancesOfOneImageDoNotSeeEachOther(t *testing.T) {
	for _, b := range backends(t, DefaultBudget()) {
		m1, img, want := attached(t, b, 2, 4*WasmPageBytes)
		m2, err := b.NewMemory(4 * WasmPageBytes)
		if err != nil {
			t.Fatal(err)
		}
		defer m2.Free()
		mem2 := m2.Reallocate(uint64(len(want)))
		if err := img.Attach(m2); err != nil {
			t.Fatal(err)
		}
		fill(m1.Reallocate(uint64(len(want))), 7)
		if !bytes.Equal(mem2, want) {
			t.Errorf("%s: a write in one instance shows in another", b.Name())
		}
	}
}

func TestGrowthIsRefusedAtTheLimit(t *testing.T) {
	for _, b := range backends(t, DefaultBudget()) {
		m, img, want := attached(t, b, 1, 3*WasmPageBytes)
		for _, c := range []struct {
			size    uint64
			refused bool
		}{{2 * WasmPageBytes, false}, {3 * WasmPageBytes, false}, {3*WasmPageBytes + 1, true}, {1 << 32, true}} {
			got := m.Reallocate(c.size)
			if (got == nil) != c.refused || m.Refused() != c.refused {
				t.Errorf("%s: growing to %d: refused %v, want %v", b.Name(), c.size, got == nil, c.refused)
			}
		}
		m.Reallocate(uint64(len(want)))
		if _, err := img.Reset(m, len(want)); err != nil || m.Refused() {
			t.Errorf("%s: a reset must forget the refusal (%v)", b.Name(), err)
		}
	}
}

func BenchmarkReset(b *testing.B) {
	for _, be := range backends(b, DefaultBudget()) {
		for _, pages := range []int{2, 7, 64} {
			b.Run(fmt.Sprintf("%s/dirty-pages=%d", be.Name(), pages), func(b *testing.B) {
				m, img, want := attached(b, be, 48, 64*WasmPageBytes)
				mem := m.Reallocate(uint64(len(want)))
				for b.Loop() {
					for p := range pages {
						mem[p*40960]++
					}
					if _, err := img.Reset(m, len(want)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestPagesThatAreZeroTakeNoMemoryWithCopyOnWrite(t *testing.T) {
	for _, b := range backends(t, DefaultBudget()) {
		_, img, want := attached(t, b, 3, 3*WasmPageBytes)
		least := len(want) - (len(want)/4096+2)/3*4096
		if got := img.TouchedBytes(); got != least && (b.Name() != Portable().Name() || got != len(want)) {
			t.Errorf("%s: an image of %d bytes, %d of them in pages with data, takes %d", b.Name(), len(want), least, got)
		}
	}
}
