package linear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scanner finds the pages of a private file mapping that are no longer the file's.
type scanner interface {
	// dirty gives the runs of such pages below base+size, in order. Swapped-out pages count. The result is valid until
	// scratch is used again.
	dirty(scratch *scratch, base unsafe.Pointer, size int) ([]run, error)
}

// run is a run of pages: offset and length in bytes.
type run struct{ off, n int }

// scratch is memory for a scan and its result. It must live on the heap: the kernel is told its address, and stacks move.
type scratch struct {
	arg     scanArg
	regions [regionsPerScan]pageRegion
	entries []byte
	runs    []run
	usage   unix.Rusage
}

// newScanner picks the fastest scanner this kernel has and proves on a mapping of its own that it finds what it must.
func newScanner() (scanner, error) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil, fmt.Errorf("find dirtied pages: %w", err)
	}
	var errs []error
	for _, s := range []scanner{&pagemapScan{fd: int(f.Fd()), file: f}, &pagemapRead{file: f}} {
		if err := prove(s); err != nil {
			errs = append(errs, err)
			continue
		}
		return s, nil
	}
	f.Close()
	return nil, errors.Join(errs...)
}

// prove checks a scanner against a mapping of which one page was written and one only read.
func prove(s scanner) error {
	const pages = 8
	fd, err := unix.MemfdCreate("pagesrun-probe", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, pages*hostPageBytes); err != nil {
		return err
	}
	m, err := unix.Mmap(fd, 0, pages*hostPageBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer unix.Munmap(m)
	m[3*hostPageBytes] = m[5*hostPageBytes] + 1
	runs, err := s.dirty(new(scratch), unsafe.Pointer(&m[0]), len(m))
	if err == nil && (len(runs) != 1 || runs[0] != run{3 * hostPageBytes, hostPageBytes}) {
		err = fmt.Errorf("the page map is not usable here: found %v", runs)
	}
	return err
}

// Page categories of PAGEMAP_SCAN (Documentation/admin-guide/mm/pagemap.rst, "Pagemap Scan IOCTL").
const (
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4

	pagemapScanIoctl = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)
	regionsPerScan   = 64
)

// pageRegion is struct page_region.
type pageRegion struct{ start, end, categories uint64 }

// scanArg is struct pm_scan_arg.
type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages   uint64
	categoryInverted, categoryMask, categoryAnyof, returnMask uint64
}

// pagemapScan asks the kernel with one system call (Linux 6.7).
type pagemapScan struct {
	fd   int
	file *os.File
}

func (s *pagemapScan) dirty(sc *scratch, base unsafe.Pointer, size int) ([]run, error) {
	sc.runs = sc.runs[:0]
	start := uint64(uintptr(base))
	end := start + uint64(size)
	sc.arg = scanArg{
		size: uint64(unsafe.Sizeof(scanArg{})), end: end, vec: uint64(uintptr(unsafe.Pointer(&sc.regions))), vecLen: regionsPerScan,
		categoryInverted: pageIsFile, categoryMask: pageIsFile, categoryAnyof: pageIsPresent | pageIsSwapped, returnMask: pageIsFile,
	}
	for at := start; at < end; {
		sc.arg.start, sc.arg.walkEnd = at, 0
		// Raw: the call takes a microsecond or two and never blocks, which is less than telling the scheduler about it.
		n, _, e := unix.RawSyscall(unix.SYS_IOCTL, uintptr(s.fd), pagemapScanIoctl, uintptr(unsafe.Pointer(&sc.arg)))
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return nil, fmt.Errorf("scan the page map: %w", e)
		}
		for _, r := range sc.regions[:n] {
			sc.runs = append(sc.runs, run{int(r.start - start), int(r.end - r.start)})
		}
		if sc.arg.walkEnd <= at {
			break
		}
		at = sc.arg.walkEnd
	}
	return sc.runs, nil
}

// Bits of an entry of /proc/self/pagemap.
const (
	entryFile    = 1 << 61
	entrySwapped = 1 << 62
	entryPresent = 1 << 63
)

// pagemapRead reads the page map entry by entry; every Linux has it.
type pagemapRead struct{ file *os.File }

func (s *pagemapRead) dirty(sc *scratch, base unsafe.Pointer, size int) ([]run, error) {
	sc.runs = sc.runs[:0]
	pages := size / hostPageBytes
	if cap(sc.entries) < 8*pages {
		sc.entries = make([]byte, 8*pages)
	}
	sc.entries = sc.entries[:8*pages]
	if _, err := s.file.ReadAt(sc.entries, int64(uintptr(base)/hostPageBytes*8)); err != nil {
		return nil, fmt.Errorf("read the page map: %w", err)
	}
	for p := range pages {
		if !ownPage(binary.LittleEndian.Uint64(sc.entries[p*8:])) {
			continue
		}
		if last := len(sc.runs) - 1; last >= 0 && sc.runs[last].off+sc.runs[last].n == p*hostPageBytes {
			sc.runs[last].n += hostPageBytes
			continue
		}
		sc.runs = append(sc.runs, run{p * hostPageBytes, hostPageBytes})
	}
	return sc.runs, nil
}

func ownPage(entry uint64) bool {
	return entry&entryFile == 0 && entry&(entryPresent|entrySwapped) != 0
}
