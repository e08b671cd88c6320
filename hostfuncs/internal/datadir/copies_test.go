package datadir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

func TestOnlyTheNewestCopiesOfDamagedFilesAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]*")
	if err := datadir.Make(dir); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var kept []string
	for i := range 10 {
		path, err := datadir.KeepCopy(filepath.Join(dir, "damaged-"), fmt.Sprintf("%d.blk-", i), []byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, path)
	}
	for i, path := range kept {
		content, err := os.ReadFile(path)
		if there := err == nil; there != (i >= 2) || there && content[0] != byte(i) {
			t.Errorf("copy %d of 10: %v, %v", i, content, err)
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	if _, err := datadir.KeepCopy(filepath.Join(dir, "none", "damaged-"), "", nil); err == nil {
		t.Error("a copy is kept in a directory that is not there")
	}
}
