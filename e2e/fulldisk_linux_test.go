package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// smallDisk mounts a file system of a few megabytes; without the right to do so the test is skipped.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("mounting a small file system needs root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	return dir
}

// full is how an answer that the disk is full begins.
const full = "error storage_full "

// fill writes values of a size until the disk is full, and gives the keys that are stored.
func fill(t *testing.T, s *process.Server, name string, bytes int) (stored []string) {
	t.Helper()
	for i := range 10_000 {
		key := fmt.Sprintf("%s%04d", name, i)
		answer := put(key, "").with("source", "memory", "n", fmt.Sprint(bytes)).send(t, s.URL, "KV")
		switch {
		case strings.HasPrefix(answer, full):
			return stored
		case answer != done:
			t.Fatalf("put %s: %s", key, answer)
		}
		stored = append(stored, key)
	}
	t.Fatal("the disk never was full")
	return nil
}

// TestAFullDiskRefusesWritesAndNothingElse fills a small disk through a function, with large values and then small ones, and frees it in two ways: by
// deleting keys, and by removing another file. A restart on a full disk serves what is there.
func TestAFullDiskRefusesWritesAndNothingElse(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			disk := smallDisk(t, 24)
			ballast := filepath.Join(disk, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			serve := func() *process.Server {
				return start(t, disk, "serve", probe.path(t), "--port", "0", "--admin", "off", "-k", "KV", "--persist-to", "data", "--log-level", "error")
			}
			s := serve()
			stored := append(fill(t, s, "large", 300_000), fill(t, s, "small", 2_000)...)
			if len(stored) < 5 {
				t.Fatalf("only %d keys fitted", len(stored))
			}
			stillReadable(t, s, stored)
			if answer := put("streamed", "").with("source", "pipe", "n", "500000").send(t, s.URL, "KV"); !strings.HasPrefix(answer, full) {
				t.Errorf("a put by stream: %s", answer)
			}
			wantAnswer(t, s, get("streamed"), "KV", missing)
			for _, key := range stored[:4] {
				wantAnswer(t, s, del(key), "KV", done)
				wantAnswer(t, s, get(key), "KV", missing)
			}
			waitFor(t, "writes resume in the room of deleted keys", func() bool {
				return put("after deletion", "v").send(t, s.URL, "KV") == done
			})
			stored = append(stored[4:], fill(t, s, "again", 300_000)...)
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "writes resume when there is room on the disk", func() bool {
				return put("after ballast", "").with("source", "memory", "n", "1000000").send(t, s.URL, "KV") == done
			})
			stillReadable(t, s, stored)
			stored = append(stored, fill(t, s, "once more large", 300_000)...)
			for range 2 {
				if end := s.Stop(); end.Code != 0 {
					t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
				}
				s = serve()
				stillReadable(t, s, stored)
			}
		})
	}
}

// stillReadable checks that keys are there and can be listed.
func stillReadable(t *testing.T, s *process.Server, keys []string) {
	t.Helper()
	for _, key := range keys {
		n := 300_000
		if strings.HasPrefix(key, "small") {
			n = 2_000
		}
		wantAnswer(t, s, get(key).with("type", "arrayBuffer"), "KV", found(xs(n)))
	}
	if answer := list().with("prefix", keys[0]).send(t, s.URL, "KV"); !strings.HasPrefix(answer, keys[0]+" ") {
		t.Errorf("list: %s", answer)
	}
}
