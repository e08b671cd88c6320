package linear

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// countedScans counts how often the kernel is asked for pages.
type countedScans struct {
	scanner
	n int
}

func (c *countedScans) dirty(s *scratch, base unsafe.Pointer, size int) ([]run, error) {
	c.n++
	return c.scanner.dirty(s, base, size)
}

// counting is a copy-on-write backend that counts page faults, and its scans.
func counting(t testing.TB, budget Budget) (*cow, *countedScans) {
	t.Helper()
	b, err := CopyOnWrite(budget)
	if err != nil {
		t.Skip(err)
	}
	c := b.(*cow)
	if !c.faults {
		t.Skip("page faults are not counted here")
	}
	scans := &countedScans{scanner: c.scan}
	c.scan = scans
	return c, scans
}

func TestPagesThatAreNewAreFoundWhoeverWritesThem(t *testing.T) {
	const pages = 40
	file := filepath.Join(t.TempDir(), "random")
	os.WriteFile(file, bytes.Repeat([]byte("x"), hostPageBytes), 0o600)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	writers := []func(p []byte){
		func(p []byte) { p[17]++ },
		writeElsewhere,
		func(p []byte) { unix.Pread(int(f.Fd()), p, 0) }, // the kernel
		func(p []byte) { unix.Getrandom(p, 0) },
	}
	b, scans := counting(t, DefaultBudget())
	m, img, want := attached(t, b, pages, pages*WasmPageBytes)
	for round := range 1500 {
		mem := m.Reallocate(uint64(len(want)))
		fill(mem[4*hostPageBytes:6*hostPageBytes], byte(round+1)) // what every event writes to
		if round%10 == 9 {
			at := rand.IntN(len(mem)/hostPageBytes) * hostPageBytes
			writers[rand.IntN(len(writers))](mem[at : at+hostPageBytes])
		}
		if _, err := img.Reset(m, len(mem)); err != nil {
			t.Fatal(err)
		}
		if round%10 == 9 && !bytes.Equal(mem, want) { // looking makes pages present, which is a fault
			t.Fatalf("round %d: the memory is not the image", round)
		}
	}
	t.Logf("%d scans", scans.n)
	if scans.n > 1000 {
		t.Errorf("%d scans in 1500 resets", scans.n)
	}
}

func TestPagesGivenBackAreLookedForAgain(t *testing.T) {
	for _, budget := range []Budget{{ResidentBytesMax: 8192, TrimEvery: 1 << 30}, {ResidentBytesMax: 1 << 30, TrimEvery: 3}} {
		b, _ := counting(t, budget)
		m, img, want := attached(t, b, 4, 4*WasmPageBytes)
		for round := range 50 {
			mem := m.Reallocate(uint64(len(want)))
			for n := range 1 + round%5 {
				mem[n*7*hostPageBytes] ^= 0xff
			}
			if _, err := img.Reset(m, len(mem)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(mem, want) {
				t.Fatalf("%v, round %d: the memory is not the image", budget, round)
			}
		}
	}
}

func TestFaultsAreNotCountedWhereThatDoesNotPay(t *testing.T) {
	b, _ := counting(t, Budget{ResidentBytesMax: 1 << 30, TrimEvery: 100})
	m, img, want := attached(t, b, 16, 16*WasmPageBytes)
	r := m.(*region)
	reset := func(fresh bool) {
		mem := m.Reallocate(uint64(len(want)))
		if fresh {
			page, _ := unix.Mmap(-1, 0, hostPageBytes, unix.PROT_WRITE|unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
			page[0] = 1
			unix.Munmap(page)
		}
		if _, err := img.Reset(m, len(mem)); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		reset(true)
	}
	if r.faults.counted {
		t.Error("faults are still counted although there was one between any two resets")
	}
}
