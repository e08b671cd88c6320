package linear

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Asking which pages are an instance's own costs more the more pages are present, and nearly always the answer is the one before. So the process's page
// faults are counted first.
//
// A page of a private mapping becomes the instance's own in a page fault and in no other way, whoever writes to it: the guest, the host, or the kernel
// in a system call of the host. The kernel counts each for the thread that has it, before the write goes on, and getrusage adds up the threads of the
// process, those that have ended included. While the sum is what it was before the last scan, there are no other pages of its own than that scan has found.
// Faults elsewhere in the process cost a scan and nothing else.

// faults says whether and how page faults are counted for an instance.
type faults struct {
	counted bool
	last    int64 // before the last scan; noFaults when a scan is due
	same    int   // resets without a scan since the last review
}

// noFaults is no number of faults.
const noFaults = -1

// own gives the runs of pages that are the instance's own.
func (i *memfdImage) own(r *region, review bool) ([]run, error) {
	if review {
		return i.review(r)
	}
	if !r.faults.counted {
		return i.scan.dirty(&r.scratch, r.base, len(i.data))
	}
	n := r.scratch.faults()
	if n == r.faults.last && n != noFaults {
		r.faults.same++
		return r.scratch.runs, nil
	}
	r.faults.last = n // read before the scan: what happens meanwhile makes for another one
	return i.scan.dirty(&r.scratch, r.base, len(i.data))
}

// review scans, and decides whether faults are to be counted until the next review: not where counting takes longer, as in a process of very many threads,
// or has saved few scans. The pages found may be given back after this, so the next reset scans too.
func (i *memfdImage) review(r *region) ([]run, error) {
	start := time.Now()
	r.scratch.faults()
	counted := time.Now()
	runs, err := i.scan.dirty(&r.scratch, r.base, len(i.data))
	quick := counted.Sub(start) < time.Since(counted)
	paid := !r.faults.counted || r.faults.same > i.budget.TrimEvery/2
	r.faults = faults{counted: i.faults && quick && paid, last: noFaults}
	return runs, err
}

// faults is how many page faults the process has had.
func (s *scratch) faults() int64 {
	// Raw for the same reason as the scan.
	if _, _, e := unix.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_SELF, uintptr(unsafe.Pointer(&s.usage)), 0); e != 0 {
		return noFaults
	}
	return int64(s.usage.Minflt + s.usage.Majflt)
}

// proveFaults checks that the kernel counts every page that becomes a private mapping's own, whichever thread writes and whoever writes for it.
func proveFaults() error {
	const pages = 64
	fd, err := unix.MemfdCreate("pagesrun-probe", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, pages*hostPageBytes); err != nil {
		return err
	}
	s := new(scratch)
	for _, write := range []func(m []byte){writeElsewhere, func(m []byte) { unix.Pread(fd, m, 0) }} {
		m, err := unix.Mmap(fd, 0, pages*hostPageBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
		if err != nil {
			return err
		}
		before := s.faults()
		write(m)
		n := s.faults() - before
		if err := unix.Munmap(m); err != nil {
			return err
		}
		if before == noFaults || n < pages {
			return fmt.Errorf("page faults are not counted here: %d for %d pages", n, pages)
		}
	}
	return nil
}

// writeElsewhere writes to each page from a thread that is gone afterwards.
func writeElsewhere(m []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		for at := 0; at < len(m); at += hostPageBytes {
			m[at] = 1
		}
	}()
	<-done
}
