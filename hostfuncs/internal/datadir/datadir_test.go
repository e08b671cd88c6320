package datadir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

func TestDirectoriesAreMadeWhereTheyAreMissing(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/b/c", "a/b/c", "a/b/d", "."} {
		dir := filepath.Join(root, name)
		if err := datadir.Make(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(root, "a", "b")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
}

func TestWhatIsInTheWayIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if err := datadir.Make(dir); err == nil {
			t.Errorf("%s was made", dir)
		}
	}
}

func TestADirectoryThatCannotBeReadIsNotSynced(t *testing.T) {
	if err := datadir.Sync(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
}
