package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of the given size in MiB. It needs root.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill takes all room that is left on a disk.
func fill(t *testing.T, dir string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for chunk := make([]byte, size); err == nil; {
			_, err = f.Write(chunk)
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	return ballast
}

func TestAFullDiskIsReportedAndSurvived(t *testing.T) {
	dir := smallDisk(t, 16)
	db := testDB(t, Options{Path: filepath.Join(dir, "test.sqlite")})
	value := make([]byte, 50_000)
	stored := 0
	var err error
	for ; err == nil; stored++ {
		err = put(db, fmt.Sprint(stored), value)
	}
	stored--
	if !errors.Is(db.Public(err), abi.CodeStorageFull) {
		t.Fatalf("write %d on a full disk gave %v", stored, err)
	}
	if got := count(t, db); got != int64(stored) {
		t.Errorf("%d pairs readable, %d acknowledged", got, stored)
	}
	ballast := fill(t, dir)
	for i := range stored / 2 {
		if err := db.Write(t.Context(), 0, remove(fmt.Sprint(i))); err != nil {
			t.Fatalf("delete %d on a full disk: %v", i, err)
		}
	}
	for i := range stored / 4 {
		if err := put(db, fmt.Sprintf("again %d", i), value); err != nil {
			t.Fatalf("write %d into room that deletes made: %v", i, err)
		}
	}
	if err := put(db, "too much", make([]byte, 20<<20)); !errors.Is(db.Public(err), abi.CodeStorageFull) {
		t.Errorf("a write over all room gave %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := put(db, "after", value); err != nil {
		t.Errorf("write after there was room again: %v", err)
	}
	if got, want := count(t, db), int64(stored-stored/2+stored/4+1); got != want {
		t.Errorf("%d pairs stored, want %d", got, want)
	}
	checkIntegrity(t, db)
}

func TestDeletesWorkOnADiskSomeoneElseFilled(t *testing.T) {
	dir := smallDisk(t, 32)
	db := testDB(t, Options{Path: filepath.Join(dir, "test.sqlite")})
	for i := range 100 {
		if err := put(db, fmt.Sprint(i), make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, dir)
	for i := range 100 {
		if err := db.Write(t.Context(), 0, remove(fmt.Sprint(i))); err != nil {
			t.Fatalf("delete %d: %v", i, err)
		}
	}
	checkIntegrity(t, db)
}

func TestAFileOnAFullDiskOpens(t *testing.T) {
	dir := smallDisk(t, 16)
	path := filepath.Join(dir, "test.sqlite")
	db := testDB(t, Options{Path: path})
	for i := range 100 {
		if err := put(db, fmt.Sprint(i), make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	ballast := fill(t, dir)
	// SQLite needs a little room for the log's index.
	if err := os.Truncate(ballast, 15<<20-1<<20); err != nil {
		t.Fatal(err)
	}
	db = testDB(t, Options{Path: path})
	if got := count(t, db); got != 100 {
		t.Errorf("%d pairs, want 100", got)
	}
	if err := db.Write(t.Context(), 0, remove("1")); err != nil {
		t.Error(err)
	}
}
