package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"golang.org/x/sys/unix"
)

func TestAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x.sqlite")
	w := open(t, path, Limits{})
	msg := message("i", []abi.ByteString{abi.ByteString(make([]byte, 1000))}, 1)
	taken, refused := 0, 0
	for end := time.Now().Add(30 * time.Second); refused == 0; {
		if w.Add(time.Now(), msg) {
			taken++
			continue
		}
		err := w.Flush()
		if err == nil {
			continue
		}
		if !w.Full(err) {
			t.Fatalf("the error is %v", err)
		}
		for w.Add(time.Now(), msg) { // until the memory is used up too
			taken++
		}
		refused++
		if time.Now().After(end) {
			t.Fatal("the disk never becomes full")
		}
	}
	stored := w.Stored()
	if stored == 0 || stored >= uint64(taken) {
		t.Fatalf("%d of %d points are stored", stored, taken)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "room again", func() bool { return w.Stored() == uint64(taken) })
	if got := ask(t, path, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}
