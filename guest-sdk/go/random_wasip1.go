package pagesrun

import (
	"math/rand/v2"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 random_get
//go:noescape
func randomGet(p unsafe.Pointer, n uint32) uint32

// generator is the state of the Go runtime's random generator, from which the top-level functions of math/rand and math/rand/v2, maps,
// hash/maphash and everything else that is random in Go draw. It lies in the instance's memory, so without care every event would
// start from the image's state and see the same numbers.
//
// The layout is that of internal/chacha8rand.State. Nothing here trusts it: findGenerator finds the state by its content and proves by
// experiment that the layout is right.
type generator struct {
	buf     [generatorChunk]uint64
	seed    [generatorSeed]uint64
	i, n, c uint32
}

const (
	generatorChunk = 32 // values computed at a time
	generatorSeed  = 4  // of which the last ones become the next key
	counterLast    = 12 // counter of the last chunk under one key
	drawn          = 4  // values by which the state is recognised
	proofValues    = 300
)

// state is where the generator is; set before the image is taken.
var state *generator

// reseed makes everything the generator will give from now on depend on 256 fresh bits from the host. It puts the generator at the
// end of its last chunk under a key: its next use derives a new key from the chunk's tail and forgets all before it. Events that draw nothing
// pay only for the 32 bytes.
func reseed() {
	if randomGet(unsafe.Pointer(&state.buf[generatorChunk-generatorSeed]), generatorSeed*8) != 0 {
		panic("pagesrun: the host gives no random bytes")
	}
	state.i, state.n, state.c = generatorChunk, generatorChunk, counterLast
}

// findGenerator finds the generator's state, or fails the start: serving frozen randomness is worse than not serving.
func findGenerator() {
	for range 4 { // a draw may fall across two chunks; the next one does not
		if s := searchGenerator(); s != nil && s.proven() {
			state = s
			return
		}
	}
	panic("pagesrun: the random generator of this Go version was not found in memory, so events would share their random " +
		"numbers; build with a Go version this SDK supports")
}

// searchGenerator draws a few values and looks for them in the memory below the heap, where the runtime has its variables.
func searchGenerator() *generator {
	var inverted [drawn]uint64 // complemented, so that this copy is not found
	for i := range inverted {
		inverted[i] = ^rand.Uint64()
	}
	heap := uintptr(unsafe.Pointer(new([64]byte)))
	for p := uintptr(firstAddress); p+unsafe.Sizeof(generator{}) < heap; p += 8 {
		if *word(p) == ^inverted[0] && matches(p, &inverted) {
			return stateAround(p)
		}
	}
	return nil
}

// firstAddress is below every Go variable.
const firstAddress = 4096

// word is the memory at p. The module's memory is one flat range in which everything below the heap may be read.
//
//go:nocheckptr
func word(p uintptr) *uint64 { return *(**uint64)(unsafe.Pointer(&p)) }

// matches reports whether the drawn values lie at p in their order.
func matches(p uintptr, inverted *[drawn]uint64) bool {
	for i, v := range inverted {
		if *word(p + uintptr(i)*8) != ^v {
			return false
		}
	}
	return true
}

// stateAround finds the state whose buffer has the drawn values at p: the one whose position is just after them.
func stateAround(p uintptr) *generator {
	for before := range uintptr(generatorChunk - drawn + 1) {
		if p < firstAddress+before*8 {
			break
		}
		s := (*generator)(unsafe.Pointer(word(p - before*8)))
		if s.i == uint32(before)+drawn && (s.n == generatorChunk || s.n == generatorChunk-generatorSeed) && s.c <= counterLast && s.c%4 == 0 {
			return s
		}
	}
	return nil
}

// proven puts a known key where reseed puts fresh bytes and compares what comes out with the public ChaCha8 generator under that key.
func (s *generator) proven() bool {
	var key [generatorSeed * 8]byte
	for i := range key {
		key[i] = byte(i*37 + 11)
	}
	reference := rand.NewChaCha8(key)
	tail := (*[generatorSeed * 8]byte)(unsafe.Pointer(&s.buf[generatorChunk-generatorSeed]))
	*tail = key
	s.i, s.n, s.c = generatorChunk, generatorChunk, counterLast
	for range proofValues {
		if rand.Uint64() != reference.Uint64() {
			return false
		}
	}
	return true
}
