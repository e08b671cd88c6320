package jetstream

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a disk of 64 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestAStoreThatFailedForWantOfRoomBeginsAnew(t *testing.T) {
	dir := smallDisk(t)
	s := open(t, Options{Dir: filepath.Join(dir, "store")})
	stream(t, s)
	restarted := s.Restarted()
	ballast := filepath.Join(dir, "ballast")
	os.WriteFile(ballast, make([]byte, 64<<20), 0o600) // as much as fits: the store's reserve as well
	if err := s.Room(1); !errors.Is(err, ErrFull) {
		t.Errorf("a full disk has room: %v", err)
	}
	var err error
	begin := time.Now()
	for range 1000 { // without asking for room
		if _, err = s.JetStream().Publish(s.Working(), "s.a", make([]byte, 100_000)); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("a full disk takes everything")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v to fail", took)
	}
	if err := s.Failed(err); !errors.Is(err, ErrFull) {
		t.Errorf("the cause is %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	select {
	case <-restarted:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not begin anew")
	}
	for end := time.Now().Add(5 * time.Second); s.Room(1) != nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if _, err := s.JetStream().Publish(t.Context(), "s.a", []byte("again")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
