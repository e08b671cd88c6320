package linear

import (
	"github.com/tetratelabs/wazero/experimental"
)

// WasmPageBytes is the size of a WebAssembly page.
const WasmPageBytes = 65536

// Backend makes memories and images of one kind.
type Backend interface {
	// Name is "copy-on-write" or "full-copy".
	Name() string
	// NewMemory makes an empty memory that can grow to max bytes and not beyond.
	NewMemory(max uint64) (Memory, error)
	// NewImage keeps a copy of what is in data, a whole number of Wasm pages.
	NewImage(data []byte) (Image, error)
}

// Memory is the linear memory of one instance.
type Memory interface {
	experimental.LinearMemory
	// Refused says that a growth was refused because of the limit since the last reset.
	Refused() bool
}

// Image is what a memory looks like before an event.
type Image interface {
	// Len is its size in bytes.
	Len() int
	// TouchedBytes is how much of it takes of the machine's memory, in bytes: pages that are all zero may take none.
	TouchedBytes() int
	// Equal says whether the image is exactly data.
	Equal(data []byte) bool
	// Attach makes m, whose size must be Len, an exact copy of the image.
	Attach(m Memory) error
	// Reset makes m, which was attached to this image, an exact copy again. size is the memory's size now; it may have
	// grown. The bytes beyond the image read as zero should the memory grow again. The size itself is the caller's to shrink.
	Reset(m Memory, size int) (Stats, error)
	// Close releases the image. Memories attached to it stay valid.
	Close() error
}

// Stats says what one reset found.
type Stats struct {
	// Copied is how many bytes were copied back.
	Copied int
	// Released is how many bytes were given back to the operating system.
	Released int
	// ResidentBytes is what the instance keeps of its own after the reset.
	ResidentBytes int
}

// Budget says how much memory of its own an idle instance may keep.
type Budget struct {
	// ResidentBytesMax is the most; over it everything is given back.
	ResidentBytesMax int
	// TrimEvery is after how many resets the pages that lie idle are looked for and given back.
	TrimEvery int
}

// DefaultBudget is 4 MiB, looking for idle pages every 1,024 events. A page fault costs about as much as copying fifty
// pages, so pages that events use again and again stay.
func DefaultBudget() Budget { return Budget{ResidentBytesMax: 4 << 20, TrimEvery: 1024} }
