package queues

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"golang.org/x/sys/unix"
)

func TestAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	r := openRig(t, rigOptions{dir: dir}, &Producer{Binding: "Q", Queue: "q"}, consumer("q", nil))
	sent := 0
	send := func() error {
		body := append(strconv.AppendInt(nil, int64(sent), 10), make([]byte, 100_000)...)
		err := r.send("Q", abi.QueuesSendRequest{Body: body, ContentType: "bytes"})
		if err == nil {
			sent++
		}
		return err
	}
	fill := func() {
		t.Helper()
		var err error
		for err == nil {
			err = send()
		}
		if !errors.Is(err, abi.CodeStorageFull) {
			t.Fatalf("after %d messages: %v", sent, err)
		}
	}
	fill()
	if sent < 300 {
		t.Errorf("only %d messages fit", sent)
	}

	// Another takes what had been left free, in the middle of the work.
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if err := send(); !errors.Is(err, abi.CodeStorageFull) {
		t.Errorf("with the disk full: %v", err)
	}
	got := map[string]int{}
	s := &script{handle: func(b *batch) error { return nil }}
	r.start(s)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
	eventually(t, "room", func() bool { return send() == nil })
	eventually(t, "all deliveries", func() bool {
		clear(got)
		for _, b := range s.seen() {
			for _, m := range b.Messages {
				number := string(m.Body[:len(m.Body)-100_000])
				if before := got[number]; before > 0 && int(m.Attempts) <= before {
					t.Fatalf("message %s was delivered twice at attempt %d", number, m.Attempts)
				}
				got[number] = int(m.Attempts)
			}
		}
		return len(got) == sent
	})
}
