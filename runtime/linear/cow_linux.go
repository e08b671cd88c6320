package linear

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hostPageBytes is the granularity of copying back.
const hostPageBytes = 4096

// CopyOnWrite is the Linux backend. It fails where the kernel lacks what it needs: memfd with sealing and a way to find
// dirtied pages (PAGEMAP_SCAN of Linux 6.7, or the readable page map of any Linux).
func CopyOnWrite(budget Budget) (Backend, error) {
	if unix.Getpagesize() != hostPageBytes {
		return nil, fmt.Errorf("pages of %d bytes are not supported", unix.Getpagesize())
	}
	s, err := newScanner()
	if err != nil {
		return nil, err
	}
	return &cow{scan: s, budget: budget, faults: proveFaults() == nil}, nil
}

// Best is the fastest backend that works on this machine.
func Best(budget Budget) Backend {
	b, err := CopyOnWrite(budget)
	if err != nil {
		return Portable()
	}
	return b
}

type cow struct {
	scan   scanner
	budget Budget
	faults bool // page faults can be counted
}

func (*cow) Name() string { return "copy-on-write" }

// NewMemory reserves address space. Nothing is committed until it is touched, so a guest allowed 128 MiB costs what it uses.
func (c *cow) NewMemory(limit uint64) (Memory, error) {
	size := (int(limit) + WasmPageBytes - 1) / WasmPageBytes * WasmPageBytes
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(max(size, WasmPageBytes)), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space: %w", size, err)
	}
	m := &region{base: base, reserved: max(size, WasmPageBytes), max: limit}
	runtime.SetFinalizer(m, (*region).Free)
	return m, nil
}

// region is reserved address space, the first size bytes of which are the guest's memory.
type region struct {
	base     unsafe.Pointer
	reserved int
	max      uint64
	refused  bool
	resets   int
	attached int // length of the image that is mapped at base
	faults   faults
	scratch  scratch
}

func (m *region) Reallocate(size uint64) []byte {
	if size > m.max || m.base == nil {
		m.refused = true
		return nil
	}
	return unsafe.Slice((*byte)(m.base), m.reserved)[:size:m.max]
}

// Free gives the address space back. The guest must not run any more.
func (m *region) Free() {
	if m.base != nil {
		madvise(m.base, m.reserved)
		unix.MunmapPtr(m.base, uintptr(m.reserved))
		m.base = nil
	}
}

func (m *region) Refused() bool { return m.refused }

func (m *region) bytes(n int) []byte { return unsafe.Slice((*byte)(m.base), n) }

// memfdImage is an image in a sealed anonymous file.
type memfdImage struct {
	fd     int
	data   []byte // the file, mapped read-only: what pages are copied back from
	stored int    // bytes of the pages that are in the file
	scan   scanner
	budget Budget
	faults bool
}

func (c *cow) NewImage(data []byte) (Image, error) {
	if len(data)%WasmPageBytes != 0 {
		return nil, errors.New("an image is a whole number of Wasm pages")
	}
	img := &memfdImage{fd: -1, scan: c.scan, budget: c.budget, faults: c.faults}
	if len(data) == 0 {
		return img, nil
	}
	fd, err := unix.MemfdCreate("pagesrun-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("create the image file: %w", err)
	}
	img.fd = fd
	if err := img.fill(data); err != nil {
		img.Close()
		return nil, err
	}
	return img, nil
}

// fill writes the pages that are not zero, seals the file and maps it.
func (i *memfdImage) fill(data []byte) error {
	if err := unix.Ftruncate(i.fd, int64(len(data))); err != nil {
		return fmt.Errorf("size the image file: %w", err)
	}
	zero := make([]byte, hostPageBytes)
	for off := 0; off < len(data); off += hostPageBytes {
		page := data[off : off+hostPageBytes]
		if bytes.Equal(page, zero) {
			continue
		}
		if n, err := unix.Pwrite(i.fd, page, int64(off)); err != nil || n != len(page) {
			return fmt.Errorf("write the image file: %w", errors.Join(err, errShort(n, len(page))))
		}
		i.stored += len(page)
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(i.fd), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("seal the image file: %w", err)
	}
	mapped, err := unix.Mmap(i.fd, 0, len(data), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the image file: %w", err)
	}
	i.data = mapped
	return nil
}

func errShort(n, want int) error {
	if n == want {
		return nil
	}
	return fmt.Errorf("wrote %d of %d bytes", n, want)
}

func (i *memfdImage) Len() int { return len(i.data) }

func (i *memfdImage) TouchedBytes() int { return i.stored }

func (i *memfdImage) Equal(data []byte) bool { return bytes.Equal(i.data, data) }

// Attach maps the image over the memory, copy-on-write: until the guest writes, its pages are the image's own.
func (i *memfdImage) Attach(m Memory) error {
	r, ok := m.(*region)
	if !ok || len(i.data) > r.reserved {
		return errors.New("attach: the memory is not of the image's size and kind")
	}
	if len(i.data) == 0 {
		return nil
	}
	_, err := unix.MmapPtr(i.fd, 0, r.base, uintptr(len(i.data)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("map the image: %w", err)
	}
	r.attached = len(i.data)
	r.faults = faults{counted: i.faults, last: noFaults}
	return nil
}

// Reset copies the image back over the pages the instance has of its own. Those pages stay the instance's own, so that
// the next event does not fault on them again; the budget bounds how many.
func (i *memfdImage) Reset(m Memory, size int) (Stats, error) {
	r, ok := m.(*region)
	if !ok || r.attached != len(i.data) || size < len(i.data) {
		return Stats{}, errors.New("reset: the memory is not attached to this image")
	}
	r.refused = false
	r.resets++
	var st Stats
	if size > len(i.data) {
		st.Released = size - len(i.data)
		if err := madvise(unsafe.Add(r.base, len(i.data)), st.Released); err != nil {
			return st, err
		}
	}
	if len(i.data) == 0 {
		return st, nil
	}
	trim := i.budget.TrimEvery > 0 && r.resets%i.budget.TrimEvery == 0
	runs, err := i.own(r, trim)
	if err != nil {
		return st, err
	}
	for _, d := range runs {
		if err := i.restore(r, d, trim, &st); err != nil {
			return st, err
		}
	}
	if st.ResidentBytes > i.budget.ResidentBytesMax {
		st.Released += st.ResidentBytes
		st.ResidentBytes = 0
		r.faults.last = noFaults
		err = madvise(r.base, len(i.data))
	}
	return st, err
}

// restore copies a run of pages back. When trimming it gives back the pages the last event has left alone instead.
func (i *memfdImage) restore(r *region, d run, trim bool, st *Stats) error {
	n := d.n
	dst, src := r.bytes(d.off + n)[d.off:], i.data[d.off:d.off+n]
	if !trim {
		copy(dst, src)
		st.Copied += n
		st.ResidentBytes += n
		return nil
	}
	for p := 0; p < n; p += hostPageBytes {
		d, s := dst[p:p+hostPageBytes], src[p:p+hostPageBytes]
		if bytes.Equal(d, s) {
			st.Released += hostPageBytes
			if err := madvise(unsafe.Pointer(&d[0]), hostPageBytes); err != nil {
				return err
			}
			continue
		}
		copy(d, s)
		st.Copied += hostPageBytes
		st.ResidentBytes += hostPageBytes
	}
	return nil
}

func (i *memfdImage) Close() error {
	if i.data != nil {
		unix.Munmap(i.data)
		i.data = nil
	}
	if i.fd >= 0 {
		unix.Close(i.fd)
		i.fd = -1
	}
	return nil
}

// releaseBytes is how much is given back at once. The kernel holds a lock of the whole process meanwhile, for which every other mapping and page map waits, and
// behind those everybody: with 128 MiB for tens of milliseconds.
const releaseBytes = 4 << 20

// madvise drops private pages: they read as the image (or as zero beyond it) from now on.
func madvise(p unsafe.Pointer, n int) error {
	for at := 0; at < n; at += releaseBytes {
		piece := min(n-at, releaseBytes)
		if _, _, e := unix.Syscall(unix.SYS_MADVISE, uintptr(unsafe.Add(p, at)), uintptr(piece), unix.MADV_DONTNEED); e != 0 {
			return fmt.Errorf("give pages back: %w", e)
		}
	}
	return nil
}
