package linear

import (
	"os"
	"testing"
)

// extraBackends adds the copy-on-write backend over the page map file, which older kernels use.
func extraBackends(t testing.TB, budget Budget) []Backend {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	t.Cleanup(func() { f.Close() })
	s := &pagemapRead{file: f}
	if err := prove(s); err != nil {
		t.Logf("the page map file is not usable: %v", err)
		return nil
	}
	return []Backend{&cow{scan: s, budget: budget}}
}
