package e2e_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/abi/tck"
)

// newer names cases that a frozen guest cannot pass, since what they are about came after it: the sentence of the case, and what is new.
var newer = map[string]string{}

// TestGuestsOfEarlierVersionsStillWork serves programs that were compiled with each version of the contract and kept, and puts them through the conformance kit.
func TestGuestsOfEarlierVersionsStillWork(t *testing.T) {
	t.Parallel()
	kept, err := filepath.Glob(filepath.Join("testdata", "v*", "probe-*.wasm.gz"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("no guests are kept: %v", err)
	}
	files, err := tck.Cases()
	if err != nil {
		t.Fatal(err)
	}
	binary := pagesrunBinary.path(t)
	for _, path := range kept {
		t.Run(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), func(t *testing.T) {
			checkKept(t, tck.Command{Binary: binary, Module: unpacked(t, path)}, chosen(files))
		})
	}
}

// checkKept runs the cases for which no clock has to be moved and that do not take long.
func checkKept(t *testing.T, command tck.Command, files []*tck.File) {
	results := make([][]tck.Outcome, len(files))
	free := make(chan struct{}, 4)
	var running sync.WaitGroup
	for i, f := range files {
		if f.Clock || f.Heavy {
			continue
		}
		running.Go(func() {
			free <- struct{}{}
			results[i] = command.Run(f)
			<-free
		})
	}
	running.Wait()
	passed := 0
	for _, outcomes := range results {
		for _, o := range outcomes {
			if newer[o.Name()] == "" {
				complain(t, []tck.Outcome{o})
				passed++
			}
		}
	}
	if passed < 300 && *tckCase == "" {
		t.Errorf("only %d cases were tried", passed)
	}
}

// unpacked writes a packed module where it can be served from.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	packed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	module, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(path), ".gz"))
	if err := os.WriteFile(out, module, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}
