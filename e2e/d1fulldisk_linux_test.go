package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// fillD1 inserts rows of a size until the disk is full, and gives how many there are of it.
func fillD1(t *testing.T, s *process.Server, bytes int) (stored int) {
	t.Helper()
	for range 10_000 {
		answer := sql("INSERT INTO t (size, v) VALUES (?, ?)", bytes, nTimes(bytes)).send(t, s.URL, "DB")
		switch {
		case strings.HasPrefix(answer, full):
			return stored
		case !strings.HasPrefix(answer, nothing):
			t.Fatalf("insert: %s", answer)
		}
		stored++
	}
	t.Fatal("the disk never was full")
	return 0
}

// TestAFullDiskRefusesD1WritesAndNothingElse fills a small disk and frees it by deleting rows and by removing another file.
func TestAFullDiskRefusesD1WritesAndNothingElse(t *testing.T) {
	t.Parallel()
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			disk := smallDisk(t, 24)
			ballast := filepath.Join(disk, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			serve := func() *process.Server {
				return start(t, disk, "serve", probe.path(t), "--port", "0", "--admin", "off", "--d1", "DB", "--persist-to", "data", "--log-level", "error")
			}
			s := serve()
			wantStripped(t, s, sql("CREATE TABLE t (id INTEGER PRIMARY KEY, size INTEGER, v TEXT)"), nothing)
			stored := fillD1(t, s, 300_000) + fillD1(t, s, 2_000)
			if stored < 5 {
				t.Fatalf("only %d rows fitted", stored)
			}
			count := func() int {
				t.Helper()
				var n int
				for range strings.Lines(sql("SELECT 1 FROM t WHERE length(v) = size").send(t, s.URL, "DB")) {
					n++
				}
				return n - 2 // the lines before and after the rows
			}
			if n := count(); n != stored {
				t.Errorf("%d rows of %d are there", n, stored)
			}
			if answer := batch(sql("INSERT INTO t (size, v) VALUES (1, 'x')"), sql("INSERT INTO t (size, v) VALUES (900000, ?)", nTimes(900_000))).send(t, s.URL, "DB"); !strings.HasPrefix(answer, full) {
				t.Errorf("a batch: %s", answer)
			}
			if n := count(); n != stored {
				t.Errorf("after a batch that failed %d rows of %d are there", n, stored)
			}
			waitFor(t, "rows can be deleted", func() bool {
				return strings.HasPrefix(sql("DELETE FROM t WHERE id <= 4").send(t, s.URL, "DB"), nothing)
			})
			stored -= 4
			waitFor(t, "writes resume in the room of deleted rows", func() bool {
				return strings.HasPrefix(sql("INSERT INTO t (size, v) VALUES (300000, ?)", nTimes(300_000)).send(t, s.URL, "DB"), nothing)
			})
			stored += 1 + fillD1(t, s, 300_000)
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "writes resume when there is room on the disk", func() bool {
				return strings.HasPrefix(sql("INSERT INTO t (size, v) VALUES (1000000, ?)", nTimes(1_000_000)).send(t, s.URL, "DB"), nothing)
			})
			stored += 1 + fillD1(t, s, 300_000)
			for range 2 {
				if end := s.Stop(); end.Code != 0 {
					t.Errorf("exit status %d\n%s", end.Code, end.Stderr)
				}
				s = serve()
				if n := count(); n != stored {
					t.Errorf("after a restart %d rows of %d are there", n, stored)
				}
			}
		})
	}
}
